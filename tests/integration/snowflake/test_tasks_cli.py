"""``mlops tasks``: a deployed graph is run, watched, stopped and taken away by the program."""

from __future__ import annotations

import signal

import pytest

from tests.integration.snowflake.deployed_chain import NAMES, Chain
from tests.waiting import SECONDS, until

CRON = "schedule: USING CRON 0 3 1 1 * UTC, state: kept"


@pytest.fixture(scope="module")
def chain(emulator, tmp_path_factory):
    """A graph with a schedule, deployed, suspended as a new one is, that has run once."""
    made = Chain(tmp_path_factory.mktemp("chain") / "project", emulator, settings=CRON)
    made.found()
    made.deploy()
    made.first = made.ok("tasks", "run", "--wait", "--format", "json")
    return made


def states(chain):
    rows = chain.sql(f"show tasks in schema {chain.database}.ML")
    return {row[1].removeprefix("TASK_"): row[12] for row in rows}


def status(chain, *words):
    return chain.ok("tasks", "status", "--format", "json", *words).json


def going(chain):
    """Return the runs that go on, as the account tells them."""
    return chain.sql(
        f"select graph_run_group_id from table({chain.database}.information_schema."
        "current_task_graphs(root_task_name => 'TASK_CHAIN'))"
        f" where state = 'EXECUTING' and database_name = '{chain.database}'"
    )


def begun_slowly(chain, *words):
    """Start a run whose first node takes long, and return its id once the node runs."""
    made = chain.ok("tasks", "run", "--param", "slow=60", "--format", "json", *words).json
    table = f"{chain.database}.ML.MLOPS_NODE_RUNS"
    asked = f"select 1 from {table} where run_id = '{made['run']}' and status = 'running'"
    until(lambda: chain.sql(asked))
    return made["run"]


def test_the_status_of_a_graph_for_a_program_keeps_its_shape(chain):
    found = status(chain)

    assert set(found) == {
        "project", "target", "database", "schema", "graph", "runs", "newest",
    }  # fmt: skip
    assert set(found["graph"]) == {
        "root", "state", "suspended_reason", "schedule", "next_run", "overlap", "finalizer",
        "tasks",
    }  # fmt: skip
    assert [task["node"] for task in found["graph"]["tasks"]] == list(NAMES)
    assert found["graph"]["tasks"][1]["after"] == ["TASK_MAKE_ORDERS"]
    assert found["graph"]["schedule"] == "USING CRON 0 3 1 1 * UTC"
    assert set(found["runs"][0]) == {
        "run", "status", "attempt", "started_by", "started", "ended", "seconds",
    }  # fmt: skip
    node = found["newest"]["nodes"][0]
    assert set(node) == {
        "node", "task", "task_state", "status", "attempt", "started", "ended", "seconds",
        "reason", "query_id", "error", "container",
    }  # fmt: skip
    assert set(node["container"]) == {"job", "status", "message", "exit_code", "pool"}


def test_the_first_run_made_every_node_and_the_second_skips_them(chain):
    second = chain.ok("tasks", "run", "--wait", "--format", "json")

    assert set(chain.statuses(chain.first).values()) == {"succeeded"}
    assert set(chain.statuses(second).values()) == {"skipped"}


def test_a_parameter_holds_for_one_run(chain):
    changed = chain.ok("tasks", "run", "--wait", "--param", "count=8")
    rows = chain.rows("priced")

    usual = chain.ok("tasks", "run", "--wait", "--format", "json")

    assert "params changed: count: 3 → 8" in changed.stdout
    assert "3 nodes: 3 succeeded in" in changed.stdout
    assert rows == 8
    assert chain.rows("priced") == 3
    assert "running" not in chain.statuses(usual).values()


def test_a_parameter_that_no_node_has_is_refused_before_anything_runs(chain):
    refused = chain.call("tasks", "run", "--param", "cuont=8")

    assert refused.returncode == 2
    assert "did you mean 'count'?" in refused.stderr


