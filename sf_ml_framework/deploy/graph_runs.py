"""Use cases of a deployed graph: resume, suspend, start a run, wait for it, repair it.

A run that is asked for is found again by a marker in its configuration, for Snowflake tells nobody
which run an EXECUTE TASK began.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal
from uuid import uuid4

import msgspec

from sf_ml_framework.deploy.graph_ports import (
    CANCELLED,
    FAILED,
    Graph,
    GraphControl,
    GraphRun,
    Status,
    TaskRun,
    Watcher,
    pauses,
)
from sf_ml_framework.errors import OperatorError, PlatformError, UnknownNameError, UsageError

MARKER = "mlops_request"
"""Key of a run's configuration by which it is found; no two runs have the same value."""
RETRY_OF = "mlops_retry_of"
"""Key of a run's configuration: the run that it repairs."""
BEGIN_SECONDS = 120.0
"""How long a run may take to appear when nothing is in its way."""
_SETTLED = 2
"""So many answers must say that nothing goes on before a run without a finalizer has ended."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over."""

    run_id: str
    status: Status
    tasks: dict[str, TaskRun]


def chosen(graph: Graph, names: Iterable[str]) -> tuple[str, ...]:
    """Return the tasks that *names*, of nodes or of tasks in any case, stand for, in run order.

    Raises:
        UnknownNameError: one stands for none; names the nearest.
    """
    known = {task.name.lower(): task.name for task in graph.by_name.values()}
    known |= {task.node: task.name for task in graph.nodes}
    found = set()
    for name in names:
        if name.lower() not in known:
            raise UnknownNameError(kind="task or node", name=name, known=known)
        found.add(known[name.lower()])
    return tuple(name for name in graph.by_name if name in found)


def resume(control: GraphControl, names: Sequence[str] = ()) -> tuple[Graph, tuple[str, ...]]:
    """Resume tasks, children before the root, and return the graph and what was resumed.

    A root that is started is suspended while a child is resumed, as Snowflake asks, and started
    again whatever happens.

    Args:
        control: of the graph.
        names: which; none: the whole graph.

    Raises:
        OperatorError: the root is named, and nothing would start it.
    """
    graph = control.graph()
    wanted = chosen(graph, names) if names else tuple(graph.by_name)
    root = graph.root
    if root.name in wanted and not graph.schedule and names:
        raise OperatorError(
            f"the root {root.name} has no schedule, and Snowflake resumes no root that nothing"
            " would start",
            remedy="start a run with `mlops tasks run`; or give the target a tasks.schedule in"
            " mlops.yml and deploy",
        )
    children = [name for name in wanted if name != root.name and not graph.by_name[name].started]
    with_root = root.name in wanted and bool(graph.schedule) and not root.started
    if root.started and children:
        control.suspend(graph, [root.name])
        try:
            control.resume(graph, children)
        finally:
            control.resume(graph, [root.name])
    else:
        control.resume(graph, [*children, *([root.name] if with_root else [])])
    return graph, (*children, *([root.name] if with_root else ()))


def suspend(control: GraphControl, names: Sequence[str] = ()) -> tuple[Graph, tuple[str, ...]]:
    """Suspend tasks and return the graph and what was suspended; runs that go on are left alone.

    Args:
        control: of the graph.
        names: which; none: the root, and with it the schedule.
    """
    graph = control.graph()
    root = graph.root
    wanted = chosen(graph, names) if names else (root.name,)
    children = [name for name in wanted if name != root.name and graph.by_name[name].started]
    rests = root.name in wanted and root.started
    if root.started and (children or rests):
        control.suspend(graph, [root.name])
    try:
        control.suspend(graph, children)
    finally:
        if root.started and children and not rests:
            control.resume(graph, [root.name])
    return graph, (*([root.name] if rests else ()), *children)


def drop(control: GraphControl) -> tuple[Graph, tuple[str, ...]]:
    """Drop the tasks of the graph and nothing else; children first, the root last."""
    graph = control.graph()
    if graph.root.started:
        control.suspend(graph, [graph.root.name])
    end = [graph.finalizer.name] if graph.finalizer else []
    names = (*end, *(task.name for task in reversed(graph.nodes)), graph.root.name)
    control.drop(graph, names)
    return graph, names


