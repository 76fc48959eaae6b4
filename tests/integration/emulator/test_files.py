"""Stages and files, through the connector and Snowpark."""

from __future__ import annotations

import gzip
import urllib.request
from datetime import datetime

import pandas as pd
import pytest
from snowflake.connector.errors import ProgrammingError
from snowflake.connector.pandas_tools import write_pandas


@pytest.fixture
def people(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text('id,name\n1,Ann\n2,"Bob, Jr"\n')
    return file


CSV = "(type = csv skip_header = 1 field_optionally_enclosed_by = '\"')"


def test_a_file_goes_up_and_comes_back(run, people, tmp_path):
    run("create stage s")
    put = run(f"put file://{people} @s/in/deep")
    listed = run("list @s")
    (tmp_path / "back").mkdir()
    run(f"get @s/in/deep file://{tmp_path}/back")

    assert put[0][6] == "UPLOADED"
    assert [row[0] for row in listed] == ["s/in/deep/people.csv.gz"]
    assert (
        gzip.decompress((tmp_path / "back" / "people.csv.gz").read_bytes()) == people.read_bytes()
    )


@pytest.mark.parametrize("stage", ["@~/x", "@%t", '@"Quoted Stage"/x'])
def test_every_kind_of_stage_takes_files(run, people, stage):
    run("create table t (id int, name varchar)")
    run('create stage "Quoted Stage"')
    target = f"'{stage}'" if '"' in stage else stage

    run(f"put file://{people} {target} auto_compress = false")
    loaded = run(f"copy into t from {target} files = ('people.csv') file_format = {CSV}")
    run(f"remove {target}")

    assert loaded[0][1:4] == ("LOADED", 2, 2)
    assert run("select * from t order by id") == [(1, "Ann"), (2, "Bob, Jr")]
    assert run(f"list {target}") == []


def test_a_file_is_loaded_once_unless_forced(run, people):
    run("create table t (id int, name varchar)")
    run("create stage s file_format = " + CSV)
    run(f"put file://{people} @s")
    states = [run(f"copy into t from @s {extra}")[0][1] for extra in ("", "", "force = true")]

    assert states == ["LOADED", "LOAD_SKIPPED", "LOADED"]
    assert run("select count(*) from t") == [(4,)]


def test_a_faulty_file_loads_nothing(run, people):
    run("create table t (id int, name int)")
    run("create stage s")
    run(f"put file://{people} @s")

    with pytest.raises(ProgrammingError) as caught:
        run(f"copy into t from @s file_format = {CSV}")
    skipped = run(f"copy into t from @s file_format = {CSV} on_error = skip_file")

    assert caught.value.errno == 100038
    assert skipped[0][1] == "LOAD_FAILED"
    assert run("select count(*) from t") == [(0,)]


def test_staged_files_can_be_queried(run, people):
    run("create stage s")
    run(f"put file://{people} @s")
    run("create file format f type = csv skip_header = 1 field_optionally_enclosed_by = '\"'")

    assert run("select t.$2, $1::int + 1 from @s (file_format => 'f') t order by 2") == [
        ("Ann", 2),
        ("Bob, Jr", 3),
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_is_unloaded_can_be_loaded(run, kind):
    run("create stage s")
    run("create table t as select 1 as id, 'x' as name union all select 2, null")
    run("create table u like t")

    unloaded = run(
        f"copy into @s/out/ from t file_format = (type = {kind}) header = {kind == 'parquet'}"
    )
    match = "match_by_column_name = case_insensitive" if kind == "parquet" else ""
    run(f"copy into u from @s/out file_format = (type = {kind}) {match}")

    assert unloaded[0][0] == 2
    assert run("select * from u order by id") == [(1, "x"), (2, None)]


def test_a_presigned_url_reads_the_file(run, people):
    run("create stage s")
    run(f"put file://{people} @s auto_compress = false")

    ((url,),) = run("select get_presigned_url(@s, 'people.csv', 60)")

    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == people.read_bytes()


def test_files_are_copied_from_stage_to_stage(run, people):
    run("create stage a")
    run("create stage b")
    run(f"put file://{people} @a/x auto_compress = false")

    assert run("copy files into @b/y from @a/x") == [("people.csv",)]
    assert [row[0] for row in run("list @b")] == ["b/y/people.csv"]


def test_a_path_cannot_leave_its_stage(run):
    run("create stage s")

    with pytest.raises(ProgrammingError):
        run("list @s/../../x")


def test_pandas_frames_survive_write_pandas(connection):
    frame = pd.DataFrame(
        {
            "id": [1, 2],
            "name": ["x", None],
            "at": [datetime(2024, 1, 1), datetime(2024, 1, 2, 3, 4, 5, 123456)],
            "share": [1.5, None],
        }
    )

    for _ in range(2):
        ok, _, count, _ = write_pandas(
            connection, frame, "WP", auto_create_table=True, overwrite=True
        )
        assert (ok, count) == (True, 2)
    back = connection.cursor().execute("select * from wp order by 1").fetch_pandas_all()

    assert back.to_dict("records")[0] == {
        "id": 1,
        "name": "x",
        "at": pd.Timestamp("2024-01-01"),
        "share": 1.5,
    }
    assert back["at"].tolist() == frame["at"].tolist()


def test_infer_schema_names_the_columns_of_a_file(run, connection):
    write_pandas(connection, pd.DataFrame({"a": [1]}), "SRC", auto_create_table=True)
    run("create stage s")
    run("create file format p type = parquet")
    run("copy into @s/f from src file_format = (type = parquet) header = true")

    assert run(
        "select column_name, type from table(infer_schema(location => '@s/f', file_format => 'p'))"
    ) == [("a", "NUMBER(38, 0)")]


@pytest.mark.parametrize("path", ["/etc/passwd", "//etc/passwd", "../x", "a/../../x", "/", ""])
def test_a_presigned_url_leads_to_nothing_outside_of_its_stage(run, path):
    """A path with a slash in front once led to a file of the server's machine."""
    run("create stage s")

    try:
        url = run(f"select get_presigned_url(@s, '{path}')")[0][0]
    except ProgrammingError as error:
        assert error.errno == 1001
    else:
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(url, timeout=10)