def test_a_graph_is_resumed_and_suspended_and_its_tasks_are_named_in_either_way(chain):
    resumed = chain.ok("tasks", "resume")
    started = states(chain)
    due = status(chain)["graph"]["next_run"]
    one = chain.ok("tasks", "suspend", "--tasks", "judge_orders")
    without_it = states(chain)
    back = chain.ok("tasks", "resume", "--tasks", "task_Judge_Orders")
    suspended = chain.ok("tasks", "suspend")

    assert resumed.stdout.splitlines()[-1] == "resumed TASK_CHAIN"
    assert set(started.values()) == {"started"}
    assert due.endswith("-01-01T03:00:00.000+00:00")
    assert one.stdout == "suspended TASK_JUDGE_ORDERS\n"
    assert without_it == {**started, "JUDGE_ORDERS": "suspended"}
    assert back.stdout == "resumed TASK_JUDGE_ORDERS\n"
    assert suspended.stdout == "suspended TASK_CHAIN\n"
    assert states(chain) == {**started, "CHAIN": "suspended"}


@pytest.mark.parametrize("words", [["resume", "--tasks"], ["suspend", "--tasks"], ["logs"]])
def test_a_mistyped_node_is_answered_with_the_nearest(chain, words):
    refused = chain.call("tasks", *words, "juge_orders")

    assert refused.returncode == 2
    assert "did you mean 'judge_orders'?" in refused.stderr


def test_a_run_is_cancelled_and_its_container_with_it(chain):
    run_id = begun_slowly(chain)
    watched = chain.ok("tasks", "status")

    cancelled = chain.ok("tasks", "cancel", run_id[:10])

    assert f"cancelled {run_id}" in cancelled.stdout
    until(lambda: not going(chain))
    newest = status(chain)["newest"]
    assert "running" in watched.stdout
    assert newest["run"] == run_id
    assert newest["status"] == "cancelled"
    assert newest["nodes"][0]["status"] == "cancelled"
    assert [node["status"] for node in newest["nodes"][1:]] == ["not run", "not run"]
    assert chain.ok("tasks", "cancel").stdout == "no run goes on\n"


def test_ctrl_c_ends_the_waiting_and_not_the_run(chain):
    with chain.going("tasks", "run", "--wait", "--param", "slow=61") as waiting:
        first = waiting.stdout.readline()
        waiting.send_signal(signal.SIGINT)
        _, said = waiting.communicate(timeout=SECONDS)

    run_id = first.split()[1].rstrip(":")
    assert waiting.returncode == 130
    assert f"tasks cancel {run_id}" in said
    assert going(chain) == [(run_id,)]
    chain.ok("tasks", "cancel", run_id)
    until(lambda: not going(chain))


def test_logs_are_there_while_a_container_runs_and_after_it_is_gone(chain):
    run_id = begun_slowly(chain, "--param", "count=9")
    early = chain.ok("tasks", "logs", "make_orders")
    chain.ok("tasks", "cancel")
    until(lambda: not going(chain))
    job = status(chain)["newest"]["nodes"][0]["container"]["job"]
    ended = chain.ok("tasks", "logs", "make_orders", "--run", run_id, "--follow")

    chain.sql(f"drop service {job}")
    gone = chain.ok("tasks", "logs", "make_orders", "--run", run_id)
    last = chain.ok("tasks", "logs", "make_orders", "--run", run_id, "--tail", "1", "--raw")

    said = "making 9 orders of 2026-01-01"
    assert said in early.stdout
    assert said in ended.stdout
    assert said in gone.stdout
    assert len(last.stdout.splitlines()) == 1


