"""Small projects of tasks alone, deployed through a real connection; and what stands then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from hypothesis import strategies as st

from sf_ml_framework.deploy.apply import Commission, Deployer
from sf_ml_framework.deploy.ports import Platform
from sf_ml_framework.deploy.records import Deployment, Recorded
from sf_ml_framework.places.snowflake.deployments import SnowflakeHistory
from sf_ml_framework.places.snowflake.platform import SnowflakePlatform
from sf_ml_framework.plan import names
from sf_ml_framework.plan.changes import Plan, Statement
from sf_ml_framework.plan.objects import Desired, Observed, Task
from sf_ml_framework.plan.tables import framework_tables

PROJECT = "graphs"
ROLE = "ACCOUNTADMIN"
ROOT = "TASK_GRAPHS"
SCHEDULE = "USING CRON 7 3 * * * UTC"
BY = Commission(user_name="ADA", client="laptop:1")


def state(place: str, tasks: Iterable[Task], *things: Any) -> Desired:
    """Return a project in the schema *place*, ``DB.SCHEMA``; tasks are named unqualified."""
    database, schema = place.split(".")
    whole = tuple(msgspec.structs.replace(task, name=f"{place}.{task.name}") for task in tasks)
    table = next(t for t in framework_tables(place) if t.name.endswith(names.DEPLOYMENTS))
    return Desired(
        project=PROJECT, target="dev", database=database, schema=schema, role=ROLE,
        deploy_role=ROLE, warehouse="COMPUTE_WH", root=f"{place}.{ROOT}", image="",
        objects=(table, *things, *whole),
    )  # fmt: skip


def task(name: str, *after: str, **more: Any) -> Task:
    """Return a task of the project."""
    fields = {"body": f"select '{name}'", "comment": f"{names.mark(PROJECT)}{name}", **more}
    return Task(name=name, after=tuple(sorted(after)), **fields)


def root(**more: Any) -> Task:
    """Return the root; it has a schedule unless told otherwise."""
    return task(ROOT, **{"schedule": SCHEDULE, **more})


NAMES = ("A", "B", "C", "D", "E")


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Task, ...]:
    """Draw a graph: a root, tasks in any order of five names, perhaps a finalizer."""
    scheduled = draw(st.booleans())
    started = draw(st.sampled_from([True, True, False, None])) if scheduled else False
    made = [
        root(
            schedule=SCHEDULE if scheduled else "",
            started=started,
            config=draw(st.sampled_from(["", '{"a":1}', '{"a":{"b":"it\'s"}}'])),
            timeout_ms=draw(st.sampled_from([3_600_000, 60_000])),
            auto_retry_attempts=draw(st.integers(0, 1)),
            overlap_policy=draw(st.sampled_from(["NO_OVERLAP", "ALLOW_CHILD_OVERLAP"])),
        )
    ]
    order = draw(st.permutations(NAMES))[: draw(st.integers(0, len(NAMES)))]
    for number, name in enumerate(order):
        above = draw(st.sets(st.sampled_from(order[:number]))) if number else set()
        made.append(task(name, *(above or {ROOT}), **draw(_definitions)))
    if draw(st.booleans()):
        name = draw(st.sampled_from(["FIN", "END"]))
        made.append(task(name, finalizes=ROOT, **draw(_definitions)))
    return tuple(made)


_definitions = st.fixed_dictionaries(
    {},
    optional={
        "body": st.sampled_from(["select 1", "begin\n  let x := 'a;b';\n  return x;\nend"]),
        "timeout_ms": st.sampled_from([5_000, 60_000]),
        "warehouse": st.just("COMPUTE_WH"),
    },
)


class Silent:
    """Is told of progress and keeps the statements."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def started(self, deployment: Deployment) -> None:
        """Nothing to tell."""

    def statement(self, number: int, count: int, statement: Statement) -> None:
        """Keep it."""
        self.sent.append(statement.sql)

    def finished(self, deployment: Deployment) -> None:
        """Nothing to tell."""


class Interrupting:
    """A platform that stops before a statement, or after it though the statement was done.

    Implements ``deploy/ports.py::Platform``.
    """

    def __init__(
        self, inner: Platform, number: int, stop: Callable[[], None], *, done: bool = True
    ) -> None:
        self._inner, self._left, self._stop, self._done = inner, number, stop, done

    def observe(self, desired: Desired, recorded: Recorded) -> Observed:
        """Look, as the inner one does."""
        return self._inner.observe(desired, recorded)

    def execute(self, statement: Statement) -> None:
        """Run it; the chosen one stops here."""
        self._left -= 1
        if self._left or self._done:
            self._inner.execute(statement)
        if not self._left:
            self._stop()


class Site:
    """One schema of one account, deployed to through one connection."""

    def __init__(self, account: Any, place: str) -> None:
        self.account, self.place = account, place
        self.platform = SnowflakePlatform(account)
        self.history = SnowflakeHistory(account, *place.split("."))
        self.observer = Silent()

    def deployer(self, platform: Platform | None = None) -> Deployer:
        """Return the use case."""
        return Deployer(platform or self.platform, self.history, self.observer)

    def plan(self, tasks: Iterable[Task], *things: Any, delete: bool = True) -> Plan:
        """Plan to these tasks."""
        return self.deployer().plan(state(self.place, tasks, *things), delete=delete)

    def deploy(
        self, tasks: Iterable[Task], *things: Any, delete: bool = True, by: Commission = BY
    ) -> Deployment | None:
        """Plan to these tasks and carry it out."""
        return self.deployer().apply(self.plan(tasks, *things, delete=delete), by)

    def look(self, tasks: Iterable[Task] = (), *, thorough: bool = True) -> Observed:
        """Return what stands; asks every task, so that no record can hide anything."""
        platform = SnowflakePlatform(self.account, thorough=thorough)
        desired = state(self.place, tasks)
        return platform.observe(desired, self.history.recorded(PROJECT))

    def tasks(self, tasks: Iterable[Task] = ()) -> dict[str, Task]:
        """Return the tasks that stand, by unqualified name."""
        return {
            name: msgspec.structs.replace(thing, name=name)
            for thing in self.look(tasks).objects
            if isinstance(thing, Task)
            for name in [thing.name.removeprefix(f"{self.place}.")]
        }


def resolved(wanted: Iterable[Task], before: Mapping[str, Task]) -> dict[str, Task]:
    """Return the tasks that should stand: a state that is left open is as it was *before*."""
    found = {}
    for one in wanted:
        old = before.get(one.name)
        started = one.started if one.started is not None else bool(old and old.started)
        found[one.name] = msgspec.structs.replace(one, started=started)
    return found


def is_whole(standing: Mapping[str, Task], old: Mapping[str, Task], new: Mapping[str, Task]) -> str:
    """Return what is wrong with a graph that a deployment left behind; empty when nothing is.

    It is the old one, the new one, or its root is suspended.
    """
    top = standing.get(ROOT)
    if top is None or not top.started or standing in (dict(old), dict(new)):
        return ""
    differing = {n: standing.get(n) for n in {*old, *new} if standing.get(n) != new.get(n)}
    return f"the graph is started, and neither the old one nor the new: {differing}"
