"""Tasks by SQL: CREATE, ALTER, DROP, EXECUTE, SHOW and DESCRIBE TASK.

Source: Snowflake, "CREATE TASK", "ALTER TASK", "DROP TASK", "EXECUTE TASK", "SHOW TASKS".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..faults import invalid, not_found, unsupported
from ..names import Path
from ..registry import Call, Scope
from ..results import ResultSet, done, status
from ..tasks.changes import keep, make, must_be_root, remove, resume, suspend
from ..tasks.definition import Task, body, condition, find, given_config, new_id
from ..tasks.graph import Graphs
from ..tasks.scheduler import Tasks
from ..tasks.shown import row
from ..tasks.statement import clauses, name, names, settings
from . import tags
from .showing import gone, object_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account

_COLUMNS = ["created_on timestamp_ltz", "name", "id", "database_name", "schema_name", "owner"]
_COLUMNS += ["comment", "warehouse", "schedule", "scheduling_mode", "target_completion_interval"]
_COLUMNS += ["predecessors", "state", "definition", "condition", "allow_overlapping_execution"]
_COLUMNS += ["error_integration", "success_integration", "last_committed_on timestamp_ltz"]
_COLUMNS += ["last_suspended_on timestamp_ltz", "owner_role_type", "config"]
_COLUMNS += ["last_suspended_reason", "task_relations", "execute_as_user"]


def install(account: Account) -> None:
    """Register the statements."""
    account.parts[Tasks] = Tasks(account)
    account.statement("CREATE [OR REPLACE|OR ALTER] TASK [IF NOT EXISTS]", create)
    account.statement("ALTER TASK [IF EXISTS]", alter)
    account.statement("DROP TASK [IF EXISTS]", drop)
    account.statement("EXECUTE TASK", execute)
    account.show("TASKS", _COLUMNS, show)
    account.describe("TASK", _COLUMNS, describe)
    needs(account)


def needs(account: Account) -> None:
    """Say what each statement needs. Source: the pages' access control requirements."""
    account.needs("CREATE TASK", privilege="CREATE TASK", on="SCHEMA")
    account.needs("CREATE TASK", uses="WAREHOUSE =", privilege="USAGE", on="WAREHOUSE")
    # Source: "Configuring a task to send success notifications": who makes or changes a task needs
    # USAGE on the integration that it names.
    for statement in ("CREATE TASK", "ALTER TASK"):
        for word in ("ERROR_INTEGRATION =", "SUCCESS_INTEGRATION ="):
            account.needs(statement, uses=word, privilege="USAGE", on="INTEGRATION")
    account.needs("ALTER TASK", privilege="OWNERSHIP", on="TASK")
    account.needs("ALTER TASK", then="RESUME|SUSPEND", privilege="OPERATE", on="TASK")
    account.needs("EXECUTE TASK", privilege="OPERATE", on="TASK")
    account.needs("DROP TASK", privilege="OWNERSHIP", on="TASK")


def create(call: Call) -> ResultSet:
    """Create, replace or alter a task."""
    path = object_name(call, "TASK")
    if call.if_not_exists and call.flags & {"OR REPLACE", "OR ALTER"}:
        call.reader.fail()
    if call.reader.accept("CLONE"):
        return _clone(call, path)
    given = clauses(call)
    made = make(
        call.account,
        call.session,
        path,
        given,
        replacing=call.or_replace,
        altering="OR ALTER" in call.flags,
        if_absent=call.if_not_exists,
    )
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    return status(f"Task {path.name} successfully created.")


def _clone(call: Call, path: Path) -> ResultSet:
    source = find(call.account, call.session.resolve(call.reader.name()))
    call.reader.end()
    copy = replace(
        source,
        path=path,
        id=new_id(),
        owner=call.session.role,
        created_on=call.account.clock.now(),
        state="suspended",
        committed=None,
        suspended=None,
        reason=None,
        version=0,
        due=None,
    )
    Graphs.around(call.account, path).linked(copy)
    call.account.catalog.create(copy.entry(), replace=call.or_replace)
    return status(f"Task {path.name} successfully created.")


