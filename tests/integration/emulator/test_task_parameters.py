"""SHOW PARAMETERS IN TASK tells what SHOW TASKS leaves out."""

from __future__ import annotations

import pytest
from snowflake.connector import DictCursor
from snowflake.connector.errors import ProgrammingError


def test_a_tasks_own_parameters_are_told_with_their_level(run, connection):
    run(
        "create task one schedule = '60 minutes' user_task_timeout_ms = 60000 "
        "task_auto_retry_attempts = 2 query_tag = 'mine' as select 1"
    )

    rows = connection.cursor(DictCursor).execute("show parameters in task one").fetchall()

    told = {row["key"]: (row["value"], row["default"], row["level"]) for row in rows}
    assert told["USER_TASK_TIMEOUT_MS"] == ("60000", "3600000", "TASK")
    assert told["TASK_AUTO_RETRY_ATTEMPTS"] == ("2", "0", "TASK")
    assert told["SUSPEND_TASK_AFTER_NUM_FAILURES"] == ("10", "10", "")
    assert told["QUERY_TAG"] == ("mine", "", "TASK")


def test_parameters_are_chosen_by_a_pattern(run):
    run("create task one as select 1")

    (row,) = run("show parameters like '%auto\\_retry%' in task one")

    assert row[:2] == ("TASK_AUTO_RETRY_ATTEMPTS", "0")


def test_a_task_that_is_not_there_has_no_parameters(run):
    with pytest.raises(ProgrammingError, match="does not exist or not authorized"):
        run("show parameters in task nowhere")


def test_the_parameters_of_the_session_are_told_by_name_too(run):
    run("alter session set query_tag = 'seven'")

    assert run("show parameters like 'QUERY_TAG' in session")[0][1] == "seven"
    assert run("show parameters like 'QUERY_TAG'")[0][1] == "seven"
