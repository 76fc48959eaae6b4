"""Inserts of many rows, by every way that the connector has."""

from __future__ import annotations

import datetime
import time

import pytest

ROWS = 300
COLUMNS = 60


@pytest.fixture
def wide(run):
    run("create table wide (" + ", ".join(f"c{i} float" for i in range(COLUMNS)) + ")")
    return [tuple(float(row * column) / 4 for column in range(COLUMNS)) for row in range(ROWS)]


def test_many_wide_rows_are_quick(connection, run, wide):
    started = time.process_time()
    marks = ", ".join(["%s"] * COLUMNS)
    cursor = connection.cursor()
    cursor.executemany(f"insert into wide values ({marks})", wide)

    assert cursor.rowcount == ROWS
    assert time.process_time() - started < 60  # it took minutes, of this process alone
    assert run("select count(*), sum(c1), sum(c59) from wide") == [
        (ROWS, sum(row[1] for row in wide), sum(row[59] for row in wide))
    ]


def test_values_of_each_type_arrive(connection, run):
    run("create table kinds (i int, d number(10, 2), s varchar, b boolean, t date, n timestamp)")
    row = (
        -1,
        "12.345",
        "it's \\ \n é",
        True,
        datetime.date(2026, 1, 2),
        datetime.datetime(2026, 1, 2, 3, 4, 5),
    )
    cursor = connection.cursor()
    cursor.executemany("insert into kinds values (%s, %s, %s, %s, %s, %s)", [row] * 200)

    found = run("select distinct * from kinds")
    assert len(found) == 1
    assert [str(value) for value in found[0]] == [
        "-1",
        "12.35",
        "it's \\ \n é",
        "True",
        "2026-01-02",
        "2026-01-02 03:04:05",
    ]


def test_a_long_insert_is_all_or_nothing(connection, run):
    import snowflake.connector

    run("create table whole (i int)")
    values = ", ".join(["('1')"] * 500 + ["('x')"])
    with pytest.raises(snowflake.connector.errors.ProgrammingError, match="x"):
        run(f"insert into whole values {values}")

    assert run("select count(*) from whole") == [(0,)]


def test_a_long_insert_obeys_its_transaction(connection, run):
    run("create table tx (i int)")
    run("begin")
    run("insert into tx (i) values " + ", ".join(["(1)"] * 500))
    run("rollback")

    assert run("select count(*) from tx") == [(0,)]


def test_a_long_insert_asks_for_its_privilege(connection, run, database):
    import snowflake.connector

    run("create table guarded (i int)")
    run("create or replace role no_inserts")
    run("grant role no_inserts to role accountadmin")
    run(f"grant usage on database {database} to role no_inserts")
    run(f"grant usage on schema {database}.public to role no_inserts")
    run("grant select on table guarded to role no_inserts")
    run("use role no_inserts")
    try:
        with pytest.raises(snowflake.connector.errors.ProgrammingError, match="privileges"):
            run(f"insert into {database}.public.guarded values " + ", ".join(["(1)"] * 500))
    finally:
        run("use role accountadmin")
        run("drop role no_inserts")


def test_quoted_names_may_hold_a_single_quote(run):
    run("create table \"it's\" (a int, \"o'clock\" int) comment = 'it''s'")
    run('insert into "it\'s" values (1, 2)')
    run('create view "v\'s" as select * from "it\'s"')

    assert run('select "o\'clock" from "v\'s"') == [(2,)]
    assert run("show tables like 'it''s'")[0][1] == "it's"
    assert run('describe table "it\'s"')[1][0] == "o'clock"
    run('alter table "it\'s" rename to "that\'s"')
    assert run('select a from "that\'s"') == [(1,)]
    assert run('drop view "v\'s"') == [("v's successfully dropped.",)]
    assert run('drop table "that\'s"') == [("that's successfully dropped.",)]
    assert run("show tables like '%''s'") == []
