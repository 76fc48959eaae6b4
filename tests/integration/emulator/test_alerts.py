"""Alerts through the official connector."""

from __future__ import annotations

import uuid

import pytest
from snowflake.connector import DictCursor
from snowflake.connector.errors import DatabaseError

from tests.waiting import until


@pytest.fixture
def shown(connection):
    def call(sql):
        return connection.cursor(DictCursor).execute(sql).fetchall()

    return call


@pytest.fixture
def watched(run):
    run("create table readings (v int)")
    run("create table seen (v int)")
    run(
        "create alert high warehouse = compute_wh schedule = '60 minute' comment = 'c' "
        "if (exists (select v from readings where v > 10)) "
        "then insert into seen select v from readings where v > 10"
    )


def until_ran(shown, count):
    sql = (
        "select * from table(information_schema.alert_history(alert_name => 'HIGH')) "
        "where database_name = current_database()"
    )

    def completed():
        found = shown(sql)
        return len(found) >= count and all(r["COMPLETED_TIME"] for r in found) and found[::-1]

    return until(completed, "the alert did not run")


def test_an_alert_is_made_suspended_and_shown(watched, run, shown):
    (row,) = shown("show alerts")
    run("alter alert high resume")
    (resumed,) = shown("show alerts like 'H%'")
    run("alter alert high suspend")

    assert (row["state"], row["schedule"], row["warehouse"]) == (
        "suspended",
        "60 minute",
        "COMPUTE_WH",
    )
    assert row["condition"] == "select v from readings where v > 10"
    assert resumed["state"] == "started"
    assert shown("describe alert high")[0]["state"] == "suspended"


def test_the_action_is_taken_when_the_condition_holds(watched, run, shown):
    run("execute alert high")
    until_ran(shown, 1)
    run("insert into readings values (5), (11)")
    run("execute alert high")
    states = [r["STATE"] for r in until_ran(shown, 2)]

    assert states == ["CONDITION_FALSE", "TRIGGERED"]
    assert run("select v from seen") == [(11,)]


def test_a_failing_action_is_in_the_history(watched, run, shown):
    run("insert into readings values (11)")
    run("alter alert high modify action insert into nowhere values (1)")
    run("execute alert high")

    (row,) = until_ran(shown, 1)

    assert (row["STATE"], row["SQL_ERROR_CODE"]) == ("ACTION_FAILED", 2003)


def test_an_alert_knows_its_time(watched, run, shown):
    run("create table times (t timestamp_ltz)")
    run("insert into readings values (11)")
    run("alter alert high modify action insert into times select snowflake.alert.scheduled_time()")
    run("execute alert high")
    (row,) = until_ran(shown, 1)

    assert run("select t from times")[0][0] == row["SCHEDULED_TIME"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "create alert a schedule = 'now and then' if (exists (select 1)) then select 1",
            "schedule",
        ),
        ("create alert a schedule = '1 minute' if (select 1) then select 1", "syntax error"),
        (
            "create alert a schedule = '1 minute' colour = 'red' "
            "if (exists (select 1)) then select 1",
            "COLOUR",
        ),
        (
            "create alert a warehouse = no_such schedule = '1 minute' "
            "if (exists (select 1)) then select 1",
            "NO_SUCH",
        ),
        (
            "create alert a schedule = '1 minute' if (exists (delete from t)) then select 1",
            "condition",
        ),
        ("alter alert no_such resume", "NO_SUCH"),
    ],
)
def test_what_snowflake_refuses_is_refused(run, sql, words):
    run("create table t (x int)")

    with pytest.raises(DatabaseError, match=words):
        run(sql)


def test_an_owner_without_execute_alert_cannot_resume(run, database):
    role = f"R_{uuid.uuid4().hex[:8]}".upper()
    run(f"create role {role}")
    run(f"grant role {role} to role accountadmin")
    for privilege, on in (
        ("usage", f"database {database}"),
        ("usage, create alert", "schema public"),
        ("usage", "warehouse compute_wh"),
    ):
        run(f"grant {privilege} on {on} to role {role}")
    run("use secondary roles none")
    run(f"use role {role}")
    run(
        f"create alert {database}.public.a warehouse = compute_wh schedule = '1 minute' "
        "if (exists (select 1)) then select 1"
    )
    with pytest.raises(DatabaseError) as refused:
        run(f"alter alert {database}.public.a resume")
    run("use role accountadmin")
    run(f"grant execute alert on account to role {role}")
    run(f"use role {role}")
    run(f"alter alert {database}.public.a resume")
    run("use role accountadmin")
    run(f"drop role {role}")

    assert refused.value.errno == 3001
