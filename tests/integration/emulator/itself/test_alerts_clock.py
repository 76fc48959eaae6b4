"""Alerts as time passes, and what they send: the emulator's clock and outbox, so no account's."""

from __future__ import annotations

import pytest

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.emulator.rooms.messages import Outbox
from tests.waiting import until


@pytest.fixture
def emulator():
    with Emulator() as started:
        yield started


@pytest.fixture
def run(emulator):
    session = emulator.account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
    emulator.account.run(session, "create database d")
    yield lambda sql: emulator.account.run(session, sql).rows
    emulator.account.close_session(session)


@pytest.fixture
def pass_time(emulator, run):
    def call(seconds, count):
        emulator.account.clock.advance(seconds)
        sql = "select state from table(information_schema.alert_history()) order by scheduled_time"
        until(lambda: len(run(sql)) >= count, "it did not run")
        return [state for (state,) in run(sql)]

    return call


def test_an_alert_sends_its_email_each_time_that_it_is_due(emulator, run, pass_time):
    run("create table t (x int)")
    run(
        "create notification integration mail type = email enabled = true "
        "allowed_recipients = ('me@example.com')"
    )
    run(
        "create alert a schedule = '15 minute' if (exists (select * from t)) "
        "then call system$send_email('mail', 'me@example.com', 'Rows', 'There are rows')"
    )
    run("alter alert a resume")
    first = pass_time(901, 1)
    run("insert into t values (1)")
    second = pass_time(901, 2)

    assert (first, second) == (["CONDITION_FALSE"], ["CONDITION_FALSE", "TRIGGERED"])
    (message,) = emulator.account.part(Outbox).sent()
    assert (message["to"], message["subject"]) == (["me@example.com"], "Rows")


def test_after_so_many_failures_in_a_row_an_alert_is_suspended(run, pass_time):
    run(
        "create alert a schedule = '1 minute' suspend_alert_after_num_failures = 2 "
        "if (exists (select 1)) then insert into nowhere values (1)"
    )
    run("alter alert a resume")
    pass_time(61, 1)
    pass_time(61, 2)

    # The row of the history is written a moment before.
    until(lambda: run("show alerts")[0][8] == "suspended", "not suspended")


def test_a_warehouse_is_charged_until_it_suspends_itself(emulator, run):
    run("create warehouse w warehouse_size = medium auto_suspend = 120")
    run("create table t (x int)")
    run("select * from t")
    emulator.account.clock.advance(3600)

    credit = run(
        "select sum(credits_used) from snowflake.account_usage.warehouse_metering_history "
        "where warehouse_name = 'W'"
    )[0][0]

    # Four credits an hour for two minutes, and for what the reading of the view takes itself.
    assert 4 * 120 / 3600 <= credit < 4 * 140 / 3600
