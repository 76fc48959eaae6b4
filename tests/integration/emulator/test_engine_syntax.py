"""What the engine underneath would take and Snowflake does not have is refused, and how."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import ProgrammingError


@pytest.fixture(autouse=True)
def tables(run):
    run("create table t (id int, x int, nm varchar(20), d number(10, 2))")
    run("insert into t values (1, 1, 'a', 1), (2, 2, 'b', 2)")
    run("create table s (id int, x int)")
    run("insert into s values (1, 5), (1, 6)")


@pytest.mark.parametrize(
    "sql",
    [
        "from t select x",
        "select * from (from t)",
        "select distinct on (x) x from t",
        "select t.x from t semi join s on t.id = s.id",
        "select t.x from t anti join s on t.id = s.id",
        "select x from t limit 50%",
        "insert into s values (9, 9) returning id",
        "select unnest([1, 2])",
        "select [x for x in [1, 2]]",
        "select 'a' ~~ 'b'",
        "select 'a' glob 'b'",
        "create table i (x integer[])",
        "select x::int[] from t",
        "create table k (order int)",
        "create table order (x int)",
    ],
)
def test_syntax_of_the_engine_is_refused(refused, sql):
    assert refused(sql).errno in {1003, 904, 2140}


@pytest.mark.parametrize(
    "value", ["parse_json('1')", "array_construct(1)", "object_construct('a', 1)", "to_variant(1)"]
)
def test_values_make_no_semi_structured_value(run, refused, value):
    run("create table v (a int, b variant)")

    error = refused(f"insert into v values (1, {value})")

    assert (error.errno, error.sqlstate) == (2014, "22000")
    assert run(f"insert into v select 1, {value}") == [(1,)]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("create table n as select 1 a, 2 a", "duplicate column name 'A'"),
        ("create view n as select 1 a, 2 a", "duplicate column name 'A'"),
        ("create table n (a int, a int)", "duplicate column name 'A'"),
        ("create view n (a) as select 1, 2", "Invalid column definition list"),
        ("create view n as select x + 1 from t", "Missing column specification"),
        ("create table n as select count(*) from t", "Missing column specification"),
        ("alter table t alter column nm set data type varchar(5)", "reducing the byte-length"),
        ("alter table t alter column x set data type varchar(5)", "cannot change column X"),
        ("alter table t alter column d set data type number(10, 3)", "cannot change column D"),
        ("create table n (x int) data_retention_time_in_days = 200", "200"),
        ("alter table t set data_retention_time_in_days = 200", "200"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(refused, sql, words):
    assert words in str(refused(sql))


def test_a_warehouse_has_not_more_clusters_at_least_than_at_most(refused):
    assert refused("create warehouse w_never min_cluster_count = 3 max_cluster_count = 2")


@pytest.mark.parametrize(
    ("sql", "number", "state"),
    [
        ("select foo", 904, "42000"),
        ("update t set nope = 1", 904, "42000"),
        ("insert into t (id, nope) values (1, 2)", 904, "42000"),
        ("alter table t drop column nope", 904, "42000"),
        ("select nope(1)", 2140, "42601"),
        ("select x from t union select 1, 2", 1789, "42601"),
        ("select (select x from t)", 90150, "22000"),
        (
            "merge into t using s on t.id = s.id when matched then update set x = s.x",
            100090,
            "42P18",
        ),
    ],
)
def test_a_refusal_has_snowflakes_number(refused, sql, number, state):
    error = refused(sql)

    assert (error.errno, error.sqlstate) == (number, state)


def test_a_view_of_a_table_that_is_gone_says_so(run, refused):
    run("create view v as select x from s")
    run("drop table s")

    error = refused("select * from v")

    assert (error.errno, error.sqlstate) == (2037, "42601")
    assert "Failure during expansion of view 'V'" in str(error)


def test_no_client_can_have_a_service_change_hands(run, job):
    from tests.waiting import until

    name = "j_owned"
    run(job("true", options=f"name = {name} async = true"))
    try:
        with pytest.raises(ProgrammingError):
            run(f"grant ownership on service {name} to role sysadmin")
    finally:
        until(lambda: run(f"drop service if exists {name}") or True)
