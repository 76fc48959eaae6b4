"""A table on its way into the account: in a temporary table until it is whole and checked.

The temporary table and the temporary stage are the session's, so that a process that is killed
leaves nothing behind. What stood before stands until one statement replaces it.

Source: Snowflake, "Working with temporary and transient tables"; "CREATE <object>": OR REPLACE
drops the old object and creates the new one in a single transaction.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.snowflake.column_checks import Content, TableCheck
from sf_ml_framework.places.snowflake.column_types import sql_type
from sf_ml_framework.places.snowflake.names import Names, account_columns, literal
from sf_ml_framework.values.columns import StoredColumn
from sf_ml_framework.values.conform import Conform
from sf_ml_framework.values.streams import Stream

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

PART_BYTES = 64 * 2**20
"""Memory of the rows of one file; so much, and a file of it, is held at a time."""

REMEDY = "mend what the node returns, or the columns in the catalog"


class Draft:
    """One table that is being made; use it as a context, which clears it away.

    Args:
        account: the connection; its session owns what is temporary.
        names: where the table will stand.
        what: the table for a person, at the head of a message.
    """

    def __init__(self, account: Account, names: Names, what: str) -> None:
        self._account = account
        self._names = names
        self._what = what
        mark = uuid4().hex[:16].upper()
        self._table = names.sql(f"MLOPS_DRAFT_{mark}")
        self._stage = names.sql(f"MLOPS_PARTS_{mark}")
        self._made: list[str] = []
        self.columns: tuple[StoredColumn, ...] = ()

    def __enter__(self) -> Draft:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from sf_ml_framework.errors import FrameworkError

        for drop in reversed(self._made):
            try:
                self._account.execute(drop)
            except FrameworkError:
                # The session has them, and takes them with it; what went wrong before counts.
                if error is None:
                    raise

    def fill(self, stream: Stream, conform: Conform, columns: tuple[StoredColumn, ...]) -> None:
        """Upload the batches of *stream*, as files of Parquet, one at a time.

        Raises:
            DataError: a value is none of its column's type.
            PlatformError: fewer rows arrived than were sent.
        """
        self._create(columns)
        self._account.execute(f"CREATE TEMPORARY STAGE {self._stage}")
        self._made.append(f"DROP STAGE IF EXISTS {self._stage}")
        theirs = account_columns([each.name for each in columns], self._what)
        count = sent = 0
        for count, part in enumerate(_parts(stream, conform), start=1):
            self._upload(part.rename_columns([theirs[name] for name in part.column_names]), count)
            sent += part.num_rows
        if count:
            self._load(sent)

    def compute(self, query: str, columns: tuple[StoredColumn, ...]) -> None:
        """Let the account compute *query*, which gives *columns* in their order."""
        self._create(columns)
        self._account.execute(f"INSERT INTO {self._table} {query}")

    def content(self, dataset: DatasetSpec) -> Content:
        """Check every row, and return what stands for all of them.

        Raises:
            DataError: names every demand of the catalog that is broken.
        """
        check = TableCheck(self._account, self._table, self.columns, dataset.columns, self._what)
        return check.content(remedy=REMEDY)

    def replace(self, name: str, comment: str) -> None:
        """Put everything where the table *name* stands; its grants stay."""
        theirs = account_columns([each.name for each in self.columns], self._what)
        listed = ", ".join(quoted(theirs[each.name]) for each in self.columns)
        self._account.execute(
            f"CREATE OR REPLACE TRANSIENT TABLE {self._names.sql(name)} ({_defined(self.columns)})"
            f" COMMENT = {literal(comment)} COPY GRANTS AS SELECT {listed} FROM {self._table}"
        )

    def _create(self, columns: tuple[StoredColumn, ...]) -> None:
        account_columns([each.name for each in columns], self._what)
        self._account.execute(f"CREATE TEMPORARY TABLE {self._table} ({_defined(columns)})")
        self._made.append(f"DROP TABLE IF EXISTS {self._table}")
        self.columns = columns

    def _load(self, sent: int) -> None:
        """Read the uploaded files into the table, all of them."""
        from sf_ml_framework.errors import PlatformError

        files = self._account.rows(
            f"COPY INTO {self._table} FROM @{self._stage}"
            " FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE)"
            " MATCH_BY_COLUMN_NAME = CASE_SENSITIVE"
        )
        # Without any file the one row that comes back says so, and has no such column.
        arrived = sum(int(file.get("rows_loaded") or 0) for file in files)
        if arrived != sent:
            raise PlatformError(
                f"{self._what}: {sent} rows were sent and {arrived} arrived",
                remedy="nothing was replaced; run the node again, and see the stage's files if it"
                " stays so",
            )

    def _upload(self, part: Any, number: int) -> None:
        import pyarrow.parquet as pq

        with tempfile.TemporaryDirectory(prefix="mlops-part-") as folder:
            file = Path(folder, f"part-{number:06}.parquet")
            pq.write_table(part, file)
            self._account.upload(file, f"@{self._stage}/")


def columns_of(
    dataset: DatasetSpec,
    types: Mapping[str, str],
    categories: Mapping[str, tuple[tuple[str, ...], bool]],
) -> tuple[StoredColumn, ...]:
    """Return the columns of a table with these types, categories as the catalog or its rows say."""
    named = {each.name: tuple(map(str, each.allowed)) for each in dataset.columns}
    found = []
    for name, kind in types.items():
        if kind != "category":
            found.append(StoredColumn(name, kind))
        elif named.get(name):
            found.append(StoredColumn(name, kind, named[name]))
        else:
            found.append(StoredColumn(name, kind, *categories.get(name, ((), False))))
    return tuple(found)


def _defined(columns: Sequence[StoredColumn]) -> str:
    theirs = account_columns([each.name for each in columns], "a table")
    return ", ".join(f"{quoted(theirs[each.name])} {sql_type(each.type)}" for each in columns)


def _parts(stream: Stream, conform: Conform) -> Iterator[Any]:
    """Yield the rows of *stream* as tables of about ``PART_BYTES``."""
    import pyarrow as pa

    waiting: list[Any] = []
    size = 0
    for batch in stream.batches:
        fitting = conform.batch(batch)
        if fitting.num_rows:
            waiting.append(fitting)
            size += fitting.nbytes
        if size >= PART_BYTES:
            yield pa.Table.from_batches(waiting, conform.schema)
            waiting, size = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting, conform.schema)
