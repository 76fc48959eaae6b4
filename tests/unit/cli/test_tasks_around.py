"""Why a run failed in which no node did: its root and its finalizer are told too."""

from __future__ import annotations

import io

from sf_ml_framework.cli.output import Output
from sf_ml_framework.cli.tasks_told import around_lines
from sf_ml_framework.deploy.graph_ports import Graph, TaskRun, TaskShown
from sf_ml_framework.deploy.graph_runs import Ended

GRAPH = Graph(
    database="SHOP",
    schema="ML",
    id="1",
    root=TaskShown(name="TASK_SHOP", started=True),
    nodes=(TaskShown(name="TASK_MAKE", node="make", started=True),),
)


def told(**errors: str) -> str:
    tasks = {
        name: TaskRun(task=name, attempt=1, state="FAILED" if error else "SUCCEEDED", error=error)
        for name, error in errors.items()
    }
    ended = Ended(run_id="r", status="failed", tasks=tasks)
    output = Output(io.StringIO(), io.StringIO())
    return "\n".join(around_lines("SHOP_ROLE", GRAPH, ended, output))


def test_a_root_that_may_not_run_is_told_with_the_grant():
    said = told(
        TASK_SHOP="Cannot execute task, EXECUTE TASK privilege must be granted to owner role"
    )

    assert said.startswith("error: TASK_SHOP failed: Cannot execute task")
    assert said.endswith("remedy: GRANT EXECUTE TASK ON ACCOUNT TO ROLE SHOP_ROLE;")


def test_a_finalizer_that_could_send_no_mail_is_told():
    said = told(
        TASK_SHOP="",
        TASK_SHOP_FINALIZE="Integration 'MAIL' does not exist or not authorized.",
    )

    assert said == (
        "error: TASK_SHOP_FINALIZE failed: Integration 'MAIL' does not exist or not authorized."
    )


def test_a_node_that_failed_is_told_elsewhere():
    assert told(TASK_SHOP="", TASK_MAKE="it broke") == ""