def cancel(control: GraphControl, run: str = "") -> tuple[str, ...]:
    """Cancel what goes on, and return the runs that it was.

    Args:
        control: of the graph.
        run: the one that is meant, or its beginning; empty: whatever goes on.

    Raises:
        OperatorError: others go on too, which Snowflake would cancel with it.
        UnknownNameError: the run does not go on.
    """
    graph = control.graph()
    going = tuple(control.flights(graph).going)
    if run:
        meant = [each for each in going if each.startswith(run)]
        if not meant:
            raise UnknownNameError(kind="run that goes on", name=run, known=going)
        others = len(going) - 1
        if others:
            raise OperatorError(
                f"{others} more of the same graph would be cancelled: Snowflake cancels a task in"
                " all runs at once",
                remedy="`mlops tasks cancel` without a run cancels them all",
            )
    if going:
        executing = {
            task.task
            for each in going
            for task in control.task_runs(graph, each).values()
            if not task.ended_at_all
        }
        control.cancel(graph, executing)
    return going


def named_run(control: GraphControl, graph: Graph, name: str) -> GraphRun:
    """Return the run whose id is, or uniquely begins with, *name*; ``last`` is the newest.

    Raises:
        UnknownNameError: none of the last seven days is.
    """
    runs = control.runs(graph, limit=1000)
    if name == "last" and runs:
        return runs[0]
    found = [run for run in runs if name and run.run_id.startswith(name)]
    exact = [run for run in found if run.run_id == name]
    if len(exact or found) == 1:
        return (exact or found)[0]
    known = [run.run_id for run in found or runs[:10]]
    raise UnknownNameError(kind="run of the last seven days", name=name, known=known)


