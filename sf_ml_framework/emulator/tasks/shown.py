"""A task as SHOW TASKS, DESCRIBE TASK and REST tell it.

Source: Snowflake, "SHOW TASKS".
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

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
