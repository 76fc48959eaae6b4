"""A queue waits for a run until no attempt of it can come any more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sf_ml_framework.deploy.graph_backfill import Backfill, Value
from sf_ml_framework.deploy.graph_ports import Flights, Graph, TaskRun, TaskShown
from sf_ml_framework.deploy.graph_runs import Runs

Moment = tuple[bool, dict[str, TaskRun]]
"""Whether the run flies, and the last attempt of each of its tasks."""


def graph(*, finalizer: bool = True) -> Graph:
    return Graph(
        database="D",
        schema="S",
        root=TaskShown(name="ROOT"),
        id="1",
        nodes=(TaskShown(name="LOAD", node="load", after=("ROOT",), started=True),),
        finalizer=TaskShown(name="END", started=True) if finalizer else None,
    )


def ran(attempt: int, **states: str) -> dict[str, TaskRun]:
    return {name: TaskRun(task=name, attempt=attempt, state=of) for name, of in states.items()}


FAILED = ran(1, ROOT="SUCCEEDED", LOAD="FAILED")
AGAIN = ran(2, ROOT="SUCCEEDED", LOAD="EXECUTING")
DONE = ran(2, ROOT="SUCCEEDED", LOAD="SUCCEEDED")


class Account:
    """An account that answers as it stood at each moment, and stays as it stood at the last."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        self._moments = list(moments)
        self.asked = 0

    def execute(self, graph: Graph, config: str) -> None:
        """The run is the only one."""

    def find(self, graph: Graph, marker: str) -> str:
        return "r1"

    def flights(self, graph: Graph) -> Flights:
        return Flights(going={"r1": "{}"} if self._moments[0][0] else {})

    def task_runs(self, graph: Graph, run_id: str) -> dict[str, TaskRun]:
        self.asked += 1
        return self._moments[0][1]

    def passes(self, seconds: float) -> None:
        """Time passes: the next moment."""
        if len(self._moments) > 1:
            del self._moments[0]


class Silent:
    """Is told and tells nothing."""

    def queued(self, behind: str) -> None: ...
    def began(self, run_id: str) -> None: ...
    def task(self, task: TaskShown, run: TaskRun) -> None: ...
    def tick(self) -> None: ...
    def fills(self, value: str, run_id: str) -> None: ...
    def ended(self, filled: object) -> None: ...


def outcome(of: Graph, account: Account) -> str:
    runs = Runs(account, Silent(), sleep=account.passes)
    queue = Backfill(account, runs, {}, Silent(), sleep=account.passes)
    (filled,) = queue.work(
        of, [Value(value="1", config={"params": {"day": "1"}})], overlap=1, keep_going=False
    )
    return filled.outcome


@pytest.mark.parametrize(("finalizer", "between"), [(True, 1), (True, 3), (False, 1)])
def test_a_run_that_is_tried_again_has_not_failed(finalizer, between):
    quiet: list[Moment] = [(False, FAILED)] * between
    account = Account([(True, FAILED), *quiet, (True, AGAIN), (False, DONE)])

    assert outcome(graph(finalizer=finalizer), account) == "succeeded"


@pytest.mark.parametrize("finalizer", [True, False])
def test_a_run_that_nothing_follows_has_failed(finalizer):
    account = Account([(True, FAILED), (False, FAILED)])

    assert outcome(graph(finalizer=finalizer), account) == "failed"


def test_the_finalizer_of_the_last_attempt_ends_a_run_at_once():
    account = Account([(True, FAILED), (False, FAILED | ran(1, END="SUCCEEDED"))])

    assert outcome(graph(), account) == "failed"
    assert account.asked == 1
