"""What ran, by SQL: TASK_HISTORY, TASK_DEPENDENTS, CURRENT_ and COMPLETE_TASK_GRAPHS.

Source: Snowflake, "TASK_HISTORY", "TASK_DEPENDENTS", "CURRENT_TASK_GRAPHS", "COMPLETE_TASK_GRAPHS";
the views of the same names in ACCOUNT_USAGE (here without their delay).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..faults import invalid, not_found
from ..names import Path, fold, parts_of
from ..results import ResultSet, rows
from ..tasks.definition import Task
from ..tasks.graph import Graphs
from ..tasks.history import (
    AUTO_SUSPENDED,
    CANCELLED,
    EXECUTING,
    FAILED,
    SCHEDULED,
    SUCCEEDED,
    GraphRow,
    RunRow,
)
from ..tasks.scheduler import Tasks
from ..tasks.shown import row as shown

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_HISTORY = ["QUERY_ID", "NAME", "DATABASE_NAME", "SCHEMA_NAME", "QUERY_TEXT", "CONDITION_TEXT"]
_HISTORY += ["STATE", "ERROR_CODE", "ERROR_MESSAGE", "SCHEDULED_TIME timestamp_ltz"]
_HISTORY += ["QUERY_START_TIME timestamp_ltz", "NEXT_SCHEDULED_TIME timestamp_ltz"]
_HISTORY += ["COMPLETED_TIME timestamp_ltz", "ROOT_TASK_ID", "GRAPH_VERSION fixed", "RUN_ID fixed"]
_HISTORY += ["RETURN_VALUE", "SCHEDULED_FROM", "ATTEMPT_NUMBER fixed", "CONFIG", "QUERY_HASH"]
_HISTORY += ["QUERY_HASH_VERSION fixed", "QUERY_PARAMETERIZED_HASH"]
_HISTORY += ["QUERY_PARAMETERIZED_HASH_VERSION fixed", "GRAPH_RUN_GROUP_ID", "BACKFILL_INFO object"]
_HISTORY += ["SPCS_JOB_ID fixed"]
_GRAPHS = ["ROOT_TASK_NAME", "DATABASE_NAME", "SCHEMA_NAME", "STATE", "SCHEDULED_FROM"]
_GRAPHS += ["FIRST_ERROR_TASK_NAME", "FIRST_ERROR_CODE fixed", "FIRST_ERROR_MESSAGE"]
_GRAPHS += ["SCHEDULED_TIME timestamp_ltz", "QUERY_START_TIME timestamp_ltz"]
_GRAPHS += ["NEXT_SCHEDULED_TIME timestamp_ltz", "COMPLETED_TIME timestamp_ltz", "ROOT_TASK_ID"]
_GRAPHS += ["GRAPH_VERSION fixed", "RUN_ID fixed", "ATTEMPT_NUMBER fixed", "CONFIG"]
_GRAPHS += ["GRAPH_RUN_GROUP_ID", "BACKFILL_INFO object"]
_DEPENDENTS = ["CREATED_ON timestamp_ltz", "NAME", "DATABASE_NAME", "SCHEMA_NAME", "OWNER"]
_DEPENDENTS += ["COMMENT", "WAREHOUSE", "SCHEDULE", "PREDECESSORS", "STATE", "DEFINITION"]
_DEPENDENTS += ["CONDITION", "ALLOW_OVERLAPPING_EXECUTION", "ERROR_INTEGRATION"]
_DEPENDENTS += ["LAST_COMMITTED_ON timestamp_ltz", "LAST_SUSPENDED_ON timestamp_ltz"]
_DEPENDENTS += ["OWNER_ROLE_TYPE", "CONFIG", "TASK_RELATIONS", "LAST_SUSPENDED_REASON"]
_ASKED = {
    "SCHEDULED_TIME_RANGE_START",
    "SCHEDULED_TIME_RANGE_END",
    "RESULT_LIMIT",
    "TASK_NAME",
    "DATABASE_NAME",
    "SCHEMA_NAME",
    "ERROR_ONLY",
    "ROOT_TASK_ID",
}
PAST, AHEAD = timedelta(days=7), timedelta(days=8)
COMPLETE = timedelta(minutes=60)
_ERRORS = {FAILED, AUTO_SUSPENDED, CANCELLED}


def install(account: Account) -> None:
    """Register the functions and views."""
    for name, call in (
        ("TASK_HISTORY", task_history),
        ("TASK_DEPENDENTS", task_dependents),
        ("CURRENT_TASK_GRAPHS", current_graphs),
        ("COMPLETE_TASK_GRAPHS", complete_graphs),
    ):
        account.table_function(name, _bound(account, call))
    usage = "SNOWFLAKE.ACCOUNT_USAGE."
    account.view(usage + "TASK_HISTORY", lambda s, database: history_view(account))
    account.view(usage + "COMPLETE_TASK_GRAPHS", lambda s, database: graphs_view(account))
    account.view(usage + "TASK_VERSIONS", lambda s, database: versions_view(account))


def _bound(account: Account, call: Any) -> Any:
    return lambda session, args, named: call(account, session, args, named)


@dataclass(frozen=True, slots=True)
class Planned:
    """A run that is scheduled."""

    task: Task
    due: datetime


def scheduled(account: Account) -> Iterator[Planned]:
    """Yield the next run of every started root."""
    for entry in account.catalog.all("TASK"):
        if entry.properties.get("state") == "started" and entry.properties.get("due"):
            task = Task.of(entry)
            if task.is_root:
                yield Planned(task, datetime.fromisoformat(str(task.due)))


def _limit(named: dict[str, Any], default: int) -> int:
    limit = int(named.get("RESULT_LIMIT", default))
    if not 1 <= limit <= 10_000:
        raise invalid("RESULT_LIMIT must be from 1 to 10000")
    return limit


def _known(named: dict[str, Any], allowed: set[str], function: str) -> None:
    if unknown := set(named) - allowed:
        raise invalid(f"invalid argument '{min(unknown)}' for {function}")


def _moment(given: Any, default: datetime) -> datetime:
    if given is None:
        return default
    found = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    return found if found.tzinfo else found.replace(tzinfo=default.tzinfo)


def _sees(account: Account, session: Session, path: Path) -> bool:
    """Say whether the session may see a task's runs."""
    rights = account.access
    if rights.globally(session, "MONITOR EXECUTION"):
        return True
    return rights.holds(session, "MONITOR|OPERATE", "TASK", path)


