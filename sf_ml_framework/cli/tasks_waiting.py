"""Waiting for runs of a graph from a terminal: Ctrl-C ends the waiting, and never the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sf_ml_framework.cli.faults import INTERRUPTED
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.tasks_told import Lines, tell_end

if TYPE_CHECKING:
    from sf_ml_framework.cli.tasks_opened import OpenedGraph
    from sf_ml_framework.deploy.graph_ports import Graph
    from sf_ml_framework.deploy.graph_runs import Runs


def lines_for(invocation: Invocation, graph: Graph, form: str) -> Lines:
    """Return what tells of progress: beside the result where a program reads that."""
    output = invocation.output
    return Lines(output, output.stdout if form == "table" else output.stderr, graph)


def see_through(
    invocation: Invocation,
    opened: OpenedGraph,
    graph: Graph,
    runs: Runs,
    *,
    marker: str = "",
    run_id: str = "",
    attempt: int = 1,
    wait: bool,
    form: str,
    more: str = "",
) -> None:
    """Find the run that was asked for, wait for its end if that is wanted, and tell of it.

    The run is the *attempt* of *run_id*, or the one just asked for that bears *marker*. *more* is
    what the line to type next must say too, such as a target.

    Raises:
        Exit: the run failed (with the code of who must act), or the waiting was stopped.
    """
    try:
        run_id = run_id or runs.begun(graph, marker, patient=wait)
        if not wait:
            _tell_begun(invocation, run_id, form, more)
            return
        ended = runs.wait(graph, run_id, attempt=attempt)
    except KeyboardInterrupt:
        _tell_stopped(invocation, run_id or runs.run_id, more)
        raise click.exceptions.Exit(INTERRUPTED) from None
    code = tell_end(
        opened,
        graph,
        ended,
        invocation.output,
        line=lambda words: f"{invocation.program} {words}{more}",
        form=form,
    )
    if code:
        raise click.exceptions.Exit(code)


def _tell_stopped(invocation: Invocation, run_id: str, more: str) -> None:
    output, program = invocation.output, invocation.program
    what = f"run {run_id}" if run_id else "the run that was asked for"
    output.complain(f"stopped waiting; {what} goes on in the account")
    output.complain(f"  look:   {program} tasks status --watch{more}")
    output.complain(f"  cancel: {program} tasks cancel {run_id}{more}".rstrip())


def _tell_begun(invocation: Invocation, run_id: str, form: str, more: str) -> None:
    output = invocation.output
    if form == "json":
        output.json({"run": run_id or None, "status": "running" if run_id else "queued"})
    elif run_id:
        output.talk(f"look: {invocation.program} tasks status --watch{more}")
    else:
        output.text("it begins when the other run has ended")
