"""Ibis tables: one DuckDB for a place, and the same bytes each time."""

import gc
import os

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec
from sf_ml_framework.places.local.engine import depends_on_order
from sf_ml_framework.places.local.place import LocalPlace

ROWS = 300_000
"""Enough for several threads: DuckDB hands out a row group at a time."""
SPENDS = DatasetSpec(name="spends", kind="table", version="v1")
RESULT = DatasetSpec(name="result", kind="table", version="v1")


@pytest.fixture(scope="module")
def spends():
    chance = np.random.default_rng(7)
    return pa.table(
        {
            "id": np.arange(ROWS),
            "group": chance.choice(list("abcdefgh"), ROWS),
            "spend": chance.lognormal(3, 2, ROWS),
        }
    )


@pytest.fixture(scope="module")
def shuffled(spends):
    return spends.take(np.random.default_rng(8).permutation(ROWS))


def engine_of(table):
    return table.op().find(ibis.expr.operations.DatabaseTable)[0].source


@pytest.mark.parametrize(
    "compute",
    [
        lambda t: t.group_by("group").agg(
            total=t.spend.sum(), mean=t.spend.mean(), spread=t.spend.std(), rows=t.count()
        ),
        lambda t: t.mutate(share=t.spend / t.spend.sum().over(group_by="group")),
        lambda t: t.join(t.group_by("group").agg(most=t.spend.max()), "group"),
        lambda t: t.select("group").distinct(),
        lambda t: t.filter(t.id < 10).union(t.filter(t.id > 299_990)),
        lambda t: t.order_by("group"),
        lambda t: t.order_by("group").select("spend", "id"),
        lambda t: t.order_by("group").limit(100),
        lambda t: t.filter(t.spend > t.spend.mean()),
        lambda t: t.group_by("group").agg(one=t.spend.first()),
        lambda t: t.group_by("group").agg(both=t.spend.corr(t.id, how="pop")),
    ],
    ids="agg window join distinct union sort project top mean first corr".split(),
)
def test_what_is_computed_does_not_depend_on_threads(open_place, shuffled, compute):
    open_place("parquet").save(SPENDS, "v1", shuffled)

    found = set()
    for threads in (1, 4, 4, 3):
        place = open_place("parquet", threads=threads, kept_bytes=0)
        table = compute(place.load(SPENDS, "v1", frame="ibis"))
        found.add(place.save(RESULT, "v1", table).content)

    assert len(found) == 1


@pytest.mark.parametrize("compute", [lambda t: t.distinct(), lambda t: t.join(t.view(), "id")])
def test_rows_that_are_mixed_stand_in_the_order_of_the_keys(open_place, shuffled, compute):
    spec = DatasetSpec(name="result", kind="table", join_keys=("id",))
    place = open_place("parquet", threads=4)
    place.save(SPENDS, "v1", shuffled)

    place.save(spec, "v1", compute(place.load(SPENDS, "v1", frame="ibis")))

    assert place.load(spec, "v1", frame="pandas")["id"].tolist() == list(range(ROWS))


def test_rows_that_are_only_filtered_and_projected_keep_their_order(open_place, shuffled):
    spec = DatasetSpec(name="result", kind="table", join_keys=("id",))
    place = open_place("parquet", threads=4)
    place.save(SPENDS, "v1", shuffled)
    table = place.load(SPENDS, "v1", frame="ibis")

    place.save(spec, "v1", table.filter(table.id % 2 == 0).mutate(twice=table.spend * 2))

    expected = [number for number in shuffled["id"].to_pylist() if number % 2 == 0]
    assert place.load(spec, "v1", frame="pandas")["id"].tolist() == expected


def test_an_authors_own_order_stays(open_place, shuffled):
    spec = DatasetSpec(name="result", kind="table", join_keys=("id",))
    place = open_place()
    place.save(SPENDS, "v1", shuffled)
    table = place.load(SPENDS, "v1", frame="ibis")

    place.save(spec, "v1", table.order_by(table.spend.desc()).limit(3))

    largest = sorted(shuffled["spend"].to_pylist(), reverse=True)[:3]
    assert place.load(spec, "v1", frame="pandas")["spend"].tolist() == largest


