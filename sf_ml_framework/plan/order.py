"""The changes as steps, in an order in which they may stop anywhere and leave nothing half-started.

First what the tasks stand on; then, with the root suspended, the tasks: each is made, altered and
re-pointed after all that it waits for, so no step can close a circle or join two graphs; then what
left the code is dropped, children first; then children are resumed, and last of all the root. A
graph whose root is suspended starts nothing, so after every step the graph is the old one, the new
one, or a suspended one that the next deployment finishes.

Source: Snowflake, "CREATE TASK", "ALTER TASK" (a root is suspended before a member is changed; a
finalizer is the only one of its root), "Create a sequence of tasks with a task graph".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import msgspec

from sf_ml_framework.plan.changes import (
    Alter,
    Change,
    Create,
    Link,
    Remove,
    ResumeRoot,
    ResumeTask,
    Retire,
    Step,
    SuspendRoot,
    Unlink,
)
from sf_ml_framework.plan.objects import Desired, Grant, Observed, Task, key_of

_EDGES = frozenset({"after", "started"})
"""Properties of a task that are steps of their own."""


def arrange(
    desired: Desired, observed: Observed, changes: Sequence[Change], *, delete: bool
) -> tuple[Step, ...]:
    """Return the steps of *changes*, in order; what changes nothing is no step.

    Args:
        desired: what should stand; its objects are in an order in which they can be made.
        observed: what stands.
        changes: what ``diff`` found.
        delete: whether what left the code is dropped; else its tasks are suspended and stay.
    """
    place = {key_of(thing): number for number, thing in enumerate(desired.objects)}
    made = sorted(
        (change for change in changes if isinstance(change, Create | Alter)),
        key=lambda change: place[key_of(change.wanted)],
    )
    gone = [change for change in changes if isinstance(change, Remove)]
    graph = _Graph(desired, observed, made, gone, delete=delete)
    return (
        *(change for change in made if not isinstance(change.wanted, Task)),
        *graph.steps(),
        # Last, for the tasks used them until a moment ago.
        *(sorted(_others(gone), key=_grants_first) if delete else ()),
    )


def _others(gone: Iterable[Remove]) -> Iterator[Remove]:
    """Yield what left the code besides tasks, which are steps of the graph.

    What only an administrator takes away does no harm, and is no reason to deploy nothing.
    """
    return (
        change
        for change in gone
        if not isinstance(change.standing, Task) and not change.is_administrators
    )


def _grants_first(change: Remove) -> bool:
    """Return what sorts grants first: on a pool that is dropped nothing can be revoked."""
    return not isinstance(change.standing, Grant)


def bare(name: str) -> str:
    """Return a qualified name without its database and schema."""
    return name.rpartition(".")[2]


class _Graph:
    """The steps of one graph; lives for one call of ``arrange``."""

    def __init__(
        self,
        desired: Desired,
        observed: Observed,
        made: Iterable[Create | Alter],
        gone: Iterable[Remove],
        *,
        delete: bool,
    ) -> None:
        self._desired = desired
        self._delete = delete
        self._interrupted = set(observed.interrupted)
        self._old = {bare(each.name): each for each in observed.objects if isinstance(each, Task)}
        self._new = [each for each in desired.objects if isinstance(each, Task)]
        self._changes = {
            bare(each.wanted.name): each for each in made if isinstance(each.wanted, Task)
        }
        self._gone = {
            bare(each.standing.name): each for each in gone if isinstance(each.standing, Task)
        }
        self._edges = {name: set(task.after) for name, task in self._old.items()}
        self._resting: set[str] = set()
        """Tasks that a step suspended, or that Snowflake did as they became roots."""

    def steps(self) -> Iterator[Step]:
        """Yield the steps of the graph; none where nothing changes."""
        members = list(self._members())
        resumed = list(self._resumed())
        wanted = {bare(task.name): task.started for task in self._new}
        rests = wanted.get(bare(self._desired.root)) is False
        yield from self._suspended(members, touched=bool(members or resumed), rests=rests)
        yield from members
        # Anew: what was suspended meanwhile is resumed too.
        yield from self._resumed()
        yield from self._started()

    def _members(self) -> Iterator[Step]:
        finalizers = [each for each in self._gone if self._old[each].finalizes]
        # A root has one finalizer: the old one must make room.
        for name in finalizers:
            yield from self._let_go(name)
        for task in self._new:
            yield from self._task(task)
        for name in self._leaving():
            if name not in finalizers:
                yield from self._let_go(name)

    def _task(self, task: Task) -> Iterator[Step]:
        """Yield what makes, alters and re-points one task; all it waits for is as it should be."""
        name = bare(task.name)
        change = self._changes.get(name)
        if isinstance(change, Create):
            self._edges[name] = set(task.after)
            yield change
        elif change is not None:
            yield from self._changed(task, name, change)

    def _changed(self, task: Task, name: str, change: Alter) -> Iterator[Step]:
        own = [each for each in change.differences if each.field not in _EDGES]
        more = tuple(sorted(set(task.after) - self._edges[name]))
        less = tuple(sorted(self._edges[name] - set(task.after)))
        # A finalizer waits for nothing; a task of two roots is refused.
        first = bool(task.finalizes) or not self._under_root(less)
        if less and first:
            yield self._unlinked(task, less)
        if own:
            yield msgspec.structs.replace(change, differences=tuple(own))
        if more:
            self._edges[name] |= set(more)
            yield Link(task=task.name, after=more)
        if less and not first:
            yield self._unlinked(task, less)

    def _unlinked(self, task: Task, less: tuple[str, ...]) -> Step:
        name = bare(task.name)
        self._edges[name] -= set(less)
        if not self._edges[name]:
            self._resting.add(name)
        return Unlink(task=task.name, after=less)

    def _under_root(self, names: Iterable[str]) -> bool:
        """Return whether *names* all lead to the root of this graph and to no other."""
        return all(root == bare(self._desired.root) for root in self._roots(names))

    def _roots(self, names: Iterable[str]) -> set[str]:
        """Return the tasks at the top of *names*, as the edges are now."""
        found: set[str] = set()
        seen: set[str] = set()
        queue = list(names)
        while queue:
            name = queue.pop()
            if name in seen:
                continue
            seen.add(name)
            old = self._old.get(name)
            above = set(self._edges.get(name, ()))
            above |= {old.finalizes} if old and old.finalizes else set()
            queue += above
            if not above:
                found.add(name)
        return found

    def _let_go(self, name: str) -> Iterator[Step]:
        removal = self._gone[name]
        standing = self._old[name]
        if self._delete:
            yield removal
        elif standing.finalizes or standing.started:
            yield Retire(standing=standing, reason=removal.reason)

    def _leaving(self) -> list[str]:
        """Return the tasks that left the code, each before those it waited for."""
        ordered: list[str] = []
        seen: set[str] = set()

        def visit(name: str) -> None:
            if name in seen or name not in self._gone:
                return
            seen.add(name)
            for child in self._children.get(name, ()):
                visit(child)
            ordered.append(name)

        for name in sorted(self._gone):
            visit(name)
        return ordered

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in sorted(self._gone):
            for above in self._old[name].after:
                found.setdefault(above, []).append(name)
        return found

    def _suspended(
        self, members: Sequence[Step], *, touched: bool, rests: bool
    ) -> Iterator[SuspendRoot]:
        """Yield one suspension for each started root of a graph that is about to change."""
        root = bare(self._desired.root)
        touches = {root} if touched or rests else set()
        touches |= {bare(name) for step in members for name in _named(step)} & set(self._old)
        before = {name: set(task.after) for name, task in self._old.items()}
        now, self._edges = self._edges, before
        roots = self._roots(touches)
        self._edges = now
        for name in sorted(roots):
            old = self._old.get(name)
            if old is not None and old.started:
                self._resting.add(name)
                reason = "the target keeps it suspended" if rests and not touched else ""
                yield SuspendRoot(task=old.name, reason=reason or "its graph is about to change")

    def _resumed(self) -> Iterator[ResumeTask]:
        for task in self._new:
            name = bare(task.name)
            old = self._old.get(name)
            runs = old is not None and old.started and name not in self._resting
            if task.name != self._desired.root and task.started and not runs:
                yield ResumeTask(task=task.name)

    def _started(self) -> Iterator[ResumeRoot]:
        ours = {bare(task.name) for task in self._new} | set(self._gone)
        for name in sorted(self._resting - ours):
            # Somebody else's root, which had tasks of this graph under it.
            yield ResumeRoot(task=self._old[name].name)
        for task in self._new:
            if task.name != self._desired.root:
                continue
            old = self._old.get(bare(task.name))
            was = bool(old and old.started)
            wanted = was or task.name in self._interrupted if task.started is None else task.started
            if wanted and (not was or bare(task.name) in self._resting):
                yield ResumeRoot(task=task.name)


def _named(step: Step) -> Iterator[str]:
    """Yield the tasks that a step changes."""
    match step:
        case Create() | Alter():
            yield step.wanted.name
        case Remove() | Retire():
            yield step.standing.name
        case _:
            yield step.task
