"""Task graphs through snowflake.core's dagv1, as its users write them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.waiting import until

pytest.importorskip("snowflake.core")

from snowflake.core import CreateMode, Root
from snowflake.core.exceptions import APIError, ConflictError, NotFoundError
from snowflake.core.tag import TagValue
from snowflake.core.task import Cron, OverlapPolicy, Task
from snowflake.core.task.dagv1 import DAG, DAGOperation, DAGTask, DAGTaskBranch


@pytest.fixture
def schema(connection, database):
    return Root(connection).databases[database].schemas["PUBLIC"]


@pytest.fixture
def operation(schema):
    return DAGOperation(schema)


@pytest.fixture
def completed(operation):
    """Wait until a graph has ended so many times and return its runs, newest first."""

    def call(name, times=1):
        def ended():
            runs = operation.get_complete_dag_runs(name, error_only=False)
            return runs if len(runs) >= times else None

        return until(ended, f"{name} did not end")

    return call


def test_a_graph_is_deployed_run_retried_and_dropped(operation, schema, run, completed):
    run("create table seen (who varchar)")
    with DAG("flow", config={"env": "dev"}, task_auto_retry_attempts=0) as dag:
        first = DAGTask("first", "insert into seen values (system$get_task_graph_config('env'))")
        second = DAGTask("second", "insert into later values (1)")
        DAGTask("last", "insert into seen values ('last')", is_finalizer=True)
        first >> second
    operation.deploy(dag, mode=CreateMode.or_replace)
    operation.deploy(dag, mode=CreateMode.or_replace)
    names = sorted(task.name for task in schema.tasks.iter())
    operation.run(dag)
    (failed,) = completed("flow")
    run("create table later (x int)")
    operation.run(dag, retry_last=True)
    mended, _ = completed("flow", 2)

    assert names == ["FLOW", "FLOW$FIRST", "FLOW$LAST", "FLOW$SECOND"]
    assert operation.iter_dags(like="fl%") == ["FLOW"]
    assert (failed.state, failed.first_error_task_name) == ("FAILED", "FLOW$SECOND")
    assert failed.first_error_code == 2003
    assert (mended.state, mended.first_error_task_name) == ("SUCCEEDED", None)
    assert sorted(run("select who from seen")) == [("dev",), ("last",), ("last",)]
    operation.drop("flow", drop_finalizer=True)
    assert list(schema.tasks.iter()) == []


def test_a_branch_runs_one_side(operation, run, completed):
    with DAG("choose") as dag:
        branch = DAGTaskBranch("turn", "call system$set_return_value('LEFT')")
        branch >> [DAGTask("LEFT", "select 1"), DAGTask("RIGHT", "select 1")]
    operation.deploy(dag)
    operation.run(dag)
    completed("choose")
    found = run(
        "select name, state from table(information_schema.task_history()) "
        "where database_name = current_database() order by name"
    )

    assert found == [
        ("CHOOSE", "SUCCEEDED"),
        ("CHOOSE$LEFT", "SUCCEEDED"),
        ("CHOOSE$RIGHT", "SKIPPED"),
        ("CHOOSE$TURN", "SUCCEEDED"),
    ]


def test_a_scheduled_graph_is_started_and_has_a_next_run(operation, schema):
    dag = DAG(
        "nightly",
        schedule=Cron("0 3 * * *", "Europe/Berlin"),
        overlap_policy=OverlapPolicy.ALLOW_CHILD_OVERLAP,
        user_task_timeout_ms=60000,
        session_parameters={"QUERY_TAG": "night"},
    )
    with dag:
        DAGTask("only", "select 1", warehouse="COMPUTE_WH", comment="one")
    operation.deploy(dag)
    root, child = schema.tasks["nightly"].fetch(), schema.tasks["nightly$only"].fetch()
    (run,) = operation.get_current_dag_runs(dag)

    assert (root.state, root.schedule) == ("started", Cron("0 3 * * *", "Europe/Berlin"))
    assert root.overlap_policy is OverlapPolicy.ALLOW_CHILD_OVERLAP
    assert (root.user_task_timeout_ms, root.session_parameters) == (60000, {"QUERY_TAG": "night"})
    assert (child.state, child.warehouse, child.comment) == ("started", "COMPUTE_WH", "one")
    assert (run.state, run.dag_name) == ("SCHEDULED", "NIGHTLY")
    with pytest.raises(APIError, match="not suspended"):
        schema.tasks["nightly$only"].drop()
    schema.tasks["nightly"].suspend()
    assert schema.tasks["nightly"].fetch().state == "suspended"


def test_tasks_one_by_one(schema):
    tasks = schema.tasks
    tasks.create(Task("one", "select 1", schedule=timedelta(minutes=5, seconds=30)))
    with pytest.raises(ConflictError):
        tasks.create(Task("one", "select 1"))
    tasks.create(Task("one", "select 2"), mode=CreateMode.if_not_exists)
    tasks.create(Task("two", "select 2", predecessors=["one"], condition="1 = 1"))
    altered = Task("two", "select 3", predecessors=["one"], comment="new")
    tasks["two"].create_or_alter(altered)
    one, two = tasks["one"].fetch(), tasks["two"].fetch()

    assert (one.definition, one.schedule) == ("select 1", timedelta(minutes=5, seconds=30))
    assert (two.definition, two.condition, two.comment) == ("select 3", None, "new")
    assert [name.split(".")[-1] for name in two.predecessors] == ["ONE"]
    assert [task.name for task in tasks.iter(root_only=True)] == ["ONE"]
    assert [task.name for task in tasks["one"].fetch_task_dependents()] == ["ONE", "TWO"]
    with pytest.raises(APIError, match="root"):
        tasks["two"].execute()
    with pytest.raises(NotFoundError):
        tasks["three"].fetch()
    tasks["three"].drop(if_exists=True)
    tasks["one"].drop()
    assert tasks["two"].fetch().predecessors == []


def test_tags_of_a_task(schema, run):
    run("create tag team")
    schema.tasks.create(Task("one", "select 1"))
    task, team = schema.tasks["one"], schema.tags["team"]
    task.set_tags({team: TagValue(value="ml")})
    before = {tag.name: value.value for tag, value in task.get_tags().items()}
    task.unset_tags({team})

    assert before == {"TEAM": "ml"}
    assert task.get_tags() == {}


def test_what_is_wrong_is_refused(schema):
    for task in (
        Task("x", "select 1", warehouse="nothing"),
        Task("x", "select 1", predecessors=["nothing"]),
        Task("x", "select 1", condition="parse_json('1') = 1"),
        Task("x", "select 1", session_parameters={"COLOUR": "red"}),
    ):
        with pytest.raises(APIError):
            schema.tasks.create(task)


def test_a_container_has_the_official_task_context(operation, run, completed, job):
    """Short names get the graph's prefix; the value that it sets is in the history."""
    with DAG("ctx", config={"k": "v"}) as dag:
        DAGTask("give", "call system$set_return_value('given')") >> DAGTask(
            "take", job("context", "give", options="name = ctx_take")
        )
    operation.deploy(dag)
    operation.run(dag)
    completed("ctx")
    (said,) = run("select system$get_service_logs('ctx_take', '0', 'main')")
    found = json.loads(said[0].splitlines()[-1])
    (kept,) = run(
        "select return_value from table(information_schema.task_history("
        "task_name => 'CTX$TAKE')) where database_name = current_database()"
    )

    assert found.pop("root").endswith(".PUBLIC.CTX")
    assert found.pop("task").endswith(".PUBLIC.CTX$TAKE")
    assert found.pop("scheduled").startswith("20")
    assert found == {
        "short": "TAKE",
        "given": "given",
        "config": {"k": "v"},
        "last": None,
    }
    assert kept == ("told",)