def alter(call: Call) -> ResultSet:
    """Resume, suspend, or change a task."""
    path = call.session.resolve(call.reader.name(), "ALTER TASK")
    entry = call.account.catalog.find("TASK", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("TASK", str(path))
    if tags.altered(call, "TASK", path):
        return done()
    task, reader = Task.of(entry), call.reader
    if reader.accept("RESUME"):
        reader.end()
        resume(call.account, task)
    elif reader.accept("SUSPEND"):
        reader.end()
        suspend(call.account, task)
    elif reader.accept("RENAME"):
        raise unsupported("ALTER TASK .. RENAME: clone the task and drop it.")
    else:
        changed = _changed(call, task)
        reader.end()
        keep(call.account, task, changed)
    return done()


def _changed(call: Call, task: Task) -> Task:  # noqa: PLR0911
    """Return the task as the rest of ALTER TASK changes it."""
    reader = call.reader
    if reader.accept("REMOVE", "AFTER"):
        gone = names(call)
        for path in gone:
            if path not in task.after:
                raise invalid(f"{path} is no predecessor of {task.path}.")
        return replace(task, after=tuple(p for p in task.after if p not in gone))
    if reader.accept("ADD", "AFTER"):
        return replace(task, after=tuple(dict.fromkeys((*task.after, *names(call)))))
    if reader.accept("MODIFY", "AS"):
        return replace(task, body=body(reader.rest()))
    if reader.accept("MODIFY", "WHEN"):
        return replace(task, when=condition(reader.rest()))
    if reader.accept("REMOVE", "WHEN"):
        return replace(task, when=None)
    if reader.accept("SET", "FINALIZE", "="):
        return replace(task, finalize=name(call))
    if reader.accept("UNSET", "FINALIZE"):
        return replace(task, finalize=None)
    if reader.accept("SET", "EXECUTE", "AS", "USER"):
        return replace(task, user=reader.name()[0])
    if reader.accept("UNSET", "EXECUTE", "AS", "USER"):
        return replace(task, user=None)
    if reader.accept("SET"):
        return _set(call, task)
    reader.expect("UNSET")
    return _unset(call, task)


def _set(call: Call, task: Task) -> Task:
    parameters, session, comment = settings(call)
    if not parameters and not session and comment is None:
        call.reader.fail()
    kept = dict(task.parameters)
    # One replaces the other, as on the page.
    if "WAREHOUSE" in parameters:
        kept.pop("USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE", None)
    if "OVERLAP_POLICY" in parameters:
        kept.pop("ALLOW_OVERLAPPING_EXECUTION", None)
    elif "ALLOW_OVERLAPPING_EXECUTION" in parameters:
        kept.pop("OVERLAP_POLICY", None)
    return replace(
        task,
        parameters={**kept, **parameters},
        session={**task.session, **session},
        comment=task.comment if comment is None else comment,
    )


def _unset(call: Call, task: Task) -> Task:
    from ..tasks.definition import PARAMETERS, session_parameter

    reader = call.reader
    if reader.done:
        reader.fail()
    while not reader.done:
        key = reader.next().text.upper()
        if key == "COMMENT":
            task = replace(task, comment="")
        elif key in PARAMETERS:
            task = replace(task, parameters=_without(task.parameters, key))
        else:
            session_parameter(key, None)
            task = replace(task, session=_without(task.session, key))
        reader.accept(",")
    return task


def _without(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def drop(call: Call) -> ResultSet:
    """Drop a task; its children lose it."""
    path = call.session.resolve(call.reader.name(), "DROP TASK")
    call.reader.end()
    if call.account.catalog.find("TASK", path) is None:
        return gone(call, "TASK", path.name, str(path))
    remove(call.account, path)
    return status(f"{path.name} successfully dropped.")


def execute(call: Call) -> ResultSet:
    """Run a graph once, or its last run again."""
    task = find(call.account, call.session.resolve(call.reader.name(), "EXECUTE TASK"))
    tasks, reader = call.account.part(Tasks), call.reader
    must_be_root(task)
    if reader.accept("RETRY", "LAST"):
        reader.end()
        tasks.retry(task)
    elif reader.accept("RETRY", "GRAPH", "RUN", "GROUP"):
        group = reader.string()
        reader.end()
        tasks.retry(task, group)
    else:
        config = None
        if reader.accept("USING", "CONFIG", "="):
            config = given_config(reader.string())
        reader.end()
        tasks.execute(task, config)
    return status(f"Task {task.path.name} is scheduled to run immediately.")


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the tasks."""
    for entry in call.account.catalog.all("TASK", scope.database, scope.schema):
        task = Task.of(entry)
        if "ROOT ONLY" in call.flags and not task.is_root:
            continue
        yield row(call.account, task)


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield a task's row."""
    yield row(call.account, find(call.account, call.session.resolve(parts)))
