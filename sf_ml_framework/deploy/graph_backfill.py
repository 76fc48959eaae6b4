"""A queue of runs, one for each value of a parameter; it may be stopped and begun again.

What has been done is not remembered here: the account's runs tell it. A run that succeeded with the
same changes is not repeated, and one that goes on with them is waited for.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

import msgspec

from sf_ml_framework.deploy.graph_ports import Graph, GraphControl, Status, TaskRun, pauses
from sf_ml_framework.deploy.graph_runs import MARKER, Runs, is_over, status_of
from sf_ml_framework.errors import OperatorError, UsageError

PLACE = "{}"
"""Stands in a text for the value of each run."""
_OURS = ("inputs", "outputs", "params")
_STEP = re.compile(r"(\d+)\s*([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
MOST_RUNS = 10_000


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the queue."""

    value: str
    config: dict[str, Any]
    """Its configuration: inputs, outputs and params that it changes."""


Outcome = Literal["done before", "succeeded", "failed", "cancelled", "not begun"]


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """How one value of the queue came out."""

    value: str
    outcome: Outcome
    run_id: str = ""


class Queue(Protocol):
    """Who is told while a queue is worked off."""

    def fills(self, value: str, run_id: str) -> None:
        """The run for *value* goes on, whoever began it."""
        ...

    def ended(self, filled: Filled) -> None:
        """A value is done with."""
        ...


def values(first: str, last: str, step: str) -> list[str]:
    """Return the dates, or moments, from *first* to *last*, that too, in ISO 8601.

    Args:
        first: a date (``2026-01-31``) or a moment (``2026-01-31T06:00``).
        last: of the same kind, not before *first*.
        step: a whole number of hours, days or weeks: ``6h``, ``1d``, ``2w``.

    Raises:
        UsageError: one of them cannot be.
    """
    begin, end = _moment(first, "--from"), _moment(last, "--to")
    found = _STEP.fullmatch(step.strip().lower())
    if not found or int(found[1]) == 0:
        raise UsageError(f"--step cannot be {step!r}", remedy="write 6h, 1d or 2w")
    if end < begin:
        raise UsageError(f"--to {last} is before --from {first}", remedy="swap them")
    stride = int(found[1]) * _UNITS[found[2]]
    whole_days = not (_has_time(first) or _has_time(last))
    if whole_days and stride % timedelta(days=1):
        raise UsageError(
            f"--step {step} is a part of a day, and the dates have no time",
            remedy=f"write --from {first}T00:00",
        )
    if (end - begin) / stride >= MOST_RUNS:
        raise UsageError(
            f"that would be more than {MOST_RUNS:,} runs", remedy="use a longer --step"
        )
    made = []
    while begin <= end:
        made.append(begin.date().isoformat() if whole_days else begin.isoformat(timespec="minutes"))
        begin += stride
    return made


def _moment(text: str, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no date", remedy="write it as 2026-01-31, or 2026-01-31T06:00"
        ) from None
    return found.replace(tzinfo=None)


