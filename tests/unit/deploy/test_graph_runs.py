"""Which tasks a name stands for, how a run stands, and what a repaired run is started with."""

from __future__ import annotations

import json

import pytest

from sf_ml_framework.deploy.graph_ports import Flights, Graph, GraphRun, TaskRun, TaskShown
from sf_ml_framework.deploy.graph_runs import MARKER, Runs, chosen, repaired_config, status_of
from sf_ml_framework.errors import UnknownNameError

GRAPH = Graph(
    database="D",
    schema="S",
    root=TaskShown(name="TASK_P"),
    id="1",
    nodes=(
        TaskShown(name="TASK_LOAD", node="load", after=("TASK_P",), started=True),
        TaskShown(name="TASK_TRAIN", node="train", after=("TASK_LOAD",)),
    ),
    finalizer=TaskShown(name="TASK_P_FINALIZE", started=True),
)


def tasks(**states):
    return {
        f"TASK_{name}": TaskRun(task=f"TASK_{name}", attempt=1, state=state)
        for name, state in states.items()
    }


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["train", "load"], ("TASK_LOAD", "TASK_TRAIN")),
        (["task_TRAIN"], ("TASK_TRAIN",)),
        (["Train", "TASK_P"], ("TASK_P", "TASK_TRAIN")),
        (["task_p_finalize"], ("TASK_P_FINALIZE",)),
    ],
)
def test_a_task_is_named_as_its_node_or_as_in_the_account_and_comes_in_the_order_of_the_graph(
    names, found
):
    assert chosen(GRAPH, names) == found


def test_a_name_that_stands_for_nothing_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError) as refused:
        chosen(GRAPH, ["trian"])

    assert refused.value.remedy == "did you mean 'train'?"


def test_what_a_run_would_pass_over_is_known():
    assert GRAPH.suspended == ("TASK_TRAIN",)


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ({"P": "SUCCEEDED", "LOAD": "SUCCEEDED", "TRAIN": "SUCCEEDED"}, "succeeded"),
        ({"P": "SUCCEEDED", "LOAD": "FAILED"}, "failed"),
        ({"P": "SUCCEEDED", "LOAD": "FAILED_AND_AUTO_SUSPENDED"}, "failed"),
        ({"P": "SUCCEEDED", "LOAD": "FAILED", "TRAIN": "CANCELLED"}, "failed"),
        ({"P": "SUCCEEDED", "LOAD": "CANCELED"}, "cancelled"),
        ({"P": "SUCCEEDED", "LOAD": "SUCCEEDED", "P_FINALIZE": "FAILED"}, "succeeded"),
        ({}, "cancelled"),
    ],
)
def test_how_a_run_stands_is_told_by_its_nodes_and_not_by_its_finalizer(states, status):
    assert status_of(GRAPH, tasks(**states)) == status


def test_a_repaired_run_has_the_same_configuration_and_is_not_forced():
    """Forced, it would make anew what the run that it repairs has made."""
    config = {"params": {"n": "3"}, "force": True, "run_env": "dev", MARKER: "x"}
    run = GraphRun(run_id="r1", attempt=1, status="failed", config=json.dumps(config))

    assert repaired_config(run) == {
        "params": {"n": "3"},
        "run_env": "dev",
        "mlops_retry_of": "r1",
    }


def test_a_person_who_stops_at_the_moment_the_run_is_told_still_learns_its_name():
    class Control:
        def flights(self, graph):
            return Flights()

        def find(self, graph, marker):
            return "r1"

    class Watcher:
        def began(self, run_id):
            raise KeyboardInterrupt

    runs = Runs(Control(), Watcher())

    with pytest.raises(KeyboardInterrupt):
        runs.begun(GRAPH, "x")

    assert runs.run_id == "r1"


@pytest.mark.parametrize("patient", [True, False])
def test_a_run_that_goes_on_before_the_history_has_it_does_not_wait_for_itself(patient):
    class Control:
        def flights(self, graph):
            return Flights(going={"r1": json.dumps({MARKER: "x"})})

        def find(self, graph, marker):
            return ""

    class Watcher:
        def began(self, run_id):
            told.append(run_id)

        def queued(self, behind):
            raise AssertionError(f"it waits for {behind}")

    told = []

    assert Runs(Control(), Watcher()).begun(GRAPH, "x", patient=patient) == "r1"
    assert told == ["r1"]


def test_a_run_behind_another_says_so_once_and_begins_after_it():
    class Control:
        def __init__(self):
            self.moments = [{"r0": "{}"}, {"r0": "{}"}, {"r1": json.dumps({MARKER: "x"})}]

        def flights(self, graph):
            return Flights(going=self.moments.pop(0))

        def find(self, graph, marker):
            return ""

    class Watcher:
        def began(self, run_id):
            told.append(f"began {run_id}")

        def queued(self, behind):
            told.append(f"behind {behind}")

        def tick(self):
            """Nothing is said for long."""

    told = []
    runs = Runs(Control(), Watcher(), sleep=lambda seconds: None)

    assert runs.begun(GRAPH, "x") == "r1"
    assert told == ["behind r0", "began r1"]
