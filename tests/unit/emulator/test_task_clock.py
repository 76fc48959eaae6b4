"""What tasks do as time goes by: these tests move the clock, which no account lets one do."""

from __future__ import annotations

import json

import pytest

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.emulator.faults import SnowflakeError
from sf_ml_framework.emulator.names import Path
from sf_ml_framework.emulator.rooms.messages import Outbox
from sf_ml_framework.emulator.tasks.scheduler import Tasks
from tests.waiting import until


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as started:
        yield started


@pytest.fixture
def run(emulator):
    session = emulator.account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")

    def call(sql):
        return emulator.account.run(session, sql).rows

    call("create or replace database clocked")
    yield call
    for (name,) in [(row[1],) for row in call("show tasks root only")]:
        call(f"alter task {name} suspend")
    call("drop database clocked")
    emulator.account.close_session(session)


@pytest.fixture
def graphs(emulator, run):
    """Wait for runs of a graph to end; return (state, attempt), oldest first."""

    def call(count, name="ROOT"):
        account = emulator.account

        def ended():
            found = account.part(Tasks).history.graphs(
                "name = ? and database = 'CLOCKED' and state != 'EXECUTING'", (name,)
            )
            # The server counts failures before it says that a run is over.
            over = len(found) >= count and not account.part(Tasks).running(found[0].root_id)
            return over and [(one.state, one.attempt) for one in reversed(found)]

        return until(ended, f"{name} did not end")

    return call


def forget(emulator):
    """Forget the runs of earlier tests."""
    emulator.account.catalog.execute("delete from task_graphs")
    emulator.account.catalog.execute("delete from task_runs")


@pytest.fixture(autouse=True)
def fresh(emulator):
    forget(emulator)


def test_an_interval_runs_once_for_each_turn(emulator, run, graphs):
    run("create table t (x int)")
    run("create task root schedule = '10 minutes' as insert into t select 1")
    run("alter task root resume")
    emulator.account.clock.advance(300)
    emulator.account.part(Tasks).tick()
    assert run("select count(*) from t") == [(0,)]
    emulator.account.clock.advance(301)
    graphs(1)
    emulator.account.clock.advance(600)

    assert graphs(2) == [("SUCCEEDED", 1), ("SUCCEEDED", 1)]
    assert run("select count(*) from t") == [(2,)]
    sources = run(
        "select state, scheduled_from from table(information_schema.task_history()) "
        "where database_name = 'CLOCKED' order by scheduled_time"
    )
    assert sources == [("SUCCEEDED", "SCHEDULE")] * 2 + [("SCHEDULED", "SCHEDULE")]


def test_a_suspended_root_is_not_due(emulator, run):
    run("create table t (x int)")
    run("create task root schedule = '1 minute' as insert into t select 1")
    run("alter task root resume")
    run("alter task root suspend")
    root = emulator.account.catalog.get("TASK", Path("CLOCKED", "PUBLIC", "ROOT"))
    emulator.account.clock.advance(180)
    emulator.account.part(Tasks).tick()

    assert emulator.account.part(Tasks).running(root.properties["id"]) == []
    assert run("select count(*) from t") == [(0,)]
    assert run("select state from table(information_schema.current_task_graphs())") == []


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("no_overlap", 1), ("allow_child_overlap", 2), ("allow_all_overlap", 2)],
)
def test_runs_overlap_as_the_policy_says(emulator, run, graphs, policy, expected):
    run(f"create task root schedule = '1 minute' overlap_policy = {policy} as select 1")
    run("create task child after root as call system$wait(600)")
    run("alter task child resume")
    run("alter task root resume")
    tasks = emulator.account.part(Tasks)
    root_id = emulator.account.catalog.get("TASK", Path("CLOCKED", "PUBLIC", "ROOT")).properties[
        "id"
    ]

    def executing():
        return [one for one in tasks.running(root_id) if one.executing and one.root_done.is_set()]

    for count in range(1, expected + 1):
        emulator.account.clock.advance(60)
        until(lambda count=count: len(executing()) >= count)
    emulator.account.clock.advance(60)
    emulator.account.part(Tasks).tick()
    running = len(tasks.running(root_id))
    run("alter task root suspend")
    tasks.cancel(Path("CLOCKED", "PUBLIC", "ROOT"))
    graphs(running)

    assert running == (1 if policy == "no_overlap" else 3)


