"""A stored table as what a function asks for.

In pandas: ``int64`` and ``bool`` become ``Int64`` and ``boolean`` where there are nulls; floats
have NaN for null; texts, dates, times, decimals and bytes are objects with ``None`` for null;
timestamps are ``datetime64[us, UTC]`` or ``datetime64[us]``; categories are ``category``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.values.columns import INTEGERS, StoredColumn

if TYPE_CHECKING:
    import pandas as pd


def with_categories(table: Any, columns: Sequence[StoredColumn]) -> Any:
    """Return the Arrow *table* with its categories as dictionaries, sorted unless kept."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for index, column in enumerate(columns):
        if column.type != "category":
            continue
        array = table.column(index)
        names = column.categories or sorted(pc.unique(array).drop_null().to_pylist())
        values = pa.array(names, pa.string())
        codes = pc.index_in(array, value_set=values)
        chunks = [
            pa.DictionaryArray.from_arrays(chunk, values, ordered=column.ordered)
            for chunk in codes.chunks
        ]
        kind = pa.dictionary(pa.int32(), pa.string(), ordered=column.ordered)
        table = table.set_column(index, column.name, pa.chunked_array(chunks, kind))
    return table


def to_pandas(table: Any, columns: Sequence[StoredColumn]) -> pd.DataFrame:
    """Return the Arrow *table* as a frame that its owner may change."""
    import pandas as pd

    table = with_categories(table, columns)
    missing = {
        each.name: _nullable(each.type)
        for each, array in zip(columns, table.columns, strict=True)
        if array.null_count and (each.type in INTEGERS or each.type == "boolean")
    }
    plain = table.drop_columns(list(missing)) if missing else table
    frame: pd.DataFrame = plain.to_pandas(date_as_object=True)
    if not missing:
        return frame
    series = {
        name: frame[name] if name in plain.column_names else missing[name].__from_arrow__(array)
        for name, array in zip(table.column_names, table.columns, strict=True)
    }
    return pd.DataFrame(series, copy=False)


def to_polars(table: Any, columns: Sequence[StoredColumn], what: str) -> Any:
    """Return the Arrow *table* as a polars frame.

    Raises:
        DataError: polars is not installed.
    """
    try:
        import polars as pl
    except ImportError as error:
        raise DataError(
            f"{what} is asked for as a polars frame, and polars is not installed",
            remedy="install polars, or annotate the argument with another frame",
        ) from error
    return pl.from_arrow(with_categories(table, columns))


def _nullable(type_name: str) -> Any:
    import pandas as pd

    if type_name == "boolean":
        return pd.BooleanDtype()
    names = {"integer": "Int64", "int32": "Int32"}
    # int8 is Int8 in pandas, and uint8 is UInt8.
    fallback = type_name.replace("uint", "UInt") if "uint" in type_name else type_name.title()
    return pd.array([], dtype=names.get(type_name, fallback)).dtype  # type: ignore[call-overload]
