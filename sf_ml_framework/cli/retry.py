"""``retry``: repair a run of the deployed graph, from where it failed or as far as results hold."""

from __future__ import annotations

import click

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.tasks_opened import (
    open_graph,
    task_format_option,
    wait_option,
)
from sf_ml_framework.cli.tasks_waiting import lines_for, see_through
from sf_ml_framework.cli.where import same_place


@click.command(cls=Command)
@click.argument("run", metavar="RUN")
@click.option(
    "--new", "fresh", is_flag=True, help="Start a new run even where RETRY LAST would do."
)
@wait_option
@target_option
@task_format_option
@connection_options
@click.pass_obj
def retry(
    invocation: Invocation, /, run: str, target: str, form: str, *, fresh: bool, wait: bool
) -> None:
    """Repair a run that failed or was cancelled.

    Where the graph and its image are as they were, Snowflake goes on where the run stopped (RETRY
    LAST). Else, as after a mended node was deployed, a new run with the same configuration begins,
    and each node whose result still holds is skipped in it. Says which of the two it does, and why.
    RUN is the id of a run, its beginning, or `last`.

    Examples:
        mlops retry last --wait
        mlops retry 01b2f0c4
        mlops retry last --new
    """
    from sf_ml_framework.deploy.graph_runs import Runs, repair

    output = invocation.output
    more = same_place(target)
    with open_graph(invocation, target) as opened:
        graph = opened.control.graph()
        runs = Runs(opened.control, lines_for(invocation, graph, form))
        done, marker = repair(runs, opened.control, graph, run, fresh=fresh)
        if done.way == "retry_last":
            output.talk(f"RETRY LAST of run {done.run.run_id}: {done.why}")
            see_through(
                invocation, opened, graph, runs, run_id=done.run.run_id,
                attempt=done.run.attempt + 1, wait=wait, form=form, more=more,
            )  # fmt: skip
            return
        output.talk(
            f"a new run in the place of {done.run.run_id}, without the nodes whose results hold:"
            f" {done.why}"
        )
        see_through(invocation, opened, graph, runs, marker=marker, wait=wait, form=form, more=more)
