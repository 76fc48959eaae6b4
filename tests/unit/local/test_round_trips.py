"""What is saved is loaded back unchanged, whatever the format, the frame and the chunks."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.local.place import LocalPlace
from sf_ml_framework.values.columns import StoredColumn
from sf_ml_framework.values.frames import with_categories
from tests.unit.local.tables import VALUES, declare, same, tables

FREE = DatasetSpec(name="things", kind="table")
PROPERTY = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# Each example starts a DuckDB or two.
SLOW_PROPERTY = settings(PROPERTY, max_examples=10)


def fresh(root, table_format, **options) -> LocalPlace:
    """Return a place that has nothing in memory."""
    return LocalPlace(root, format=table_format, kept_bytes=0, **options)


@PROPERTY
@given(drawn=tables(), declares=st.booleans())
def test_an_arrow_table_is_loaded_back_unchanged(root, table_format, drawn, declares):
    types, table = drawn
    dataset = declare(types) if declares else FREE
    expected = table
    if declares:
        expected = with_categories(table, [StoredColumn(*each) for each in types.items()])

    fresh(root, table_format).save(dataset, "v1", table)

    assert same(fresh(root, table_format).load(dataset, "v1", frame="arrow"), expected)


@PROPERTY
@given(drawn=tables(), declares=st.booleans())
def test_a_table_handed_over_in_memory_is_the_one_that_a_new_process_reads(
    root, table_format, drawn, declares
):
    types, table = drawn
    dataset = declare(types) if declares else FREE
    place = LocalPlace(root, format=table_format)
    place.save(dataset, "v1", table)

    for frame in ("arrow", "pandas", "polars"):
        handed = place.load(dataset, "v1", frame=frame)
        read = fresh(root, table_format).load(dataset, "v1", frame=frame)
        if frame == "pandas":
            assert_frame_equal(handed, read, check_exact=True)
        elif frame == "polars":
            assert handed.equals(read)
            assert handed.schema == read.schema
        else:
            assert same(handed, read)


@PROPERTY
@given(drawn=tables())
def test_a_pandas_frame_is_loaded_back_as_it_was_loaded_before(root, table_format, drawn):
    """The first load settles what the types are; from then on nothing changes any more."""
    types, table = drawn
    dataset = declare(types)
    fresh(root, table_format).save(dataset, "v1", table)
    frame = fresh(root, table_format).load(dataset, "v1", frame="pandas")

    fresh(root, table_format).save(dataset, "v2", frame)

    again = fresh(root, table_format).load(dataset, "v2", frame="pandas")
    assert_frame_equal(again, frame, check_exact=True)


@PROPERTY
@given(
    data=st.fixed_dictionaries(
        {
            "whole": st.lists(VALUES["integer"], min_size=3, max_size=3),
            "holes": st.lists(st.none() | VALUES["integer"], min_size=3, max_size=3),
            "share": st.lists(VALUES["float"], min_size=3, max_size=3),
            "name": st.lists(st.none() | VALUES["string"], min_size=3, max_size=3),
            "flag": st.lists(st.none() | st.booleans(), min_size=3, max_size=3),
            "on": st.lists(st.none() | VALUES["date"], min_size=3, max_size=3),
            "kind": st.lists(st.none() | VALUES["category"], min_size=3, max_size=3),
            "at": st.lists(VALUES["timestamp"], min_size=3, max_size=3),
            "price": st.lists(st.none() | VALUES["decimal(12,3)"], min_size=3, max_size=3),
        }
    )
)
def test_a_free_pandas_frame_keeps_its_types(root, table_format, data):
    frame = pd.DataFrame(
        {
            "whole": pd.Series(data["whole"], dtype="int64"),
            "holes": pd.Series(data["holes"], dtype="Int64"),
            "share": pd.Series(data["share"], dtype="float64"),
            "name": pd.Series(data["name"], dtype=object),
            "flag": pd.Series(data["flag"], dtype="boolean"),
            "on": pd.Series(data["on"], dtype=object),
            "kind": pd.Categorical(data["kind"], ["süd", "north", "", "a,b", "?"], ordered=True),
            "at": pd.Series(data["at"]).astype("datetime64[us, UTC]"),
            "price": pd.Series(data["price"], dtype=object),
        }
    )
    expected = frame.copy()
    for name, plain in (("holes", "int64"), ("flag", "bool")):
        if not frame[name].isna().any():
            expected[name] = frame[name].astype(plain)

    fresh(root, table_format).save(FREE, "v1", frame)

    loaded = fresh(root, table_format).load(FREE, "v1", frame="pandas")
    for name in ("name", "on", "price"):
        assert [*loaded[name]] == [*frame[name]]
    assert_frame_equal(loaded, expected, check_exact=True)


@PROPERTY
@given(drawn=tables(max_rows=30), cuts=st.lists(st.integers(1, 7), max_size=10))
def test_the_bytes_do_not_depend_on_the_batches(root, table_format, drawn, cuts):
    types, table = drawn
    dataset = declare(types)
    whole = fresh(root, table_format, threads=1).save(dataset, "v1", table)
    parts, rest = [], table
    for cut in cuts:
        parts += rest.slice(0, cut).combine_chunks().to_batches()
        rest = rest.slice(cut)
    parts += rest.to_batches()
    empty = pa.RecordBatch.from_pylist([], schema=table.schema)

    streamed = fresh(root, table_format, threads=3).save(
        dataset, "v2", (batch for batch in [empty, *parts])
    )

    assert streamed.content == whole.content
    stored = [root / "data/things" / f"{version}.{table_format}" for version in ("v1", "v2")]
    assert stored[0].read_bytes() == stored[1].read_bytes()


@SLOW_PROPERTY
@given(drawn=tables(types=tuple(kind for kind in VALUES if kind != "category")))
def test_a_lazy_table_holds_what_is_stored(root, table_format, drawn):
    types, table = drawn
    dataset = declare(types)
    fresh(root, table_format).save(dataset, "v1", table)
    whole, parts = LocalPlace(root, format=table_format), fresh(root, table_format)

    for place in (whole, parts):
        lazy = place.load(dataset, "v1", frame="ibis")
        assert same(lazy.to_pyarrow().cast(table.schema), table)
        assert same(place.load(dataset, "v1", frame="arrow_batches").read_all(), table)
        place.close()


@SLOW_PROPERTY
@given(drawn=tables())
def test_a_lazy_table_saved_again_has_the_same_bytes(root, table_format, drawn):
    types, table = drawn
    dataset = declare(types)
    place = fresh(root, table_format)
    first = place.save(dataset, "v1", table)

    second = place.save(dataset, "v2", place.load(dataset, "v1", frame="ibis"))

    assert second.content == first.content
    place.close()


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("at", ["a value", "every value", "a name"])
def test_line_ends_in_a_file_of_many_blocks_are_part_of_their_values(root, at, end):
    """Threads cut a file at the ends of lines, unless they are told that lines are no rows."""
    texts = [f"{number} line" for number in range(150_000)]
    if at == "a value":
        texts[-2] = f"two{end}lines"
    elif at == "every value":
        texts = [f"{text}{end}" for text in texts]
    table = pa.table({f"te{end}xt" if at == "a name" else "text": texts, "n": range(150_000)})
    place = fresh(root, "csv")

    place.save(FREE, "v1", table.slice(3))

    assert (root / "data/things/v1.csv").stat().st_size > 2**21
    assert place.load(FREE, "v1", frame="arrow").equals(table.slice(3))
    assert place.load(FREE, "v1", frame="arrow_batches").read_all().equals(table.slice(3))


def test_polars_keeps_what_arrow_keeps(root, table_format):
    frame = pl.DataFrame(
        {
            "number": [1, None, -(2**63)],
            "text": ["007", "", None],
            "at": [dt.datetime(2026, 1, 1, tzinfo=dt.UTC), None, None],
            "kind": pl.Series(["b", "a", None], dtype=pl.Categorical),
        }
    )

    fresh(root, table_format).save(FREE, "v1", frame)

    loaded = fresh(root, table_format).load(FREE, "v1", frame="polars")
    assert loaded.rows() == frame.rows()
    assert loaded.schema["kind"] == pl.Categorical
    assert loaded.schema["at"] == pl.Datetime("us", "UTC")


def test_numbers_of_pandas_with_holes_become_the_integers_that_the_catalog_says(place):
    frame = pd.DataFrame({"count": [1.0, np.nan, 3.0], "price": [1.25, 2.5, np.nan]})

    place.save(declare({"count": "integer", "price": "decimal(5,2)"}), "v1", frame)

    loaded = place.load(declare({"count": "integer", "price": "decimal(5,2)"}), "v1", frame="any")
    assert loaded["count"].tolist() == [1, pd.NA, 3]
    assert loaded["count"].dtype == "Int64"
    assert loaded["price"].tolist() == [Decimal("1.25"), Decimal("2.50"), None]


def test_columns_come_in_the_order_of_the_catalog(place):
    dataset = declare({"a": "integer", "b": "string"})

    place.save(dataset, "v1", pd.DataFrame({"b": ["x"], "a": [1]}))

    assert list(place.load(dataset, "v1", frame="pandas")) == ["a", "b"]


def test_a_category_has_the_allowed_values_in_their_order(place):
    """So that codes are the same for any part of the rows."""
    from sf_ml_framework.manifest.model import ColumnSpec

    column = ColumnSpec(name="size", type="category", allowed=("small", "medium", "large"))
    dataset = DatasetSpec(name="shirts", kind="table", columns=(column,))

    place.save(dataset, "v1", pd.DataFrame({"size": ["large", "small"]}))

    loaded = place.load(dataset, "v1", frame="pandas")["size"]
    assert [*loaded.cat.categories] == ["small", "medium", "large"]
    assert loaded.tolist() == ["large", "small"]


def test_a_loaded_frame_can_be_changed_and_the_kept_one_stays(place, table_format, open_place):
    place = open_place(table_format)
    for frame in (pd.DataFrame({"x": [1.0, 2.0]}), pd.DataFrame({"x": [1, 2], "y": [True, False]})):
        place.save(FREE, "v1", frame)

        for _ in range(2):
            loaded = place.load(FREE, "v1", frame="pandas")
            assert_frame_equal(loaded, frame)
            loaded.iloc[0, 0] = 7
            loaded["x"].to_numpy()[1] = 9


def test_a_frame_that_changes_after_it_was_saved_does_not_change_what_is_kept(place):
    frame = pd.DataFrame({"x": np.array([1.0, 2.0]), "y": np.array([1.0, 2.0])})
    place.save(FREE, "v1", frame)

    frame.iloc[:, :] = -1.0

    assert place.load(FREE, "v1", frame="pandas")["x"].tolist() == [1.0, 2.0]


def test_other_types_are_other_content_even_where_the_bytes_of_a_csv_are_the_same(place):
    """A consumer sees 32 bits instead of 64, or categories instead of texts."""
    frame = pd.DataFrame({"n": np.array([1, 2], dtype="int64"), "s": ["a", "b"]})
    saved = place.save(FREE, "v1", frame)

    other = place.save(FREE, "v2", frame.astype({"n": "int32"}))
    third = place.save(FREE, "v3", frame.astype({"s": "category"}))

    assert len({saved.content, other.content, third.content}) == 3
    assert place.save(FREE, "v4", frame).content == saved.content


@pytest.mark.parametrize(
    "value",
    [{"a": [1]}, [1, 2], "text", 7, None, object(), iter([]), pd.Series([1])],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_table_is_refused(place, value):
    from sf_ml_framework.errors import DataError

    with pytest.raises(DataError, match="things@v1"):
        place.save(FREE, "v1", value)

    assert place.find(FREE, "v1") is None