def task_history(
    account: Account, session: Session, args: list[Any], named: dict[str, Any]
) -> ResultSet:
    """Return the runs of tasks of the last seven days and the next eight, newest first."""
    _known(named, _ASKED, "TASK_HISTORY")
    limit = _limit(named, 100)
    now = account.clock.now()
    start = _moment(named.get("SCHEDULED_TIME_RANGE_START"), now - PAST)
    end = _moment(named.get("SCHEDULED_TIME_RANGE_END"), now + AHEAD)
    if start < now - PAST - timedelta(minutes=1):
        raise invalid("SCHEDULED_TIME_RANGE_START must be within the last 7 days")
    found = [
        _history_row(account, run)
        for run in account.part(Tasks).history.runs(
            "scheduled >= ? and scheduled <= ?", (start.isoformat(), end.isoformat())
        )
        if _wanted(run.path, run.root_id, run.state, named) and _sees(account, session, run.path)
    ]
    ahead = [
        _scheduled_row(one)
        for one in scheduled(account)
        if start <= one.due <= end
        and _wanted(one.task.path, one.task.id, SCHEDULED, named)
        and _sees(account, session, one.task.path)
    ]
    ahead.sort(key=lambda row: row[9], reverse=True)
    return rows(_HISTORY, [*ahead, *found][:limit])


def _wanted(path: Path, root_id: str, state: str, named: dict[str, Any]) -> bool:
    for key, value in (
        ("TASK_NAME", path.name),
        ("DATABASE_NAME", path.database),
        ("SCHEMA_NAME", path.schema),
    ):
        given = named.get(key)
        if given is not None and value not in {str(given), fold(str(given))}:
            return False
    if named.get("ROOT_TASK_ID") not in {None, root_id}:
        return False
    return not named.get("ERROR_ONLY") or state in _ERRORS


def _history_row(account: Account, run: RunRow) -> tuple[Any, ...]:
    digest = hashlib.md5(run.query_text.encode(), usedforsecurity=False).hexdigest()
    return (
        run.query_id,
        run.name,
        run.database,
        run.schema,
        run.query_text,
        run.condition_text,
        run.state,
        None if run.error_code is None else f"{run.error_code:06d}",
        run.error_message,
        run.scheduled,
        run.started,
        _next_time(account, run.path, run.root_id),
        run.completed,
        run.root_id,
        run.version,
        run.run_id,
        run.return_value,
        run.scheduled_from,
        run.attempt,
        run.config,
        digest,
        2,
        digest,
        1,
        run.group_id,
        None,
        run.job,
    )


def _next_time(account: Account, path: Path, root_id: str) -> datetime | None:
    entry = account.catalog.find("TASK", path)
    if entry is None or entry.properties["id"] != root_id or not entry.properties.get("due"):
        return None
    return datetime.fromisoformat(entry.properties["due"])


def _scheduled_row(one: Planned) -> tuple[Any, ...]:
    task = one.task
    number = int(one.due.timestamp() * 1000)
    return (
        *(None, task.path.name, task.path.database, task.path.schema),
        *(task.body, task.when, SCHEDULED, None, None),
        *(one.due, None, one.due, None, task.id, task.version, number, None, "SCHEDULE", 1),
        *(task.parameters.get("CONFIG"), None, None, None, None, None, None, None),
    )


