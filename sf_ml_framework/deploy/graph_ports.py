"""What operating a deployed graph of tasks needs of the world; ``places/snowflake`` implements it.

Times are UTC in ISO 8601, names of tasks are unqualified and as the account keeps them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal, Protocol

import msgspec

Status = Literal["running", "succeeded", "skipped", "failed", "cancelled"]
"""Of a run. ``skipped``: Snowflake did not begin it, for its root's condition did not hold."""
FAILED = ("FAILED", "FAILED_AND_AUTO_SUSPENDED")
CANCELLED = ("CANCELLED", "CANCELED")
"""The documentation spells it both ways."""
GOING = ("SCHEDULED", "EXECUTING")


class TaskShown(msgspec.Struct, frozen=True, kw_only=True):
    """One task as it stands."""

    name: str
    node: str = ""
    """Its node; empty: the root or the finalizer."""
    started: bool = False
    after: tuple[str, ...] = ()
    image: str = ""
    """What its container runs, as the specification names it; empty where it starts none."""

    @property
    def state(self) -> str:
        """``started`` or ``suspended``."""
        return "started" if self.started else "suspended"


class Graph(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A graph of tasks as it stands."""

    database: str
    schema: str
    root: TaskShown
    id: str
    """The root's, which its history is asked by."""
    nodes: tuple[TaskShown, ...]
    """Tasks of nodes, each after those that it waits for."""
    finalizer: TaskShown | None = None
    schedule: str = ""
    overlaps: bool = False
    """Whether runs may go on beside each other."""
    suspended_reason: str = ""

    @cached_property
    def by_name(self) -> dict[str, TaskShown]:
        """Every task of it by its name."""
        end = (self.finalizer,) if self.finalizer else ()
        return {task.name: task for task in (self.root, *self.nodes, *end)}

    @property
    def suspended(self) -> tuple[str, ...]:
        """Tasks below the root that a run would pass over."""
        below = (task for task in self.by_name.values() if task.name != self.root.name)
        return tuple(task.name for task in below if not task.started)


class GraphRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a graph, all of its attempts together."""

    run_id: str
    """The graph run group."""
    attempt: int
    status: Status
    """Of the last attempt."""
    came_from: str = ""
    """SCHEDULE, EXECUTE_TASK, MANUAL RETRY, AUTOMATIC RETRY."""
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    config: str = ""


class TaskRun(msgspec.Struct, frozen=True, kw_only=True):
    """The last attempt of one task in one run."""

    task: str
    attempt: int
    state: str
    """As TASK_HISTORY spells it."""
    query_id: str = ""
    started: str = ""
    ended: str = ""
    error: str = ""
    return_value: str = ""

    @property
    def ended_at_all(self) -> bool:
        """Whether it goes on no more."""
        return self.state not in GOING


class Flights(msgspec.Struct, frozen=True, kw_only=True):
    """What runs of a graph now, and when it does next."""

    going: Mapping[str, str] = {}
    """Run → its configuration."""
    next_run: str = ""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A container's job, running or not."""

    name: str
    """Qualified."""
    query_id: str
    status: str
    message: str = ""
    created: str = ""
    ended: str = ""
    pool: str = ""
    exit_code: int | None = None
    """Of its container; none while it runs, or when none ever started."""


class GraphControl(Protocol):
    """One graph in one account. How many statements a question takes is the same for any size."""

    def graph(self) -> Graph:
        """Return the graph as it stands.

        Raises:
            OperatorError: there is none.
        """
        ...

    def flights(self, graph: Graph) -> Flights:
        """Return what runs now, and when the next run is due."""
        ...

    def runs(self, graph: Graph, *, limit: int) -> Sequence[GraphRun]:
        """Return the runs of the last seven days, newest first."""
        ...

    def task_runs(self, graph: Graph, run_id: str) -> Mapping[str, TaskRun]:
        """Return for each task that ran in a run its last attempt."""
        ...

    def find(self, graph: Graph, marker: str) -> str:
        """Return the run whose configuration holds *marker*; empty when there is none yet."""
        ...

    def execute(self, graph: Graph, config: str) -> None:
        """Ask for a run with *config*, a JSON object; returns before it begins."""
        ...

    def retry_last(self, graph: Graph) -> None:
        """Ask for the last run again, from what failed on.

        Raises:
            OperatorError: Snowflake refuses; nothing was begun.
        """
        ...

    def cancel(self, graph: Graph, tasks: Collection[str]) -> None:
        """Cancel what goes on of the root and of *tasks*, in every run."""
        ...

    def resume(self, graph: Graph, tasks: Sequence[str]) -> None:
        """Resume *tasks*, in that order, and no other.

        All below the root are resumed at once where the root is among them, or *graph* has it
        started; it may then start before the call that names it.
        """
        ...

    def suspend(self, graph: Graph, tasks: Sequence[str]) -> None:
        """Suspend *tasks*, in that order."""
        ...

    def drop(self, graph: Graph, tasks: Sequence[str]) -> None:
        """Drop *tasks*, in that order."""
        ...

    def moved_image(self, graph: Graph, task_runs: Mapping[str, TaskRun]) -> str:
        """Return how the image differs from the one that a run began with; empty when it does not.

        Empty also where that cannot be told.
        """
        ...


class JobControl(Protocol):
    """Jobs of one schema: those of tasks and those that stand alone."""

    def of_queries(self, query_ids: Collection[str], since: str) -> Mapping[str, Job]:
        """Return by their statement the jobs that were made at *since* or later."""
        ...

    def named(self, name: str) -> Job | None:
        """Return the job of that qualified name; none when there is none."""
        ...

    def start(self, statement: str) -> None:
        """Run the statement of an asynchronous job."""
        ...

    def cancel(self, name: str) -> None:
        """End a job that runs."""
        ...

    def tail(self, job: Job, lines: int) -> Sequence[str]:
        """Return the last lines of a container that runs or has just ended; none when it is gone.

        Args:
            job: whose.
            lines: how many at most; 0: as many as Snowflake gives, which is 100 kB.
        """
        ...

    def kept(self, job: Job, lines: int) -> Sequence[str]:
        """Return what the account's event table has of a job's lines, the last of them."""
        ...


class Watcher(Protocol):
    """Who is told while a run is waited for."""

    def queued(self, behind: str) -> None:
        """The run has not begun: *behind* goes on, and they may not overlap."""
        ...

    def began(self, run_id: str) -> None:
        """The run has begun."""
        ...

    def task(self, task: TaskShown, run: TaskRun) -> None:
        """A task of a node began or ended; once for each."""
        ...

    def tick(self) -> None:
        """Time passes; called before each further question."""
        ...


def pauses(first: float = 0.25, longest: float = 3.0) -> Iterator[float]:
    """Yield seconds to wait between two questions: short at first, for short runs."""
    pause = first
    while True:
        yield pause
        pause = min(longest, pause * 1.3)
