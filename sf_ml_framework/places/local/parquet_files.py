"""Tables as Parquet, of the same bytes however the rows arrive.

Rows are gathered into groups of one size before they are encoded. Texts get a dictionary; trying
one for every number, too, doubles the time of writing and saves a few percent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sf_ml_framework.errors import DataError
from sf_ml_framework.places.local.writing import HashingFile

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

ROWS = 131_072
"""Rows of a group; a multiple of what DuckDB works on at a time."""


class ParquetWriter:
    """Encodes batches as row groups of one size, each while the next one is gathered.

    What goes wrong with a group is raised when the next one is full, or by ``close``.

    Args:
        sink: where the bytes go; the caller closes it.
        schema: the Arrow schema of every batch.
    """

    def __init__(self, sink: HashingFile | BinaryIO, schema: Any) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._schema = schema
        self._file = pa.PythonFile(sink, mode="w")
        self._writer = parquet.ParquetWriter(
            self._file,
            schema,
            compression="lz4",
            use_dictionary=[each.name for each in schema if pa.types.is_string(each.type)],
            store_schema=False,
        )
        self._waiting: list[Any] = []
        self._rows = 0
        self._encoder: ThreadPoolExecutor | None = None
        self._encoding: Future[None] | None = None

    def write(self, batch: Any) -> None:
        """Take *batch*; it is written by the time of ``close`` at the latest."""
        while batch.num_rows:
            part = batch.slice(0, ROWS - self._rows)
            self._waiting.append(part)
            self._rows += part.num_rows
            batch = batch.slice(part.num_rows)
            if self._rows == ROWS:
                group = self._gathered()
                self._settle()
                # Arrow encodes without the interpreter's lock: the next group is made meanwhile.
                self._encoding = self._thread().submit(self._encode, group)

    def close(self) -> None:
        """Write what is left, and the footer."""
        self._settle()
        if self._encoder:
            self._encoder.shutdown()
        if self._rows:
            self._encode(self._gathered())
        self._writer.close()

    def abandon(self) -> None:
        """Write no more that matters; Arrow insists on a footer."""
        self._waiting.clear()
        if self._encoder:
            self._encoder.shutdown()
        with suppress(Exception):
            self._writer.close()

    def _gathered(self) -> Any:
        import pyarrow as pa

        # Pages end where chunks do, so there must be one chunk.
        group = pa.Table.from_batches(self._waiting, self._schema).combine_chunks()
        self._waiting.clear()
        self._rows = 0
        return group

    def _thread(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        self._encoder = self._encoder or ThreadPoolExecutor(1, "parquet")
        return self._encoder

    def _encode(self, group: Any) -> None:
        self._writer.write_table(group, row_group_size=ROWS)

    def _settle(self) -> None:
        """Wait until the group before is written."""
        pending, self._encoding = self._encoding, None
        if pending:
            pending.result()


def schema_of(path: Path, what: str) -> Any:
    """Return the Arrow schema of a Parquet file.

    Raises:
        DataError: it is none.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(error, what) from error


def read_parquet(path: Path, what: str, names: Sequence[str] | None = None) -> Any:
    """Return a Parquet file, or its columns *names*, as an Arrow table.

    Raises:
        DataError: it is damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            return file.read(columns=names)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(error, what) from error


def stream_parquet(path: Path, what: str, names: Sequence[str] | None = None) -> Iterator[Any]:
    """Yield a Parquet file, or its columns *names*, in Arrow batches, in order.

    Raises:
        DataError: it is damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            yield from file.iter_batches(columns=names)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(error, what) from error


def _unreadable(error: Exception, what: str) -> DataError:
    return DataError(f"{what} is no whole Parquet file: {error}", remedy="put a whole one there")