def task_dependents(
    account: Account, session: Session, args: list[Any], named: dict[str, Any]
) -> ResultSet:
    """Return a task and those that depend on it, of which the role may see the runs.

    Source: Snowflake, "TASK_DEPENDENTS", usage notes.
    """
    _known(named, {"TASK_NAME", "RECURSIVE"}, "TASK_DEPENDENTS")
    if "TASK_NAME" not in named:
        raise invalid("TASK_DEPENDENTS needs TASK_NAME")
    path = session.resolve(parts_of(str(named["TASK_NAME"])))
    graphs = Graphs.around(account, path)
    if path not in graphs.tasks:
        raise not_found("TASK", str(path))
    recursive = bool(named.get("RECURSIVE", True))
    found = [
        {key.upper(): value for key, value in shown(account, task).items()}
        for task in graphs.members(graphs.tasks[path], recursive=recursive)
        if _sees(account, session, task.path)
    ]
    names = [column.split()[0] for column in _DEPENDENTS]
    return rows(_DEPENDENTS, [[one.get(name) for name in names] for one in found])


def first_error(account: Account, graph: GraphRow) -> tuple[str | None, int | None, str | None]:
    """Return the name, code and message of the first task that failed in a run."""
    found = account.part(Tasks).history.runs(
        "graph = ? and state in ('FAILED', 'FAILED_AND_AUTO_SUSPENDED')", (graph.id,)
    )
    if not found:
        return None, None, None
    first = found[-1]
    return first.name, first.error_code, first.error_message


def _graph_row(account: Account, graph: GraphRow) -> tuple[Any, ...]:
    return (
        *(graph.name, graph.database, graph.schema, graph.state, graph.scheduled_from),
        *first_error(account, graph),
        *(graph.scheduled, graph.started, _next_time(account, graph.path, graph.root_id)),
        *(graph.completed, graph.root_id, graph.version, graph.run_id, graph.attempt),
        *(graph.config, graph.group_id, None),
    )


def _of_root(named: dict[str, Any], path: Path) -> bool:
    given = named.get("ROOT_TASK_NAME")
    return given is None or path.name in {str(given), fold(str(given))}


def current_graphs(
    account: Account, session: Session, args: list[Any], named: dict[str, Any]
) -> ResultSet:
    """Return the runs of graphs that go on or are scheduled."""
    _known(named, {"RESULT_LIMIT", "ROOT_TASK_NAME"}, "CURRENT_TASK_GRAPHS")
    limit = _limit(named, 1000)
    executing = account.part(Tasks).history.graphs("state = ?", (EXECUTING,))
    found = [
        _graph_row(account, graph)
        for graph in executing
        if _of_root(named, graph.path) and _sees(account, session, graph.path)
    ]
    for one in scheduled(account):
        task = one.task
        if _of_root(named, task.path) and _sees(account, session, task.path):
            number = int(one.due.timestamp() * 1000)
            found.append(
                (
                    *(task.path.name, task.path.database, task.path.schema, SCHEDULED, "SCHEDULE"),
                    *(None, None, None, one.due, None, one.due, None, task.id, task.version),
                    *(number, 1, task.parameters.get("CONFIG"), None, None),
                )
            )
    return rows(_GRAPHS, found[:limit])


def complete_graphs(
    account: Account, session: Session, args: list[Any], named: dict[str, Any]
) -> ResultSet:
    """Return the runs of graphs that ended in the last 60 minutes, newest first."""
    _known(named, {"RESULT_LIMIT", "ROOT_TASK_NAME", "ERROR_ONLY"}, "COMPLETE_TASK_GRAPHS")
    limit = _limit(named, 1000)
    since = (account.clock.now() - COMPLETE).isoformat()
    ended = account.part(Tasks).history.graphs(
        "completed >= ? and state in (?, ?, ?)", (since, SUCCEEDED, FAILED, CANCELLED)
    )
    found = [
        _graph_row(account, graph)
        for graph in ended
        if _of_root(named, graph.path)
        and (not named.get("ERROR_ONLY") or graph.state == FAILED)
        and _sees(account, session, graph.path)
    ]
    return rows(_GRAPHS, found[:limit])


def history_view(account: Account) -> ResultSet:
    """Return every run that ended, of the last year."""
    found = account.part(Tasks).history.runs("state not in (?, ?)", (SCHEDULED, EXECUTING))
    return rows(_HISTORY, [_history_row(account, run) for run in found])


def graphs_view(account: Account) -> ResultSet:
    """Return every run of a graph that ended."""
    found = account.part(Tasks).history.graphs("state != ?", (EXECUTING,))
    return rows(_GRAPHS, [_graph_row(account, graph) for graph in found])


def versions_view(account: Account) -> ResultSet:
    """Return a row for each task of each version of a graph."""
    columns = ["ROOT_TASK_ID", "GRAPH_VERSION fixed", "GRAPH_VERSION_CREATED_ON timestamp_ltz"]
    columns += ["NAME", "ID", "DATABASE_NAME", "SCHEMA_NAME", "DEFINITION", "CONDITION", "STATE"]
    values = []
    for root, version, committed, snapshot in account.catalog.execute(
        "select root_id, version, committed, snapshot from task_versions order by root_id, version"
    ):
        for full, content in json.loads(snapshot).items():
            path = Path(*parts_of(full))
            at = datetime.fromisoformat(committed)
            state = content.get("state", "")
            values.append(
                (
                    *(root, version, at, path.name, content["id"], path.database, path.schema),
                    *(content["body"], content["when"], state),
                )
            )
    return rows(columns, values)
