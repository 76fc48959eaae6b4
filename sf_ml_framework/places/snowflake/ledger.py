"""MLOPS_DATASETS: one row for each version of a table, document or report, as it was saved last.

A row is written after the object that it tells of stands. Who is killed in between leaves a row
that no longer fits its object; that version counts as damaged, and its node runs again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec, Kind
from sf_ml_framework.places.snowflake.merging import merge
from sf_ml_framework.places.snowflake.model_records import Origin
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.run.records import Saved
from sf_ml_framework.values.columns import StoredColumn

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_COLUMNS = (
    "dataset", "version", "kind", "content", "row_count", "bytes", "location",
    "object_signature", "saved_at", "run_id", "node",
)  # fmt: skip


class StagedFile(msgspec.Struct, frozen=True):
    """One file in the stage, as LIST told of it when it had been put there."""

    name: str
    bytes: int
    md5: str
    """As LIST tells it: of what the stage keeps, which may be encrypted."""
    sha256: str
    """Of the file itself."""


class Signature(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of the object of a version, so that a change of it is noticed unread."""

    object: str = ""
    """Name of the table; empty where there are files."""
    created: str = ""
    altered: str = ""
    columns: tuple[StoredColumn, ...] = ()
    checks: str = ""
    """Digest of the checks that the columns passed when they were written."""
    folder: str = ""
    """Where in the stage the files stand."""
    files: tuple[StagedFile, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    dataset: str
    version: str
    kind: Kind
    content: str
    location: str
    saved_at: str
    """UTC in ISO 8601."""
    signature: Signature
    row_count: int | None = None
    bytes: int = 0

    @property
    def saved(self) -> Saved:
        """What the place says of it."""
        return Saved(
            dataset=self.dataset,
            version=self.version,
            content=self.content,
            bytes=self.bytes,
            rows=self.row_count,
            location=self.location,
        )


class Ledger:
    """Reads and writes the rows of everything but models.

    Args:
        account: the connection.
        names: where the table stands.
        origin: the run and the node that save; kept with each row.
    """

    def __init__(self, account: Account, names: Names, origin: Origin) -> None:
        self._account = account
        self._table = names.datasets
        self.origin = origin

    def entry(self, dataset: DatasetSpec, version: str) -> Entry | None:
        """Return what is known of a version; none when nothing is, or another kind stood there.

        Raises:
            DataError: the row was written by something else and cannot be understood.
        """
        rows = self._account.rows(
            f"SELECT {', '.join(_COLUMNS)} FROM {self._table}"
            " WHERE dataset = ? AND version = ? AND kind = ?",
            (dataset.name, version, dataset.kind),
        )
        return _entry(rows[0]) if rows else None

    def latest(self, dataset: DatasetSpec) -> str:
        """Return the version that was saved last; empty when there is none."""
        rows = self._account.rows(
            f"SELECT version FROM {self._table} WHERE dataset = ? AND kind = ?"
            " ORDER BY saved_at DESC, version DESC LIMIT 1",
            (dataset.name, dataset.kind),
        )
        return str(rows[0]["version"]) if rows else ""

    def put(self, entry: Entry) -> None:
        """Write *entry* in the place of what was known of its version."""
        values = (
            entry.dataset, entry.version, entry.kind, entry.content, entry.row_count, entry.bytes,
            entry.location, msgspec.json.encode(entry.signature).decode(), entry.saved_at,
            self.origin.run_id, self.origin.node,
        )  # fmt: skip
        self._account.execute(merge(self._table, _COLUMNS, keys=2), values)


def _entry(row: dict[str, Any]) -> Entry:
    try:
        signature = msgspec.json.decode(row["object_signature"] or "{}", type=Signature)
        fields = {name: row[name] for name in Entry.__struct_fields__ if name != "signature"}
        return msgspec.convert({**fields, "signature": signature}, Entry)
    except (msgspec.DecodeError, TypeError) as error:
        raise DataError(
            f"what MLOPS_DATASETS says of '{row['dataset']}@{row['version']}' is damaged: {error}",
            remedy="run the node that makes it again",
        ) from error