def test_what_an_author_computes_alone_is_the_same_each_time(open_place, shuffled):
    """Threads add floats in the order in which they finish; fitted statistics are data."""
    open_place("parquet").save(SPENDS, "v1", shuffled)
    found = set()
    for _ in range(4):
        place = open_place("parquet", threads=4, kept_bytes=0)
        table = place.load(SPENDS, "v1", frame="ibis")
        found.add((table.spend.mean().execute(), table.spend.std().to_pyarrow().as_py()))

    assert len(found) == 1


def test_only_sums_of_floats_and_first_comers_depend_on_order():
    table = ibis.table({"n": "int64", "x": "float64"}, name="t")
    depending = [
        table.agg(table.x.mean()),
        table.mutate(table.x.sum().name("s")),
        table.agg(table.x.std()),
        table.agg(table.n.first()),
        table.agg(table.x.corr(table.n, how="pop")),
        table.distinct().limit(1),
        table.order_by("n").limit(1),
        table.order_by("n").select("x"),
    ]
    free = [
        table.agg(table.n.sum()),
        table.agg(table.n.mean()),
        table.agg(table.x.max()),
        table.agg(table.x.median()),
        table.order_by("n"),
        table.limit(1),
        table.join(table.view(), "n"),
    ]

    assert [depends_on_order(each) for each in depending] == [True] * len(depending)
    assert [depends_on_order(each) for each in free] == [False] * len(free)


def test_wide_types_of_duckdb_come_back_as_those_of_the_expression(place):
    """It sums integers to 128 bits, which no file keeps."""
    place.save(SPENDS, "v1", pd.DataFrame({"n": [2**62, 1]}))
    table = place.load(SPENDS, "v1", frame="ibis")

    place.save(RESULT, "v1", table.agg(total=table.n.sum(), rows=table.count()))

    loaded = place.load(RESULT, "v1", frame="pandas")
    assert loaded.to_dict(orient="list") == {"total": [2**62 + 1], "rows": [2]}
    assert [*map(str, loaded.dtypes)] == ["int64", "int64"]


def test_a_failed_save_leaves_the_database_ready_for_the_next(place):
    """It runs nothing while a result stands open, and a worker goes on to other nodes."""
    place.save(SPENDS, "v1", pa.table({"x": [float(n) for n in range(200_000)]}))
    table = place.load(SPENDS, "v1", frame="ibis")
    spec = DatasetSpec(name="result", kind="table", columns=(ColumnSpec(name="x", type="integer"),))
    for value in (table.mutate(x=table.x + 0.5), table.to_pyarrow_batches(chunk_size=1000)):
        with pytest.raises(DataError, match="'x' is integer"):
            place.save(spec, "v1", table.mutate(x=table.x + 0.5))
        place.save(RESULT, "v1", value)

    assert table.count().execute() == 200_000


def test_an_author_may_take_batches_of_a_lazy_table(place):
    place.save(SPENDS, "v1", pd.DataFrame({"n": [1, 2, 3]}))
    table = place.load(SPENDS, "v1", frame="ibis")

    batches = [*table.agg(total=table.n.sum()).to_pyarrow_batches()]

    assert [batch.to_pydict() for batch in batches] == [{"total": [6]}]
    assert table.count().execute() == 3


def test_tables_of_memory_and_of_other_databases_can_be_saved(place):
    here = ibis.memtable({"a": [2, 1]})
    other = ibis.duckdb.connect()
    other.con.execute("CREATE TABLE t AS SELECT unnest([2, 1]) AS a")
    elsewhere = other.table("t")

    for table in (here, elsewhere, elsewhere.a):
        place.save(RESULT, "v1", table)
        assert place.load(RESULT, "v1", frame="pandas")["a"].tolist() == [2, 1]


def test_tables_of_two_datasets_can_be_joined(place, table_format, open_place):
    place = open_place(table_format)
    place.save(SPENDS, "v1", pd.DataFrame({"id": [1, 2], "spend": [1.5, 2.5]}))
    place.save(RESULT, "v1", pd.DataFrame({"id": [2, 3], "name": ["two", "three"]}))

    joined = place.load(SPENDS, "v1", frame="ibis").join(
        place.load(RESULT, "v1", frame="ibis"), "id"
    )

    assert joined.execute().to_dict(orient="list") == {"id": [2], "spend": [2.5], "name": ["two"]}


