"""What Snowflake does and this emulator does not is refused, never done half."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import ProgrammingError


@pytest.fixture
def table(run):
    run("create table t (x int, j variant)")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("create materialized view v as select 1 as x", "MATERIALIZED"),
        ("create dynamic iceberg table i target_lag = '1 hour' as select 1 as x", "DYNAMIC"),
        ("create stream s on table t", "create stream"),
        ("select 1 from t, lateral flatten(input => j, recursive => true)", "RECURSIVE"),
        ("create iceberg table i (x int)", "ICEBERG"),
        ("create external table i", "EXTERNAL"),
        ("create model monitor m with model = x", "model monitors"),
        ("drop model monitor m", "model monitors"),
        ("create volatile table i (x int)", "VOLATILE"),
        ("create table i (x int) row access policy p on (x)", "ROW ACCESS POLICY"),
        ("create table i (x int masking policy p)", "policy"),
        ("copy into t from @st validation_mode = return_errors", "VALIDATION_MODE"),
        ("copy into t from @st truncatecolumns = true", "TRUNCATECOLUMNS"),
        ("copy into t from @st size_limit = 1", "SIZE_LIMIT"),
        ("copy into @st/x from t include_query_id = true", "INCLUDE_QUERY_ID"),
        ("copy into @st/x from t partition by (x)", "PARTITION BY"),
    ],
)
def test_what_this_emulator_does_not_know_is_refused_by_name(run, table, sql, words):
    run("create stage st")

    with pytest.raises(ProgrammingError) as caught:
        run(sql)
    assert caught.value.errno == 2
    assert words in str(caught.value)


def test_a_star_is_refused_not_guessed(run):
    with pytest.raises(ProgrammingError, match="HASH_AGG"):
        run("select hash_agg(*) from values (1)")


@pytest.mark.parametrize(
    "sql",
    [
        "select * from t at (offset => -60)",
        "select * from t before (statement => '8e5d0ca9-005e-44e6-b858-a8f5b37c5726')",
        "create table c clone t at (offset => -60)",
        "create schema c clone public at (offset => -60)",
    ],
)
def test_time_travel_is_refused_by_name(run, table, sql):
    with pytest.raises(ProgrammingError, match="no history of rows"):
        run(sql)


def test_a_transaction_with_a_text_that_is_too_long_is_not_committed(run):
    run("create table short (name varchar(3))")
    run("begin")
    with pytest.raises(ProgrammingError, match="too long"):
        run("insert into short values ('abcd')")
    with pytest.raises(ProgrammingError, match="ROLLBACK"):
        run("commit")
    run("rollback")
    run("insert into short values ('abc')")

    assert run("select name from short") == [("abc",)]
