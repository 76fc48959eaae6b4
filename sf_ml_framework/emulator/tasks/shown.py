"""A task as SHOW TASKS, DESCRIBE TASK and REST tell it.

Source: Snowflake, "SHOW TASKS", "SHOW PARAMETERS".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..parameters import SESSION_PARAMETERS
from .definition import Task
from .graph import Graphs

if TYPE_CHECKING:
    from ..account import Account


def row(account: Account, task: Task) -> dict[str, Any]:
    """Return a task as SHOW TASKS tells it."""
    found = task.parameters
    overlapping = task.overlap != "NO_OVERLAP" if task.is_root else None
    return {
        "created_on": task.created_on,
        "name": task.path.name,
        "id": task.id,
        "database_name": task.path.database,
        "schema_name": task.path.schema,
        "owner": task.owner,
        "comment": task.comment,
        "warehouse": found.get("WAREHOUSE"),
        "schedule": found.get("SCHEDULE"),
        "target_completion_interval": found.get("TARGET_COMPLETION_INTERVAL"),
        "predecessors": json.dumps([str(path) for path in task.after]),
        "state": task.state,
        "definition": task.body,
        "condition": task.when,
        "allow_overlapping_execution": None if overlapping is None else str(overlapping).lower(),
        "error_integration": found.get("ERROR_INTEGRATION", "null"),
        "success_integration": found.get("SUCCESS_INTEGRATION", "null"),
        "last_committed_on": _time(task.committed),
        "last_suspended_on": _time(task.suspended),
        "owner_role_type": "ROLE",
        "config": found.get("CONFIG"),
        "last_suspended_reason": task.reason,
        "task_relations": json.dumps(relations(account, task)),
        "execute_as_user": task.user,
    }


OF_TASKS = {
    "SUSPEND_TASK_AFTER_NUM_FAILURES": 10,
    "TASK_AUTO_RETRY_ATTEMPTS": 0,
    "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE": "Medium",
    "USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS": 30,
    "USER_TASK_TIMEOUT_MS": 3_600_000,
}
"""Parameters of tasks and their defaults. Source: Snowflake, "Parameters" (object parameters)."""


def parameters(task: Task) -> Iterator[dict[str, Any]]:
    """Yield a task's parameters as SHOW PARAMETERS IN TASK tells them.

    Source: Snowflake, "SHOW PARAMETERS": those of tasks, and the session parameters of its runs.
    """
    for name, default in sorted({**SESSION_PARAMETERS, **OF_TASKS}.items()):
        given = task.parameters if name in OF_TASKS else task.session
        kind = {bool: "BOOLEAN", int: "NUMBER"}.get(type(default), "STRING")
        yield {
            "key": name,
            "value": _spelled(given.get(name, default)),
            "default": _spelled(default),
            "level": "TASK" if name in given else "",
            "description": "",
            "type": kind,
        }


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def relations(account: Account, task: Task) -> dict[str, Any]:
    """Return predecessors, finalizer and finalized root, those that there are."""
    found: dict[str, Any] = {"Predecessors": [str(path) for path in task.after]}
    if task.finalize is not None:
        found["FinalizedRootTask"] = str(task.finalize)
    elif task.is_root:
        finalizer = Graphs.around(account, task.path).finalizer(task.path)
        if finalizer is not None:
            found["FinalizerTask"] = str(finalizer.path)
    return found


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
