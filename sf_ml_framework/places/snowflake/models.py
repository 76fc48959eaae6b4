"""Models in an account: versions of the official Model Registry.

See ``docs/adr/0011-model-versions.md`` for which version of the registry a version of the author's
stands for, and what of it a node gets back.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.errors import DataError, ModelError, SettingsError
from sf_ml_framework.manifest.model import DatasetSpec, Frame
from sf_ml_framework.places.snowflake.model_records import (
    ModelRecord,
    ModelRecords,
    Origin,
    content_in,
)
from sf_ml_framework.places.snowflake.model_versions import (
    RegistryVersion,
    free_name,
    identifier_of,
    is_name_for,
    namesakes,
    why_not_alias,
)
from sf_ml_framework.places.snowflake.registry import ModelRegistry, VersionTakenError
from sf_ml_framework.run.clock import now
from sf_ml_framework.run.records import Saved
from sf_ml_framework.values.models import StoredModel, pickled, refuse_other_features, restored

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.model_logging import SeenTable
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.run.libraries import Libraries

FORMAT = 1
"""Version of the manifest of a model; a reader refuses every other."""

PICKLE, MANIFEST = "model.pkl", "model.json"
"""Names of our files beside a version: the object that the node returned, and what must hold."""

MOST_TABLES = 8
"""Tables of a node that are remembered for the sample of a model."""

_TRIES = 3
"""How often another may take the name of a version that is just being made."""

_LOGGER = logging.getLogger(__name__)


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside a pickle in the registry.

    The hash of the pickle is in MLOPS_DATASETS too: who can write only one of both cannot have
    other bytes unpickled.
    """

    format: int
    content: str
    """SHA-256 of the pickle in hex."""
    model: StoredModel


