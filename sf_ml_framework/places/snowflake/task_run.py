"""The run of a task graph, seen from a container that one of its tasks started.

Source: Snowflake, "SYSTEM$TASK_RUNTIME_INFO", "SYSTEM$GET_TASK_GRAPH_CONFIG",
"SYSTEM$SET_RETURN_VALUE"; that they work in a container's own session: "Tutorial: run a job as a
task", and ``snowflake.core.task.context`` 1.13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sf_ml_framework.errors import PlatformError

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

LONGEST_RETURN_VALUE = 10_000
"""Bytes of a task's return value: at most 10 kB."""


class TaskRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a task graph."""

    run_id: str
    """The graph run group: a retry of the run has the same one."""
    config: str
    """The graph's configuration in this run, a JSON object; empty when it has none."""


def current(account: Account) -> TaskRun:
    """Return the run of the task in which *account* was opened.

    Raises:
        PlatformError: the session is in no task.
        OperatorError: the account refuses to tell.
    """
    found = account.rows(
        "SELECT SYSTEM$TASK_RUNTIME_INFO('CURRENT_TASK_GRAPH_RUN_GROUP_ID') AS run_id,"
        " SYSTEM$GET_TASK_GRAPH_CONFIG() AS config"
    )
    row = found[0] if found else {}
    if not row.get("run_id"):
        raise PlatformError(
            "the account does not say which run of the task graph this container belongs to",
            remedy="start it by a task, or set MLOPS_RUN_ID",
        )
    return TaskRun(run_id=str(row["run_id"]), config=str(row.get("config") or ""))


def set_return_value(account: Account, text: str) -> None:
    """Leave *text*, at most ``LONGEST_RETURN_VALUE`` bytes, as the task's return value."""
    account.execute("CALL SYSTEM$SET_RETURN_VALUE(?)", (text,))