class Runs:
    """Starts runs of a graph and waits for them.

    Args:
        control: of the graph.
        watcher: told of progress.
        sleep: waits so many seconds between two questions.
        clock: seconds, to know how long nothing came.
    """

    def __init__(
        self,
        control: GraphControl,
        watcher: Watcher,
        *,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._control, self._watcher = control, watcher
        self._sleep, self._clock = sleep, clock
        self.run_id = ""
        """The run that was seen to begin, known before anybody is told."""

    def ask(self, graph: Graph, config: dict[str, Any]) -> str:
        """Ask for a run with *config*, and return the marker that it will be found by."""
        marker = uuid4().hex
        text = msgspec.json.encode({**config, MARKER: marker}, order="sorted").decode()
        self._control.execute(graph, text)
        return marker

    def begun(self, graph: Graph, marker: str, *, patient: bool = True) -> str:
        """Return the run that was asked for, once it has begun.

        Args:
            graph: the graph.
            marker: what ``ask`` returned.
            patient: whether to wait for a run that it may not overlap; else empty is returned.

        Raises:
            PlatformError: nothing is in its way, and it does not begin.
        """
        told = ""
        since = self._clock()
        for pause in pauses():
            # In this order: a run that has begun and ended in between is found all the same.
            going = self._control.flights(graph).going
            # What goes on may be the run itself, which the history does not have yet.
            ours = next((one for one, config in going.items() if marker in config), "")
            if run_id := ours or self._control.find(graph, marker):
                self.run_id = run_id
                self._watcher.began(run_id)
                return run_id
            if going and not graph.overlaps:
                since, behind = self._clock(), next(iter(going))
                if told != behind:
                    told = behind
                    self._watcher.queued(told)
                if not patient:
                    return ""
            if self._clock() - since > BEGIN_SECONDS:
                raise PlatformError(
                    f"the run that was asked for did not begin within {BEGIN_SECONDS:.0f} seconds;"
                    " somebody may have asked for another after it, which takes its place",
                    remedy="look with `mlops tasks status`, and ask again",
                )
            self._watcher.tick()
            self._sleep(pause)
        raise AssertionError("unreachable")  # pragma: no cover - the pauses never end

    def wait(self, graph: Graph, run_id: str, *, attempt: int = 1) -> Ended:
        """Wait until a run is over, and return how it ended.

        Args:
            graph: the graph.
            run_id: the run.
            attempt: the one that is waited for, or a later one.
        """
        told: set[tuple[str, int, str]] = set()
        quiet = 0
        for pause in pauses():
            # Asked first: what is over by then is whole in the history that is read after it.
            going = run_id in self._control.flights(graph).going
            tasks = dict(self._control.task_runs(graph, run_id))
            self._tell(graph, tasks, told)
            quiet = 0 if going else quiet + 1
            if not going and is_over(graph, tasks, quiet, attempt=attempt):
                return Ended(run_id=run_id, status=status_of(graph, tasks), tasks=tasks)
            self._watcher.tick()
            self._sleep(pause)
        raise AssertionError("unreachable")  # pragma: no cover - the pauses never end

    def _tell(
        self, graph: Graph, tasks: dict[str, TaskRun], told: set[tuple[str, int, str]]
    ) -> None:
        for run in tasks.values():
            task = graph.by_name.get(run.task)
            state = (run.task, run.attempt, run.state)
            if task is not None and task.node and state not in told:
                told.add(state)
                self._watcher.task(task, run)


def is_over(graph: Graph, tasks: Mapping[str, TaskRun], quiet: int, *, attempt: int = 1) -> bool:
    """Return whether nothing more will come of a run of which nothing goes on.

    Args:
        graph: the graph.
        tasks: the last attempt of each task that ran.
        quiet: so many answers in a row said that nothing goes on, with this one.
        attempt: the one that is waited for, or a later one.
    """
    latest = max((run.attempt for run in tasks.values()), default=0)
    if latest < attempt or not all(run.ended_at_all for run in tasks.values()):
        return False
    end = tasks.get(graph.finalizer.name) if graph.finalizer else None
    if end is not None and end.attempt == latest:
        return True
    # An automatic retry begins a moment after the attempt before it has ended.
    return quiet >= _SETTLED + (_SETTLED if graph.finalizer else 0)


def status_of(graph: Graph, tasks: dict[str, TaskRun]) -> Status:
    """Return how a run stands whose tasks stand so; the finalizer does not count."""
    end = graph.finalizer.name if graph.finalizer else ""
    states = {run.state for name, run in tasks.items() if name != end}
    if states & set(FAILED):
        return "failed"
    if states & set(CANCELLED):
        return "cancelled"
    return "succeeded" if states else "cancelled"


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is repaired, and why in this way."""

    way: Literal["retry_last", "new_run"]
    why: str
    run: GraphRun


def repair(
    runs: Runs, control: GraphControl, graph: Graph, name: str, *, fresh: bool = False
) -> tuple[Repair, str]:
    """Repair a run that failed or was cancelled; return how, and the marker of a new run.

    RETRY LAST goes on where the run stopped, with what it began with. Where that is impossible, or
    would leave results of older code standing, a new run with the same configuration begins, in
    which each container finds out whether its node's result still holds.

    Args:
        runs: starts the new run.
        control: of the graph.
        graph: the graph.
        name: the run, its beginning, or ``last``.
        fresh: begin a new run in any case.

    Raises:
        UsageError: the run did not fail.
        OperatorError: it, or another one, still goes on.
    """
    run = named_run(control, graph, name)
    newest = control.runs(graph, limit=1)[0]
    going = control.flights(graph).going
    _check_to_repair(run, going)
    why = "--new was given" if fresh else _why_not_last(control, graph, run, newest, going)
    if not why:
        try:
            control.retry_last(graph)
        except OperatorError as error:
            why = str(error)
        else:
            said = "the graph and its image are as they were, and nothing ran since"
            return Repair(way="retry_last", why=said, run=run), ""
    marker = runs.ask(graph, repaired_config(run))
    return Repair(way="new_run", why=why, run=run), marker


def _check_to_repair(run: GraphRun, going: Collection[str]) -> None:
    if run.run_id in going or run.status == "running":
        raise OperatorError(
            f"run {run.run_id} still goes on",
            remedy="wait for it (`mlops tasks status --watch`), or cancel it first",
        )
    if run.status not in ("failed", "cancelled"):
        raise UsageError(
            f"run {run.run_id} {run.status}: there is nothing to repair",
            remedy="start a new one with `mlops tasks run`",
        )


def _why_not_last(
    control: GraphControl, graph: Graph, run: GraphRun, newest: GraphRun, going: Collection[str]
) -> str:
    """Return why RETRY LAST is not even to be tried; empty where Snowflake decides."""
    if run.run_id != newest.run_id:
        return f"it is not the last run: {newest.run_id} ran since"
    if going:
        return f"run {next(iter(going))} goes on"
    moved = control.moved_image(graph, control.task_runs(graph, run.run_id))
    # RETRY LAST would keep what nodes of the old code made, changed or not.
    return f"the image has changed since: {moved}" if moved else ""


def repaired_config(run: GraphRun) -> dict[str, Any]:
    """Return the configuration of a run for the one that repairs it.

    Without its ``force``: what the run itself made must not be made twice.
    """
    found = json.loads(run.config) if run.config else {}
    kept = {key: value for key, value in found.items() if key not in ("force", MARKER)}
    return {**kept, RETRY_OF: run.run_id}
