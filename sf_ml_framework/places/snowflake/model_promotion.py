"""A version of a model moved from one target to another, and back: copied, never trained again.

What decides which version nodes load is the row in MLOPS_DATASETS of the target's schema; what SQL
scores with is the default version. Both move together here. Who moved a version, when, from where
and in whose place is written at the end of its comment, so that the way back is known.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.errors import DataError, ModelError, UnknownNameError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.environments import account_now
from sf_ml_framework.places.snowflake.model_copies import Schema, Version, copying
from sf_ml_framework.places.snowflake.model_records import (
    ModelRecord,
    ModelRecords,
    Origin,
    content_in,
)
from sf_ml_framework.places.snowflake.model_versions import free_name, is_name_for
from sf_ml_framework.places.snowflake.models import PICKLE
from sf_ml_framework.places.snowflake.names import literal
from sf_ml_framework.places.snowflake.registry import ModelRegistry
from sf_ml_framework.run.clock import now

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.targets import Target

_MOVED = re.compile(
    r", promoted from (?P<source>\S+) version (?P<version>\S+) by (?P<by>.+?) at (?P<at>\S+?Z)"
    r"(?: instead of (?P<before>\w+))?$"
)
_SAID = re.compile(r"(?:^|, )(version|node|run|commit) ([^,]+)")


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """How a version came where it stands."""

    source: str
    """The model it was copied from, qualified."""
    version: str
    by: str
    at: str
    before: str = ""
    """The version of the registry that it took the place of."""


def moved_in(comment: str) -> Moved | None:
    """Return what the comment of a version tells of its promotion; none when it tells of none."""
    found = _MOVED.search(comment)
    return (
        Moved(**{key: value or "" for key, value in found.groupdict().items()}) if found else None
    )


def said_in(comment: str) -> dict[str, str]:
    """Return what a comment tells of the making: version, node, run and commit."""
    return dict(_SAID.findall(_MOVED.sub("", comment)))


class Place:
    """The models of one target.

    Args:
        account: the connection.
        target: where.
    """

    def __init__(self, account: Account, target: Target) -> None:
        self.target = target
        self.schema = Schema(account, target.database, target.schema)
        self.registry = ModelRegistry(account, target.database, target.schema)
        self._account = account
        self._records = ModelRecords(account, target.database, target.schema)

    def records(self, dataset: str) -> list[ModelRecord]:
        """Return the author's versions of a model, the one that was saved last first."""
        return self._records.versions(dataset)

    def full(self, model: str) -> str:
        """Return *model* qualified, for a person."""
        return f"{self.target.database}.{self.target.schema}.{model}"

    def chosen(self, dataset: str, version: str, current: str) -> tuple[ModelRecord, Version]:
        """Return a version and what stands for it.

        Args:
            dataset: the model's name in the catalog.
            version: the author's, or one of the registry; empty: *current*.
            current: the catalog's.

        Raises:
            UnknownNameError: the model has no such version.
            ModelError: what the record names is gone from the registry.
        """
        model, records = dataset.upper(), self.records(dataset)
        standing = self.schema.versions(model)
        wanted = version or current
        for record in records:
            if record.version == wanted:
                break
        else:
            record = self._of_registry(records, standing, wanted)
        name = record.registry_version
        if name not in standing:
            raise ModelError(
                f"{dataset}@{record.version} is no longer in the Model Registry as {name}",
                remedy="run the node that makes it",
            )
        return record, standing[name]

    def _of_registry(
        self, records: list[ModelRecord], standing: dict[str, Version], wanted: str
    ) -> ModelRecord:
        """Return the record that a version of the registry would have."""
        found = standing.get(wanted.upper())
        for record in records:
            if found and is_name_for(found.registry.name, record.version):
                return self.record_of(record, found)
        known = [*(record.version for record in records), *standing]
        raise UnknownNameError(kind="version of the model", name=wanted, known=known)

    def record_of(self, like: ModelRecord, version: Version) -> ModelRecord:
        """Return *like* with another version of the registry in its place; its bytes are read.

        Raises:
            ModelError: the version is none of ours, or its bytes are not those it was saved with.
        """
        comment = version.registry.comment
        content = content_in(comment)
        what = f"{self.full(version.model)} version {version.registry.name}"
        if not content:
            raise ModelError(
                f"{what} was not made by this framework", remedy="choose another version"
            )
        with tempfile.TemporaryDirectory(prefix="mlops-model-") as folder:
            try:
                name = version.registry.name
                (data,) = self.registry.fetch(version.model, name, (PICKLE,), Path(folder))
            except FileNotFoundError as error:
                raise ModelError(f"{what} lacks its pickle", remedy="choose another") from error
        if sha256(data).hexdigest() != content:
            raise ModelError(
                f"{what} has other bytes than its comment says", remedy="choose another version"
            )
        return msgspec.structs.replace(
            like,
            content=content,
            bytes=len(data),
            location=f"{self.full(version.model)}/versions/{version.registry.name}",
            object_signature=version.registry.signature,
            saved_at=now(),
        )

    def point(self, record: ModelRecord, *, alias: str, default: bool) -> None:
        """Let nodes load *record* from now on and, where *default*, SQL score with it.

        The row is written first: it is what decides, as when a node saves.
        """
        model, name = record.dataset.upper(), record.registry_version
        (version,) = (
            each for each in self.schema.versions(model).values() if each.registry.name == name
        )
        said = said_in(version.registry.comment)
        origin = Origin(run_id=said.get("run", ""), node=said.get("node", ""))
        self._records.put(record, origin)
        if default:
            self.registry.promote(model, name, alias=alias)
        elif alias:
            self.registry.set_alias(model, name, alias)


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """A version on its way from one target to another, before anything is done."""

    record: ModelRecord
    """As the source has it."""
    source: Version
    name: str
    """Of the version in the registry of the target."""
    is_copied: bool
    """Whether it is copied; else the target has that very content already."""
    before: str
    """What stands for the author's version there now; empty: nothing does."""


