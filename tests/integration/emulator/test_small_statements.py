"""Statements that the pages show and that are easily half done."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import ProgrammingError


def test_several_columns_are_dropped_or_none(run):
    run("create table e (a0 int, a1 int, a2 int, a3 int)")
    with pytest.raises(ProgrammingError, match="NOPE"):
        run("alter table e drop column a1, nope")
    with pytest.raises(ProgrammingError):
        run("alter table e drop column a0, a1, a2, a3")
    assert len(run("describe table e")) == 4

    run("alter table e drop column a1, a2")

    assert [row[0] for row in run("describe table e")] == ["A0", "A3"]


def test_a_permanent_table_is_made_beside_a_temporary_one(run):
    run("create temporary table tt (x varchar(2))")
    run("create table tt (y varchar(3) primary key)")
    run("insert into tt values ('ab')")
    assert run("select x from tt") == [("ab",)]

    run("drop table tt")

    assert run("select y from tt") == []
    assert [(row[0], row[1], row[5]) for row in run("describe table tt")] == [
        ("Y", "VARCHAR(3)", "Y")
    ]


def test_a_column_may_be_named_end_or_at(run):
    run("create table t (end int, at int)")
    run("insert into t (end, at) values (1, 2)")

    assert run("select end, t.at from t where end = 1") == [(1, 2)]


def test_the_comment_of_a_column_is_kept(run):
    run("create table t (nm varchar)")
    run("alter table t modify column nm comment 'what it is'")

    assert run("describe table t")[0][9] == "what it is"


def test_update_takes_the_name_of_its_table_on_the_left(run):
    run("create table t (id int, x int)")
    run("insert into t values (1, 1), (2, 2)")
    run("update t set t.x = s.x from (select 1 as id, 10 as x) s where t.id = s.id")

    assert run("select x from t order by id") == [(10,), (2,)]


def test_a_default_takes_from_a_sequence(run):
    run("create sequence sq start = 5")
    run("create table t (a int default sq.nextval, b int)")
    run("insert into t (b) values (1), (2)")

    assert len(set(run("select a from t"))) == 2
    assert run("select min(a) >= 5 from t") == [(True,)]


def test_lists_of_no_rows_are_empty(run):
    run("create table t (x int)")

    assert run("select array_agg(x), listagg(x, ',') from t") == [("[]", "")]
    assert run("select array_size(array_agg(x)) from t") == [(0,)]
    run("insert into t values (1), (2)")
    assert run("select listagg(x, ',') within group (order by x) from t") == [("1,2",)]


def test_whole_numbers_that_are_written_out_do_not_overflow(run):
    assert run("select 86400000 * 365, 2147483647 + 1, 3 * (1000000 * 4000)") == [
        (31536000000, 2147483648, 12000000000)
    ]
