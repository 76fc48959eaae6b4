"""The official connector: sessions, statements, results, transactions, errors."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from snowflake.connector import connect
from snowflake.connector.errors import DatabaseError, ProgrammingError

from tests.waiting import until


def refused(run, sql):
    with pytest.raises(ProgrammingError) as caught:
        run(sql)
    return caught.value.errno, caught.value.sqlstate


def test_every_type_comes_back_as_the_client_expects_it(run):
    run(
        "create table t (i int, n number(10,2), f float, s varchar, b boolean, d date, "
        "ts timestamp_ntz, bin binary, v variant)"
    )
    run(
        "insert into t select 1, 2.50, 1.5, 'x', true, '2024-02-29', '2024-02-29 01:02:03.456', "
        "to_binary('ff00', 'HEX'), parse_json('{\"a\": [1]}')"
    )

    (row,) = run("select i, n, f, s, b, d, ts, bin, v from t")

    assert json.loads(row[8]) == {"a": [1]}
    assert row[:8] == (
        1,
        Decimal("2.50"),
        1.5,
        "x",
        True,
        date(2024, 2, 29),
        datetime(2024, 2, 29, 1, 2, 3, 456000),
        b"\xff\x00",
    )


def test_a_time_before_1970_survives(run):
    (row,) = run("select '1969-12-31 23:59:59.5'::timestamp_ntz")

    assert row[0] == datetime(1969, 12, 31, 23, 59, 59, 500000)


def test_current_timestamp_is_aware(run):
    ((now,),) = run("select current_timestamp()")

    assert abs((datetime.now(UTC) - now).total_seconds()) < 300


def test_json_results_hold_the_same_values(place):
    with connect(**place, session_parameters={"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "JSON"}) as c:
        row = (
            c.cursor()
            .execute(
                "select 1, 1.25, true, '2024-01-02'::date, "
                "'2024-01-02 03:04:05'::timestamp_ntz, null"
            )
            .fetchone()
        )

    assert row == (1, Decimal("1.25"), True, date(2024, 1, 2), datetime(2024, 1, 2, 3, 4, 5), None)


@pytest.mark.parametrize("style", ["pyformat", "qmark", "numeric"])
def test_values_are_bound_in_every_style(place, style):
    marks = {"pyformat": "%s, %s, %s", "qmark": "?, ?, ?", "numeric": ":1, :2, :3"}[style]
    with connect(**place, paramstyle=style) as c:
        cursor = c.cursor()
        cursor.execute("create table t (i int, s varchar, d date)")
        cursor.execute(f"insert into t values ({marks})", (1, "it's \\ ok", date(2024, 1, 2)))

        assert cursor.execute("select * from t").fetchall() == [(1, "it's \\ ok", date(2024, 1, 2))]


def test_many_rows_are_bound_in_one_statement(place):
    with connect(**place, paramstyle="qmark") as c:
        cursor = c.cursor()
        cursor.execute("create table t (i int, s varchar)")

        cursor.executemany("insert into t values (?, ?)", [(i, f"v{i}") for i in range(500)])

        assert cursor.rowcount == 500
        assert cursor.execute("select count(*), max(s) from t").fetchone() == (500, "v99")


def test_an_identifier_can_be_bound(place):
    with connect(**place, paramstyle="qmark") as c:
        cursor = c.cursor()
        cursor.execute('create table "Mixed Case" (x int)')

        assert cursor.execute(
            "select count(*) from identifier(?)", ('"Mixed Case"',)
        ).fetchone() == (0,)


def test_a_large_result_comes_in_chunks(connection):
    cursor = connection.cursor()
    cursor.execute("select seq4() as n from table(generator(rowcount => 120000))")

    assert len(cursor.get_result_batches()) > 1
    assert len({row[0] for row in cursor}) == 120000


def test_describe_runs_nothing(connection, run):
    run("create table t (x int)")

    columns = connection.cursor().describe("insert into t values (1)")
    described = connection.cursor().describe("select x as a, 'b' as b from t")

    assert [c.name for c in columns] == ["number of rows inserted"]
    assert [c.name for c in described] == ["A", "B"]
    assert run("select count(*) from t") == [(0,)]


def test_several_statements_need_to_be_announced(connection):
    cursor = connection.cursor()
    with pytest.raises(ProgrammingError) as caught:
        cursor.execute("select 1; select 2")
    cursor.execute("select 1; select 2", num_statements=2)
    first = cursor.fetchall()
    cursor.nextset()

    assert caught.value.errno == 8
    assert (first, cursor.fetchall()) == ([(1,)], [(2,)])


def test_an_async_query_runs_while_the_client_does_other_things(connection):
    cursor = connection.cursor()
    long = cursor.execute_async("select system$wait(600)")["queryId"]
    short = cursor.execute_async("select 'done' as a")["queryId"]

    assert connection.is_still_running(connection.get_query_status(long))
    cursor.get_results_from_sfqid(short)
    assert cursor.fetchall() == [("done",)]
    assert connection.is_still_running(connection.get_query_status(long))

    cursor.execute(f"select system$cancel_query('{long}')")
    until(lambda: not connection.is_still_running(connection.get_query_status(long)))
    assert connection.get_query_status(long).name in {"ABORTED", "FAILED_WITH_ERROR"}


def test_a_failed_async_query_says_so(connection):
    cursor = connection.cursor()
    query = cursor.execute_async("select * from not_there")["queryId"]

    with pytest.raises(DatabaseError, match="NOT_THERE"):
        cursor.get_results_from_sfqid(query)
        cursor.fetchall()


def test_a_time_out_cancels_the_statement(connection):
    with pytest.raises(ProgrammingError) as caught:
        connection.cursor().execute("select system$wait(600)", timeout=1)

    assert caught.value.errno == 604


def test_a_transaction_is_all_or_nothing(run):
    run("create table t (x int)")
    run("begin")
    run("insert into t values (1)")
    run("rollback")
    run("begin")
    run("insert into t values (2)")
    run("commit")

    assert run("select * from t") == [(2,)]


def test_ddl_commits_the_transaction(run):
    """Source: Snowflake, "Transactions": DDL."""
    run("create table t (x int)")
    run("begin")
    run("insert into t values (1)")
    run("create table u (x int)")
    run("rollback")

    assert run("select * from t") == [(1,)]


def test_nothing_is_committed_without_autocommit(place):
    with connect(**place, autocommit=False) as writer, connect(**place) as reader:
        writer.cursor().execute("create table t (x int)")
        writer.cursor().execute("insert into t values (1)")
        before = reader.cursor().execute("select count(*) from t").fetchone()
        writer.commit()
        after = reader.cursor().execute("select count(*) from t").fetchone()

    assert (before, after) == ((0,), (1,))


def test_merge_counts_what_it_did(run):
    run("create table t (k int, v varchar)")
    run("insert into t values (1, 'a'), (2, 'b')")

    counts = run(
        "merge into t using (select 1 as k, 'z' as v union all select 9, 'n') s on t.k = s.k "
        "when matched then update set t.v = s.v "
        "when not matched then insert (k, v) values (s.k, s.v)"
    )

    assert counts == [(1, 1)]
    assert run("select * from t order by k") == [(1, "z"), (2, "b"), (9, "n")]


def test_a_result_can_be_scanned_again(connection):
    cursor = connection.cursor()
    cursor.execute("show databases")
    query = cursor.sfqid

    found = cursor.execute(
        f"""select "name" from table(result_scan('{query}')) where "name" = 'SNOWFLAKE'"""
    )

    assert found.fetchall() == [("SNOWFLAKE",)]


def test_the_flow_operator_passes_results_on(run):
    assert run("select 1 as a union all select 2 ->> select sum(a) from $1") == [(3,)]


def test_session_variables_hold(run):
    run("set (low, name) = (2, 'x')")

    assert run("select $low + 1, $name") == [(3, "x")]


@pytest.mark.parametrize(
    ("sql", "errno", "state"),
    [
        ("select * from not_there", 2003, "42S02"),
        ("select nope from (select 1 as x)", 904, "42000"),
        ("selec 1", 1003, "42000"),
        ("select unheard_of(1)", 2140, "42601"),
        ("select 1/0", 100051, "22012"),
        ("select 'a'::int", 100038, "22018"),
        ("use role not_there", 2043, "02000"),
        ("use warehouse not_there", 2043, "02000"),
        ("drop database not_there", 2003, "02000"),
        ("create database snowflake", 2002, "42710"),
        ("alter session set not_a_parameter = 1", 1008, "22023"),
        ("select $not_set", 2211, "02000"),
    ],
)
def test_what_is_wrong_is_refused_with_snowflakes_number(run, sql, errno, state):
    assert refused(run, sql) == (errno, state)


def test_a_median_takes_no_window_frame(run):
    """Source: Snowflake, "MEDIAN"."""
    run("create table t (g int, x float)")

    assert refused(
        run,
        "select median(x) over (order by g rows between unbounded preceding and unbounded "
        "following) from t",
    ) == (2303, "42601")
    assert run("select median(x) over (partition by g) from t") == []


def test_rows_need_a_warehouse(place):
    with connect(**{**place, "warehouse": "NOT_THERE"}) as c:
        cursor = c.cursor()
        cursor.execute("create table t (x int)")
        constant = cursor.execute("select 1").fetchall()
        with pytest.raises(ProgrammingError) as caught:
            cursor.execute("select * from t")

    assert constant == [(1,)]
    assert caught.value.errno == 606


def test_a_temporary_table_hides_a_permanent_one_for_its_session_only(place, run):
    run("create table t as select 'permanent' as x")
    run("create temporary table t as select 'temporary' as x")

    here = run("select x from t")
    with connect(**place) as other:
        there = other.cursor().execute("select t.x from t").fetchall()
    full = run(f"select x from {place['database']}.public.t")
    run("drop table t")

    assert (here, there, full) == ([("temporary",)], [("permanent",)], [("temporary",)])
    assert run("select x from t") == [("permanent",)]


def test_a_path_into_a_variant_is_compared_with_text(run):
    run("""create table v as select parse_json('{"a": "J", "b.c": "J", "n": 1}') x""")

    for condition in (
        "x:a = 'J'",
        "'J' = x:a",
        """x:"b.c" = 'J'""",
        "x['a'] = 'J'",
        "x:a in ('J', 'K')",
        "x:a like 'J%'",
        "x:a != 'K'",
        "x:n = 1",
    ):
        assert run(f"select count(*) from v where {condition}") == [(1,)], condition


def test_a_typed_variable_of_a_block_takes_a_querys_value(run):
    run("create table counted as select 1 x union all select 2")
    (row,) = run(
        "begin let n int := (select count(*) from counted); "
        "if (n < 3) then return 'few'; end if; return 'many'; end"
    )

    assert row == ("few",)
