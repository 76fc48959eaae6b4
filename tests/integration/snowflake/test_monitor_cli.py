"""``mlops monitor``: how a deployed graph does, told by the program in the emulator."""

from __future__ import annotations

import signal

import pytest

from tests.integration.snowflake.deployed_chain import NAMES, Chain
from tests.waiting import SECONDS

CRON = "schedule: USING CRON 0 3 1 1 * UTC, state: kept"


@pytest.fixture(scope="module")
def chain(emulator, tmp_path_factory):
    """A graph that ran twice: once well, once its last node failed."""
    made = Chain(tmp_path_factory.mktemp("monitored") / "project", emulator, settings=CRON)
    made.found()
    made.deploy()
    made.ok("tasks", "run", "--wait")
    made.change("chain/nodes.py", "# judge breaks here", 'raise ValueError("no verdict")')
    made.deploy()
    assert made.call("tasks", "run", "--wait").returncode == 1
    return made


@pytest.fixture(scope="module")
def found(chain):
    return chain.ok("monitor", "--format", "json").json


def test_the_document_keeps_its_shape(found):
    assert set(found) == {
        "project", "target", "since", "graph", "runs", "tasks", "nodes", "pools", "credits",
    }  # fmt: skip
    assert set(found["graph"]) == {
        "root", "state", "suspended_reason", "schedule", "next_run", "going",
    }  # fmt: skip
    assert set(found["runs"]) == {
        "runs", "succeeded", "failed", "mean_seconds", "last_success", "minutes_since_success",
        "late_after_minutes", "late",
    }  # fmt: skip
    assert set(found["tasks"][0]) == {
        "task", "node", "state", "attempts", "failed", "last_state", "last_started",
        "mean_seconds", "mean_queued_seconds", "max_queued_seconds",
    }  # fmt: skip
    assert set(found["nodes"][0]) == {
        "node", "runs", "succeeded", "failed", "skipped", "failure_rate", "mean_seconds",
        "max_seconds", "max_memory_bytes", "days",
    }  # fmt: skip


def test_runs_tasks_and_nodes_are_counted_as_they_ended(found):
    assert (found["runs"]["runs"], found["runs"]["succeeded"], found["runs"]["failed"]) == (2, 1, 1)
    tasks = {task["task"]: task for task in found["tasks"]}
    assert set(tasks) == {"TASK_CHAIN", "TASK_CHAIN_FINALIZE"} | {
        f"TASK_{name.upper()}" for name in NAMES
    }
    judge = tasks["TASK_JUDGE_ORDERS"]
    assert (judge["attempts"], judge["failed"], judge["last_state"]) == (2, 1, "failed")
    assert tasks["TASK_MAKE_ORDERS"]["mean_queued_seconds"] >= 0
    nodes = {node["node"]: node for node in found["nodes"]}
    assert (nodes["judge_orders"]["runs"], nodes["judge_orders"]["failure_rate"]) == (2, 0.5)
    assert nodes["make_orders"]["skipped"] + nodes["make_orders"]["succeeded"] == 2
    assert nodes["make_orders"]["days"][0]["mean_seconds"] > 0


def test_the_pool_has_taken_credits(chain, found):
    (pool,) = found["pools"]

    assert pool["pool"] == f"{chain.database}_COMPUTE_POOL"
    assert found["credits"] == pool["credits"] > 0


def test_without_the_views_the_credits_are_not_known(chain):
    view = f"{chain.database}.ML.MLOPS_POOL_HOURS"
    chain.sql(f"alter view {view} rename to {view}_AWAY")
    try:
        found = chain.ok("monitor", "--format", "json").json
        shown = chain.ok("monitor").stdout
    finally:
        chain.sql(f"alter view {view}_AWAY rename to {view}")

    assert found["credits"] is None
    assert "credits   not known to this role" in shown


def test_a_person_sees_three_tables_and_csv_is_one_of_them(chain):
    shown = chain.ok("monitor", "--since", "2h").stdout
    refused = chain.call("monitor", "--format", "csv")
    csv = chain.ok("monitor", "--format", "csv", "--only", "nodes").stdout.splitlines()

    assert all(f"\n{name}\n" in shown for name in ("tasks", "nodes", "pools"))
    assert "2: 1 succeeded, 1 failed" in shown
    assert refused.returncode == 2
    assert "--only tasks | nodes | pools" in refused.stderr
    assert csv[0].startswith("node,runs,succeeded,failed,skipped,failure_rate")
    assert len(csv) == 1 + len(NAMES)


def test_watching_goes_on_until_it_is_stopped(chain):
    with chain.going("monitor", "--watch", "--every", "0.5") as watching:
        seen = 0
        for line in watching.stdout:
            seen += line.startswith("graph ")
            if seen == 2:
                break
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=SECONDS)

    assert seen == 2
    assert watching.returncode == 130


def test_a_run_that_is_late_is_said_to_be(chain):
    text = (chain.root / "mlops.yml").read_text(encoding="utf-8")
    chain.write(
        "mlops.yml",
        text.replace(
            "tasks: {",
            "alerts: {late_after_minutes: 1}, notifications: {email_integration: mail,"
            " recipients: [a@example.com]}, tasks: {",
        ),
    )
    runs = f"{chain.database}.ML.MLOPS_RUNS"
    ((run_id, started),) = chain.sql(f"select run_id, started from {runs} where seconds > 0 and"
                                     " status = 'succeeded'")  # fmt: skip
    moved = f"update {runs} set started = %s where run_id = '{run_id}'"
    chain.sql(moved.replace("%s", "'2026-01-01T00:00:00+00:00'"))
    try:
        found = chain.ok("monitor", "--format", "json").json["runs"]
    finally:
        chain.write("mlops.yml", text)
        chain.sql(moved.replace("%s", f"'{started}'"))

    assert found["late"] is True
    assert found["minutes_since_success"] > 1
