"""One run of a graph: each task when its predecessors are through, the finalizer last.

Source: Snowflake, "Create a sequence of tasks with a task graph" (skipped, suspended and failed
tasks, the finalizer, time-outs), "CREATE TASK".
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..faults import SnowflakeError
from ..names import Path
from ..queries import Query
from ..results import ResultSet
from .definition import DEFAULT_TIMEOUT_MS, LONGEST_TIMEOUT_MS, Task
from .history import CANCELLED, EXECUTING, FAILED, SKIPPED, SUCCEEDED, GraphRow, History

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

logger = logging.getLogger(__name__)
SUSPENDED_TASK = "SUSPENDED"
NOT_RUN = "NOT_RUN"
"""States inside a run, which no history shows: skipped as suspended; a predecessor failed."""
_TIMED_OUT = 90_063
SERVERLESS_WAREHOUSE = "COMPUTE_SERVICE_WH_USER_TASKS_POOL_XSMALL_0"
"""What CURRENT_WAREHOUSE is in a serverless task."""


@dataclass(slots=True)
class _Executing:
    """A task that runs now."""

    deadline: datetime
    query: Query | None = None
    timed_out: bool = False


@dataclass(slots=True)
class GraphRun:
    """A run of a graph in its own threads; :meth:`run` returns when it is over.

    ``states`` holds what is known before it begins: in a retry, what succeeded already.
    """

    account: Account
    history: History
    row: GraphRow
    root: Task
    tasks: Mapping[Path, Task]
    states: dict[Path, str] = field(default_factory=dict)
    begun: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    cancelled: bool = False
    root_done: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)
    executing: dict[Path, _Executing] = field(default_factory=dict)
    failed: list[tuple[Path, int]] = field(default_factory=list)
    """Tasks that failed, with the number of their run, in order."""

    def run(self) -> str:
        """Run everything but the finalizer; return SUCCEEDED, FAILED, CANCELLED or SKIPPED."""
        self.begun = self.account.clock.now()
        self.history.change_graph(self.row.id, started=self.begun)
        with self.changed:
            while True:
                for task in self._ready():
                    self._start(task)
                if not self.executing:
                    break
                self.changed.wait()
        self.root_done.set()
        return self.outcome()

    def finish(self, finalizer: Task) -> None:
        """Run the finalizer."""
        with self.changed:
            self._start(finalizer)
            while self.executing:
                self.changed.wait()

    def outcome(self) -> str:
        """Return the state of the run as far as it went."""
        states = set(self.states.values())
        if self.states.get(self.root.path) == SKIPPED:
            return SKIPPED
        if FAILED in states:
            return FAILED
        return CANCELLED if self.cancelled or CANCELLED in states else SUCCEEDED

    def cancel(self, path: Path | None = None) -> None:
        """Cancel one task, or everything."""
        with self.changed:
            if path is None:
                self.cancelled = True
            targets = [e for p, e in self.executing.items() if path in {None, p}]
            for one in targets:
                if one.query is not None:
                    self.account.queries.stop(one.query)

    def expire(self, now: datetime) -> None:
        """End the tasks whose time is over."""
        with self.changed:
            for one in self.executing.values():
                if now >= one.deadline and not one.timed_out:
                    one.timed_out = True
                    if one.query is not None:
                        self.account.queries.stop(one.query)

    def _ready(self) -> list[Task]:
        """Return the tasks that may start now, and settle those that never will."""
        ready = []
        again = True
        while again:
            again = False
            for path, task in self.tasks.items():
                if path in self.states or path in self.executing or task.finalize is not None:
                    continue
                verdict = self._verdict(task)
                if verdict == "READY":
                    if task not in ready:
                        ready.append(task)
                elif verdict is not None:
                    self.states[path] = verdict
                    again = True
        return ready

    def _verdict(self, task: Task) -> str | None:
        if self.cancelled:
            return NOT_RUN
        above = [self.states.get(path) for path in task.after if path in self.tasks]
        if any(state is None for state in above):
            return None
        if any(state not in {SUCCEEDED, SUSPENDED_TASK} for state in above):
            return NOT_RUN
        # Of several predecessors one at least must be resumed.
        if len(above) > 1 and SUCCEEDED not in above:
            return NOT_RUN
        suspended = task.path != self.root.path and not task.started
        return SUSPENDED_TASK if suspended else "READY"

    def _start(self, task: Task) -> None:
        """Start a task's thread; ``changed`` is held."""
        self.executing[task.path] = _Executing(self._deadline(task))
        thread = threading.Thread(target=self._thread, args=(task,), name=f"task {task.path.name}")
        thread.daemon = True
        thread.start()

    def _deadline(self, task: Task) -> datetime:
        """Return when the task must be over: its own limit, or else what is left of the root's."""
        now = self.account.clock.now()
        own = task.timeout_seconds
        if own is not None and task.path != self.root.path:
            end = now + timedelta(seconds=own)
        else:
            # Set on the root it is the whole graph's; the default is each task's own.
            seconds = self.root.timeout_seconds
            default = now + timedelta(seconds=DEFAULT_TIMEOUT_MS / 1000)
            end = default if seconds is None else self.begun + timedelta(seconds=seconds)
        limit = int(task.session.get("STATEMENT_TIMEOUT_IN_SECONDS") or LONGEST_TIMEOUT_MS)
        return min(end, now + timedelta(seconds=limit))

    def _thread(self, task: Task) -> None:
        state = FAILED
        try:
            state = self._execute(task)
        except Exception:
            logger.exception("task %s", task.path)
        finally:
            if task.path == self.root.path:
                self.root_done.set()
            with self.changed:
                self.states[task.path] = state
                self.executing.pop(task.path, None)
                self.changed.notify_all()

    def _execute(self, task: Task) -> str:
        number = self.history.new_run(self.row, task, EXECUTING)
        session = self._session(task, number)
        try:
            if task.when is not None and not self._holds(session, task):
                self._ended(number, SKIPPED)
                return SKIPPED
            return self._body(session, task, number)
        except SnowflakeError as error:
            return self._fault(task, number, error)
        finally:
            self.account.close_session(session)

    def _session(self, task: Task, number: int) -> Session:
        session = self.account.internal_session(
            role=task.owner,
            user=task.user or "SYSTEM",
            database=task.path.database,
            schema=task.path.schema,
            warehouse=task.parameters.get("WAREHOUSE", SERVERLESS_WAREHOUSE),
        )
        session.facts["task_run"] = number
        session.facts["serverless"] = task.serverless
        session.parameters.update(task.session)
        return session

    def _holds(self, session: Session, task: Task) -> bool:
        found = self.account.router.run(session, f"SELECT ({task.when})").scalar()
        return str(found).lower() in {"true", "1"} if found is not None else False

    def _body(self, session: Session, task: Task, number: int) -> str:
        allowed(self.account, session, task)

        def work(query: Query) -> ResultSet:
            now = self.account.clock.now()
            self.history.change_run(number, query_id=query.id, started=now)
            with self.changed:
                one = self.executing[task.path]
                one.query = query
                # The finalizer runs whatever became of the others.
                if (self.cancelled and task.finalize is None) or one.timed_out:
                    self.account.queries.stop(query)
            return self.account.router.run(session, task.body)

        query = self.account.queries.inline(session, task.body, work)
        if query.error is not None:
            return self._fault(task, number, query.error)
        self._ended(number, SUCCEEDED)
        return SUCCEEDED

    def _fault(self, task: Task, number: int, error: SnowflakeError) -> str:
        one = self.executing[task.path]
        if one.timed_out:
            message = "Task timed out: it ran longer than USER_TASK_TIMEOUT_MS allows."
            error = SnowflakeError(message, number=_TIMED_OUT, state="57014")
        elif one.query is not None and one.query.cancel.is_set():
            self._ended(number, CANCELLED, error)
            return CANCELLED
        self._ended(number, FAILED, error)
        with self.changed:
            self.failed.append((task.path, number))
        return FAILED

    def _ended(self, number: int, state: str, error: SnowflakeError | None = None) -> None:
        self.history.change_run(
            number,
            state=state,
            completed=self.account.clock.now(),
            error_code=error.number if error else None,
            error_message=error.message if error else None,
        )


def allowed(account: Account, session: Session, task: Task) -> None:
    """Refuse a task whose owner may not run it.

    Raises:
        SnowflakeError: a privilege is missing. Source: "Introduction to tasks", task security.
    """
    for privilege, wanted in (("EXECUTE TASK", True), ("EXECUTE MANAGED TASK", task.serverless)):
        if wanted and not account.access.globally(session, privilege):
            raise SnowflakeError(
                f"Cannot execute task, {privilege} privilege must be granted to owner role",
                number=91084,
                state="42501",
            )
    if not task.serverless:
        name = Path("", "", str(task.parameters["WAREHOUSE"]))
        account.catalog.get("WAREHOUSE", name)
        account.require(session, "USAGE", "WAREHOUSE", name)
