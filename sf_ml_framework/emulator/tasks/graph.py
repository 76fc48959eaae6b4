"""Graphs: who belongs to whom, and what may not be done to them.

Source: Snowflake, "Create a sequence of tasks with a task graph"; the words of 091088 are those
that users report of the real service.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..faults import SnowflakeError, invalid, not_found
from ..names import Path
from .definition import SUSPENDED, Task

if TYPE_CHECKING:
    from ..account import Account

MAX_TASKS, MAX_PARENTS, MAX_CHILDREN = 1000, 100, 100
MAX_STARTED = 30_000


class Graphs:
    """The tasks of one schema and how they hang together; a view of the moment it was made."""

    def __init__(self, account: Account, database: str, schema: str) -> None:
        self._account = account
        entries = account.catalog.all("TASK", database, schema)
        self.tasks = {entry.path: Task.of(entry) for entry in entries}
        self._below: dict[Path, list[Task]] | None = None

    @classmethod
    def around(cls, account: Account, path: Path) -> Graphs:
        """Return the graphs of the schema that *path* is in."""
        return cls(account, path.database, path.schema)

    def children(self, path: Path) -> list[Task]:
        """Return the tasks that run after *path*, and its finalizer."""
        if self._below is None:
            self._below = {}
            for task in self.tasks.values():
                for above in {*task.after, *([task.finalize] if task.finalize else [])}:
                    self._below.setdefault(above, []).append(task)
        return list(self._below.get(path, ()))

    def finalizer(self, root: Path) -> Task | None:
        """Return the finalizer of a root, if there is one."""
        return next((t for t in self.tasks.values() if t.finalize == root), None)

    def roots(self, task: Task) -> list[Task]:
        """Return the roots of the graph that *task* is in; itself when it is one."""
        found: dict[Path, Task] = {}
        seen: set[Path] = set()
        ahead = [task]
        while ahead:
            one = ahead.pop()
            if one.path in seen:
                continue
            seen.add(one.path)
            above = [*one.after, *([one.finalize] if one.finalize else [])]
            if not above:
                found[one.path] = one
            ahead += [self.tasks[p] for p in above if p in self.tasks]
        return list(found.values())

    def members(self, root: Task, *, recursive: bool = True) -> list[Task]:
        """Return root and dependents, each after its predecessors; the finalizer last."""
        found = {root.path: root}
        ahead = [root.path]
        while ahead:
            path = ahead.pop(0)
            for child in self.children(path):
                if child.path not in found:
                    found[child.path] = child
                    if recursive:
                        ahead.append(child.path)
        return sorted(_ordered(found), key=lambda t: t.finalize is not None)

    def must_rest(self, task: Task) -> None:
        """Refuse unless the root of the task's graph is suspended."""
        for root in self.roots(task):
            if root.started:
                raise SnowflakeError(
                    f"Unable to update graph with root task {root.path} since that root task is "
                    "not suspended.",
                    number=91088,
                    state="55000",
                )

    def linked(self, task: Task) -> None:
        """Refuse a task whose predecessors or finalized root do not fit.

        Raises:
            SnowflakeError: one of the graph's rules is broken.
        """
        self.tasks[task.path] = task
        self._below = None
        for path in (*task.after, *([task.finalize] if task.finalize else [])):
            if path == task.path:
                raise invalid(f"Task {task.path} cannot depend on itself.")
            if (path.database, path.schema) != (task.path.database, task.path.schema):
                raise invalid(
                    f"All tasks of a graph must be in one schema: {path} is not in "
                    f"{task.path.database}.{task.path.schema}."
                )
            if path not in self.tasks:
                raise not_found("TASK", str(path))
            other = self.tasks[path]
            if other.owner != task.owner:
                raise invalid(f"All tasks of a graph must have one owner; {path} has another.")
            if other.finalize is not None:
                raise invalid(f"Finalizer task {path} cannot have child tasks.")
        self._no_circle(task)
        if task.finalize is not None:
            self._finalizes(task, self.tasks[task.finalize])
        self._limits(task)
        if len(self.roots(task)) > 1:
            raise invalid(f"Task {task.path} would belong to more than one root task.")

    def _finalizes(self, task: Task, root: Task) -> None:
        if not root.is_root:
            raise invalid(f"FINALIZE must name a root task; {root.path} is none.")
        if self.children(task.path):
            raise invalid(f"Finalizer task {task.path} cannot have child tasks.")
        others = [t for t in self.tasks.values() if t.finalize == root.path and t.path != task.path]
        if others:
            raise invalid(f"Root task {root.path} has a finalizer already: {others[0].path}.")

    def _no_circle(self, task: Task) -> None:
        seen: set[Path] = set()
        ahead = list(task.after)
        while ahead:
            path = ahead.pop()
            if path == task.path:
                raise invalid(f"Task {task.path} would depend on itself: a graph has no loops.")
            if path not in seen and path in self.tasks:
                seen.add(path)
                ahead += self.tasks[path].after

    def _limits(self, task: Task) -> None:
        if len(task.after) > MAX_PARENTS:
            raise invalid(f"A task may have {MAX_PARENTS} predecessors, {task.path} has more.")
        for path in task.after:
            if sum(path in t.after for t in self.tasks.values()) > MAX_CHILDREN:
                raise invalid(f"A task may have {MAX_CHILDREN} child tasks, {path} has more.")
        for root in self.roots(task):
            if len(self.members(root)) > MAX_TASKS:
                raise invalid(f"A task graph may have {MAX_TASKS} tasks; {root.path} has more.")

    def severed(self, gone: Path) -> list[Task]:
        """Return the tasks that lose *gone*, as they are then; roots among them are suspended.

        Source: "Unlink parent and child tasks"; "SHOW TASKS" (last_suspended_reason).
        """
        now = self._account.clock.now().isoformat()
        changed = []
        for task in self.children(gone):
            after = tuple(path for path in task.after if path != gone)
            finalizer = task.finalize == gone
            left = replace(task, after=after, finalize=None if finalizer else task.finalize)
            if left.is_root:
                reason = "FINALIZER_BECAME_ROOT" if finalizer else "CHILD_BECAME_ROOT"
                left = replace(left, state=SUSPENDED, suspended=now, reason=reason)
            changed.append(left)
        return changed


def _ordered(found: dict[Path, Task]) -> list[Task]:
    """Return tasks so that each comes after its predecessors."""
    done: dict[Path, Task] = {}
    left = dict(found)
    while left:
        ready = [t for t in left.values() if all(p in done or p not in found for p in t.after)]
        for task in ready or list(left.values()):
            done[task.path] = left.pop(task.path)
    return list(done.values())