class ModelStore:
    """Saves, finds and loads models, each a dataset of the kind ``model``.

    One instance serves one node of one run: what the node loads gives a model that it saves its
    sample, and what it reports its metrics. Call ``begin`` before another node.

    Args:
        account: the connection.
        database: of the target, as Snowflake stores the name.
        schema: the same.
        origin: the run and node that save, and the commit of their code.
        alias: of the target's stage, for the version that the catalog's stands for now; may be
            empty.
        project: for a tag; may be empty.

    Raises:
        SettingsError: *alias* cannot be one.
    """

    def __init__(
        self,
        account: Account,
        database: str,
        schema: str,
        *,
        origin: Origin | None = None,
        alias: str = "",
        project: str = "",
    ) -> None:
        self._account = account
        self._where = f"{database}.{schema}"
        self._records = ModelRecords(account, database, schema)
        self._registry = ModelRegistry(account, database, schema)
        if alias and (why := why_not_alias(alias)):
            raise SettingsError(
                f"{alias!r} cannot be the alias of a model's version: {why}",
                remedy="give the target another stage in mlops.yml",
            )
        self._alias = alias.upper()
        self._project = project
        self.begin(origin or Origin())

    def begin(self, origin: Origin) -> None:
        """Forget the node before: what follows is done by *origin*."""
        self._origin = origin
        self._tables: list[SeenTable] = []
        self._metrics: dict[str, Any] = {}
        self._loaded: dict[str, str] = {}
        self._made: dict[str, str] = {}

    @property
    def official(self) -> Any:
        """The official Registry of the schema."""
        return self._registry.official

    def note_table(self, value: Any, official: Callable[[], Any] | None = None) -> None:
        """Remember the first rows of what the node loaded, as the sample of a model.

        Args:
            value: the table, in whatever type the node takes it.
            official: gives the official Dataset of these rows, or none. A model whose sample comes
                from it has it in its lineage. It is called when a model is saved.
        """
        from sf_ml_framework.places.snowflake.model_logging import SeenTable, first_rows

        rows = first_rows(value)
        if rows is not None:
            self._tables = [SeenTable(rows=rows, official=official), *self._tables][:MOST_TABLES]

    def note_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Give what the node reports to the one model that it saved, or else loaded."""
        self._metrics |= metrics
        models = self._made or self._loaded
        if len(models) == 1:
            ((dataset, version),) = models.items()
            self._registry.set_metrics(dataset.upper(), version, metrics)

    def latest(self, dataset: DatasetSpec) -> str:
        """Return the author's version that was saved last; empty when there is none."""
        found = self._records.versions(dataset.name)
        return found[0].version if found else ""

    def find(self, dataset: DatasetSpec, version: str) -> Saved | None:
        """Return what stands at *version*; none when it is absent or another was put in its place.

        Files of a registry's version cannot be changed, so that it is the one that was made then
        says that it is whole.
        """
        record = self._record(dataset, version)
        return self._saved(record) if record and self._standing(record) else None

    def why_not_found(self, dataset: DatasetSpec, version: str) -> str:
        """Return ``missing`` or ``damaged`` for what ``find`` does not find, empty else."""
        record = self._record(dataset, version)
        if record is None:
            return "missing"
        return "" if self._standing(record) else "damaged"

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Saved:
        """Put *value* into the registry, and let *version* stand for it from then on.

        A model with the content of a version that the registry has of it is that version. The row
        in MLOPS_DATASETS is what decides; alias and default follow it, for the catalog's version.

        Raises:
            DataError: it cannot be pickled, called, or told from another version.
        """
        what = f"{dataset.name}@{version}"
        data, about = pickled(value, what, self._libraries)
        refuse_other_features(_columns(dataset), about.feature_names, what, DataError)
        records = self._records.versions(dataset.name)
        _refuse_namesakes(what, version, [record.version for record in records])
        model = dataset.name.upper()
        content = sha256(data).hexdigest()
        stands = self._holding(model, version, content)
        if stands is None:
            stands = self._log(dataset, version, value, data, about)
            self._registry.describe(model, dataset.description)
        else:
            self._registry.set_metrics(model, stands.name, self._metrics)
        record = ModelRecord(
            dataset=dataset.name,
            version=version,
            content=content,
            bytes=len(data),
            location=f"{self._where}.{model}/versions/{stands.name}",
            object_signature=stands.signature,
            saved_at=now(),
        )
        self._records.put(record, self._origin)
        self._made[dataset.name] = stands.name
        if version == dataset.version:
            self._registry.promote(model, stands.name, alias=self._alias)
            self._registry.set_tags(model, self._tags(version))
        return self._saved(record)

    def load(self, dataset: DatasetSpec, version: str, frame: Frame = "any") -> Any:
        """Return the very object that was saved at *version*.

        Raises:
            DataError: it is absent, or asked for as something else than a model.
            ModelError: it is not the one that was saved, or does not fit what is installed.
        """
        what = f"{dataset.name}@{version}"
        remake = "run the node that makes it with --force"
        if frame not in ("model", "any"):
            raise DataError(
                f"{what} is a model, and cannot be given as a {frame}",
                remedy="annotate the argument with the class of the model, or not at all",
            )
        record = self._record(dataset, version)
        if record is None:
            raise DataError(
                f"there is no {what} in the Model Registry of {self._where}", remedy=remake
            )
        if not self._standing(record):
            raise ModelError(
                f"{what} is no longer in the Model Registry as {record.location};"
                " it was not unpickled",
                remedy=remake,
            )
        data, manifest = self._fetched(record, what, remake)
        refuse_other_features(_columns(dataset), manifest.model.feature_names, what, ModelError)
        value = restored(data, manifest.model, what, remake, self._libraries)
        self._loaded[dataset.name] = record.registry_version
        return value

    @cached_property
    def _libraries(self) -> Libraries:
        from sf_ml_framework.run.libraries import Libraries

        return Libraries()

    def _record(self, dataset: DatasetSpec, version: str) -> ModelRecord | None:
        found = self._records.versions(dataset.name)
        return next((record for record in found if record.version == version), None)

    def _standing(self, record: ModelRecord) -> bool:
        name = record.registry_version
        found = self._registry.versions(record.dataset.upper(), name)
        return any(each.signature == record.object_signature for each in found)

    def _saved(self, record: ModelRecord) -> Saved:
        return Saved(
            dataset=record.dataset,
            version=record.version,
            content=record.content,
            bytes=record.bytes,
            location=record.location,
        )

    def _tags(self, version: str) -> dict[str, str]:
        found = {
            "MLOPS_PROJECT": self._project,
            "MLOPS_VERSION": version,
            "MLOPS_RUN": self._origin.run_id,
            "MLOPS_COMMIT": self._origin.commit,
        }
        return {name: value for name, value in found.items() if value}

    def _holding(self, model: str, version: str, content: str) -> RegistryVersion | None:
        """Return the registry's version of *version* that holds *content*; none when none does."""
        for known in self._registry.versions(model):
            if is_name_for(known.name, version) and content_in(known.comment) == content:
                return known
        return None

    def _fetched(self, record: ModelRecord, what: str, remake: str) -> tuple[bytes, ModelManifest]:
        """Return the pickle, which is the one that was saved, and what is known of it."""
        with tempfile.TemporaryDirectory(prefix="mlops-model-") as folder:
            try:
                data, text = self._registry.fetch(
                    record.dataset.upper(),
                    record.registry_version,
                    (PICKLE, MANIFEST),
                    Path(folder),
                )
            except FileNotFoundError as error:
                raise ModelError(
                    f"{what} lacks the files of this framework in {record.location}",
                    remedy=remake,
                ) from error
        try:
            manifest = msgspec.json.decode(text, type=ModelManifest)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ModelError(
                f"the manifest of {what} cannot be read ({error}); it was not unpickled",
                remedy=remake,
            ) from error
        if manifest.format != FORMAT:
            raise ModelError(
                f"the manifest of {what} has format {manifest.format}, and {FORMAT} is understood;"
                " it was not unpickled",
                remedy=remake,
            )
        if not sha256(data).hexdigest() == manifest.content == record.content:
            raise ModelError(
                f"{what} has other bytes than were saved; it was not unpickled", remedy=remake
            )
        return data, manifest

    def _log(
        self, dataset: DatasetSpec, version: str, value: Any, data: bytes, about: StoredModel
    ) -> RegistryVersion:
        """Make a new version of the registry and return it."""
        from sf_ml_framework.places.snowflake.model_logging import logged

        what, model = f"{dataset.name}@{version}", dataset.name.upper()
        content = sha256(data).hexdigest()
        manifest = ModelManifest(format=FORMAT, content=content, model=about)
        with tempfile.TemporaryDirectory(prefix="mlops-model-") as folder:
            files = (Path(folder, PICKLE), Path(folder, MANIFEST))
            files[0].write_bytes(data)
            files[1].write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
            how = logged(
                value,
                about,
                pickle_file=files[0],
                tables=self._tables,
                what=what,
                libraries=self._libraries,
            )
            if how.note:
                _LOGGER.warning("%s: %s", what, how.note)
            for left in reversed(range(_TRIES)):
                name = free_name(version, [each.name for each in self._registry.versions(model)])
                try:
                    return self._registry.log(
                        model,
                        name,
                        how,
                        comment=self._origin.comment(version, content),
                        metrics=self._metrics,
                        files=files,
                    )
                except VersionTakenError:
                    if not left:
                        raise
        raise AssertionError("unreachable")


def _columns(dataset: DatasetSpec) -> tuple[str, ...]:
    return tuple(column.name for column in dataset.columns)


def _refuse_namesakes(what: str, version: str, others: Sequence[str]) -> None:
    """Refuse a version whose identifier is that of another: SQL could not tell them apart."""
    try:
        same = namesakes(version, others)
    except ValueError as error:
        raise DataError(
            f"{what} cannot be saved: {error}", remedy="choose another version"
        ) from error
    if same:
        raise DataError(
            f"{what} cannot be saved: the Model Registry would have it as"
            f" {identifier_of(version)}, which is {same[0]!r} already",
            remedy="choose a version that differs in more than case, points and lines",
        )
