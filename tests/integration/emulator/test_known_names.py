"""What a query may name is Snowflake's; the engine's functions, readers and catalogs are not."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import ProgrammingError


def refused(run, sql):
    with pytest.raises(ProgrammingError) as caught:
        run(sql)
    return caught.value.errno


@pytest.mark.parametrize(
    "source",
    [
        "read_text('/etc/passwd')",
        "read_csv('/etc/passwd')",
        "read_blob('/etc/passwd')",
        "range(5)",
        "generate_series(1, 3)",
        "duckdb_settings()",
        "table(read_text('/etc/passwd'))",
        "table(information_schema.not_there())",
        "(select * from read_text('/etc/passwd'))",
    ],
)
def test_a_table_function_that_is_not_there_is_named(run, source):
    name = source.removeprefix("(select * from ").removeprefix("table(").partition("(")[0]
    with pytest.raises(
        ProgrammingError, match=f"(?i)unknown .*{name.rpartition('.')[2]}"
    ) as caught:
        run(f"select * from {source}")

    assert caught.value.errno == 2141


@pytest.mark.parametrize(
    "table",
    [
        "'/etc/passwd'",
        "'/tmp/data.csv'",
        '"/tmp/data.csv"',
        '"values"',
        '"self"',
        "pragma_database_list",
        "sqlite_master",
        "pg_catalog.pg_tables",
        "memory.main.t",
        "temp.main.t",
        "system.information_schema.tables",
        "information_schema.key_column_usage",
        "information_schema.not_there",
    ],
)
def test_a_table_of_the_engine_is_not_there(run, table):
    assert refused(run, f"select * from {table}") == 2003


@pytest.mark.parametrize(
    "call",
    [
        "list_value(1, 2)",
        "string_split('a,b', ',')",
        "current_setting('threads')",
        "getenv('HOME')",
        "epoch_ms(1)",
        "list_transform([1], x -> x)",
        "array_size(list_value(1))",
    ],
)
def test_a_function_of_the_engine_is_unknown(run, call):
    assert refused(run, f"select {call}") == 2140


def test_neither_a_view_nor_a_table_is_made_of_them(run):
    for sql in (
        "create view v as select * from read_text('/etc/passwd')",
        "create table t as select * from read_text('/etc/passwd')",
        "create dynamic table d target_lag = '1 hour' warehouse = compute_wh "
        "as select * from read_text('/etc/passwd')",
        "insert into t2 select * from read_text('/etc/passwd')",
    ):
        run("create table if not exists t2 (x varchar)")
        assert refused(run, sql) in {2140, 2141, 2003, 2728}


def test_names_hide_as_they_do_in_snowflake(run):
    """A CTE, an alias and a temporary table are names that a query may use."""
    run("create table t as select 1 as x")
    run("create temporary table u as select 2 as x")

    assert run("with c as (select x from t) select c.x, a.x from c, u as a") == [(1, 2)]
    assert run("select * from (select * from t) t where exists (select 1 from u)") == [(1,)]
    assert run(
        "with recursive r as (select 1 as n union all select n + 1 from r where n < 3) "
        "select count(*) from r"
    ) == [(3,)]


def test_a_function_in_sql_reads_no_files_either(run):
    run(
        "create function leak() returns varchar as 'select content from read_text(''/etc/passwd'')'"
    )

    assert refused(run, "select leak()") == 2141


def test_a_function_of_a_user_is_known_wherever_it_stands(run, database):
    run("create function one() returns int as '1'")
    run("create temporary function two() returns int as '2'")
    run("create schema other")
    run("use schema other")

    assert run(f"select one(), {database}.public.one()") == [(1, 1)]
    run("use schema public")
    assert run("select two()") == [(2,)]


def test_dual_has_one_row(run):
    assert run("select 1 from dual") == [(1,)]
    assert run("select d.dummy from dual as d") == [("X",)]
