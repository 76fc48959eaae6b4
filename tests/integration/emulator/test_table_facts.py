"""What is told of tables: a hash of all rows, when they were written, what for.

Source: Snowflake, "HASH_AGG"; "TABLES view" of the Information Schema.
"""

from __future__ import annotations

import pytest


@pytest.fixture
def altered(run, database):
    run("create table t (a int, b varchar)")

    def call(name="T"):
        where = f"where table_name = '{name}'"
        found = run(f"select last_altered from {database}.information_schema.tables {where}")
        return found[0][0]

    return call


def test_a_hash_of_all_rows_knows_no_order(run):
    rows = "select column1 as a, column2 as b from values (1, 'x'), (2, null), (1, 'x')"

    one = run(f"select hash_agg(a, b) from ({rows} order by 1)")
    other = run(f"select hash_agg(a, b) from ({rows} order by 1 desc)")

    assert one == other
    assert -(2**63) <= one[0][0] < 2**63


def test_a_hash_of_all_rows_tells_rows_apart(run):
    def hashed(values):
        return run(f"select hash_agg(column1, column2) from values {values}")[0][0]

    found = [hashed("(1, 'x'), (2, 'y')"), hashed("(1, 'y'), (2, 'x')"), hashed("(1, 'x')")]
    found += [hashed("(1, 'x'), (1, 'x')"), hashed("(1, null)")]

    assert len(set(found)) == len(found)


def test_the_hash_of_no_row_is_zero(run):
    assert run("select hash_agg(column1) from values (1) where column1 > 1") == [(0,)]


@pytest.mark.parametrize(
    "change",
    [
        "insert into t values (3, 'z')",
        "update t set b = 'w'",
        "delete from t",
        "truncate table t",
        "merge into t using (select 1 as a) s on t.a = s.a when matched then update set b = 'm'",
    ],
)
def test_a_table_that_was_written_was_altered(run, altered, change):
    run("insert into t values (1, 'x'), (2, 'y')")
    before = altered()

    run("select * from t")
    assert altered() == before
    run(change)

    assert altered() > before


def test_a_table_that_was_replaced_was_altered(run, altered):
    before = altered()

    run("create or replace table t (a int) as select 1")

    assert altered() > before


def test_a_comment_of_a_table_may_hold_quotes(run):
    run("create table t (a int) comment = 'it''s a \\'table\\'' as select 1")

    assert [row[5] for row in run("show tables")] == ["it's a 'table'"]
    assert run("select a from t") == [(1,)]
