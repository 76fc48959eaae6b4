"""An account as far as a plan can change it: strict about Snowflake's rules for graphs of tasks.

Source: Snowflake, "CREATE TASK", "ALTER TASK", "Create a sequence of tasks with a task graph".
"""

from __future__ import annotations

import msgspec

from sf_ml_framework.plan.changes import (
    Alter,
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
from sf_ml_framework.plan.objects import Grant, Object, Pool, Task, key_of


class RefusedError(Exception):
    """Snowflake would refuse this."""


class AccountModel:
    """What stands, changed step by step."""

    def __init__(self, objects: tuple[Object, ...]) -> None:
        self.objects = {key_of(thing): thing for thing in objects}

    @property
    def tasks(self) -> dict[str, Task]:
        return {
            thing.name.rpartition(".")[2]: thing
            for thing in self.objects.values()
            if isinstance(thing, Task)
        }

    def apply(self, step: Step) -> None:
        match step:
            case Create():
                self._create(step.wanted)
            case Alter():
                self._alter(step)
            case Remove():
                self._remove(step.standing)
            case Retire() if step.standing.finalizes:
                self._change(step.standing.name, finalizes="")
            case Retire():
                self._change(step.standing.name, started=False)
            case Link():
                task = self._task(step.task)
                self._change(step.task, after=tuple(sorted({*task.after, *step.after})))
            case Unlink():
                task = self._task(step.task)
                assert set(step.after) <= set(task.after)
                self._change(step.task, after=tuple(sorted(set(task.after) - set(step.after))))
            case SuspendRoot():
                assert self._task(step.task).is_root
                self._put(msgspec.structs.replace(self._task(step.task), started=False))
            case ResumeTask():
                assert not self._task(step.task).is_root
                self._change(step.task, started=True)
            case ResumeRoot():
                task = self._task(step.task)
                assert task.is_root
                if not task.schedule:
                    raise RefusedError(f"{task.name} has no schedule")
                self._put(msgspec.structs.replace(task, started=True))

    def roots(self, name: str) -> set[str]:
        """Return the tasks that start the graphs *name* is in."""
        tasks, found, queue, seen = self.tasks, set(), [name], set()
        while queue:
            one = queue.pop()
            if one in seen:
                continue
            seen.add(one)
            task = tasks[one]
            above = [*task.after, *([task.finalizes] if task.finalizes else [])]
            queue += above
            if not above:
                found.add(one)
        return found

    def _task(self, name: str) -> Task:
        return self.tasks[name.rpartition(".")[2]]

    def _put(self, thing: Object) -> None:
        self.objects[key_of(thing)] = thing

    def _rests(self, name: str) -> None:
        for root in self.roots(name):
            if self.tasks[root].started:
                raise RefusedError(f"{root} is not suspended, and {name} would change")

    def _create(self, thing: Object) -> None:
        if key_of(thing) in self.objects:
            raise RefusedError(f"{key_of(thing)} stands already")
        if not isinstance(thing, Task):
            self._put(thing)
            return
        self._put(msgspec.structs.replace(thing, started=False))
        self._whole(thing.name.rpartition(".")[2])

    def _alter(self, step: Alter) -> None:
        fields = {each.field: getattr(step.wanted, each.field) for each in step.differences}
        if isinstance(step.wanted, Task):
            assert not {"after", "started"} & set(fields)
            self._change(step.wanted.name, **fields)
        else:
            self._put(msgspec.structs.replace(self.objects[key_of(step.wanted)], **fields))

    def _change(self, full: str, **fields: object) -> None:
        name = full.rpartition(".")[2]
        self._rests(name)
        old = self._task(full)
        new = msgspec.structs.replace(old, **fields)
        if new.is_root and not old.is_root:
            new = msgspec.structs.replace(new, started=False)
        self._put(new)
        # A state alone is changed whatever the graph looks like.
        if set(fields) != {"started"}:
            self._whole(name)

    def _whole(self, name: str) -> None:
        """Refuse a task whose place in the graph Snowflake would refuse."""
        tasks = self.tasks
        task = tasks[name]
        for above in (*task.after, *([task.finalizes] if task.finalizes else [])):
            if above not in tasks:
                raise RefusedError(f"{name} waits for {above}, which does not stand")
            if tasks[above].finalizes:
                raise RefusedError(f"{above} is a finalizer, and {name} would wait for it")
        if task.after and task.finalizes:
            raise RefusedError(f"{name} is a finalizer and waits for tasks")
        if not task.is_root and (task.schedule or task.config):
            raise RefusedError(f"{name} is no root, and has a schedule")
        if self._circle(name):
            raise RefusedError(f"{name} waits for itself")
        if len(self.roots(name)) > 1:
            raise RefusedError(f"{name} has more than one root")
        if task.finalizes:
            if not tasks[task.finalizes].is_root:
                raise RefusedError(f"{task.finalizes} is no root")
            if sum(each.finalizes == task.finalizes for each in tasks.values()) > 1:
                raise RefusedError(f"{task.finalizes} has two finalizers")
            if any(name in each.after for each in tasks.values()):
                raise RefusedError(f"tasks wait for the finalizer {name}")
        self._rests(name)

    def _circle(self, name: str) -> bool:
        tasks, queue, seen = self.tasks, list(self.tasks[name].after), set()
        while queue:
            one = queue.pop()
            if one == name:
                return True
            if one not in seen:
                seen.add(one)
                queue += tasks[one].after
        return False

    def _remove(self, thing: Object) -> None:
        if isinstance(thing, Task):
            name = thing.name.rpartition(".")[2]
            self._rests(name)
            if any(name in each.after or each.finalizes == name for each in self.tasks.values()):
                raise RefusedError(f"{name} would leave tasks that waited for it behind")
        if key_of(thing) not in self.objects:
            raise RefusedError(f"{key_of(thing)} does not stand")
        del self.objects[key_of(thing)]
        if isinstance(thing, Pool):
            # What was granted on it goes with it.
            self.objects = {
                key: each
                for key, each in self.objects.items()
                if not (isinstance(each, Grant) and each.name == thing.name)
            }
