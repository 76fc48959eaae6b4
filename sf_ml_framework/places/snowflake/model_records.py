"""What is written of models beside the registry: rows in MLOPS_DATASETS, and comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.merging import merge
from sf_ml_framework.plan.names import DATASETS

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_COLUMNS = (
    "dataset", "version", "kind", "content", "row_count", "bytes", "location",
    "object_signature", "saved_at", "run_id", "node",
)  # fmt: skip
_READ = "dataset, version, content, bytes, location, object_signature, saved_at"
_CONTENT = re.compile(r"content sha256:([0-9a-f]{64})")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who saves: a node in a run, and the commit of its code."""

    run_id: str = ""
    node: str = ""
    commit: str = ""
    """As git writes it; ``-dirty`` at its end says that files differed from it."""

    def comment(self, version: str, content: str) -> str:
        """Return the comment of a version of the registry, for people and for ``content_in``."""
        parts = (
            f"version {version}",
            f"node {self.node}" if self.node else "",
            f"run {self.run_id}" if self.run_id else "",
            f"commit {self.commit}" if self.commit else "",
            f"content sha256:{content}",
        )
        # The official client puts a comment between $$, which therefore cannot stand in it.
        return ", ".join(filter(None, parts)).replace("$", "")


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a model dataset, as it was saved last."""

    dataset: str
    version: str
    content: str
    """SHA-256 of the pickle."""
    bytes: int
    location: str
    """``DB.SCHEMA.MODEL/versions/V1_0_0_2``: the model, and the version of the registry."""
    object_signature: str
    """When the registry's version was made, as it says itself."""
    saved_at: str
    """UTC in ISO 8601."""

    @property
    def registry_version(self) -> str:
        """The identifier of the version in the registry."""
        return self.location.rpartition("/")[2]


class ModelRecords:
    """Reads and writes the rows of models in MLOPS_DATASETS.

    Args:
        account: the connection.
        database: where the table stands, as Snowflake stores the name.
        schema: the same.
    """

    def __init__(self, account: Account, database: str, schema: str) -> None:
        self._account = account
        self._table = f"{quoted(database)}.{quoted(schema)}.{quoted(DATASETS)}"

    def versions(self, dataset: str) -> list[ModelRecord]:
        """Return every version of *dataset*, the one that was saved last first."""
        rows = self._account.rows(
            f"SELECT {_READ} FROM {self._table}"
            " WHERE dataset = ? AND kind = 'model' ORDER BY saved_at DESC",
            (dataset,),
        )
        return [msgspec.convert(row, ModelRecord, strict=False) for row in rows]

    def put(self, record: ModelRecord, origin: Origin) -> None:
        """Write *record* in the place of what was known of its version."""
        values = (
            record.dataset, record.version, "model", record.content, None, record.bytes,
            record.location, record.object_signature, record.saved_at, origin.run_id, origin.node,
        )  # fmt: skip
        self._account.execute(merge(self._table, _COLUMNS, keys=2), values)


def content_in(comment: str) -> str:
    """Return the hash of the content that a version's comment names; empty when it names none."""
    found = _CONTENT.search(comment)
    return found[1] if found else ""
