"""Tasks by REST, as snowflake.core 1.13 (``task/_generated``, ``task/dagv1.py``) asks.

Source: Snowflake, "Snowflake Task API"; the fields are those of the client's models. What a name in
a request leaves out is the database and schema of the route.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, invalid
from ..names import Path, fold
from ..registry import Answer, RestCall
from ..tasks.changes import make, must_be_root, remove, resume, suspend
from ..tasks.definition import Task, find
from ..tasks.graph import Graphs
from ..tasks.history import CANCELLED, EXECUTING, FAILED, SUCCEEDED, GraphRow
from ..tasks.scheduler import Tasks
from ..tasks.wire import clauses_of, model, path_of
from . import tags
from .showing import like
from .task_history import COMPLETE, Planned, first_error, scheduled

if TYPE_CHECKING:
    from ..account import Account

_HOME = "/api/v2/databases/{database}/schemas/{schema}/tasks"
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
        ("POST", "/{name}:unset-tags", unset_tags),
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


def _number(call: RestCall, key: str, default: int) -> int:
    text = call.query.get(key)
    if text is None:
        return default
    if not text.isdigit():
        raise invalid(f"invalid value '{text}' for '{key}'")
    return int(text)


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
    limit = _number(call, "showLimit", 10_000)
    return [model(call.account, task) for task in found[:limit]]


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
    path = path_of(place, str(given.get("name") or ""))
    old = call.account.catalog.find("TASK", path)
    if old is not None and mode == "orReplace":
        call.account.require(call.session, "OWNERSHIP", "TASK", path)
    clauses = clauses_of(call.account, place, given)
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
    make(call.account, call.session, path, clauses_of(call.account, place, given), altering=True)
    return _DONE


def _body(call: RestCall) -> dict[str, Any]:
    if not isinstance(call.body, dict):
        raise SnowflakeError("Bad request: an object was expected.", number=390400, state="08001")
    return {key: value for key, value in call.body.items() if value is not None}


def fetch(call: RestCall) -> dict[str, Any]:
    """Return a task."""
    return model(call.account, _task(call, "OWNERSHIP|OPERATE|MONITOR"))


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
    return [model(call.account, one) for one in members]


def current_graphs(call: RestCall) -> list[dict[str, Any]]:
    """Return the runs of a graph that go on or are scheduled."""
    task = _task(call, "OWNERSHIP|OPERATE|MONITOR")
    history = call.account.part(Tasks).history
    found = [
        _run(call.account, graph)
        for graph in history.graphs("root_id = ? and state = ?", (task.id, EXECUTING))
    ]
    found += [_planned(one) for one in scheduled(call.account) if one.task.id == task.id]
    return found[: _number(call, "resultLimit", 1000)]


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
    limit = _number(call, "resultLimit", 1000)
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
    """Set tags on a task."""
    task = _task(call, "OWNERSHIP")
    found = {name: str(one.get("tag_value", "")) for name, one in _tags(call)}
    tags.attach(call.account, call.session, "TASK", task.path, found)
    return _DONE


def unset_tags(call: RestCall) -> dict[str, Any]:
    """Take tags from a task."""
    task = _task(call, "OWNERSHIP")
    for name, _ in _tags(call):
        tag = call.account.catalog.get("TAG", call.session.resolve(name))
        call.account.catalog.execute(
            "delete from tag_references where tag = ? and kind = 'TASK' and object = ?",
            (str(tag.path), str(task.path)),
        )
    return _DONE


def _tags(call: RestCall) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """Return the tags of a request: their full names, and what was said of each."""
    if not isinstance(call.body, list):
        raise invalid("a list of tags was expected")
    place = _schema(call)
    found: list[tuple[tuple[str, ...], dict[str, Any]]] = []
    for one in call.body:
        if not isinstance(one, dict) or not one.get("tag_name"):
            raise invalid("a tag needs a 'tag_name'")
        database = fold(str(one.get("tag_database") or place.database))
        schema = fold(str(one.get("tag_schema") or place.schema))
        found.append(((database, schema, fold(str(one["tag_name"]))), one))
    return found
