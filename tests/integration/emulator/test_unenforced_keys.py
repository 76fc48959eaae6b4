"""PRIMARY KEY, UNIQUE and FOREIGN KEY are described and not enforced."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import DatabaseError, ProgrammingError


def keys(run, table):
    """Return of each column its name, whether it may be null, and its two flags."""
    return [(row[0], row[3], row[5], row[6]) for row in run(f"describe table {table}")]


def test_keys_of_a_standard_table_are_not_enforced(run):
    run("create table a (id int primary key, v int unique)")
    run("create table b (a int references a (id), v int, foreign key (v) references a (v))")

    assert run("insert into a values (1, 1), (1, 1)") == [(2,)]
    assert run("insert into b values (77, 77)") == [(1,)]
    assert run("select count(*) from a") == [(2,)]
    with pytest.raises(DatabaseError) as caught:
        run("insert into a values (null, 1)")
    assert caught.value.errno == 100072


def test_a_table_that_others_reference_is_replaced_and_dropped(run):
    run("create table a (id int primary key)")
    run("create table b (a int references a (id))")

    run("create or replace table a (id int primary key not enforced rely)")
    run("drop table a cascade")

    assert run("select * from b") == []


def test_describe_tells_keys_of_copies_too(run):
    run("create table a (id int, v int, w int, constraint k primary key (id, v), unique (w))")
    told = [("ID", "N", "Y", "N"), ("V", "N", "Y", "N"), ("W", "Y", "N", "Y")]
    assert keys(run, "a") == told

    run("create table c clone a")
    run("create table l like a")
    run("alter table a rename to r")
    run("drop table r")
    run("undrop table r")
    run("create temporary table e (id int primary key, v int unique)")

    assert keys(run, "c") == keys(run, "r") == told
    assert [one[2:] for one in keys(run, "l")] == [one[2:] for one in told]
    assert keys(run, "e") == [("ID", "N", "Y", "N"), ("V", "Y", "N", "Y")]


def test_keys_are_added_and_dropped(run):
    run("create table a (id int, v int)")
    run("alter table a add constraint k primary key (id)")
    run("alter table a add unique (v)")
    run("alter table a rename column v to w")
    assert keys(run, "a") == [("ID", "N", "Y", "N"), ("W", "Y", "N", "Y")]

    run("alter table a drop primary key")
    run("alter table a drop unique (w)")
    assert [one[2:] for one in keys(run, "a")] == [("N", "N"), ("N", "N")]


@pytest.mark.parametrize(
    "columns",
    [
        "x int, primary key (y)",
        "x int primary key, y int primary key",
        "x int references nowhere (x)",
        "x int references plain (x)",
    ],
)
def test_a_key_that_cannot_be_is_refused(run, columns):
    run("create table plain (x int)")

    with pytest.raises(ProgrammingError):
        run(f"create table t ({columns})")


def test_a_table_may_reference_itself(run):
    run("create table t (id int primary key, parent int references t (id))")

    assert run("insert into t values (1, 7)") == [(1,)]


def test_keys_of_a_temporary_table_that_a_procedure_made_stay_with_the_session(run):
    run(
        "create procedure makes() returns varchar language sql execute as caller as "
        "$$ begin create temporary table e (id int primary key, v int unique); "
        "return 'made'; end $$"
    )
    run("call makes()")

    assert keys(run, "e") == [("ID", "N", "Y", "N"), ("V", "Y", "N", "Y")]
