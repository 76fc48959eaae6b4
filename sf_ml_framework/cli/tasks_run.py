"""``tasks run``: start a run of the deployed graph, with changes for this run alone."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.groups import Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import inputs_option, outputs_option
from sf_ml_framework.cli.tasks_opened import (
    config_of,
    open_graph,
    task_format_option,
    wait_option,
)
from sf_ml_framework.cli.tasks_waiting import lines_for, see_through
from sf_ml_framework.cli.where import same_place

param_option = click.option(
    "--param",
    "--params",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Give a parameter another value; repeatable. NODE.NAME is that of one node.",
)


@click.command(cls=Subcommand, exits=(0, 1, 2, 3, 4, 130))
@param_option
@inputs_option
@outputs_option
@click.option("--force", is_flag=True, help="Skip nothing, changed or not.")
@wait_option
@target_option
@task_format_option
@connection_options
@click.pass_obj
def run(invocation: Invocation, /, target: str, form: str, *, wait: bool, **options: Any) -> None:
    """Start a run of the graph now, suspended or not.

    What is changed holds for this run alone. Nodes whose results still hold are skipped. With
    --wait each node is told as it ends, and a failed one with its traceback; Ctrl-C ends the
    waiting, not the run.

    Examples:
        mlops tasks run --wait
        mlops tasks run --param n_trials=30 --param train_model.seed=7
        mlops tasks run --inputs '{"num_customers": 5000}' --force
    """
    from sf_ml_framework.deploy.graph_runs import Runs

    with open_graph(invocation, target) as opened:
        changed = config_of(opened, options)
        graph = opened.control.graph()
        if graph.suspended:
            passed = ", ".join(graph.suspended)
            invocation.output.talk(
                f"suspended, so this run passes over them: {passed};"
                f" `{invocation.program} tasks resume{same_place(target)}` lets them run"
            )
        runs = Runs(opened.control, lines_for(invocation, graph, form))
        marker = runs.ask(graph, msgspec.to_builtins(changed))
        see_through(
            invocation,
            opened,
            graph,
            runs,
            marker=marker,
            wait=wait,
            form=form,
            more=same_place(target),
        )
