"""The control of a graph on plain SQL tasks: few statements, queues, retries, cancelling."""

from __future__ import annotations

import json

import pytest

from sf_ml_framework.deploy.graph_runs import Runs, cancel, named_run, repair, resume, suspend
from sf_ml_framework.errors import OperatorError, UnknownNameError, UsageError
from sf_ml_framework.places.snowflake.graph_control import SnowflakeGraph
from tests.integration.snowflake.gates import Gate

LONG = "CALL SYSTEM$WAIT(60)"


class Silent:
    """Is told of progress and keeps it. Implements ``deploy/graph_ports.py::Watcher``."""

    def __init__(self):
        self.behind, self.ended = [], []

    def queued(self, behind):
        self.behind.append(behind)

    def began(self, run_id):
        """Nothing to keep."""

    def task(self, task, run):
        if run.ended_at_all:
            self.ended.append((task.node, run.state))

    def tick(self):
        """Nothing to keep."""


@pytest.fixture
def site(make_account, database):
    """Return what makes a graph of tasks and its control."""
    account = make_account(database=database, schema="ML", warehouse="COMPUTE_WH")

    def make(*bodies, root="SELECT 1", more=""):
        account.execute(f'CREATE TASK TASK_P CONFIG = \'{{"run_env": "dev"}}\' {more} AS {root}')
        above = "TASK_P"
        for number, body in enumerate(bodies):
            account.execute(f"CREATE TASK TASK_N{number} AFTER {above} AS {body}")
            above = f"TASK_N{number}"
        account.execute("CREATE TASK TASK_P_FINALIZE FINALIZE = TASK_P AS SELECT 2")
        account.rows("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('TASK_P')")
        nodes = {f"TASK_N{number}": f"n{number}" for number in range(len(bodies))}
        return account, SnowflakeGraph(account, database, "ML", "TASK_P", nodes)

    return make


@pytest.fixture
def gate(make_account, database):
    """Return what a task waits for until the test opens it."""
    return Gate(make_account(), f"{database}.ML.GATE")


def finished(control, config, watcher=None):
    """Run the graph to its end."""
    runs = Runs(control, watcher or Silent())
    graph = control.graph()
    return runs.wait(graph, runs.begun(graph, runs.ask(graph, config)))


def sent(account):
    """Return how many statements the session has sent."""
    rows = account.rows(
        "SELECT COUNT(*) AS n FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 10000))"
        " WHERE session_id = CURRENT_SESSION()"
    )
    return int(rows[0]["n"])


@pytest.mark.parametrize("size", [2, 40])
def test_how_many_statements_a_question_takes_does_not_depend_on_the_size(site, size):
    account, control = site(*["SELECT 1"] * size)
    ended = finished(control, {})
    before = sent(account)

    graph = control.graph()
    flights = control.flights(graph)
    runs = control.runs(graph, limit=5)
    tasks = control.task_runs(graph, ended.run_id)

    assert sent(account) - before - 1 == 4
    assert [task.node for task in graph.nodes] == [f"n{number}" for number in range(size)]
    assert len(tasks) == size + 2
    assert (flights.going, runs[0].status) == ({}, "succeeded")


def test_a_run_is_found_among_others_and_its_configuration_is_laid_over_the_roots(site):
    """What a person types may hold anything that JSON can."""
    wild = 'it\'s "a\\b" $$; DROP TASK TASK_P; -- é\n'
    watcher = Silent()
    _, control = site("SELECT 1", "SELECT 1")

    first = finished(control, {"params": {"text": wild}}, watcher)
    second = finished(control, {})

    graph = control.graph()
    config = json.loads(named_run(control, graph, first.run_id).config)
    assert config["params"] == {"text": wild}
    assert config["run_env"] == "dev"
    assert first.run_id != second.run_id
    assert watcher.ended == [("n0", "SUCCEEDED"), ("n1", "SUCCEEDED")]
    assert named_run(control, graph, "last").run_id == second.run_id


def test_a_run_that_may_not_overlap_another_is_waited_for_and_named(site, gate):
    _, control = site(gate.body)
    graph, watcher = control.graph(), Silent()
    runs = Runs(control, watcher)
    first = runs.begun(graph, runs.ask(graph, {}))

    marker = runs.ask(graph, {})
    at_once = runs.begun(graph, marker, patient=False)
    gate.open()
    later = runs.begun(graph, marker)

    assert at_once == ""
    assert watcher.behind[0] == first
    assert later not in ("", first)
    assert runs.wait(graph, later).status == "succeeded"