def test_a_task_that_runs_too_long_fails(emulator, run, graphs):
    run("create task root as select 1")
    run("create task slow after root user_task_timeout_ms = 60000 as call system$wait(600)")
    run("alter task slow resume")
    run("execute task root")
    executing = "state = 'EXECUTING' and name = 'SLOW' and query_id is not null"
    until(lambda: emulator.account.part(Tasks).history.runs(executing, ()))
    emulator.account.clock.advance(61)

    assert graphs(1) == [("FAILED", 1)]
    (message,) = run(
        "select error_message from table(information_schema.task_history(task_name => 'SLOW'))"
    )
    assert "timed out" in message[0]


def test_a_roots_timeout_bounds_the_whole_graph(emulator, run, graphs):
    run("create task root user_task_timeout_ms = 90000 as select 1")
    run("create task child after root as call system$wait(600)")
    run("alter task child resume")
    run("execute task root")
    executing = "state = 'EXECUTING' and name = 'CHILD' and query_id is not null"
    until(lambda: emulator.account.part(Tasks).history.runs(executing, ()))
    emulator.account.clock.advance(91)

    assert graphs(1) == [("FAILED", 1)]


def test_a_graph_is_suspended_after_failures_in_a_row(emulator, run, graphs):
    run(
        "create notification integration queue_1 enabled = true type = queue direction = outbound "
        "notification_provider = aws_sns aws_sns_topic_arn = 'a' aws_sns_role_arn = 'b'"
    )
    run(
        "create task root schedule = '1 minute' suspend_task_after_num_failures = 2 "
        "error_integration = queue_1 as select 1"
    )
    run("create task child after root as select * from nothing")
    run("alter task child resume")
    run("alter task root resume")
    for count in (1, 2):
        emulator.account.clock.advance(60)
        graphs(count)
    (root,) = run("show tasks like 'root'")
    states = run(
        "select state from table(information_schema.task_history(task_name => 'CHILD')) "
        "where database_name = 'CLOCKED' order by scheduled_time"
    )

    assert (root[12], root[22]) == ("suspended", "SUSPENDED_DUE_TO_ERRORS")
    assert states == [("FAILED",), ("FAILED_AND_AUTO_SUSPENDED",)]
    assert [m["type"] for m in emulator.account.part(Outbox).sent()] == ["QUEUE", "QUEUE"]
    run("drop integration queue_1")


def test_a_run_is_retried_within_fourteen_days(emulator, run, graphs):
    run("create task root as select * from nothing")
    run("execute task root")
    graphs(1)
    emulator.account.clock.advance(13 * 86400)
    run("execute task root retry last")
    graphs(2)
    emulator.account.clock.advance(2 * 86400)

    with pytest.raises(SnowflakeError, match="14 days"):
        run("execute task root retry last")


def test_a_call_while_a_run_goes_on_waits_and_the_last_configuration_wins(emulator, run, graphs):
    run("create task root config = '{}' as call system$wait(600)")
    for number in (1, 2, 3):
        run(f"""execute task root using config = '{{"n": {number}}}'""")
    path, tasks = Path("CLOCKED", "PUBLIC", "ROOT"), emulator.account.part(Tasks)
    root_id = emulator.account.catalog.get("TASK", path).properties["id"]
    (first,) = tasks.running(root_id)
    tasks.cancel(path)
    until(lambda: [one for one in tasks.running(root_id) if one is not first and one.executing])
    tasks.cancel(path)
    graphs(2)
    found = emulator.account.part(Tasks).history.graphs("database = 'CLOCKED'", ())

    assert [json.loads(one.config)["n"] for one in reversed(found)] == [1, 3]