def _has_time(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return True
    return False


def queue(template: Mapping[str, Any], wanted: Sequence[str]) -> list[Value]:
    """Return a run for each of *wanted*: *template* with ``{}`` replaced by the value."""
    return [Value(value=value, config=_with(dict(template), value)) for value in wanted]


def _with(plain: Any, value: str) -> Any:
    """Return *plain* with ``{}`` replaced in each of its texts, keys included."""
    if isinstance(plain, str):
        return plain.replace(PLACE, value)
    if isinstance(plain, dict):
        return {_with(key, value): _with(each, value) for key, each in plain.items()}
    return [_with(each, value) for each in plain] if isinstance(plain, list) else plain


def check_overlap(graph: Graph, overlap: int) -> None:
    """Refuse more runs at once than the graph allows.

    Raises:
        OperatorError: it allows one; says how it would allow more.
    """
    if overlap > 1 and not graph.overlaps:
        raise OperatorError(
            f"--overlap {overlap}: the graph {graph.root.name} lets no two runs overlap"
            " (OVERLAP_POLICY = NO_OVERLAP)",
            remedy="give the target `tasks: {overlap_policy: ALLOW_CHILD_OVERLAP}` in mlops.yml and"
            " deploy; each run must then write versions of its own (--outputs with {})",
        )


class Backfill:
    """Works off a queue of runs.

    Args:
        control: of the graph.
        runs: starts them.
        done: changes (as ``changes_in`` writes them) → a run that succeeded with them.
        told: of progress.
        sleep: waits so many seconds between two questions.
    """

    def __init__(
        self,
        control: GraphControl,
        runs: Runs,
        done: Mapping[str, str],
        told: Queue,
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._control, self._runs, self._told = control, runs, told
        self._done = done
        self._sleep = sleep
        self._quiet: dict[str, int] = {}
        """Run → how many answers in a row said that nothing of it goes on."""

    def work(
        self, graph: Graph, wanted: Sequence[Value], *, overlap: int, keep_going: bool
    ) -> list[Filled]:
        """Run what is not done, at most *overlap* at once, and return how each value came out.

        After a failure nothing more is begun unless *keep_going*; what goes on is waited for.
        """
        waiting = deque(wanted)
        going: dict[str, Value] = {}
        filled: dict[str, Filled] = {}
        stopped = False
        adopted = self._adopted(graph)
        pause: Iterator[float] = pauses()
        while waiting or going:
            while waiting and not stopped and len(going) < overlap:
                each = waiting.popleft()
                before = self._done.get(changes_in(each.config), "")
                if before:
                    self._end(filled, each, "done before", before)
                    continue
                run_id = adopted.get(changes_in(each.config)) or self._start(graph, each)
                going[run_id] = each
                self._told.fills(each.value, run_id)
                pause = pauses()
            for run_id, outcome in self._over(graph, going):
                self._end(filled, going.pop(run_id), outcome, run_id)
                stopped = stopped or (outcome != "succeeded" and not keep_going)
            if stopped:
                for each in waiting:
                    filled[each.value] = Filled(value=each.value, outcome="not begun")
                waiting.clear()
            if going:
                self._sleep(next(pause))
        return [filled[each.value] for each in wanted]

    def _start(self, graph: Graph, each: Value) -> str:
        marker = self._runs.ask(graph, each.config)
        # Before the next is asked for: of two that wait the later one takes the earlier's place.
        return self._runs.begun(graph, marker)

    def _adopted(self, graph: Graph) -> dict[str, str]:
        """Return by their changes the runs of an earlier call that still go on."""
        going = self._control.flights(graph).going
        return {
            changes_of_text(config): run_id for run_id, config in going.items() if MARKER in config
        }

    def _over(self, graph: Graph, going: Mapping[str, Value]) -> list[tuple[str, Outcome]]:
        if not going:
            return []
        flying = self._control.flights(graph).going
        ended: list[tuple[str, Outcome]] = []
        for run_id in going:
            if run_id in flying:
                self._quiet.pop(run_id, None)
                continue
            self._quiet[run_id] = self._quiet.get(run_id, 0) + 1
            tasks: Mapping[str, TaskRun] = self._control.task_runs(graph, run_id)
            if is_over(graph, tasks, self._quiet[run_id]):
                ended.append((run_id, _outcome(status_of(graph, dict(tasks)))))
        return ended

    def _end(self, filled: dict[str, Filled], each: Value, outcome: Outcome, run_id: str) -> None:
        filled[each.value] = Filled(value=each.value, outcome=outcome, run_id=run_id)
        self._told.ended(filled[each.value])


def _outcome(status: Status) -> Outcome:
    if status == "succeeded":
        return "succeeded"
    return "cancelled" if status == "cancelled" else "failed"


def changes_in(found: Mapping[str, Any]) -> str:
    """Return what a run changes of the declarations, as one text for equal changes.

    Args:
        found: a run's configuration, or its record's ``overrides``.
    """
    kept = {key: found[key] for key in _OURS if found.get(key)}
    return json.dumps(kept, sort_keys=True)


def changes_of_text(config: str) -> str:
    """Return the same of a configuration as JSON; empty where that is no object."""
    try:
        found = json.loads(config)
    except ValueError:
        return ""
    return changes_in(found) if isinstance(found, dict) else ""
