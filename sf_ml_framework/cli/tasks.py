"""``tasks``: operate the graph of tasks that a project was deployed as."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from sf_ml_framework.cli import words
from sf_ml_framework.cli.approving import approval_options
from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.groups import Group, Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import completes_nodes, names_in
from sf_ml_framework.cli.tasks_logs import logs
from sf_ml_framework.cli.tasks_opened import open_graph
from sf_ml_framework.cli.tasks_run import run
from sf_ml_framework.cli.tasks_status import status
from sf_ml_framework.cli.where import same_place


@click.group(cls=Group, subcommand_metavar="COMMAND ...")
def tasks() -> None:
    """Operate the graph of tasks that the project was deployed as.

    Each node is a task that runs a container. A task is named as its node, or as in Snowflake.

    Examples:
        mlops tasks create --target dev
        mlops tasks resume
        mlops tasks run --param n_trials=30 --wait
        mlops tasks status --watch
        mlops tasks logs train_model
    """


tasks_option = click.option(
    "--tasks",
    "only",
    multiple=True,
    metavar="NAMES",
    shell_complete=completes_nodes,
    help="Only these, with commas or repeated; names of nodes or of tasks.",
)


@tasks.command(cls=Subcommand)
@target_option
@click.option("--tag", default="", metavar="TAG", help="Tag of the image; by default the target's.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@approval_options
@connection_options
@click.pass_context
def create(context: click.Context, /, **wanted: Any) -> None:
    """Make the graph of tasks in the account; the same as `mlops deploy`.

    Shows what would change, and asks. Run again it changes what differs, or nothing.

    Examples:
        mlops tasks create --target dev
        mlops tasks create --target prod --tag 4f2a91c --yes
    """
    from sf_ml_framework.cli.deploying import deploy

    given: dict[str, Any] = {each.name: each.default for each in deploy.params if each.name}
    wanted["file"] = None
    exposed = {each.name for each in deploy.params if each.expose_value and each.name}
    plain = {name: value for name, value in {**given, **wanted}.items() if name in exposed}
    context.invoke(deploy, **plain)


@tasks.command(cls=Subcommand)
@tasks_option
@target_option
@connection_options
@click.pass_obj
def resume(invocation: Invocation, /, only: tuple[str, ...], target: str) -> None:
    """Let tasks run: all of them, or some.

    Children are resumed before the root, which then runs on its schedule. A root without a schedule
    cannot be resumed, only run: `mlops tasks run`.

    Examples:
        mlops tasks resume
        mlops tasks resume --tasks train_model,evaluate_model
        mlops tasks resume --tasks task_train_model
    """
    from sf_ml_framework.deploy import graph_runs

    with open_graph(invocation, target) as opened:
        graph, resumed = graph_runs.resume(opened.control, names_in(only))
    output = invocation.output
    _tell("resumed", resumed, "all of them were resumed already", invocation)
    if not graph.schedule:
        output.talk(
            f"{graph.root.name} has no schedule, so it stays suspended;"
            f" start a run with `{invocation.program} tasks run{same_place(target)}`"
        )
    elif graph.root.name not in resumed and not graph.root.started:
        output.talk(
            f"the root {graph.root.name} is still suspended, so nothing runs on its schedule;"
            f" resume it with `{invocation.program} tasks resume{same_place(target)}`"
        )


@tasks.command(cls=Subcommand)
@tasks_option
@target_option
@connection_options
@click.pass_obj
def suspend(invocation: Invocation, /, only: tuple[str, ...], target: str) -> None:
    """Keep tasks from running: the whole graph, or some of it.

    Without --tasks the root is suspended, and no run begins by itself. A run passes over a task
    that is suspended as if it had succeeded. What runs now goes on; `mlops tasks cancel` ends it.

    Examples:
        mlops tasks suspend
        mlops tasks suspend --tasks evaluate_model
    """
    from sf_ml_framework.deploy import graph_runs

    with open_graph(invocation, target) as opened:
        graph, suspended = graph_runs.suspend(opened.control, names_in(only))
        going = opened.control.flights(graph).going
    _tell("suspended", suspended, "it was suspended already", invocation)
    for run_id in going:
        line = f"{invocation.program} tasks cancel {run_id}{same_place(target)}"
        invocation.output.talk(f"run {run_id} goes on; end it with `{line}`")


@tasks.command(cls=Subcommand)
@click.argument("run_id", metavar="[RUN]", required=False, default="")
@target_option
@connection_options
@click.pass_obj
def cancel(invocation: Invocation, /, run_id: str, target: str) -> None:
    """Cancel the runs that go on.

    Their containers are told to stop, and killed after 30 seconds. RUN is the one that is meant,
    or the run of a single node that `mlops exec --target` began; Snowflake cancels all runs of a
    graph at once, so where several go on none can be singled out.

    Examples:
        mlops tasks cancel
        mlops tasks cancel 01b2f0c4
    """
    from sf_ml_framework.deploy import graph_jobs, graph_runs

    with open_graph(invocation, target) as opened:
        job = None
        if run_id and graph_jobs.is_run_of_one_node(run_id):
            job = opened.jobs.named(graph_jobs.job_name(opened.target, run_id))
        if job is not None and job.status not in graph_jobs.OVER:
            opened.jobs.cancel(job.name)
            cancelled: tuple[str, ...] = (run_id,)
        else:
            cancelled = graph_runs.cancel(opened.control, run_id)
    for each in cancelled:
        invocation.output.text(f"cancelled {each}")
    if not cancelled:
        invocation.output.text("no run goes on")


@tasks.command(cls=Subcommand)
@target_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@click.pass_obj
def drop(invocation: Invocation, /, target: str, *, yes: bool) -> None:
    """Drop the tasks of the graph, and nothing else.

    Tables, models, pools and the history of runs stay. `mlops tasks create` makes the tasks anew;
    runs from before cannot be retried from where they stopped then.

    Examples:
        mlops tasks drop --target dev
        mlops tasks drop --target dev --yes
    """
    from sf_ml_framework.cli.deployer import agreed
    from sf_ml_framework.deploy import graph_runs

    with open_graph(invocation, target) as opened:
        graph = opened.control.graph()
        for run_id in opened.control.flights(graph).going:
            invocation.output.talk(f"run {run_id} goes on, and ends as it began")
        count = words.plural(len(graph.by_name), "task")
        if not agreed(invocation, f"drop the {count} of {graph.root.name}?", yes=yes):
            return
        _, dropped = graph_runs.drop(opened.control)
    _tell("dropped", dropped, "", invocation)


def _tell(done: str, names: Iterable[str], none: str, invocation: Invocation) -> None:
    for name in names:
        invocation.output.text(f"{done} {name}")
    if not list(names) and none:
        invocation.output.text(none)


for _command in (status, run, logs):
    tasks.add_command(_command)
