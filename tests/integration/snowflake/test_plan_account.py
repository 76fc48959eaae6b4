"""`mlops plan` against an account: true before a deployment, empty after it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from snowflake.connector import SnowflakeConnection, connect

from sf_ml_framework.cli.app import main
from sf_ml_framework.emulator import Emulator
from sf_ml_framework.plan.script import FILE

ROOT = Path(__file__).parents[3]
ROLE = "MLOPS_DEPLOY_ROLE"


@pytest.fixture(scope="module")
def account() -> Iterator[tuple[SnowflakeConnection, list[str]]]:
    """An account in which the committed script was run, and the options that reach it."""
    with pytest.MonkeyPatch.context() as patch, Emulator() as emulator:
        patch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
        for key in ("password", "host", "port", "protocol"):
            patch.setenv(f"SNOWFLAKE_{key.upper()}", str(emulator.connection[key]))
        connection = connect(**emulator.connection)
        list(connection.execute_string((ROOT / FILE).read_text(encoding="utf-8")))
        options = ["--account", emulator.connection["account"], "--user",
                   emulator.connection["user"], "--role", ROLE]  # fmt: skip
        yield connection, options
        connection.close()


@pytest.fixture
def plan(account, capsys) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Return what makes a plan of the churn project and gives exit code and JSON."""

    def make(*more: str) -> tuple[int, dict[str, Any]]:
        line = ["plan", "--project", str(ROOT), "--format", "json", "--detailed-exitcode"]
        capsys.readouterr()
        code = main([*line, *account[1], *more])
        return code, json.loads(capsys.readouterr().out)

    return make


def test_after_the_script_was_run_nothing_is_to_be_changed(plan):
    """Through SHOW and back: list order, defaults and the text of bodies are no changes."""
    code, told = plan()

    assert [one for one in told["changes"] if one["change"] in ("create", "change")] == []
    assert told["statements"] == []
    assert code == 0


def test_what_the_tasks_need_and_nobody_made_is_told(plan):
    _, told = plan()

    expected = {one["object"].partition(" ")[0] for one in told["changes"]
                if one["change"] == "expected"}  # fmt: skip
    assert expected == {"image", "feature"}


def test_a_change_by_hand_is_one_line_old_to_new_and_a_way_back(plan, account):
    connection, _ = account
    cursor = connection.cursor()
    task = "ML_DEV.ML.TASK_TRAIN_MODEL"
    for statement in (
        "use role MLOPS_ROLE",
        "alter task ML_DEV.ML.TASK_CUSTOMER_CHURN suspend",
        f"alter task {task} set comment = 'mine'",
        "alter task ML_DEV.ML.TASK_CUSTOMER_CHURN resume",
    ):
        cursor.execute(statement)

    code, told = plan()

    (change,) = (one for one in told["changes"] if one["change"] == "change")
    assert code == 2
    assert change["object"] == f"task {task}"
    assert change["differences"] == [
        {"field": "comment", "old": "mine", "new": "mlops customer_churn: node train_model"}
    ]
    assert [one["sql"] for one in told["statements"]] == [
        "ALTER TASK ML_DEV.ML.TASK_CUSTOMER_CHURN SUSPEND",
        f"ALTER TASK {task} SET COMMENT = 'mlops customer_churn: node train_model'",
        "ALTER TASK ML_DEV.ML.TASK_CUSTOMER_CHURN RESUME",
    ]
    for statement in told["statements"]:
        cursor.execute(statement["sql"])
    assert plan()[0] == 0


def test_a_plan_sends_nothing_that_changes_anything(plan, account):
    connection, _ = account
    history = (
        "select query_text from table(information_schema.query_history(result_limit => 10000))"
        " where query_tag = 'mlops:dev'"
    )
    cursor = connection.cursor()
    cursor.execute("use role ACCOUNTADMIN")
    cursor.execute("use database ML_DEV")

    plan()

    asked = [row[0].upper() for row in cursor.execute(history).fetchall()]
    assert any(sql.startswith("SHOW TASKS") for sql in asked)
    reads = ("SHOW", "SELECT", "DESCRIBE", "USE", "ALTER SESSION")
    assert [sql for sql in asked if not sql.startswith(reads)] == []
