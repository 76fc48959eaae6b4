"""``tasks logs``: what the container of a node printed, while it runs and long after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.faults import INTERRUPTED
from sf_ml_framework.cli.groups import Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import node_argument
from sf_ml_framework.cli.output import Output
from sf_ml_framework.cli.tasks_opened import open_graph
from sf_ml_framework.cli.tasks_told import printed
from sf_ml_framework.cli.where import same_place
from sf_ml_framework.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from sf_ml_framework.cli.tasks_opened import OpenedGraph
    from sf_ml_framework.deploy.graph_ports import Job, TaskRun


@click.command(cls=Subcommand, exits=(0, 2, 3, 4, 130))
@node_argument
@click.option(
    "--run",
    "run_id",
    metavar="RUN",
    default="",
    help="Of this run, or its beginning; by default the newest in which the node ran.",
)
@click.option("--follow", "-f", is_flag=True, help="Go on until its container has ended.")
@click.option(
    "--tail", type=click.IntRange(min=1), metavar="N", help="Only the last lines, so many."
)
@click.option("--raw", is_flag=True, help="The lines as they were printed, of JSON.")
@target_option
@connection_options
@click.pass_obj
def logs(
    invocation: Invocation,
    /,
    node: str,
    run_id: str,
    target: str,
    *,
    follow: bool,
    tail: int | None,
    raw: bool,
) -> None:
    """Print what the container of a node printed.

    From the container while it is there, and from the account's event table afterwards. Where no
    container ever started, what Snowflake said instead.

    Examples:
        mlops tasks logs train_model
        mlops tasks logs train_model --follow
        mlops tasks logs train_model --run 01b2f0c4 --tail 50
    """
    output = invocation.output
    show = str if raw else printed
    more = same_place(target)
    with open_graph(invocation, target) as opened:
        job = _job(opened, node, run_id, lambda words: f"{invocation.program} {words}{more}")
        if follow and not job.ended:
            try:
                _follow(opened, job, output, show, tail)
            except KeyboardInterrupt:
                raise click.exceptions.Exit(INTERRUPTED) from None
            return
        lines = _lines(opened, job, tail or 0)
    for line in lines:
        output.text(show(line))
    if not lines:
        output.talk(_why_silent(job))


def _job(opened: OpenedGraph, node: str, run_id: str, line: Callable[[str], str]) -> Job:
    """Return the job of a node in a run; *line* makes of words what is typed next.

    Raises:
        DataError: none was made; says what Snowflake said.
        UnknownNameError: there is no such node or run.
    """
    from sf_ml_framework.deploy import graph_jobs, graph_runs

    if graph_jobs.is_run_of_one_node(run_id):
        job = opened.jobs.named(graph_jobs.job_name(opened.target, run_id))
        if job is None:
            raise UnknownNameError(kind="run of one node", name=run_id, known=())
        return job
    graph = opened.control.graph()
    (task,) = graph_runs.chosen(graph, [node])
    runs = (
        [graph_runs.named_run(opened.control, graph, run_id)]
        if run_id
        else opened.control.runs(graph, limit=20)
    )
    for each in runs:
        found = opened.control.task_runs(graph, each.run_id).get(task)
        if found is not None:
            return _job_of(opened, node, each.run_id, found, line)
    where = f"run {run_id}" if run_id else "the runs of the last seven days"
    raise DataError(
        f"{node} did not run in {where}", remedy=f"see what did with `{line('tasks status')}`"
    )


def _job_of(
    opened: OpenedGraph, node: str, run_id: str, run: TaskRun, line: Callable[[str], str]
) -> Job:
    jobs = opened.jobs.of_queries([run.query_id], run.started) if run.started else {}
    if run.query_id in jobs:
        return jobs[run.query_id]
    raise DataError(
        f"no container of {node} started in run {run_id}: "
        f"{run.error or f'its task is {run.state.lower()}'}",
        remedy=f"mend what it names, then: {line(f'retry {run_id}')}" if run.error else "",
    )


def _lines(opened: OpenedGraph, job: Job, lines: int) -> Sequence[str]:
    """Return the lines of a job, wherever they still are."""
    return opened.jobs.tail(job, lines) or opened.jobs.kept(job, lines)


def _follow(
    opened: OpenedGraph, job: Job, output: Output, show: Callable[[str], str], tail: int | None
) -> None:
    from sf_ml_framework.deploy.graph_jobs import followed

    first = True
    for _, lines in followed(opened.jobs, job.name):
        shown = lines[-tail:] if first and tail else lines
        first = first and not lines
        for line in shown:
            output.text(show(line))


def _why_silent(job: Job) -> str:
    if not job.ended:
        return f"its container has printed nothing yet; the job is {job.status.lower()}"
    said = f": {job.message}" if job.message else ""
    return (
        f"nothing is kept of what it printed; the job ended as {job.status}{said} (the event table"
        " may lag by minutes, and a target with log_level NONE keeps nothing)"
    )
