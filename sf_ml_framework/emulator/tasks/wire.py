"""A task as REST carries it: requests to clauses, tasks to answers.

Source: snowflake.core 1.13, ``task/_generated/models/task.py``, ``cron_schedule.py``,
``minutes_schedule.py``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..faults import invalid
from ..names import Path, fold, parts_of
from . import schedule
from .definition import PARAMETERS, Task, body, checked, condition, session_parameter
from .shown import relations
from .statement import Clauses

if TYPE_CHECKING:
    from ..account import Account

_READ_ONLY = {
    "created_on",
    "id",
    "owner",
    "owner_role_type",
    "state",
    "last_committed_on",
    "last_suspended_on",
    "database_name",
    "schema_name",
    "task_relations",
}


def path_of(place: Path, written: str) -> Path:
    """Return a task's path; what the name leaves out is *place*'s."""
    parts = parts_of(written)
    if len(parts) > 3:
        raise invalid(f"too many parts in the name {written}")
    return Path(*((place.database, place.schema)[: 3 - len(parts)] + parts))


def clauses_of(account: Account, place: Path, given: dict[str, Any]) -> Clauses:
    """Return what CREATE TASK would have been given."""
    found = Clauses()
    for key, value in given.items():
        name = key.upper()
        if key in _READ_ONLY or key == "name":
            continue
        if name in PARAMETERS:
            found.parameters[name] = checked(account, name, _parameter(name, value))
        elif not _clause(found, place, key, value):
            raise invalid(f"unknown field '{key}' of a task")
    if not found.body:
        raise invalid("missing required field 'definition'")
    return found


def _parameter(name: str, value: Any) -> Any:
    if name in {"SCHEDULE", "TARGET_COMPLETION_INTERVAL"}:
        return _interval(value)
    if name == "CONFIG":
        return json.dumps(value) if isinstance(value, dict) else str(value)
    return value


def _interval(value: Any) -> str:
    """Return a schedule as SQL writes it. Source: ``minutes_schedule.py``, ``cron_schedule.py``."""
    if not isinstance(value, dict):
        raise invalid(f"invalid schedule '{value}'")
    if value.get("schedule_type") == "CRON_TYPE":
        return f"USING CRON {value.get('cron_expr')} {value.get('timezone')}"
    minutes, seconds = value.get("minutes") or 0, value.get("seconds") or 0
    if type(minutes) is not int or type(seconds) is not int:
        raise invalid(f"invalid schedule '{value}'")
    return f"{minutes * 60 + seconds} SECONDS" if seconds else f"{minutes} MINUTE"


def _clause(found: Clauses, place: Path, key: str, value: Any) -> bool:
    match key:
        case "definition":
            found.body = body(str(value))
        case "comment":
            found.comment = str(value)
        case "condition":
            found.when = condition(str(value))
        case "finalize":
            found.finalize = path_of(place, str(value))
        case "execute_as_user":
            found.user = fold(str(value))
        case "predecessors":
            if not isinstance(value, list):
                raise invalid("'predecessors' must be a list")
            found.after = tuple(dict.fromkeys(path_of(place, str(one)) for one in value))
        case "session_parameters":
            if not isinstance(value, dict):
                raise invalid("'session_parameters' must be an object")
            found.session = {k.upper(): session_parameter(k.upper(), v) for k, v in value.items()}
        case _:
            return False
    return True


def model(account: Account, task: Task) -> dict[str, Any]:
    """Return a task as the client's model has it."""
    found = task.parameters
    plain = {key.lower(): value for key, value in found.items()}
    config = found.get("CONFIG")
    return {
        **plain,
        "name": task.path.name if task.path.name == fold(task.path.name) else f'"{task.path.name}"',
        "definition": task.body,
        "schedule": _schedule(found.get("SCHEDULE")),
        "target_completion_interval": _schedule(found.get("TARGET_COMPLETION_INTERVAL")),
        "config": json.loads(str(config)) if config else None,
        "session_parameters": dict(task.session) or None,
        "comment": task.comment or None,
        "condition": task.when,
        "predecessors": [str(path) for path in task.after],
        "finalize": str(task.finalize) if task.finalize else None,
        "task_relations": json.dumps(relations(account, task)),
        "overlap_policy": task.overlap if task.is_root else None,
        "execute_as_user": task.user,
        "created_on": task.created_on.isoformat(),
        "id": task.id,
        "owner": task.owner,
        "owner_role_type": "ROLE",
        "state": task.state,
        "last_committed_on": task.committed,
        "last_suspended_on": task.suspended,
        "database_name": task.path.database,
        "schema_name": task.path.schema,
    }


def _schedule(text: Any) -> dict[str, Any] | None:
    if not text:
        return None
    plan = schedule.parse(str(text))
    if isinstance(plan, schedule.Interval):
        minutes, seconds = divmod(plan.seconds, 60)
        return {"schedule_type": "MINUTES_TYPE", "minutes": minutes, "seconds": seconds}
    words = str(text).split()
    return {
        "schedule_type": "CRON_TYPE",
        "cron_expr": " ".join(words[2:7]),
        "timezone": words[7],
    }
