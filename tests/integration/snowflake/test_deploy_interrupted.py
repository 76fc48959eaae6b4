"""Ctrl-C in the middle of a deployment: how the graph stands is told, and how to go on."""

from __future__ import annotations

import click
import pytest

from sf_ml_framework.cli import faults
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.deploy.faults import Interrupted
from tests.integration.snowflake.deploy_graphs import (
    BY,
    PROJECT,
    ROOT,
    Interrupting,
    root,
    task,
)
from tests.unit.cli.streams import output_to

GRAPH = (root(), task("A", ROOT), task("B", "A"))
EDITED = (root(), task("A", ROOT, body="select 7"), task("B", "A"))
SUSPENDED = "the graph is suspended"


def press() -> None:
    """Do what Ctrl-C does."""
    raise KeyboardInterrupt


@pytest.fixture
def stopped(site):
    """Return what is told when a deployment of three statements is stopped at one of them."""
    site.deploy(GRAPH)

    def at(number: int, *, done: bool) -> Interrupted:
        platform = Interrupting(site.platform, number, press, done=done)
        with pytest.raises(Interrupted) as caught:
            site.deployer(platform).apply(site.plan(EDITED), BY)
        return caught.value

    return at


def test_a_graph_that_stays_suspended_is_told_with_both_ways_on(site, stopped):
    error = stopped(2, done=False)

    assert not site.tasks(EDITED)[ROOT].started
    assert f"stopped at statement 2 of 3; {SUSPENDED}" in str(error)
    assert "deploy again to finish it, or `mlops rollback` to go back" in error.remedy
    assert site.history.deployments(PROJECT)[0].status == "failed"
    assert site.history.holder() is None


@pytest.mark.parametrize("done", [True, False])
def test_a_statement_that_may_have_arrived_is_told_both_ways(site, stopped, done):
    """Who presses Ctrl-C while it is on its way learns not whether it was carried out."""
    error = stopped(1, done=done)

    assert site.tasks(EDITED)[ROOT].started is not done
    assert "the graph still stands as it was" in str(error)
    assert f"or, if statement 1 was carried out, {SUSPENDED}" in str(error)


def test_a_graph_that_was_started_again_is_not_called_suspended(site, stopped):
    error = stopped(3, done=True)

    assert site.tasks(EDITED)[ROOT].started
    assert "or, if statement 3 was carried out, the graph is the new one, and started" in str(error)


def test_the_next_deployment_finishes_it(site, stopped):
    stopped(2, done=False)

    site.deploy(EDITED)

    assert site.tasks(EDITED)[ROOT].started


def test_a_person_reads_it_after_the_word_stopped_and_the_exit_code_is_130(stopped):
    error = stopped(2, done=False)

    @click.command()
    def deploy() -> None:
        raise error

    with pytest.raises(click.Abort) as aborted:
        deploy.main([], standalone_mode=False)
    invocation = Invocation(["deploy"])
    invocation.output, _, err = output_to()

    assert faults.tell(aborted.value, invocation) == 130
    assert err.getvalue() == f"stopped: {error}\n  remedy: {error.remedy}\n"


def test_of_other_commands_only_the_word_is_told():
    invocation = Invocation(["list"])
    invocation.output, _, err = output_to()

    assert faults.tell(click.Abort(), invocation) == 130
    assert err.getvalue() == "stopped\n"
