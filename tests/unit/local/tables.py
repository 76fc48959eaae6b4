"""Tables of every type that a file keeps, as strategies and as examples."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
from hypothesis import strategies as st

from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec
from sf_ml_framework.values.columns import arrow_type

# Lone surrogates are no text in UTF-8, and neither Arrow nor DuckDB can hold them.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", "007", "nan", "NULL", "a,b", 'say "x"', "two\nlines", "\r\n", "\r", " padded ", "ä\u1234"]
)
TIMES = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999))

VALUES = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int8": st.integers(-128, 127),
    "uint64": st.integers(0, 2**64 - 1),
    "float": st.floats(allow_nan=True),
    "float32": st.floats(width=32),
    "boolean": st.booleans(),
    "string": TEXTS,
    "category": st.sampled_from(["north", "", "süd", "a,b"]),
    "date": st.dates(),
    "timestamp": TIMES.map(lambda moment: moment.replace(tzinfo=dt.UTC)),
    "timestamp_ntz": TIMES,
    "time": st.times(),
    "decimal(12,3)": st.decimals(-(10**8), 10**8, places=3),
    "decimal(38,0)": st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    "binary": st.binary(max_size=8),
}


@st.composite
def tables(draw, types=tuple(VALUES), max_rows=12):
    """Draw a declaration and an Arrow table that keeps it, of at least one column."""
    kinds = draw(st.lists(st.sampled_from(types), min_size=1, max_size=6))
    rows = draw(st.integers(0, max_rows))
    names = [f"c{number}" for number in range(len(kinds))]
    columns = {
        name: pa.array(
            draw(st.lists(st.none() | VALUES[kind], min_size=rows, max_size=rows)),
            arrow_type(kind),
        )
        for name, kind in zip(names, kinds, strict=True)
    }
    table = pa.table(columns)
    return dict(zip(names, kinds, strict=True)), table


def declare(types, name="things", **more) -> DatasetSpec:
    columns = tuple(ColumnSpec(name=name, type=kind) for name, kind in types.items())
    return DatasetSpec(name=name, kind="table", columns=columns, **more)


def same(left: pa.Table, right: pa.Table) -> bool:
    """Return whether two tables are equal, NaN being equal to itself and 0.0 not to -0.0."""
    if not left.schema.equals(right.schema) or left.num_rows != right.num_rows:
        return False
    return all(
        list(map(_exact, left.column(name).to_pylist()))
        == list(map(_exact, right.column(name).to_pylist()))
        for name in left.column_names
    )


def _exact(value):
    return repr(value) if isinstance(value, float) else value
