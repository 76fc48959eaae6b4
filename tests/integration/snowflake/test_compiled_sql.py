"""The script that `mlops compile` writes, run whole and twice, as `snow sql -f` would run it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from snowflake.connector import SnowflakeConnection, connect

from sf_ml_framework import settings, targets
from sf_ml_framework.emulator import Emulator
from sf_ml_framework.emulator.rooms.messages import Outbox
from sf_ml_framework.manifest import load
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.objects import Grant, Task
from sf_ml_framework.plan.script import FILE, script
from tests.unit.plan.projects import manifest, node, target
from tests.waiting import until

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    """An emulator of this module's own: the script names the objects of a real target."""
    with pytest.MonkeyPatch.context() as patch, Emulator() as emulator:
        patch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
        yield emulator


@pytest.fixture(scope="module")
def connection(server: Emulator) -> Iterator[SnowflakeConnection]:
    with connect(**server.connection) as opened:
        yield opened


@pytest.fixture(scope="module")
def rows(connection: SnowflakeConnection) -> Callable[[str], list[dict[str, Any]]]:
    """Return what asks one question and gives rows with lower-case keys."""

    def ask(sql: str) -> list[dict[str, Any]]:
        cursor = connection.cursor()
        found = cursor.execute(sql).fetchall()
        names = [column.name.lower() for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    return ask


@pytest.fixture(scope="module")
def twice(connection: SnowflakeConnection) -> list[int]:
    """Run the committed script twice; return how many statements each time were run."""
    text = (ROOT / FILE).read_text(encoding="utf-8")
    return [sum(1 for _ in connection.execute_string(text)) for _ in range(2)]


def test_the_script_may_be_run_twice(twice):
    """The connector cuts it into statements, as every client does that runs a file."""
    first, second = twice

    assert first == second > 90


def test_the_graph_is_the_manifests_and_is_started(twice, rows):
    tasks = {row["name"]: row for row in rows("show tasks in schema ML_DEV.ML")}

    def before(task: str) -> list[str]:
        return sorted(name.rpartition(".")[2] for name in json.loads(tasks[task]["predecessors"]))

    assert before("TASK_PREPROCESS_DATA") == ["TASK_GENERATE_SAMPLE_DATA"]
    assert before("TASK_EVALUATE_MODEL") == ["TASK_TRAIN_MODEL", "TASK_TRAIN_TEST_SPLIT"]
    assert {row["state"] for row in tasks.values()} == {"started"}
    relations = json.loads(tasks["TASK_CUSTOMER_CHURN"]["task_relations"])
    assert relations["FinalizerTask"].endswith("TASK_CUSTOMER_CHURN_FINALIZE")


def test_what_the_account_shows_of_a_task_is_what_was_compiled(twice, rows):
    """Else every plan after a deployment would show a change that is none."""
    desired = _desired()
    shown = {row["name"]: row for row in rows("show tasks in schema ML_DEV.ML")}

    for task in (each for each in desired.objects if isinstance(each, Task)):
        row = shown[task.name.rpartition(".")[2]]
        assert row["definition"] == task.body
        assert row["comment"] == task.comment
        assert (row["schedule"] or "") == task.schedule


def test_the_run_role_owns_the_tasks_and_holds_no_more_than_it_was_granted(twice, rows):
    desired = _desired()
    wanted = {
        (grant.privilege, grant.name)
        for grant in desired.objects
        if isinstance(grant, Grant) and grant.to == desired.role and grant.on != "ACCOUNT"
    }

    shown = rows(f"show grants to role {desired.role}")

    owners = {row["owner"] for row in rows("show tasks in schema ML_DEV.ML")}
    assert owners == {desired.role}
    given = {
        (row["privilege"], row["name"])
        for row in shown
        if row["granted_on"] not in ("ACCOUNT", "TASK")
    }
    assert given == wanted


def test_a_larger_pool_in_the_file_is_a_larger_pool_after_the_next_run(twice, connection, rows):
    text = (ROOT / FILE).read_text(encoding="utf-8")

    changed = text.replace("MIN_NODES = 1 MAX_NODES = 2", "MIN_NODES = 1 MAX_NODES = 5")
    list(connection.execute_string(changed))

    pool = rows("show compute pools like 'MLOPS_COMPUTE_POOL'")[0]
    assert pool["max_nodes"] == 5


def test_a_run_whose_containers_cannot_start_is_recorded_as_failed(twice, rows):
    """No image was pushed: only the finalizer, which is SQL, can tell what happened."""
    rows("use role MLOPS_ROLE")
    rows("use warehouse MLOPS_WH")
    rows("execute task ML_DEV.ML.TASK_CUSTOMER_CHURN")

    ended = (
        "select error_message from table(ML_DEV.information_schema.task_history("
        "task_name => 'TASK_CUSTOMER_CHURN_FINALIZE')) where state in ('SUCCEEDED', 'FAILED')"
    )
    finalizer = until(lambda: rows(ended), "the finalizer did not end")
    found = rows("select run_id, status, seconds from ML_DEV.ML.MLOPS_RUNS")
    nodes = rows("select run_id, node, status, error, record from ML_DEV.ML.MLOPS_NODE_RUNS")

    assert finalizer == [{"error_message": None}]
    assert [run["status"] for run in found] == ["failed"]
    assert [(node["node"], node["status"]) for node in nodes] == [
        ("generate_sample_data", "failed")
    ]
    assert nodes[0]["error"]
    assert json.loads(nodes[0]["record"])["run_id"] == found[0]["run_id"]


def test_a_failed_run_is_told_by_mail(server, connection, rows):
    """A project of one node, in a target with another prefix beside the first."""
    told = {"email_integration": "mail", "recipients": ["me@example.com"]}
    wanted = target(database="shop", prefix="SHOP", notifications=told)
    project = manifest(node("load"))
    rows("use role ACCOUNTADMIN")
    rows("create notification integration mail type=email enabled=true"
         " allowed_recipients=('me@example.com')")  # fmt: skip
    list(connection.execute_string(script(project, wanted, compile_desired(project, wanted))))

    rows("execute task SHOP.ML.TASK_SHOP")

    outbox = server.account.part(Outbox)
    (mail,) = until(outbox.sent, "no mail was sent")
    assert "shop on dev: failed" in mail.values()
    assert any("ended: failed\nload: " in str(text) for text in mail.values())


def _desired():
    found = settings.load(ROOT, environ={})
    return compile_desired(load.compiled(ROOT, found.project), targets.load(found))
