"""A cloned database put right: what came along says of itself that it stands elsewhere.

The rows of MLOPS_DATASETS name the other database, and tell objects by when they were made; the
runs that went on and the deployments are the other target's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.ledger import Signature
from sf_ml_framework.places.snowflake.model_copies import Schema, copying
from sf_ml_framework.places.snowflake.names import Names, literal
from sf_ml_framework.places.snowflake.standing import table_stands
from sf_ml_framework.places.snowflake.table_facts import facts_of
from sf_ml_framework.plan.cloning import Defined, Original
from sf_ml_framework.plan.names import DATASETS, DEPLOYMENTS, NODE_RUNS, RUNS, mark
from sf_ml_framework.plan.quoting import name

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.targets import Target


def original_of(account: Account, parent: Target, project: str) -> Original:
    """Return what must be known of the schema of *parent* before it is cloned.

    Raises:
        OperatorError: it is not there, or the role may not see it.
    """
    scope = f"IN SCHEMA {quoted(parent.database)}.{quoted(parent.schema)}"
    ours = {
        kind: tuple(
            str(row["name"])
            for row in account.rows(f"SHOW {kind} {scope}")
            if str(row["comment"] or "").startswith(mark(project))
        )
        for kind in ("TASKS", "ALERTS")
    }
    defined = [
        Defined(
            kind=kind,
            name=str(row["name"]),
            text=str(row["text"] or ""),
            owner=str(row["owner"] or ""),
        )
        # Views first: a dynamic table that is made anew is filled from what they show then.
        for kind in ("VIEW", "DYNAMIC TABLE")
        for row in account.rows(f"SHOW {kind}S {scope}")
    ]
    return Original(
        tasks=ours["TASKS"],
        alerts=ours["ALERTS"],
        tables=tuple(str(row["name"]) for row in account.rows(f"SHOW TABLES {scope}")),
        defined=tuple(defined),
    )


_ENDED = ("DONE", "FAILED", "CANCELLED", "INTERNAL_ERROR", "DELETED")
"""States of a job that runs no more."""


class Clone:
    """The data of an environment, while it is made.

    Args:
        account: acts as whoever may change the clone.
        parent: the target that was cloned.
        target: the environment.
    """

    def __init__(self, account: Account, parent: Target, target: Target) -> None:
        self._account = account
        self._parent, self._target = Names.of(parent), Names.of(target)
        self._from = Schema(account, parent.database, parent.schema)
        self._to = Schema(account, target.database, target.schema)

    def bring_models(self) -> Iterator[str]:
        """Copy the versions that datasets stand for, unless they came along; yield each.

        Models are on no list of what is cloned.
        """
        wanted: dict[str, dict[str, None]] = {}
        for row in self._rows("kind = 'model'"):
            model, _, version = str(row["location"]).rpartition("/versions/")
            wanted.setdefault(model.rpartition(".")[2].strip('"'), {})[version] = None
        comments = self._from.models() if wanted else {}
        for model, names in wanted.items():
            here, there = self._from.versions(model), self._to.versions(model)
            came = bool(there)
            for each in (one for one in here if one in names and one not in there):
                for statement in copying(here[each], self._from, self._to, each, there):
                    self._account.execute(statement)
                said = literal(here[each].registry.comment)
                one = f"ALTER MODEL {self._to.named(model)} MODIFY VERSION {quoted(each)}"
                self._account.execute(f"{one} SET COMMENT = {said}")
                there = {**there, each: here[each]}
                yield f"{model} version {each}"
            if there and not came:
                self._say(model, comments.get(model, ""), here, there)

    def _say(self, model: str, comment: str, here: Any, there: Any) -> None:
        """Let the copy of a model say what the model says of itself."""
        named = self._to.named(model)
        if comment:
            self._account.execute(f"COMMENT ON MODEL {named} IS {literal(comment)}")
        default = next((key for key, each in here.items() if each.registry.is_default), "")
        if default in there:
            self._account.execute(f"ALTER MODEL {named} SET DEFAULT_VERSION = {quoted(default)}")

    def put_right(self) -> None:
        """Let the framework's tables speak of the environment: the last thing that is done."""
        account, target = self._account, self._target
        account.execute(f"DELETE FROM {target.sql(DEPLOYMENTS)}")
        for table in (RUNS, NODE_RUNS):
            # They go on elsewhere, if at all.
            account.execute(
                f"UPDATE {target.sql(table)} SET status = 'cancelled' WHERE status = 'running'"
            )
        rows = self._rows("TRUE")
        signatures = [_signature(row) for row in rows]
        facts = facts_of(account, target, [each.object for each in signatures] or [""])
        for row, signature in zip(rows, signatures, strict=True):
            text = str(row["object_signature"] or "")
            if row["kind"] == "model":
                text = self._model_signature(row) or text
            elif signature.object in facts:
                fact = facts[signature.object]
                made = {"created": fact.created, "altered": fact.altered}
                text = msgspec.json.encode(msgspec.structs.replace(signature, **made)).decode()
            account.execute(
                f"UPDATE {target.datasets} SET location = ?, object_signature = ?"
                " WHERE dataset = ? AND version = ?",
                (self._moved(str(row["location"] or "")), text, row["dataset"], row["version"]),
            )

    def _rows(self, where: str) -> list[dict[str, Any]]:
        """Return rows of MLOPS_DATASETS in the clone; none where the table did not come along."""
        if not table_stands(self._account, self._target.database, self._target.schema, DATASETS):
            return []
        return self._account.rows(
            "SELECT dataset, version, kind, location, object_signature"
            f" FROM {self._target.datasets} WHERE {where} ORDER BY dataset, saved_at"
        )

    def _moved(self, location: str) -> str:
        for old, new in (
            (self._parent.shown("_")[:-1], self._target.shown("_")[:-1]),
            (f"{self._parent.database}.{self._parent.schema}.",
             f"{self._target.database}.{self._target.schema}."),
        ):  # fmt: skip
            for head in ("", "@"):
                if location.startswith(head + old):
                    return head + new + location.removeprefix(head + old)
        return location

    def _model_signature(self, row: dict[str, Any]) -> str:
        _, _, version = str(row["location"]).rpartition("/versions/")
        found = self._to.versions(str(row["dataset"]).upper()).get(version)
        return found.registry.signature if found else ""


def _signature(row: dict[str, Any]) -> Signature:
    if row["kind"] == "model":
        return Signature()
    try:
        return msgspec.json.decode(row["object_signature"] or "{}", type=Signature)
    except msgspec.DecodeError:
        return Signature()  # it was damaged before, and stays so


def cancel_jobs(account: Account, database: str) -> Iterator[str]:
    """Drop the jobs and services that run in *database*; yield each."""
    for row in account.rows(f"SHOW SERVICES IN DATABASE {quoted(database)}"):
        if str(row["status"]).upper() in _ENDED:
            continue
        # Names of services take no quotes.
        full = name(f"{database}.{row['schema_name']}.{row['name']}")
        account.execute(f"DROP SERVICE IF EXISTS {full}")
        yield full