def test_one_of_several_runs_cannot_be_cancelled_alone_and_all_can(site):
    _, control = site(LONG, more="OVERLAP_POLICY = ALLOW_ALL_OVERLAP")
    graph, runs = control.graph(), Runs(control, Silent())
    both = {runs.begun(graph, runs.ask(graph, {})) for _ in range(2)}

    with pytest.raises(OperatorError, match="1 more of the same graph would be cancelled"):
        cancel(control, next(iter(both)))
    with pytest.raises(UnknownNameError):
        cancel(control, "no-such-run")

    assert set(cancel(control)) == both
    assert {runs.wait(graph, run_id).status for run_id in both} == {"cancelled"}


def test_a_graph_that_was_modified_is_repaired_by_a_new_run_and_says_what_snowflake_said(site):
    account, control = site("SELECT 1", "SELECT * FROM NOT_THERE")
    failed = finished(control, {"params": {"n": "3"}, "force": True})
    account.execute("ALTER TASK TASK_N1 MODIFY AS SELECT 3")
    graph, runs = control.graph(), Runs(control, Silent())

    done, marker = repair(runs, control, graph, "last")

    ended = runs.wait(graph, runs.begun(graph, marker))
    config = json.loads(named_run(control, graph, ended.run_id).config)
    assert failed.status == "failed"
    assert (done.way, done.run.run_id) == ("new_run", failed.run_id)
    assert "modified" in done.why
    assert ended.status == "succeeded"
    assert config["params"] == {"n": "3"}
    assert "force" not in config


def test_a_graph_that_is_as_it_was_is_repaired_in_the_same_run(site):
    account, control = site("SELECT 1", "SELECT * FROM NOT_YET")
    failed = finished(control, {})
    account.execute("CREATE TABLE NOT_YET (x INT)")
    graph, runs = control.graph(), Runs(control, Silent())

    done, marker = repair(runs, control, graph, failed.run_id[:8])
    ended = runs.wait(graph, failed.run_id, attempt=done.run.attempt + 1)

    assert (done.way, marker) == ("retry_last", "")
    assert ended.status == "succeeded"
    assert [ended.tasks[f"TASK_N{n}"].attempt for n in range(2)] == [1, 2]
    with pytest.raises(UsageError, match="nothing to repair"):
        repair(runs, control, graph, "last")


def test_a_run_that_others_came_after_is_repaired_by_a_new_one(site):
    _, control = site("SELECT * FROM NOT_YET")
    failed = finished(control, {"params": {"n": "1"}})
    finished(control, {"params": {"n": "2"}})
    graph, runs = control.graph(), Runs(control, Silent())

    done, marker = repair(runs, control, graph, failed.run_id)
    ended = runs.wait(graph, runs.begun(graph, marker))

    config = json.loads(named_run(control, graph, ended.run_id).config)
    assert "it is not the last run" in done.why
    assert config["params"] == {"n": "1"}


def test_a_run_that_goes_on_is_not_repaired(site):
    _, control = site(LONG)
    graph, runs = control.graph(), Runs(control, Silent())
    run_id = runs.begun(graph, runs.ask(graph, {}))

    with pytest.raises(OperatorError, match="still goes on"):
        repair(runs, control, graph, run_id)

    cancel(control)
    assert runs.wait(graph, run_id).status == "cancelled"


def test_an_automatic_retry_is_waited_for(site):
    """Its first attempt has failed, and nothing goes on, a moment before the second begins."""
    _, control = site("SELECT * FROM NOT_YET", more="TASK_AUTO_RETRY_ATTEMPTS = 2")

    ended = finished(control, {})

    assert ended.status == "failed"
    assert ended.tasks["TASK_N0"].attempt == 3


def test_a_started_root_is_started_again_once_its_child_is_suspended_or_resumed(site):
    """Snowflake lets nobody change a member of a graph whose root is started."""
    _, control = site("SELECT 1", more="SCHEDULE = '60 MINUTES'")

    before, suspended = suspend(control, ["n0"])
    without, resumed = resume(control, ["task_n0"])
    after = control.graph()

    assert suspended == resumed == ("TASK_N0",)
    assert (before.suspended, without.suspended, after.suspended) == ((), ("TASK_N0",), ())
    assert before.root.started
    assert without.root.started
    assert after.root.started