def test_a_node_that_failed_shows_its_traceback_in_the_status(chain):
    chain.breaks("price_orders")
    chain.deploy()
    failed = chain.call("tasks", "run", "--wait", "--param", "count=11")

    shown = chain.ok("tasks", "status")
    error = status(chain)["newest"]["nodes"][1]["error"]

    chain.mend("price_orders")
    assert failed.returncode == 1
    assert 'raise ValueError("price_orders is broken")' in failed.stderr
    assert "repair " in failed.stdout
    assert 'raise ValueError("price_orders is broken")' in shown.stdout
    assert "ValueError: price_orders is broken" in error["trace"]
    assert error["exit_code"] == 1


def test_where_no_container_started_the_platform_is_quoted(chain):
    chain.deploy()
    images = f"{chain.database}.ML.MLOPS_IMAGES"
    chain.sql(f"drop image repository {images}")

    failed = chain.call("tasks", "run", "--wait", "--force")
    logs = chain.call("tasks", "logs", "make_orders")

    chain.found()
    chain.deploy()
    assert failed.returncode == 4
    assert "make_orders did not start" in failed.stderr
    assert logs.returncode == 3
    assert "no container of make_orders started in run" in logs.stderr
    assert "repository" in logs.stderr.lower()


def test_one_node_runs_as_a_job_in_the_pool_and_its_record_comes_back(chain):
    line = ["exec", "make_orders", "--target", "dev", "--params", "count=2"]

    done = chain.ok(*line, "--format", "json")
    run_id = done.json["run"]
    logs = chain.ok("tasks", "logs", "make_orders", "--run", run_id)

    assert done.json["status"] == "succeeded"
    assert done.json["params"]["count"] == 2
    assert "making 2 orders" in done.stderr
    assert "making 2 orders" in logs.stdout


def test_a_node_that_fails_as_a_job_ends_the_command_with_its_traceback(chain):
    failed = chain.call("exec", "make_orders", "--target", "dev", "--params", "slow=x")
    chain.breaks("make_orders")
    chain.deploy()
    broken = chain.call("exec", "make_orders", "--target", "dev")
    chain.mend("make_orders")

    assert failed.returncode == 2
    assert broken.returncode == 1
    assert 'raise ValueError("make_orders is broken")' in broken.stderr


def test_a_job_that_is_not_waited_for_can_be_cancelled(chain):
    chain.deploy()
    line = ["exec", "make_orders", "--target", "dev", "--params", "slow=62", "--no-wait"]
    made = chain.ok(*line, "--format", "json").json
    job = made["job"]
    chain.sql(f"call {job}!SPCS_WAIT_FOR('RUNNING', 60)")

    cancelled = chain.ok("tasks", "cancel", made["run"])

    assert cancelled.stdout == f"cancelled {made['run']}\n"
    until(lambda: chain.sql(f"describe service {job}")[0][1] == "CANCELLED")


def test_the_graph_is_dropped_and_nothing_else(chain):
    unasked = chain.call("tasks", "drop")
    dropped = chain.ok("tasks", "drop", "--yes")

    after = chain.call("tasks", "status")
    assert unasked.returncode == 3
    assert "add --yes" in unasked.stderr
    assert dropped.stdout.splitlines()[-1] == "dropped TASK_CHAIN"
    assert states(chain) == {}
    assert after.returncode == 3
    assert "mlops tasks create" in after.stderr
    assert chain.rows("priced") > 0
    chain.deploy()
    assert len(states(chain)) == 5


def test_a_root_without_a_schedule_is_not_resumed_and_says_so(emulator, tmp_path):
    chain = Chain(tmp_path / "project", emulator)
    chain.found()
    chain.deploy()
    chain.ok("tasks", "suspend", "--tasks", "judge_orders")

    resumed = chain.ok("tasks", "resume")
    refused = chain.call("tasks", "resume", "--tasks", "task_chain")

    assert resumed.stdout == "resumed TASK_JUDGE_ORDERS\n"
    assert "TASK_CHAIN has no schedule, so it stays suspended" in resumed.stderr
    assert refused.returncode == 3
    assert "Snowflake resumes no root that nothing would start" in refused.stderr
