"""What a node may return for a table, as a stream of Arrow batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

from sf_ml_framework.errors import DataError
from sf_ml_framework.values.conform import categories_of

ROWS = 65_536
"""Rows of a batch; more are split, so that what follows works on little at a time."""


class Computes(Protocol):
    """What computes Ibis tables."""

    def batches(self, table: Any, keys: Sequence[str], rows: int) -> tuple[Any, Iterator[Any]]:
        """Return the Arrow schema of an Ibis table or column, and its batches in one order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A table that comes batch by batch."""

    schema: Any
    batches: Iterator[Any]
    categories: dict[str, tuple[tuple[str, ...], bool]] = field(default_factory=dict)
    """Categories of the columns that bring them along, and whether their order matters."""
    is_shared: bool = False
    """Whether the batches may share memory with something of the author's that can change."""

    def close(self) -> None:
        """Let go of what computes the batches: a DuckDB runs nothing else before that."""
        close = getattr(self.batches, "close", None)
        if close:
            close()


def stream_of(value: Any, lazy: Computes, keys: Sequence[str], what: str) -> Stream:
    """Return *value* as a stream.

    Args:
        value: an Ibis table, a pandas or polars frame, an Arrow table or reader, or batches.
        lazy: computes Ibis tables.
        keys: columns by which the rows of an Ibis table are ordered when nothing else orders them.
        what: the table for a person, at the head of a message.

    Raises:
        DataError: it is none of these, or a frame that would lose something.
    """
    kind = kind_of(value)
    if kind == "ibis":
        schema, batches = lazy.batches(value, keys, ROWS)
        return Stream(schema=schema, batches=batches)
    if kind in ("arrow", "polars"):
        return _of_table(value.to_arrow() if kind == "polars" else value)
    if kind == "pandas":
        return _of_table(_from_pandas(value, what), is_shared=True)
    if kind == "reader":
        return Stream(schema=value.schema, batches=_read(value))
    return _of_batches([value] if kind == "batch" else value, what)


_REMEDY = (
    "return an Ibis table, a pandas or polars frame, an Arrow table, or batches of Arrow records"
)

_KINDS = {
    ("pandas", "DataFrame"): "pandas",
    ("polars", "DataFrame"): "polars",
    ("pyarrow", "Table"): "arrow",
    ("pyarrow", "RecordBatch"): "batch",
    ("pyarrow", "RecordBatchReader"): "reader",
    ("ibis", "Table"): "ibis",
    ("ibis", "Column"): "ibis",
}


def kind_of(value: Any) -> str:
    """Return which kind of table *value* is, without importing what it is not made of."""
    for each in type(value).__mro__:
        package = each.__module__.partition(".")[0]
        if kind := _KINDS.get((package, each.__name__)):
            return kind
    return ""


def _of_table(table: Any, *, is_shared: bool = False) -> Stream:
    import pyarrow as pa

    categories = {
        name: categories_of(table.column(name))
        for name, arrow in zip(table.schema.names, table.schema.types, strict=True)
        if pa.types.is_dictionary(arrow) and table.schema.names.count(name) == 1 and table.num_rows
    }
    batches = table.to_batches(max_chunksize=ROWS)
    return Stream(
        schema=table.schema, batches=iter(batches), categories=categories, is_shared=is_shared
    )


def _read(reader: Any) -> Iterator[Any]:
    with closing(reader):
        yield from reader


def _of_batches(value: Any, what: str) -> Stream:
    batches = iter(value) if isinstance(value, Iterable) else iter([value])
    first: Any = None if isinstance(value, str | bytes | Mapping) else next(batches, _NOTHING)
    if first is _NOTHING:
        raise DataError(f"{what} has no batch, and so no columns", remedy="yield an empty batch")
    if kind_of(first) != "batch":
        raise DataError(f"{what} cannot be made of a {type(value).__name__}", remedy=_REMEDY)
    return Stream(schema=first.schema, batches=chain([first], batches))


_NOTHING: Any = object()


def _from_pandas(frame: Any, what: str) -> Any:
    import pandas as pd
    import pyarrow as pa

    odd = [name for name in frame.columns if not isinstance(name, str)]
    if odd:
        raise DataError(
            f"{what}: {odd[0]!r} cannot be the name of a column", remedy="name columns by texts"
        )
    named = [name for name in frame.index.names if name is not None]
    if named and not isinstance(frame.index, pd.RangeIndex):
        raise DataError(
            f"{what}: the index {', '.join(map(repr, named))} would be lost",
            remedy="return frame.reset_index(), or drop it with reset_index(drop=True)",
        )
    if not frame.columns.is_unique:
        twice = sorted(set(frame.columns[frame.columns.duplicated()]))
        raise DataError(
            f"{what}: column {', '.join(map(repr, twice))} stands there twice",
            remedy="give each column a name of its own",
        )
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise DataError(
            f"{what}: {_column_at_fault(frame) or 'a column'} holds values of more than one kind,"
            f" or none that a file keeps: {error}",
            remedy="give the column one type",
        ) from error
    return table.replace_schema_metadata(None)


def _column_at_fault(frame: Any) -> str:
    import pyarrow as pa

    for name in frame.columns:
        try:
            pa.Array.from_pandas(frame[name])
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            return f"column {name!r}"
    return ""