def test_complete_graphs_are_told_for_an_hour(emulator, run, graphs):
    run("create task root as select 1")
    run("execute task root")
    graphs(1)
    query = (
        "select state from table(information_schema.complete_task_graphs("
        "root_task_name => 'ROOT')) where database_name = 'CLOCKED'"
    )
    before = run(query)
    emulator.account.clock.advance(3700)

    assert (before, run(query)) == ([("SUCCEEDED",)], [])
    kept = run("select state from snowflake.account_usage.complete_task_graphs")
    assert kept == [("SUCCEEDED",)]


def test_a_graphs_version_changes_with_its_tasks(emulator, run, graphs):
    run("create task root as select 1")
    run("create task child after root as select 1")
    run("alter task child resume")

    def version(count):
        run("execute task root")
        graphs(count)
        return emulator.account.part(Tasks).history.graphs("database = 'CLOCKED'", ())[0].version

    assert [version(1), version(2)] == [1, 1]
    run("alter task child modify as select 2")
    assert version(3) == 2
    run("create or replace task root as select 1")
    assert version(4) == 1
    rows = run("select graph_version, name from snowflake.account_usage.task_versions")
    assert len(rows) >= 6


def test_a_task_needs_its_owners_privileges(emulator, run, graphs):
    run("create or replace role poor")
    run("grant usage on database clocked to role poor")
    run("grant usage, create task on schema clocked.public to role poor")
    account = emulator.account
    poor = account.internal_session(role="POOR", database="CLOCKED", schema="PUBLIC")
    account.run(poor, "create task root schedule = '1 minute' as select 1")
    with pytest.raises(SnowflakeError, match="EXECUTE TASK privilege must be granted"):
        account.run(poor, "alter task root resume")
    run("grant execute task on account to role poor")
    with pytest.raises(SnowflakeError, match="EXECUTE MANAGED TASK"):
        account.run(poor, "alter task root resume")
    account.run(poor, "execute task root")
    states = graphs(1)
    run("grant execute managed task on account to role poor")
    account.run(poor, "execute task root")

    assert (states, graphs(2)[-1]) == ([("FAILED", 1)], ("SUCCEEDED", 1))
    account.close_session(poor)
    run("drop role poor")


def test_a_graph_keeps_its_state_when_the_server_is_started_again(tmp_path):
    def session_of(emulator):
        return emulator.account.internal_session(
            role="ACCOUNTADMIN", warehouse="COMPUTE_WH", database="D", schema="PUBLIC"
        )

    with Emulator(state=tmp_path) as first:
        account = first.account
        session = account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
        for sql in (
            "create database d",
            "create table t (x int)",
            "create task root schedule = '60 minutes' as insert into t select 1",
            "create task child after root as call system$wait(600)",
            "alter task child resume",
            "alter task root resume",
            "execute task root",
        ):
            account.run(session, sql)
        child = "name = 'CHILD' and query_id is not null"
        until(lambda: account.part(Tasks).history.runs(child, ()))
        # What a killed server would leave: rows that say EXECUTING.
        rows = account.catalog.execute("select id from task_graphs where state = 'EXECUTING'")
    assert len(rows) == 1
    with Emulator(state=tmp_path) as second:
        account, session = second.account, session_of(second)
        account.catalog.execute("update task_graphs set state = 'EXECUTING'")
        account.part(Tasks).history.recover()
        found = account.run(session, "show tasks").dicts()
        states = account.run(
            session, "select state from snowflake.account_usage.complete_task_graphs"
        )
        account.clock.advance(3700)
        until(lambda: account.run(session, "select count(*) from t").scalar() == 2)

    assert [(row["name"], row["state"]) for row in found] == [
        ("CHILD", "started"),
        ("ROOT", "started"),
    ]
    assert states.rows[0][0] == "FAILED"
