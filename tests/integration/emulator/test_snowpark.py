"""Snowpark: frames from lists and pandas, tables, views, files."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
from snowflake.snowpark import functions as f


def test_a_frame_of_rows_comes_back(session):
    rows = [[1, "a", date(2024, 1, 1), datetime(2024, 1, 1, 2), 1.5, True], [2] + [None] * 5]

    frame = session.create_dataframe(rows, schema=["id", "s", "d", "t", "f", "b"])

    assert [list(row) for row in frame.sort("id").collect()] == rows


def test_a_pandas_frame_comes_back(session):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})

    assert session.create_dataframe(frame).to_pandas().to_dict("list") == {
        "a": [1, 2],
        "b": ["x", None],
    }


def test_tables_are_saved_appended_and_overwritten(session):
    one = session.create_dataframe([[1, "a"]], schema=["id", "s"])
    for mode, count in (("overwrite", 1), ("append", 2), ("overwrite", 1), ("truncate", 1)):
        one.write.save_as_table("saved", mode=mode)
        assert session.table("saved").count() == count


def test_a_grouped_and_joined_frame_is_right(session):
    left = session.create_dataframe([[1, 10], [1, 20], [2, 5]], schema=["k", "v"])
    right = session.create_dataframe([[1, "one"], [2, "two"]], schema=["k", "name"])

    found = (
        left.join(right, "k")
        .group_by("name")
        .agg(f.sum("v").alias("total"), f.median("v").alias("mid"))
    )

    assert [tuple(row) for row in found.sort("name").collect()] == [
        ("one", 30, 15.0),
        ("two", 5, 5.0),
    ]


def test_temporary_objects_of_snowpark_work(session):
    frame = session.create_dataframe([[1], [2]], schema=["id"])
    cached = frame.cache_result()
    frame.create_or_replace_temp_view("tv")

    assert cached.count() == 2
    assert session.table("tv").filter("id > 1").collect()[0][0] == 2


def test_a_file_is_put_listed_and_read(session, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("1,x\n2,y\n")
    session.sql("create stage s").collect()

    session.file.put(str(file), "@s/in", auto_compress=False)
    read = session.read.csv("@s/in")

    assert session.file.get_stream("@s/in/a.csv").read() == b"1,x\n2,y\n"
    assert [tuple(row) for row in read.collect()] == [(1, "x"), (2, "y")]


def test_the_schema_of_a_table_is_known_without_running_it(session):
    session.sql("create table t (i int, s varchar(10), n number(10,2), t timestamp_ntz)").collect()

    fields = {field.name: str(field.datatype) for field in session.table("t").schema.fields}

    assert fields["N"] == "DecimalType(10, 2)"
    assert list(fields) == ["I", "S", "N", "T"]


def test_an_async_job_is_collected_later(session):
    assert session.sql("select 1 as a").collect_nowait().result()[0]["A"] == 1


def test_a_merge_through_snowpark_is_counted(session):
    session.create_dataframe([[1, "a"]], schema=["id", "s"]).write.save_as_table("t")
    source = session.create_dataframe([[1, "z"], [2, "n"]], schema=["k", "w"])
    target = session.table("t")

    done = target.merge(
        source,
        target["id"] == source["k"],
        [
            f.when_matched().update({"s": source["w"]}),
            f.when_not_matched().insert({"id": source["k"], "s": source["w"]}),
        ],
    )

    assert (done.rows_inserted, done.rows_updated) == (1, 1)
    assert [tuple(r) for r in session.table("t").sort("id").collect()] == [(1, "z"), (2, "n")]


def test_an_asof_join_takes_the_last_row_before(session):
    session.sql("create table a as select 1 k, 5 t union all select 1, 1").collect()
    session.sql("create table b as select 1 k, 3 t, 'v' v union all select 1, 9, 'w'").collect()

    found = session.sql(
        "select a.t, b.v from a asof join b match_condition (a.t >= b.t) on a.k = b.k order by 1"
    ).collect()

    assert [tuple(row) for row in found] == [(1, None), (5, "v")]
