"""What ran: one row for each run of a graph, one for each run of a task; versions of graphs.

Source: Snowflake, "TASK_HISTORY", "COMPLETE_TASK_GRAPHS", "TASK_VERSIONS".
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..names import Path
from .definition import Task

if TYPE_CHECKING:
    from ..account import Account

SCHEDULED, EXECUTING = "SCHEDULED", "EXECUTING"
SUCCEEDED, FAILED, CANCELLED, SKIPPED = "SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED"
AUTO_SUSPENDED = "FAILED_AND_AUTO_SUSPENDED"
_TABLES = """
create table if not exists task_versions (
    root_id text not null, version integer not null, committed text not null,
    snapshot text not null, primary key (root_id, version));
create table if not exists task_graphs (
    id integer primary key autoincrement, group_id text not null, attempt integer not null,
    root_id text not null, name text not null, database text not null, schema text not null,
    version integer not null, run_id integer not null, scheduled text not null, started text,
    completed text, state text not null, scheduled_from text not null, config text,
    original text not null);
create index if not exists task_graphs_root on task_graphs (root_id, id);
create table if not exists task_runs (
    id integer primary key autoincrement, graph integer not null, group_id text not null,
    attempt integer not null, task_id text not null, name text not null, database text not null,
    schema text not null, root_id text not null, version integer not null,
    run_id integer not null, query_id text, query_text text not null, condition_text text,
    state text not null, error_code integer, error_message text, scheduled text not null,
    started text, completed text, return_value text, scheduled_from text not null, config text,
    job integer);
