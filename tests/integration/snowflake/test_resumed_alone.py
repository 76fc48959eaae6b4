"""Tasks that are named are resumed, and the root with its schedule only where that is meant."""

from __future__ import annotations

import pytest

from sf_ml_framework.deploy import graph_runs
from sf_ml_framework.places.snowflake.graph_control import SnowflakeGraph
from tests.integration.snowflake.deploy_graphs import ROOT, Site, root, task

GRAPH = (root(), task("A", ROOT), task("B", "A"), task("C", "B"))


@pytest.fixture
def control(site: Site) -> SnowflakeGraph:
    site.deploy(GRAPH)
    return SnowflakeGraph(site.account, *site.place.split("."), ROOT, {})


def started(control: SnowflakeGraph) -> set[str]:
    return {task.name for task in control.graph().by_name.values() if task.started}


@pytest.mark.parametrize("names", [("A", "B"), ("A", "B", "C")], ids=["some", "all_below"])
def test_a_suspended_root_stays_so_where_all_that_is_suspended_below_it_is_resumed(control, names):
    graph_runs.suspend(control)
    graph_runs.suspend(control, names)

    _, resumed = graph_runs.resume(control, names)

    assert resumed == names
    assert started(control) == {"A", "B", "C"}


def test_a_root_that_was_started_is_started_again_after_its_tasks(control):
    graph_runs.suspend(control, ("A", "B"))
    assert started(control) == {ROOT, "C"}

    _, resumed = graph_runs.resume(control, ("A", "B"))

    assert resumed == ("A", "B")
    assert started(control) == {ROOT, "A", "B", "C"}


def test_the_whole_graph_is_resumed_with_its_root(control):
    graph_runs.suspend(control)
    graph_runs.suspend(control, ("A", "B", "C"))

    _, resumed = graph_runs.resume(control)

    assert resumed == ("A", "B", "C", ROOT)
    assert started(control) == {ROOT, "A", "B", "C"}
