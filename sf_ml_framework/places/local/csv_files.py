r"""Tables as CSV: UTF-8, commas, ``\n`` at line ends, a header, every text in quotes.

What CSV cannot say, the rules here do: an empty cell is null and ``""`` is the empty text; floats
are the shortest digits that give the same number, with ``nan``, ``inf`` and ``-inf``; a timestamp
ends with ``Z``, one without a zone does not; binary is base64. Types are never guessed from a
file that this place wrote.
"""

from __future__ import annotations

import base64
import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.places.local.writing import HashingFile
from sf_ml_framework.values.columns import StoredColumn, arrow_schema

ROWS = 16_384
"""Rows that one thread formats at a time."""

BLOCK_BYTES = 1 << 20
"""How much of a file one thread reads at a time; what fits into a processor's cache."""

LARGEST_BLOCK = 1 << 28
"""How much is read at a time where a row does not fit into a block; no row may be longer."""


class CsvWriter:
    """Formats batches on several threads and writes them in order.

    Args:
        sink: where the bytes go; the caller closes it.
        schema: the Arrow schema of every batch.
        what: the table for a person, at the head of a message.
        threads: how many format at once.
    """

    def __init__(self, sink: HashingFile, schema: Any, *, what: str, threads: int) -> None:
        self._sink = sink
        self._what = what
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="csv")
        self._waiting: deque[Future[tuple[Any, bool]]] = deque()
        self.has_breaks = any(_breaks(name.encode()) for name in schema.names)
        """Whether a name or a value that was written holds the end of a line."""
        sink.write(_header(schema))

    def write(self, batch: Any) -> None:
        """Take *batch*; it is written by the time of ``close`` at the latest."""
        for start in range(0, batch.num_rows, ROWS):
            # Bounded, or a fast source would fill the memory with text.
            while len(self._waiting) > 2 * self._threads:
                self._take()
            self._waiting.append(
                self._pool.submit(_formatted, batch.slice(start, ROWS), self._what)
            )

    def close(self) -> None:
        """Write what is left."""
        while self._waiting:
            self._take()
        self._pool.shutdown()

    def abandon(self) -> None:
        """Write no more."""
        self._pool.shutdown(cancel_futures=True)

    def _take(self) -> None:
        text, has_breaks = self._waiting.popleft().result()
        self.has_breaks |= has_breaks
        self._sink.write(text)


def header_of(path: Path) -> list[str]:
    """Return the names in the first line of a CSV file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text in UTF-8.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        try:
            names = next(csv.reader(stream), [])
        except csv.Error as error:
            raise ValueError(str(error)) from error
    for name in names:
        name.encode()
    return names


def read_csv(path: Path, columns: Sequence[StoredColumn], what: str, *, breaks: bool = True) -> Any:
    """Return a CSV file, whose header has these *columns* in any order, as an Arrow table.

    Without *breaks* no value may hold the end of a line, which is a fifth faster.

    Raises:
        DataError: a value is none of its column's type, or a line has too few or too many.
    """
    import pyarrow as pa

    try:
        table = _read(path, columns, breaks=breaks)
    except pa.ArrowException:
        for _ in _one_by_one(path, columns, what):
            pass
        # Nothing was wrong but that a row is longer than a block.
        table = _read(path, columns, breaks=breaks, block_bytes=LARGEST_BLOCK)
    return _with_binary(table, columns)


def _read(
    path: Path, columns: Sequence[StoredColumn], *, breaks: bool, block_bytes: int = BLOCK_BYTES
) -> Any:
    from pyarrow import csv as arrow_csv

    return arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=block_bytes),
        parse_options=_parse_options(columns, breaks=breaks),
        convert_options=_convert_options(columns),
    )


def _one_by_one(path: Path, columns: Sequence[StoredColumn], what: str) -> Iterator[Any]:
    """Yield a CSV file on one thread, which alone counts lines and so knows where a fault is."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    block_bytes = min(path.stat().st_size + 1, LARGEST_BLOCK)
    try:
        yield from arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(block_size=block_bytes, use_threads=False),
            parse_options=_parse_options(columns),
            convert_options=_convert_options(columns),
        )
    except pa.ArrowException as error:
        raise _unreadable(error, path, what) from error


def stream_csv(
    path: Path, columns: Sequence[StoredColumn], what: str, *, breaks: bool = True
) -> Iterator[Any]:
    """Yield a CSV file in Arrow batches, in order.

    Raises:
        DataError: a value is none of its column's type, or a line has too few or too many.
    """
    import pyarrow as pa

    try:
        for batch in _scanned(path, columns, breaks=breaks):
            yield from _with_binary(pa.Table.from_batches([batch]), columns).to_batches()
    except pa.ArrowException as error:
        for _ in _one_by_one(path, columns, what):
            pass
        raise _unreadable(error, path, what) from error


def _scanned(path: Path, columns: Sequence[StoredColumn], *, breaks: bool) -> Any:
    """Return an Arrow reader of a CSV file; columns of bytes are still base64."""
    from pyarrow import csv as arrow_csv
    from pyarrow import dataset

    # Unlike Arrow's own stream of a CSV, a dataset is read by all threads.
    file = dataset.dataset(
        path,
        schema=text_schema(columns),
        format=dataset.CsvFileFormat(
            parse_options=_parse_options(columns, breaks=breaks),
            convert_options=_convert_options(columns, selects=False),
            read_options=arrow_csv.ReadOptions(block_size=BLOCK_BYTES),
        ),
    )
    return file.scanner().to_reader()


