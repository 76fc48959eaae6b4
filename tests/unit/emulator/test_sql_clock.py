"""SQL tells the time of the account's clock."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("fakesnow")

from snowflake.connector import connect

from sf_ml_framework.emulator import Emulator

DAY = timedelta(days=1)
SLACK = timedelta(seconds=1)
"""SQL tells fewer digits of a second than Python."""


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as started:
        yield started


@pytest.fixture
def run(emulator):
    with contextlib.closing(connect(**emulator.connection)) as connection:
        yield lambda sql: connection.cursor().execute(sql).fetchone()


@pytest.fixture
def tomorrow(emulator):
    emulator.account.clock.advance(DAY.total_seconds())
    yield
    emulator.account.clock.advance(-DAY.total_seconds())


def test_so_is_the_time_that_a_function_of_tables_is_asked_with(run, tomorrow):
    """A week before the real time would be eight days before the account's, and refused."""
    (count,) = run(
        "select count(*) from table(snowflake.information_schema.task_history("
        "scheduled_time_range_start => dateadd('day', -7, current_timestamp())))"
    )

    assert count == 0


def test_the_time_of_sql_is_moved_with_the_clock(run, tomorrow):
    before = datetime.now(UTC) + DAY
    told = run("select current_timestamp(), current_timestamp, sysdate()")
    after = datetime.now(UTC) + DAY

    for moment in told:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        assert before - SLACK <= aware <= after + SLACK


def test_a_date_and_a_difference_are_moved_too(run, tomorrow):
    before = datetime.now(UTC)
    (day, ago) = run("select current_date(), dateadd('day', -1, current_timestamp())")
    after = datetime.now(UTC)

    assert (before + DAY).date() <= day <= (after + DAY).date()
    assert before - SLACK <= ago <= after + SLACK


def test_a_table_whose_column_has_the_time_as_default_is_made(run, tomorrow):
    run("create or replace database clocks")
    run("create table t (a int, made timestamp_ltz default current_timestamp())")
    run("insert into t (a) values (1)")

    assert run("select made is not null from t") == (True,)


def test_a_clock_that_was_not_moved_changes_nothing(run):
    before = datetime.now(UTC)

    assert before - SLACK <= run("select current_timestamp()")[0] <= datetime.now(UTC) + SLACK