create index if not exists task_runs_graph on task_runs (graph);
"""
_GRAPH = (
    "id, group_id, attempt, root_id, name, database, schema, version, run_id, scheduled, started, "
    "completed, state, scheduled_from, config, original"
)
_RUN = (
    "id, graph, group_id, attempt, task_id, name, database, schema, root_id, version, run_id, "
    "query_id, query_text, condition_text, state, error_code, error_message, scheduled, started, "
    "completed, return_value, scheduled_from, config, job"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRow:
    """One run of a graph; attempts of one run share ``group_id``."""

    id: int
    group_id: str
    attempt: int
    root_id: str
    name: str
    database: str
    schema: str
    version: int
    run_id: int
    scheduled: datetime
    started: datetime | None
    completed: datetime | None
    state: str
    scheduled_from: str
    config: str | None
    original: datetime
    """When the first attempt was scheduled."""

    @property
    def path(self) -> Path:
        """The root task's name."""
        return Path(self.database, self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run of a task."""

    id: int
    graph: int
    group_id: str
    attempt: int
    task_id: str
    name: str
    database: str
    schema: str
    root_id: str
    version: int
    run_id: int
    query_id: str | None
    query_text: str
    condition_text: str | None
    state: str
    error_code: int | None
    error_message: str | None
    scheduled: datetime
    started: datetime | None
    completed: datetime | None
    return_value: str | None
    scheduled_from: str
    config: str | None
    job: int | None

    @property
    def path(self) -> Path:
        """The task's name."""
        return Path(self.database, self.schema, self.name)


_TIMES = {"scheduled", "started", "completed", "original"}


def _row(kind: type[Any], columns: str, values: Sequence[Any]) -> Any:
    names = columns.split(", ")
    found = dict(zip(names, values, strict=True))
    for key in _TIMES & set(found):
        found[key] = datetime.fromisoformat(found[key]) if found[key] else None
    return kind(**found)


class History:
    """Reads and writes what ran."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._catalog = account.catalog
        self._lock = threading.Lock()
        account.catalog.table(_TABLES)

    def recover(self) -> None:
        """Fail what ran when the server was killed: it does not run any more."""
        now = self._account.clock.now().isoformat()
        message = "The server ended while the task ran."
        self._catalog.execute(
            "update task_runs set state = ?, completed = ?, error_code = 603, error_message = ? "
            "where state in (?, ?)",
            (FAILED, now, message, EXECUTING, SCHEDULED),
        )
        self._catalog.execute(
            "update task_graphs set state = ?, completed = ? where state in (?, ?)",
            (FAILED, now, EXECUTING, SCHEDULED),
        )

    def commit(self, root: Task, members: Sequence[Task]) -> int:
        """Return the version of a graph as it is now; a new one where it differs from the last."""
        content = {str(t.path): {**t.content(), "state": t.state} for t in members}
        # The root's own state does not matter: it runs when it is told to.
        content[str(root.path)].pop("state")
        snapshot = json.dumps(content, sort_keys=True)
        with self._lock:
            last = self._catalog.execute(
                "select version, snapshot from task_versions where root_id = ? "
                "order by version desc limit 1",
                (root.id,),
            )
            if last and last[0][1] == snapshot:
                return int(last[0][0])
            version = int(last[0][0]) + 1 if last else 1
            self._catalog.execute(
                "insert into task_versions values (?, ?, ?, ?)",
                (root.id, version, self._account.clock.now().isoformat(), snapshot),
            )
        return version

    def unchanged(self, root: Task, members: Sequence[Task], version: int) -> bool:
        """Say whether the graph's tasks are what they were in *version*, states aside."""
        found = self._catalog.execute(
            "select snapshot from task_versions where root_id = ? and version = ?",
            (root.id, version),
        )
        if not found:
            return False
        before = json.loads(found[0][0])
        for one in before.values():
            one.pop("state", None)
        now = {str(task.path): task.content() for task in members}
        return bool(before == json.loads(json.dumps(now)))

    def new_graph(
        self,
        root: Task,
        *,
        group_id: str,
        attempt: int,
        version: int,
        scheduled: datetime,
        original: datetime,
        scheduled_from: str,
        config: str | None,
    ) -> GraphRow:
        """Store a run of a graph that begins."""
        values = (
            group_id,
            attempt,
            root.id,
            root.path.name,
            root.path.database,
            root.path.schema,
            version,
            int(original.timestamp() * 1000),
            scheduled.isoformat(),
            EXECUTING,
            scheduled_from,
            config,
            original.isoformat(),
        )
        found = self._catalog.execute(
            "insert into task_graphs (group_id, attempt, root_id, name, database, schema, version, "
            "run_id, scheduled, state, scheduled_from, config, original) "
            f"values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning {_GRAPH}",
            values,
        )
        row: GraphRow = _row(GraphRow, _GRAPH, found[0])
        return row

    def change_graph(self, number: int, **changes: Any) -> None:
        """Store facts of a run of a graph."""
        self._change("task_graphs", number, changes)

    def new_run(self, graph: GraphRow, task: Task, state: str) -> int:
        """Store a run of a task that begins; return its number."""
        now = self._account.clock.now()
        ended = None if state in {EXECUTING, SCHEDULED} else now.isoformat()
        found = self._catalog.execute(
            "insert into task_runs (graph, group_id, attempt, task_id, name, database, schema, "
            "root_id, version, run_id, query_text, condition_text, state, scheduled, completed, "
            "scheduled_from, config) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning id",
            (
                graph.id,
                graph.group_id,
                graph.attempt,
                task.id,
                *(task.path.name, task.path.database, task.path.schema),
                graph.root_id,
                graph.version,
                graph.run_id,
                task.body,
                task.when,
                state,
                (graph.scheduled if task.id == graph.root_id else now).isoformat(),
                ended,
                graph.scheduled_from,
                graph.config,
            ),
        )
        return int(found[0][0])

    def change_run(self, number: int, **changes: Any) -> None:
        """Store facts of a run of a task."""
        self._change("task_runs", number, changes)

    def _change(self, table: str, number: int, changes: dict[str, Any]) -> None:
        values = [v.isoformat() if isinstance(v, datetime) else v for v in changes.values()]
        what = ", ".join(f"{key} = ?" for key in changes)
        self._catalog.execute(f"update {table} set {what} where id = ?", (*values, number))

    def graphs(self, where: str, values: Sequence[Any], limit: int = 10_000) -> list[GraphRow]:
        """Return runs of graphs, newest first."""
        found = self._catalog.execute(
            f"select {_GRAPH} from task_graphs where {where} order by id desc limit {limit}", values
        )
        return [_row(GraphRow, _GRAPH, row) for row in found]

    def runs(self, where: str, values: Sequence[Any], limit: int = 10_000) -> list[RunRow]:
        """Return runs of tasks, newest first."""
        found = self._catalog.execute(
            f"select {_RUN} from task_runs where {where} order by id desc limit {limit}", values
        )
        return [_row(RunRow, _RUN, row) for row in found]

    def run(self, number: int) -> RunRow | None:
        """Return one run of a task."""
        found = self.runs("id = ?", (number,))
        return found[0] if found else None
