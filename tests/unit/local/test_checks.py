"""What the catalog promises of columns is asked at save and at load."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec
from sf_ml_framework.values.checks import ColumnChecks
from tests.unit.local.tables import declare


def dataset(*columns: ColumnSpec) -> DatasetSpec:
    return DatasetSpec(name="customers", kind="table", columns=columns)


def broken(columns, *batches) -> str:
    checks = ColumnChecks(columns, what="the table")
    for batch in batches:
        checks.update(pa.table(batch))
    try:
        checks.finish(remedy="mend it")
    except DataError as error:
        return str(error)
    return ""


def test_every_broken_check_is_told_with_counts_and_three_examples():
    columns = [
        ColumnSpec(name="id", type="string", unique=True, nullable=False),
        ColumnSpec(name="age", type="integer", minimum=18, maximum=100),
        ColumnSpec(name="plan", type="category", allowed=("month", "year")),
    ]
    first = {"id": ["a", "b", "a"], "age": [17, 16, 15], "plan": ["month", "week", None]}
    second = {"id": ["b", None, "c"], "age": [14, 101, None], "plan": ["year", "day", "x" * 99]}

    told = broken(columns, first, second)

    assert told == (
        "the table breaks 5 checks of its columns:"
        "\n  id: 1 value missing"
        "\n  id: 2 values not unique, as 'a', 'b'"
        "\n  age: 4 values below 18, as 17, 16, 15"
        "\n  age: 1 value above 100, as 101"
        f"\n  plan: 3 values not allowed, as 'week', 'day', '{'x' * 56}..."
    )


def test_nothing_is_told_of_values_on_the_bounds_and_of_missing_ones():
    columns = [
        ColumnSpec(name="share", type="float", minimum=0, maximum=1, allowed=(0.0, 1.0)),
        ColumnSpec(name="on", type="date", minimum="2026-01-01"),
        ColumnSpec(name="id", type="integer", unique=True),
    ]
    batch = {
        "share": pa.array([0.0, 1.0, None, np.nan]),
        "on": [dt.date(2026, 1, 1), None, None, None],
        "id": [1, None, None, 2],
    }

    assert broken(columns, batch, {**batch, "id": pa.array([None, 0, 3, 4])}) == ""


@pytest.mark.parametrize(
    ("kind", "minimum", "fits", "breaks"),
    [
        ("date", "2026-01-02", dt.date(2026, 1, 2), dt.date(2026, 1, 1)),
        (
            "timestamp",
            "2026-01-01T12:00:00+02:00",
            dt.datetime(2026, 1, 1, 10, tzinfo=dt.UTC),
            dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC),
        ),
        ("timestamp_ntz", "2026-01-01", dt.datetime(2026, 1, 1), dt.datetime(2025, 12, 31)),
        ("decimal(5,2)", "1.50", Decimal("1.50"), Decimal("1.49")),
        ("integer", 0.5, 1, 0),
        ("float", 1, 1.0, 0.5),
        ("string", "b", "b", "a"),
    ],
)
def test_a_bound_is_read_as_a_value_of_its_column(kind, minimum, fits, breaks):
    column = ColumnSpec(name="x", type=kind, minimum=minimum)
    from sf_ml_framework.values.columns import arrow_type

    def of(value):
        return {"x": pa.array([value], arrow_type(kind))}

    assert broken([column], of(fits)) == ""
    assert f"1 value below {minimum}" in broken([column], of(breaks))


def test_infinity_is_above_every_bound_and_nan_is_missing():
    column = ColumnSpec(name="x", type="float", nullable=False, maximum=10)

    told = broken([column], {"x": [1.0, np.inf, np.nan]})

    assert "1 value above 10, as inf" in told
    assert "x: 1 value missing" in told


def test_a_repeated_value_is_found_across_batches_that_ascend():
    column = ColumnSpec(name="id", type="integer", unique=True)

    assert broken([column], {"id": [1, 2]}, {"id": pa.array([], pa.int64())}, {"id": [3]}) == ""
    assert "not unique, as 2" in broken([column], {"id": [1, 2]}, {"id": [2, 3]})
    assert "not unique, as 1" in broken([column], {"id": [1, 2]}, {"id": [3, 1]})


@pytest.mark.parametrize("as_text", [False, True], ids=["integer", "string"])
def test_a_repeated_value_is_found_among_many(as_text):
    numbers = np.random.default_rng(0).permutation(300_000)
    values = pa.array(numbers).cast(pa.string()) if as_text else pa.array(numbers)
    column = ColumnSpec(name="id", type="string" if as_text else "integer", unique=True)
    shown = repr("299999") if as_text else "299999"
    again = pa.array([299_999, None, None]).cast(values.type)

    assert broken([column], {"id": values}) == ""
    assert f"1 value not unique, as {shown}" in broken([column], {"id": values}, {"id": again})


@pytest.mark.parametrize("kind", ["boolean", "binary", "date", "decimal(4,1)", "time"])
def test_any_type_can_be_asked_for_unique_values(kind):
    values = {
        "boolean": [True, False, True],
        "binary": [b"a", b"b", b"a"],
        "date": [dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2026, 1, 1)],
        "decimal(4,1)": [Decimal("1.0"), Decimal("2.0"), Decimal("1.0")],
        "time": [dt.time(1), dt.time(2), dt.time(1)],
    }[kind]
    column = ColumnSpec(name="x", type=kind, unique=True)

    assert "1 value not unique" in broken([column], {"x": values})
    assert broken([column], {"x": values[:2]}) == ""


def test_a_bound_that_is_no_value_of_its_column_is_told():
    column = ColumnSpec(name="born", type="date", minimum="yesterday")

    with pytest.raises(DataError, match=r"column 'born' is date, and the 'yesterday'") as caught:
        ColumnChecks([column], what="the table")

    assert "catalog" in caught.value.remedy


def test_what_breaks_a_check_is_not_saved_and_the_old_data_stays(open_place, table_format):
    place = open_place(table_format)
    spec = dataset(ColumnSpec(name="age", type="integer", minimum=0))
    before = place.save(spec, "v1", pd.DataFrame({"age": [1]}))

    with pytest.raises(DataError, match="1 value below 0, as -1") as caught:
        place.save(spec, "v1", pd.DataFrame({"age": [-1]}))

    assert caught.value.remedy
    assert place.find(spec, "v1") == before
    assert place.load(spec, "v1", frame="pandas")["age"].tolist() == [1]


@pytest.mark.parametrize("frame", ["pandas", "arrow", "ibis", "arrow_batches", "polars"])
def test_a_check_that_came_later_is_asked_at_load(open_place, table_format, frame):
    free = dataset(ColumnSpec(name="age", type="integer"), ColumnSpec(name="n", type="string"))
    strict = dataset(
        ColumnSpec(name="age", type="integer", minimum=0), ColumnSpec(name="n", type="string")
    )
    place = open_place(table_format)
    place.save(free, "v1", pd.DataFrame({"age": [-1], "n": ["x"]}))

    for reader in (place, open_place(table_format), open_place(table_format, kept_bytes=0)):
        with pytest.raises(DataError, match="1 value below 0, as -1"):
            reader.load(strict, "v1", frame=frame)


@pytest.mark.parametrize(
    ("frame", "fault", "remedy"),
    [
        ({"id": [1]}, "column 'name' is missing", ""),
        ({"id": [1], "nmae": ["x"]}, "the catalog has no column 'nmae'", "'nmae' for 'name'"),
        ({"id": ["x"], "name": ["x"]}, "column 'id' is integer in the catalog, and string", ""),
        ({"id": [1.5], "name": ["x"]}, "column 'id' is integer", ""),
        ({"id": [1], "name": [1]}, "column 'name' is string in the catalog, and integer", ""),
        ({"id": [True], "name": ["x"]}, "column 'id' is integer in the catalog, and boolean", ""),
        ({"id": [[1]], "name": ["x"]}, "column 'id' is integer in the catalog, and list", ""),
        ({"id": [1], "name": [["x", 1]]}, "column 'name' holds values of more than one kind", ""),
        ({"id": [1], "name": ["\ud800"]}, "column 'name' holds values", ""),
    ],
)
def test_other_columns_and_types_are_refused_by_name(place, frame, fault, remedy):
    spec = declare({"id": "integer", "name": "string"})

    with pytest.raises(DataError) as caught:
        place.save(spec, "v1", pd.DataFrame(frame))

    assert fault in str(caught.value)
    assert "things@v1" in str(caught.value)
    assert remedy in caught.value.remedy
    assert place.find(spec, "v1") is None


def test_a_frame_that_would_lose_its_index_or_its_names_is_refused(place):
    free = DatasetSpec(name="things", kind="table")
    frame = pd.DataFrame({"a": [1, 2], "b": [1, 2]})

    for value in (
        frame.set_index("a"),
        frame.rename(columns={"a": 1}),
        frame.rename(columns={"a": "b"}),
        frame[[]],
    ):
        with pytest.raises(DataError) as caught:
            place.save(free, "v1", value)
        assert caught.value.remedy

    place.save(free, "v1", frame[frame.a > 1])
    assert place.load(free, "v1", frame="pandas")["b"].tolist() == [2]


def test_times_of_day_in_a_date_column_and_years_that_csv_cannot_hold_are_refused(place):
    spec = declare({"on": "date"})
    with pytest.raises(DataError, match="time of day"):
        place.save(spec, "v1", pd.DataFrame({"on": pd.to_datetime(["2026-01-01 10:00"])}))

    place.save(spec, "v1", pd.DataFrame({"on": pd.to_datetime(["2026-01-01"])}))
    assert place.load(spec, "v1", frame="any")["on"].tolist() == [dt.date(2026, 1, 1)]

    far = pa.table({"on": pa.array([2_932_897], pa.int32()).cast(pa.date32())})
    with pytest.raises(DataError, match="column 'on' has a time outside of the years 1 to 9999"):
        place.save(spec, "v2", far)


def test_a_key_that_is_remembered_holds_nothing_of_the_rest_of_its_batch():
    """Arrow shares one owner among all columns of a batch that DuckDB hands over."""
    freed = []
    buffer = Owner(np.arange(8, dtype="int64"), freed)
    shared = pa.foreign_buffer(buffer.values.ctypes.data, 64, base=buffer)
    batch = pa.RecordBatch.from_arrays(
        [pa.Array.from_buffers(pa.int64(), 8, [None, shared])], names=["id"]
    )
    checks = ColumnChecks([ColumnSpec(name="id", type="integer", unique=True)], what="the table")

    checks.update(batch)
    del batch, shared, buffer

    assert freed == ["the batch"]
    checks.finish(remedy="")


class Owner:
    """The memory of a batch; tells when nobody holds it any more."""

    def __init__(self, values, freed):
        self.values = values
        self.freed = freed

    def __del__(self):
        self.freed.append("the batch")