def text_schema(columns: Sequence[StoredColumn]) -> Any:
    """Return the Arrow schema of *columns* as they stand in the file."""
    as_text = (
        StoredColumn(each.name, "string") if each.type == "binary" else each for each in columns
    )
    return arrow_schema(as_text)


def inferred(path: Path, what: str) -> list[StoredColumn]:
    """Return the columns of a CSV file of which nobody said the types.

    Digits behind a leading zero are text: they are codes, and would lose it as numbers.

    Raises:
        DataError: the file is no table.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as arrow_csv

    from sf_ml_framework.values.columns import type_name

    try:
        schema = arrow_csv.read_csv(path, convert_options=_convert_options([])).schema
        guessed = [StoredColumn(each.name, type_name(each.type) or "string") for each in schema]
        numbers = [each.name for each in guessed if each.type in ("integer", "float")]
        if not numbers:
            return guessed
        options = arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(numbers, pa.string()), include_columns=numbers
        )
        texts = arrow_csv.read_csv(path, convert_options=options)
    except pa.ArrowException as error:
        raise _unreadable(error, path, what) from error
    codes = {
        name
        for name in numbers
        if pc.any(pc.match_substring_regex(texts.column(name), r"^\s*[+-]?0\d")).as_py()
    }
    return [StoredColumn(each.name, "string") if each.name in codes else each for each in guessed]


def _header(schema: Any) -> bytes:
    # Always quoted: a bare header of one empty name would be an empty line.
    names = (f'"{name.replace(chr(34), chr(34) * 2)}"' for name in schema.names)
    return (",".join(names) + "\n").encode()


def _formatted(batch: Any, what: str) -> tuple[bytes, bool]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    _refuse_years(batch, what)
    sink = pa.BufferOutputStream()
    options = arrow_csv.WriteOptions(include_header=False, batch_size=ROWS)
    arrow_csv.write_csv(_without_binary(batch), sink, options)
    return sink.getvalue(), any(_has_breaks(array) for array in batch.columns)


def _breaks(text: bytes) -> bool:
    return b"\n" in text or b"\r" in text


def _has_breaks(array: Any) -> bool:
    """Return whether a text of *array* holds the end of a line."""
    import pyarrow as pa

    if not pa.types.is_string(array.type) or not len(array):
        return False
    _, offsets, text = array.buffers()
    ends = memoryview(offsets).cast("i")
    # A slice of a column shares the text of the whole.
    own = slice(ends[array.offset], ends[array.offset + len(array)])
    return text is not None and _breaks(bytes(memoryview(text)[own]))


def _refuse_years(batch: Any, what: str) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for field, array in zip(batch.schema, batch.columns, strict=True):
        if not pa.types.is_temporal(field.type) or pa.types.is_time(field.type):
            continue
        days = pc.cast(pc.cast(array, pa.date32(), safe=False), pa.int32())
        ends = pc.min_max(days)
        if ends["min"].is_valid and (
            ends["min"].as_py() < _FIRST_DAY or ends["max"].as_py() > _LAST_DAY
        ):
            raise DataError(
                f"{what}: column {field.name!r} has a time outside of the years 1 to 9999",
                remedy="CSV keeps no others: mend the times, or keep the data as parquet",
            )


_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""Days since 1970 of 0001-01-01 and 9999-12-31."""


def _without_binary(batch: Any) -> Any:
    import pyarrow as pa

    for index, field in enumerate(batch.schema):
        if pa.types.is_binary(field.type):
            values = batch.column(index).to_pylist()
            texts = [None if value is None else base64.b64encode(value) for value in values]
            array = pa.array(texts, pa.binary()).cast(pa.string())
            batch = batch.set_column(index, pa.field(field.name, pa.string()), array)
    return batch


def _with_binary(table: Any, columns: Sequence[StoredColumn]) -> Any:
    import pyarrow as pa

    for column in columns:
        if column.type == "binary":
            index = table.schema.get_field_index(column.name)
            texts = table.column(index).to_pylist()
            values = [None if text is None else base64.b64decode(text) for text in texts]
            table = table.set_column(index, column.name, pa.chunked_array([values], pa.binary()))
    return table


def _parse_options(columns: Sequence[StoredColumn], *, breaks: bool = True) -> Any:
    from pyarrow import csv as arrow_csv

    # In a table of one column an empty line is a null, in every other it is nothing.
    return arrow_csv.ParseOptions(newlines_in_values=breaks, ignore_empty_lines=len(columns) != 1)


def _convert_options(columns: Sequence[StoredColumn], *, selects: bool = True) -> Any:
    from pyarrow import csv as arrow_csv

    return arrow_csv.ConvertOptions(
        column_types=text_schema(columns),
        # An Arrow dataset selects for itself, and doubles what is selected here.
        include_columns=[each.name for each in columns] if selects else [],
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )


_ROW = re.compile(r"Row #(\d+): ")
_COLUMN = re.compile(r"In CSV column #(\d+): ")


def _unreadable(error: Exception, path: Path, what: str) -> DataError:
    """Return Arrow's *error* with the line and the column as a person would call them."""
    text = str(error)
    row, column = _ROW.search(text), _COLUMN.search(text)
    where = f", line {row[1]}" if row else ""
    if column:
        names = header_of(path)
        where += f", column {names[int(column[1])]!r}" if int(column[1]) < len(names) else ""
    told = _COLUMN.sub("", _ROW.sub("", text)).removeprefix("CSV parse error: ")
    return DataError(
        f"{what}{where}: {told.removeprefix('CSV conversion error ')}",
        remedy="mend that line, or the column's type in the catalog",
    )