def test_a_filter_treats_nan_and_null_as_the_engine_does_wherever_the_data_lie(open_place):
    """Filters are handed to the reader of the file, which must mean the same by them."""
    table = pa.table({"x": [1.0, float("nan"), None, float("inf"), -1.0], "s": list("abcde")})
    found = []
    for table_format, kept_bytes in (("csv", 0), ("csv", 2**20), ("parquet", 0)):
        place = open_place(table_format, kept_bytes=kept_bytes)
        place.save(SPENDS, "v1", table)
        lazy = place.load(SPENDS, "v1", frame="ibis")
        conditions = (lazy.x > 0, lazy.x <= 1, lazy.x.isnull(), lazy.x.isnan(), lazy.x != 1)
        found.append([lazy.filter(each).s.execute().tolist() for each in conditions])

    assert found[0] == [["a", "b", "d"], ["a", "e"], ["c"], ["b"], ["b", "d", "e"]]
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_tables_out_of_use_are_let_go(open_place, table_format):
    place = open_place(table_format)
    place.save(SPENDS, "v1", pd.DataFrame({"id": [1, 2]}))
    for _ in range(5):
        place.load(SPENDS, "v1", frame="ibis").count().execute()
        gc.collect()

    kept = place.load(SPENDS, "v1", frame="ibis")

    views = "SELECT count(*) FROM duckdb_views() WHERE NOT internal"
    assert engine_of(kept).con.execute(views).fetchall() == [(1,)]
    assert kept.count().execute() == 2


def test_a_path_is_no_pattern(tmp_path):
    """DuckDB takes brackets, stars and question marks for one, and reads whatever fits it."""
    for name in ("a[1]", "a1", "b*", "bx", "c?", "cx"):
        place = LocalPlace(tmp_path / name, format="parquet")
        place.save(SPENDS, "v1", pd.DataFrame({"name": [name]}))

        assert place.load(SPENDS, "v1", frame="ibis").name.execute().tolist() == [name]
        place.close()
    place = LocalPlace(tmp_path / "b*", format="parquet")
    assert place.load(SPENDS, "v1", frame="ibis").name.execute().tolist() == ["b*"]
    place.close()


def test_limits_are_set_and_nothing_is_left_behind(open_place, root):
    place = open_place(memory_limit="512MB", threads=1)
    place.save(SPENDS, "v1", pd.DataFrame({"id": [1, 2]}))
    table = place.load(SPENDS, "v1", frame="ibis")

    settings = engine_of(table).settings

    assert settings["memory_limit"] == "488.2 MiB"
    assert settings["threads"] == "1"
    assert str(root / ".mlops") in settings["temp_directory"]
    assert settings["TimeZone"] == "UTC"
    place.close()
    assert not [*(root / ".mlops").glob("tmp/*")]


def test_a_large_file_of_csv_is_parsed_once_and_its_copy_goes_with_the_place(open_place, root):
    open_place().save(SPENDS, "v1", pd.DataFrame({"id": [1, 2], "b": [b"x", None]}))
    place = open_place(kept_bytes=0)

    tables = [place.load(SPENDS, "v1", frame="ibis") for _ in range(2)]

    assert len([*(root / ".mlops/tmp").glob("*/*.parquet")]) == 1
    assert [table.count().execute() for table in tables] == [2, 2]
    place.close()
    assert [*(root / ".mlops/tmp").iterdir()] == []


def test_what_a_killed_process_left_behind_is_removed(open_place, root):
    left, kept = root / ".mlops/tmp/4194399-0a1b", root / f".mlops/tmp/{os.getpid()}-0a1b"
    for folder in (left, kept):
        folder.mkdir(parents=True)
    place = open_place()
    place.save(SPENDS, "v1", pd.DataFrame({"id": [1]}))

    place.load(SPENDS, "v1", frame="ibis")

    assert kept.exists()
    assert not left.exists()


def test_a_place_can_be_used_after_it_was_closed(place):
    place.save(SPENDS, "v1", pd.DataFrame({"id": [1, 2]}))
    place.load(SPENDS, "v1", frame="ibis")

    place.close()

    assert place.load(SPENDS, "v1", frame="ibis").count().execute() == 2