def planned(source: Place, target: Place, dataset: str, version: str, current: str) -> Promotion:
    """Return what a promotion would do.

    Raises:
        UnknownNameError: there is no such version in the source.
    """
    record, found = source.chosen(dataset, version, current)
    standing = target.schema.versions(found.model)
    same = [
        name
        for name, each in standing.items()
        if is_name_for(name, record.version) and content_in(each.registry.comment) == record.content
    ]
    now_there = [each for each in target.records(dataset) if each.version == record.version]
    return Promotion(
        record=record,
        source=found,
        name=same[0] if same else free_name(record.version, list(standing)),
        is_copied=not same,
        before=now_there[0].registry_version if now_there else "",
    )


def statements(
    promotion: Promotion, source: Place, target: Place, account: Account
) -> Iterator[str]:
    """Yield the statements that put the version, and all that is said of it, into the target.

    What is said is who does it, now.
    """
    by, at = str(account.rows("SELECT CURRENT_USER() AS name")[0]["name"]), account_now(account)
    found = promotion.source
    standing = target.schema.versions(found.model)
    comments = source.schema.models()
    yield from copying(found, source.schema, target.schema, promotion.name, standing)
    there = target.schema.named(found.model)
    if promotion.before == promotion.name:
        return  # nodes load it already, and its comment says whence it came
    comment = _MOVED.sub("", found.registry.comment)
    comment += (
        f", promoted from {source.full(found.model)} version {found.registry.name} by {by} at {at}"
    )
    if promotion.before:
        comment += f" instead of {promotion.before}"
    one = f"ALTER MODEL {there} MODIFY VERSION {quoted(promotion.name)}"
    yield f"{one} SET COMMENT = {literal(comment)}"
    if not standing and comments.get(found.model):
        yield f"COMMENT ON MODEL {there} IS {literal(comments[found.model])}"


def tags_of(promotion: Promotion, source: Place) -> dict[str, str]:
    """Return what the model in the target is tagged with after a promotion."""
    found = source.schema.tags(promotion.source.model)
    said = said_in(promotion.source.registry.comment)
    own = {"MLOPS_VERSION": promotion.record.version, "MLOPS_RUN": said.get("run", ""),
           "MLOPS_COMMIT": said.get("commit", ""),
           "MLOPS_PROMOTED_FROM": source.full(promotion.source.model)}  # fmt: skip
    return {**found, **{name: value for name, value in own.items() if value}}


def carry_out(
    promotion: Promotion, source: Place, target: Place, account: Account, todo: list[str],
    *, alias: str, default: bool,
) -> ModelRecord:  # fmt: skip
    """Do what was planned, and return the row that nodes of the target load by.

    Raises:
        ModelError: the copy has other bytes; it stands, and nothing points to it.
    """
    for statement in todo:
        account.execute(statement)
    model = promotion.source.model
    target.registry.set_tags(model, tags_of(promotion, source))
    copy = target.schema.versions(model)[promotion.name]
    record = target.record_of(promotion.record, copy)
    target.point(record, alias=alias, default=default)
    return record


def way_back(place: Place, dataset: str, version: str, to: str) -> tuple[ModelRecord, Version]:
    """Return the row of *version* as it would be after going back, and what it would stand for.

    Args:
        place: the target.
        dataset: the model.
        version: the author's.
        to: a version of the registry; empty: the one that today's took the place of, else the
            one that was made before it.

    Raises:
        DataError: there is none to go back to.
        UnknownNameError: there is no such version.
    """
    record, today = place.chosen(dataset, version, version)
    standing = place.schema.versions(today.model)
    if to and to.upper() not in standing:
        raise UnknownNameError(kind="version of the model", name=to, known=standing)
    moved = moved_in(today.registry.comment)
    wanted = to.upper() or (moved.before if moved else "") or _older(today, record, standing)
    if wanted not in standing or wanted == today.registry.name:
        raise DataError(
            f"{place.full(today.model)} has no version before {today.registry.name} to go back to",
            remedy="mlops models ls lists them; name one with --to",
        )
    return place.record_of(record, standing[wanted]), standing[wanted]


def _older(today: Version, record: ModelRecord, standing: dict[str, Version]) -> str:
    names = [name for name in standing if is_name_for(name, record.version)]
    at = names.index(today.registry.name) if today.registry.name in names else 0
    return names[at - 1] if at else ""


def row_of(version: Version, records: list[ModelRecord], place: Place) -> dict[str, Any]:
    """Return what is shown of a version."""
    registry = version.registry
    said, moved = said_in(registry.comment), moved_in(registry.comment)
    means = [each.version for each in records if each.registry_version == registry.name]
    return {
        "model": version.model.lower(),
        "version": said.get("version", ""),
        "registry": registry.name,
        "loaded_as": ", ".join(means),
        "default": registry.is_default,
        "aliases": list(registry.aliases),
        "created": registry.signature,
        "metrics": version.metrics,
        "node": said.get("node", ""),
        "run": said.get("run", ""),
        "commit": said.get("commit", ""),
        "content": content_in(registry.comment),
        "promoted_from": f"{moved.source} {moved.version}" if moved else "",
        "promoted_by": moved.by if moved else "",
        "promoted_at": moved.at if moved else "",
        "instead_of": moved.before if moved else "",
        "target": place.target.name,
    }
