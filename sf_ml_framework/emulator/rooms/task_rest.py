"""Tasks by REST, as snowflake.core 1.13 (``task/_generated``, ``task/dagv1.py``) asks.

Source: Snowflake, "Snowflake Task API"; the fields are those of the client's models. What a name in
a request leaves out is the database and schema of the route.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, invalid, unsupported
from ..names import Path, fold, parts_of
from ..registry import Answer, RestCall
from ..tasks import schedule
from ..tasks.changes import make, must_be_root, remove, resume, suspend
from ..tasks.definition import PARAMETERS, Task, body, checked, condition, find, session_parameter
from ..tasks.graph import Graphs
from ..tasks.history import CANCELLED, EXECUTING, FAILED, SUCCEEDED, GraphRow
from ..tasks.scheduler import Tasks
from ..tasks.shown import relations
from ..tasks.statement import Clauses
from . import tags
from .showing import like
from .task_history import COMPLETE, Planned, first_error, scheduled

if TYPE_CHECKING:
    from ..account import Account

_HOME = "/api/v2/databases/{database}/schemas/{schema}/tasks"
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
_DONE = {"status": "Request successfully completed"}
_MODES = {"errorIfExists", "orReplace", "ifNotExists"}


def install(account: Account) -> None:
    """Register the routes."""
    for method, path, call in (
        ("GET", "", list_tasks),
        ("POST", "", create),
        ("GET", "/{name}", fetch),
        ("PUT", "/{name}", create_or_alter),
        ("DELETE", "/{name}", delete),
        ("POST", "/{name}:execute", execute),
        ("POST", "/{name}:resume", resume_task),
        ("POST", "/{name}:suspend", suspend_task),
        ("GET", "/{name}:get-tags", get_tags),
        ("POST", "/{name}:set-tags", set_tags),
        ("GET", "/{name}/dependents", dependents),
        ("GET", "/{name}/current-graphs", current_graphs),
        ("GET", "/{name}/current_graphs", current_graphs),
        ("GET", "/{name}/complete-graphs", complete_graphs),
        ("GET", "/{name}/complete_graphs", complete_graphs),
    ):
        account.route(method, _HOME + path, call)


def _schema(call: RestCall) -> Path:
    place = Path(call.parts["database"], call.parts["schema"], "")
    call.account.catalog.get("SCHEMA", Path(place.database, "", place.schema))
    return place


def _task(call: RestCall, privilege: str) -> Task:
    place = _schema(call)
    path = Path(place.database, place.schema, call.parts["name"])
    task = find(call.account, path)
    call.account.require(call.session, privilege, "TASK", path)
    return task


def _true(call: RestCall, key: str) -> bool:
    return str(call.query.get(key, "")).lower() == "true"


def list_tasks(call: RestCall) -> list[dict[str, Any]]:
    """Return the tasks of a schema."""
    place = _schema(call)
    tasks = Graphs(call.account, place.database, place.schema).tasks.values()
    found = [t for t in tasks if call.account.access.sees(call.session, "TASK", t.path)]
    if _true(call, "rootOnly"):
        found = [task for task in found if task.is_root]
    if pattern := call.query.get("like"):
        found = [task for task in found if like(pattern).fullmatch(task.path.name)]
    if start := call.query.get("startsWith"):
        found = [task for task in found if task.path.name.startswith(start)]
    if after := call.query.get("fromName"):
        found = [task for task in found if task.path.name > after]
    limit = int(call.query.get("showLimit") or 10_000)
    return [_model(call.account, task) for task in found[:limit]]


def create(call: RestCall) -> dict[str, Any]:
    """Create a task."""
    mode = call.query.get("createMode", "errorIfExists")
    if mode not in _MODES:
        raise invalid(f"invalid createMode '{mode}'")
    given = _body(call)
    place = _schema(call)
    call.account.require(
        call.session, "CREATE TASK", "SCHEMA", Path(place.database, "", place.schema)
    )
    path = _path(place, str(given.get("name") or ""))
    old = call.account.catalog.find("TASK", path)
    if old is not None and mode == "orReplace":
        call.account.require(call.session, "OWNERSHIP", "TASK", path)
    clauses = _clauses(call, place, given)
    make(
        call.account,
        call.session,
        path,
        clauses,
        replacing=mode == "orReplace",
        if_absent=mode == "ifNotExists",
    )
    return _DONE


def create_or_alter(call: RestCall) -> dict[str, Any]:
    """Create a task, or make it what the request says."""
    place = _schema(call)
    path = Path(place.database, place.schema, call.parts["name"])
    if call.account.catalog.find("TASK", path) is not None:
        call.account.require(call.session, "OWNERSHIP", "TASK", path)
    else:
        schema = Path(place.database, "", place.schema)
        call.account.require(call.session, "CREATE TASK", "SCHEMA", schema)
    given = {"name": path.name, **_body(call)}
    make(call.account, call.session, path, _clauses(call, place, given), altering=True)
    return _DONE


def _body(call: RestCall) -> dict[str, Any]:
    if not isinstance(call.body, dict):
        raise SnowflakeError("Bad request: an object was expected.", number=390400, state="08001")
    return {key: value for key, value in call.body.items() if value is not None}


def _path(place: Path, written: str) -> Path:
    parts = parts_of(written)
    if len(parts) > 3:
        raise invalid(f"too many parts in the name {written}")
    return Path(*((place.database, place.schema)[: 3 - len(parts)] + parts))


def _clauses(call: RestCall, place: Path, given: dict[str, Any]) -> Clauses:
    """Return what CREATE TASK would have been given."""
    found = Clauses()
    for key, value in given.items():
        name = key.upper()
        if key in _READ_ONLY or key == "name":
            continue
        if name in PARAMETERS:
            found.parameters[name] = checked(call.account, name, _parameter(name, value))
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
    minutes, seconds = int(value.get("minutes") or 0), int(value.get("seconds") or 0)
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
            found.finalize = _path(place, str(value))
        case "execute_as_user":
            found.user = fold(str(value))
        case "predecessors":
            if not isinstance(value, list):
                raise invalid("'predecessors' must be a list")
            found.after = tuple(dict.fromkeys(_path(place, str(one)) for one in value))
        case "session_parameters":
            if not isinstance(value, dict):
                raise invalid("'session_parameters' must be an object")
            found.session = {k.upper(): session_parameter(k.upper(), v) for k, v in value.items()}
        case _:
            return False
    return True


def fetch(call: RestCall) -> dict[str, Any]:
    """Return a task."""
    return _model(call.account, _task(call, "OWNERSHIP|OPERATE|MONITOR"))


def _model(account: Account, task: Task) -> dict[str, Any]:
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


def delete(call: RestCall) -> dict[str, Any]:
    """Drop a task."""
    place = _schema(call)
    path = Path(place.database, place.schema, call.parts["name"])
    if _true(call, "ifExists") and call.account.catalog.find("TASK", path) is None:
        return _DONE
    remove(call.account, _task(call, "OWNERSHIP").path)
    return _DONE


def execute(call: RestCall) -> Answer | dict[str, Any]:
    """Run a graph once, or its last run again."""
    task = _task(call, "OPERATE")
    must_be_root(task)
    tasks = call.account.part(Tasks)
    if _true(call, "retryLast"):
        tasks.retry(task)
    else:
        tasks.execute(task, None)
    return _DONE


def resume_task(call: RestCall) -> dict[str, Any]:
    """Resume a task."""
    resume(call.account, _task(call, "OPERATE"))
    return _DONE


def suspend_task(call: RestCall) -> dict[str, Any]:
    """Suspend a task."""
    suspend(call.account, _task(call, "OPERATE"))
    return _DONE


def dependents(call: RestCall) -> list[dict[str, Any]]:
    """Return a task and those that depend on it; the task itself is among them."""
    task = _task(call, "OWNERSHIP|OPERATE|MONITOR")
    graphs = Graphs.around(call.account, task.path)
    recursive = str(call.query.get("recursive", "true")).lower() != "false"
    members = graphs.members(task, recursive=recursive)
    return [_model(call.account, one) for one in members]


def current_graphs(call: RestCall) -> list[dict[str, Any]]:
    """Return the runs of a graph that go on or are scheduled."""
    task = _task(call, "OWNERSHIP|OPERATE|MONITOR")
    history = call.account.part(Tasks).history
    found = [
        _run(call.account, graph)
        for graph in history.graphs("root_id = ? and state = ?", (task.id, EXECUTING))
    ]
    found += [_planned(one) for one in scheduled(call.account) if one.task.id == task.id]
    return found[: int(call.query.get("resultLimit") or 1000)]


def _planned(one: Planned) -> dict[str, Any]:
    task = one.task
    return {
        "root_task_name": task.path.name,
        "database_name": task.path.database,
        "schema_name": task.path.schema,
        "state": "SCHEDULED",
        "scheduled_time": one.due.isoformat(),
        "next_scheduled_time": one.due.isoformat(),
        "root_task_id": task.id,
        "graph_version": task.version,
        "run_id": int(one.due.timestamp() * 1000),
    }


def complete_graphs(call: RestCall) -> list[dict[str, Any]]:
    """Return the runs of a graph that ended in the last 60 minutes."""
    task = _task(call, "OWNERSHIP|OPERATE|MONITOR")
    since = (call.account.clock.now() - COMPLETE).isoformat()
    ended = call.account.part(Tasks).history.graphs(
        "root_id = ? and completed >= ? and state in (?, ?, ?)",
        (task.id, since, SUCCEEDED, FAILED, CANCELLED),
    )
    if str(call.query.get("errorOnly", "true")).lower() != "false":
        ended = [graph for graph in ended if graph.state == FAILED]
    limit = int(call.query.get("resultLimit") or 1000)
    return [_run(call.account, graph) for graph in ended[:limit]]


def _run(account: Account, graph: GraphRow) -> dict[str, Any]:
    name, code, message = first_error(account, graph)
    entry = account.catalog.find("TASK", graph.path)
    due = entry.properties.get("due") if entry else None
    return {
        "root_task_name": graph.name,
        "database_name": graph.database,
        "schema_name": graph.schema,
        "state": graph.state,
        "first_error_task_name": name,
        "first_error_code": code,
        "first_error_message": message,
        "scheduled_time": graph.scheduled.isoformat(),
        "query_start_time": _time(graph.started),
        # The client's model has no room for "never".
        "next_scheduled_time": due or graph.scheduled.isoformat(),
        "completed_time": _time(graph.completed),
        "root_task_id": graph.root_id,
        "graph_version": graph.version,
        "run_id": graph.run_id,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def get_tags(call: RestCall) -> list[dict[str, Any]]:
    """Return the tags of a task."""
    task = _task(call, "OWNERSHIP|OPERATE|MONITOR")
    found = tags.references(call.account, "kind = ? and object = ?", ("TASK", str(task.path)))
    return [
        {
            "tag_database": one["TAG_DATABASE"],
            "tag_schema": one["TAG_SCHEMA"],
            "tag_name": one["TAG_NAME"],
            "tag_value": one["TAG_VALUE"],
        }
        for one in found
    ]


def set_tags(call: RestCall) -> dict[str, Any]:
    """Refuse: tags of tasks are set by SQL here."""
    raise unsupported("setting tags of a task by REST is not known to this emulator.")
