"""When graphs run: by schedule, by hand, again after a failure; what holds over several runs.

Source: Snowflake, "CREATE TASK", "EXECUTE TASK", "Create a sequence of tasks with a task graph"
(overlap, automatic retries, suspension after failures, versions).
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError
from ..names import Path
from .definition import STARTED, SUSPENDED, Task, find
from .graph import Graphs
from .history import AUTO_SUSPENDED, CANCELLED, FAILED, SKIPPED, SUCCEEDED, GraphRow, History
from .running import GraphRun

if TYPE_CHECKING:
    from ..account import Account

logger = logging.getLogger(__name__)
TICK_SECONDS = 1.0
RETRY_DAYS = 14
FAILURES = 10
"""After so many consecutive failures a graph is suspended, unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class _Order:
    """A run that is to begin."""

    root: Task
    tasks: Mapping[Path, Task]
    version: int
    scheduled: datetime
    scheduled_from: str
    config: str | None
    before: GraphRow | None = None


class Tasks:
    """The running side of all tasks; ``account.part(Tasks)``."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.history = History(account)
        self.history.recover()
        self._lock = threading.RLock()
        self._running: dict[str, list[GraphRun]] = {}
        self._waiting: dict[str, _Order] = {}
        self._threads: set[threading.Thread] = set()
        self._closing = False
        self.on_failure: list[Any] = []
        account.every(TICK_SECONDS, self.tick)
        account.on_close(self.close)

    # Versions and states.

    def commit(self, root: Task) -> Task:
        """Set the graph's version and return the root with it."""
        graphs = Graphs.around(self._account, root.path)
        version = self.history.commit(root, graphs.members(root))
        changed = replace(root, version=version, committed=self._now().isoformat())
        self._account.catalog.update(changed.entry())
        return changed

    def start(self, task: Task) -> Task:
        """Resume a task; a root gets its graph's version and its next time."""
        if task.started:
            return task
        now = self._now()
        started = replace(task, state=STARTED, failures=0)
        if task.is_root:
            plan = task.plan()
            due = plan.after(now, now) if plan else None
            started = replace(started, base=now.isoformat(), due=due.isoformat() if due else None)
        self._account.catalog.update(started.entry())
        return self.commit(started) if task.is_root else started

    def rest(self, task: Task, reason: str = "USER_SUSPENDED") -> None:
        """Suspend a task; what runs goes on."""
        if not task.started:
            return
        now = self._now().isoformat()
        resting = replace(task, state=SUSPENDED, suspended=now, reason=reason, due=None)
        self._account.catalog.update(resting.entry())

    def _now(self) -> datetime:
        return self._account.clock.now()

    # Beginning runs.

    def execute(self, task: Task, config: dict[str, Any] | None) -> None:
        """Run a graph once; while one runs that it may not overlap, the last call waits."""
        order = self._order(self.commit(task), "EXECUTE_TASK", self._now(), config)
        with self._lock:
            if self._blocked(task):
                self._waiting[task.id] = order
            else:
                self._begin(order)

    def _order(
        self, root: Task, source: str, scheduled: datetime, config: dict[str, Any] | None = None
    ) -> _Order:
        graphs = Graphs.around(self._account, root.path)
        tasks = {task.path: task for task in graphs.members(root)}
        own = root.parameters.get("CONFIG")
        merged = merge(json.loads(str(own)) if own else {}, config or {})
        text = json.dumps(merged) if own or config else None
        return _Order(root, tasks, root.version, scheduled, source, text)

    def retry(self, task: Task, group_id: str | None = None) -> None:
        """Run the last run of a graph (or of one group) again from what failed.

        Raises:
            SnowflakeError: it did not fail, is too old, or the graph has changed since.
        """
        where, values = "root_id = ?", [task.id]
        if group_id is not None:
            where, values = "root_id = ? and group_id = ?", [task.id, group_id]
        found = self.history.graphs(where, values, 1)
        name = task.path.name
        if not found:
            raise _no_retry(name, "it has not run")
        last = found[0]
        if last.state not in {FAILED, CANCELLED}:
            raise _no_retry(name, f"its last run is {last.state}, not FAILED or CANCELLED")
        if self._now() - last.original > timedelta(days=RETRY_DAYS):
            raise _no_retry(name, f"its last run is older than {RETRY_DAYS} days")
        graphs = Graphs.around(self._account, task.path)
        if not self.history.unchanged(task, graphs.members(task), last.version):
            raise _no_retry(name, "the graph was modified since its last run")
        order = self._order(task, "MANUAL RETRY", self._now())
        with self._lock:
            if self._blocked(task):
                raise _no_retry(name, "a run of the graph is in progress")
            self._begin(replace(order, version=last.version, config=last.config, before=last))

    def tick(self) -> None:
        """Begin what is due, end what has run too long."""
        now = self._now()
        with self._lock:
            for runs in list(self._running.values()):
                for run in runs:
                    run.expire(now)
        for entry in self._account.catalog.all("TASK"):
            if entry.properties.get("state") != STARTED or not entry.properties.get("due"):
                continue
            task = Task.of(entry)
            due = datetime.fromisoformat(str(task.due))
            if task.is_root and due <= now:
                self._due(task, due, now)

    def _due(self, task: Task, due: datetime, now: datetime) -> None:
        plan = task.plan()
        base = datetime.fromisoformat(task.base) if task.base else now
        following = plan.after(now, base) if plan else None
        with self._lock, self._account.catalog.transaction():
            entry = self._account.catalog.find("TASK", task.path)
            if entry is None or entry.properties.get("due") != task.due:
                return  # suspended, changed or replaced meanwhile
            next_time = following.isoformat() if following else None
            current = replace(Task.of(entry), due=next_time)
            self._account.catalog.update(current.entry())
        with self._lock:
            # A run that would overlap is skipped, not queued. Source: "Overlap task graph runs".
            if not self._blocked(task):
                self._begin(self._order(current, "SCHEDULE", due))

    def _blocked(self, task: Task) -> bool:
        running = self._running.get(task.id, [])
        match task.overlap:
            case "NO_OVERLAP":
                return bool(running)
            case "ALLOW_CHILD_OVERLAP":
                return any(not run.root_done.is_set() for run in running)
            case _:
                return False

    def _begin(self, order: _Order) -> None:
        """Start a run's thread; the lock is held."""
        if self._closing:
            return
        run = self._new_run(order)
        self._running.setdefault(order.root.id, []).append(run)
        thread = threading.Thread(target=self._run, args=(order, run), daemon=True)
        self._threads.add(thread)
        thread.start()

    def _new_run(self, order: _Order) -> GraphRun:
        before = order.before
        row = self.history.new_graph(
            order.root,
            group_id=before.group_id if before else str(uuid.uuid4()),
            attempt=before.attempt + 1 if before else 1,
            version=order.version,
            scheduled=order.scheduled,
            original=before.original if before else order.scheduled,
            scheduled_from=order.scheduled_from,
            config=order.config,
        )
        run = GraphRun(self._account, self.history, row, order.root, order.tasks)
        if before is not None:
            for done in self.history.runs("group_id = ?", (before.group_id,)):
                task = order.tasks.get(done.path)
                if done.state == SUCCEEDED and task is not None and task.finalize is None:
                    run.states[done.path] = SUCCEEDED
        return run

    def _run(self, order: _Order, run: GraphRun) -> None:
        again: GraphRow | None = None
        try:
            state = run.run()
            attempts = int(order.root.parameters.get("TASK_AUTO_RETRY_ATTEMPTS", 0))
            if state == FAILED and run.row.attempt <= attempts and not self._closing:
                again = run.row
            state = self._conclude(order, run, state, last=again is None)
        except Exception:
            logger.exception("graph %s", order.root.path)
            self.history.change_graph(run.row.id, state=FAILED, completed=self._now())
        finally:
            self._over(order, run, again)

    def _conclude(self, order: _Order, run: GraphRun, state: str, *, last: bool) -> str:
        finalizer = next((t for t in order.tasks.values() if t.finalize), None)
        if last and state != SKIPPED and finalizer is not None and finalizer.started:
            run.finish(finalizer)
            state = run.outcome()
        if last:
            self._count(order.root, run, state)
        self.history.change_graph(run.row.id, state=state, completed=self._now())
        for call in self.on_failure if state == FAILED and last else []:
            call(order.root, run)
        return state

    def _count(self, root: Task, run: GraphRun, state: str) -> None:
        """Count consecutive failures; at the limit the root is suspended."""
        if state not in {SUCCEEDED, FAILED}:
            return
        with self._account.catalog.transaction():
            entry = self._account.catalog.find("TASK", root.path)
            if entry is None or entry.properties["id"] != root.id:
                return
            task = Task.of(entry)
            task = replace(task, failures=task.failures + 1 if state == FAILED else 0)
            self._account.catalog.update(task.entry())
            limit = int(task.parameters.get("SUSPEND_TASK_AFTER_NUM_FAILURES", FAILURES))
            if not limit or task.failures < limit or not task.started:
                return
            self.rest(task, "SUSPENDED_DUE_TO_ERRORS")
        for _, number in run.failed:
            self.history.change_run(number, state=AUTO_SUSPENDED)

    def _over(self, order: _Order, run: GraphRun, again: GraphRow | None) -> None:
        root = order.root
        with self._lock:
            self._running[root.id].remove(run)
            self._threads.discard(threading.current_thread())
            if again is not None:
                retried = replace(
                    order,
                    before=again,
                    scheduled=self._now(),
                    scheduled_from="AUTOMATIC RETRY",
                )
                self._begin(retried)
            elif (waiting := self._waiting.pop(root.id, None)) is not None:
                self._begin(waiting)

    # What others ask.

    def running(self, root_id: str) -> list[GraphRun]:
        """Return the runs of a graph that go on."""
        with self._lock:
            return list(self._running.get(root_id, []))

    def cancel(self, path: Path) -> int:
        """Cancel what runs of a task; of a root, its graph. Return how many runs that were."""
        task = find(self._account, path)
        graphs = Graphs.around(self._account, path)
        count = 0
        for root in graphs.roots(task):
            for run in self.running(root.id):
                if task.is_root or path in run.executing:
                    run.cancel(None if task.is_root else path)
                    count += 1
        return count

    def close(self) -> None:
        """End what runs, because the server ends."""
        with self._lock:
            self._closing = True
            runs = [run for runs in self._running.values() for run in runs]
            threads = list(self._threads)
        for run in runs:
            run.cancel()
        for thread in threads:
            thread.join(timeout=1)


def merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return *first* with *second* put into it, key by key, at every depth.

    Source: "EXECUTE TASK", USING CONFIG.
    """
    merged = dict(first)
    for key, value in second.items():
        old = merged.get(key)
        merged[key] = (
            merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged


def _no_retry(name: str, why: str) -> SnowflakeError:
    return SnowflakeError(f"Cannot retry task {name}: {why}.", number=91085, state="55000")
