"""Dynamic tables as time passes: the emulator's own clock is moved, so no account can run these."""

from __future__ import annotations

import pytest

from sf_ml_framework.emulator import Emulator
from tests.waiting import until


@pytest.fixture
def emulator():
    with Emulator() as started:
        yield started


@pytest.fixture
def session(emulator):
    opened = emulator.account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
    emulator.account.run(opened, "create database d")
    yield opened
    emulator.account.close_session(opened)


@pytest.fixture
def run(emulator, session):
    return lambda sql: emulator.account.run(session, sql).rows


@pytest.fixture
def pass_time(emulator):
    """Move the clock and wait until what became due has been done."""

    def call(seconds, done):
        emulator.account.clock.advance(seconds)
        until(done, "it did not happen")

    return call


def _source(run):
    run("create table t (id int, v float)")
    run("insert into t values (1, 1.0)")


def _make(run, name, query, lag="'1 hour'", more=""):
    run(
        f"create dynamic table {name} target_lag = {lag} warehouse = compute_wh {more} "
        f"as select {query}"
    )


def test_a_table_is_refreshed_when_its_lag_is_used_up(run, pass_time):
    _source(run)
    _make(run, "dt", "* from t")
    run("insert into t values (2, 2.0)")

    history = (
        "select refresh_action, refresh_trigger from table("
        "information_schema.dynamic_table_refresh_history()) order by refresh_start_time"
    )

    # The rows stand a moment before the refresh is told.
    pass_time(3601, lambda: len(run(history)) == 2)

    assert len(run("select * from dt")) == 2
    found = run(history)
    assert found == [("INCREMENTAL", "CREATION"), ("INCREMENTAL", "SCHEDULED")]


def test_a_downstream_table_follows_whoever_reads_it(run, pass_time):
    _source(run)
    _make(run, "upper", "* from t", lag="downstream")
    _make(run, "lower", "sum(v) as s from upper", lag="'30 minutes'")
    run("insert into t values (2, 2.0)")

    pass_time(1801, lambda: run("select s from lower") == [(3.0,)])

    assert len(run("select * from upper")) == 2


def test_a_downstream_table_that_nobody_reads_is_never_refreshed(run, pass_time):
    _source(run)
    _make(run, "alone", "* from t", lag="downstream")
    _make(run, "other", "* from t", lag="'1 hour'")
    run("insert into t values (2, 2.0)")

    pass_time(90000, lambda: len(run("select * from other")) == 2)

    assert len(run("select * from alone")) == 1


def test_a_suspended_table_waits(run, pass_time):
    _source(run)
    _make(run, "dt", "* from t")
    _make(run, "other", "* from t")
    run("alter dynamic table dt suspend")
    run("insert into t values (2, 2.0)")

    pass_time(3601, lambda: len(run("select * from other")) == 2)

    assert len(run("select * from dt")) == 1


def test_one_that_waits_for_its_schedule_is_filled_by_it(run, pass_time):
    _source(run)
    _make(run, "dt", "* from t", more="initialize = on_schedule")

    pass_time(6, lambda: run("show dynamic tables")[0][20] is not None)

    assert run("select id from dt") == [(1,)]


def test_five_failures_in_a_row_suspend(run, pass_time):
    _source(run)
    _make(run, "dt", "id, v from t")
    run("alter table t drop column v")
    history = (
        "select count(*) from table(information_schema.dynamic_table_refresh_history("
        "error_only => true))"
    )

    for failures in range(1, 6):
        pass_time(3601, lambda n=failures: run(history)[0][0] >= n)

    # The row of the history is written a moment before.
    until(lambda: run("show dynamic tables")[0][15] == "SUSPENDED", "not suspended")
    graph = run(
        "select scheduling_state from table(information_schema.dynamic_table_graph_history())"
    )
    assert "SUSPENDED_DUE_TO_ERRORS" in graph[0][0]


def test_everything_about_them_survives_a_restart(tmp_path):
    with Emulator(state=tmp_path) as first:
        session = first.account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
        first.account.run(session, "create database d")
        first.account.run(session, "create table t as select 1 as id")
        first.account.run(
            session,
            "create dynamic table dt (id comment 'k') target_lag = '1 hour' "
            "warehouse = compute_wh as select id from t",
        )
        first.account.run(session, "insert into t values (2)")

    with Emulator(state=tmp_path) as second:
        session = second.account.internal_session(
            role="ACCOUNTADMIN", warehouse="COMPUTE_WH", database="D"
        )
        session.connection.use("D", "PUBLIC")
        assert second.account.run(session, "select id from dt").rows == [(1,)]
        second.account.run(session, "alter dynamic table dt refresh")
        assert len(second.account.run(session, "select id from dt").rows) == 2
        found = second.account.run(
            session,
            "select refresh_trigger from table(information_schema.dynamic_table_refresh_history())",
        )
        assert sorted(found.rows) == [("CREATION",), ("MANUAL",)]
