"""``run`` and ``exec``: run the pipeline, a part of it, or one node in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec

from sf_ml_framework.cli import faults
from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.connection_options import completes_targets
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import (
    data_format_option,
    format_option,
    inputs_option,
    names_in,
    node_argument,
    outputs_option,
    params_option,
    selection_options,
)
from sf_ml_framework.cli.output import Form
from sf_ml_framework.cli.where import where_options, where_options_but_target
from sf_ml_framework.cli.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from sf_ml_framework.cli.output import Output
    from sf_ml_framework.run.process import WorkerProcess
    from sf_ml_framework.run.records import NodeRun, RunRecord
    from sf_ml_framework.run.runner import RunRequest


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed after ``run``."""

    nodes: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]
    tags: tuple[str, ...]
    params: tuple[str, ...]
    inputs: str
    outputs: str
    force: bool
    fail_fast: bool
    workers: int | None
    wait: bool
    data_format: Literal["csv", "parquet"] | None
    form: Form


@click.command(cls=Command)
@selection_options
@params_option
@inputs_option
@outputs_option
@click.option("--force", is_flag=True, help="Skip nothing, changed or not.")
@click.option("--fail-fast", is_flag=True, help="Begin no further node once one has failed.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Most nodes at once; 0 is one for each processor.",
)
@click.option("--wait", is_flag=True, help="Wait for another run in this folder to end.")
@data_format_option
@format_option
@where_options
@click.pass_obj
def run(invocation: Invocation, /, **options: Any) -> None:
    """Run the pipeline, or a part of it.

    Skips each node whose code, parameters, inputs and libraries are those of an earlier run, and
    says why it runs the others. When a node fails, the others that do not need it still run, and
    the last line is the command that resumes. The report of the run is in data/report.html.

    Examples:
        mlops run
        mlops run --from train_model
        mlops run --nodes +train_model --params n_trials=30
        mlops run --inputs '{"num_customers": 5000}' --force
    """
    asked = RunOptions(**options)
    output = invocation.output
    # JSON and CSV own standard output; a person's progress then goes beside it.
    stream = output.stdout if asked.form == "table" else output.stderr
    with (
        open_workspace(invocation, asked.data_format, anywhere=True) as workspace,
        early_worker(workspace) as early,
    ):
        request = request_of(workspace, invocation, asked)

        from sf_ml_framework.cli import report
        from sf_ml_framework.cli.progress import progress_on
        from sf_ml_framework.cli.telemetry import traced

        progress = progress_on(output, stream, verbose=bool(invocation.verbose))
        progress.at_first_node = report.prepare
        with closing(progress), traced(workspace, output, progress) as observer:
            record = workspace.runner(observer, asked.workers, early).run(request)
        code = _told(workspace, record, progress.resume_command, asked.form, output)
    if code:
        raise click.exceptions.Exit(code)


def _told(workspace: Workspace, record: RunRecord, resume: str, form: Form, output: Output) -> int:
    """Tell how a run ended, its report included, and return the exit code."""
    from sf_ml_framework.cli import report, summary

    nodes = in_order(record, workspace.journal.node_runs(record.run_id))
    page = report.after_run(workspace, record, nodes, output)
    found: Any = {"resume": resume, "page": page}
    summary.tell_failures(workspace, nodes, output)
    if form == "table":
        summary.tell(workspace, record, nodes, output, **found)
    else:
        summary.show(record, nodes, form, output, **found)
    return summary.exit_code(record, nodes)


@click.command(cls=Command)
@node_argument
@params_option
@inputs_option
@outputs_option
@data_format_option
@click.option(
    "-t",
    "--target",
    "--env",
    "target",
    metavar="NAME",
    shell_complete=completes_targets,
    help="Run it there, as a job in its compute pool, and not in this process.",
)
@click.option(
    "--tag",
    default="",
    metavar="TAG",
    help="With --target: tag of the image; by default that of the node's task.",
)
@click.option(
    "--wait/--no-wait", default=True, help="With --target: wait for its end, the default, or not."
)
@format_option
@where_options_but_target
@click.pass_obj
def execute(
    invocation: Invocation, /, node: str, form: Form, target: str | None, **options: Any
) -> None:
    """Run one node by itself, now.

    In this process and whether or not it has changed: what it prints appears at once, and a
    debugger works in it. Its inputs must be there. A container runs a node in the same way; with
    --target it is a container in the account's compute pool.

    Examples:
        mlops exec train_model
        mlops exec generate_sample_data --inputs '{"num_customers": 50}'
        mlops exec score --inputs '{"customers": "data/today.csv"}'
        mlops exec train_model --target dev --params n_trials=3
    """
    if target:
        from sf_ml_framework.cli.job import execute_in_pool

        execute_in_pool(invocation, node, target, form, options)
    else:
        _execute_here(invocation, node, form, options)


def _execute_here(invocation: Invocation, node: str, form: Form, options: dict[str, Any]) -> None:
    import logging

    from sf_ml_framework.cli import summary
    from sf_ml_framework.cli.telemetry import trace_node
    from sf_ml_framework.run import logs, overrides
    from sf_ml_framework.run.interrupts import Stopped, stop_on_signals

    output = invocation.output
    with open_workspace(invocation, options["data_format"], anywhere=True) as workspace:
        workspace.node(node)
        logging.basicConfig(level=logging.INFO, format=logs.FORMAT)
        if not invocation.debug:
            logs.quieten_libraries()
        changed = overrides.parse(options["inputs"], options["outputs"], options["params"])
        try:
            with stop_on_signals(), output.keeping_results_apart(form != "table"):
                node_run = workspace.once().run(node, changed, command=invocation.command_line)
            trace_node(workspace, output, node_run)
        except Stopped as stopped:
            output.complain(f"{node} was stopped: {stopped}")
            raise click.exceptions.Exit(faults.INTERRUPTED) from None
        summary.tell_failures(workspace, [node_run], output)
        summary.show_node(node_run, form, output)
    if node_run.exit_code:
        raise click.exceptions.Exit(node_run.exit_code)


@contextmanager
def early_worker(workspace: Workspace) -> Iterator[WorkerProcess]:
    """Start a worker while this process still imports what it needs to know whether it needs one.

    A project whose settings cannot be read starts none.
    """
    from sf_ml_framework.run.process import WorkerProcess

    worker = WorkerProcess(workspace.worker_command(), workspace.root)
    # What must be imported to compile the project will be imported to run it: both at once.
    workspace.on_import = worker.warm
    try:
        yield worker
    finally:
        worker.close()


def request_of(workspace: Workspace, invocation: Invocation, asked: RunOptions) -> RunRequest:
    """Return what *asked* means for this project.

    Raises:
        UsageError: a name, a parameter or a JSON text cannot be.
    """
    from sf_ml_framework.manifest import graph
    from sf_ml_framework.run import overrides
    from sf_ml_framework.run.runner import RunRequest

    changed = overrides.parse(asked.inputs, asked.outputs, asked.params)
    flags: list[str] = []
    if invocation.project is not None:
        flags.append(f"--project={invocation.project}")
    if asked.data_format:
        flags.append(f"--data-format={asked.data_format}")
    if asked.workers is not None:
        flags.append(f"--workers={asked.workers}")
    flags.extend(workspace.where.words)
    return RunRequest(
        selection=graph.select(
            workspace.manifest,
            nodes=names_in(asked.nodes),
            first=names_in(asked.first),
            last=names_in(asked.last),
            tags=names_in(asked.tags),
        ),
        overrides=changed,
        force=asked.force,
        keep_going=not asked.fail_fast,
        wait=asked.wait,
        command=invocation.command_line,
        program=f"{invocation.program} run",
        flags=tuple(flags),
    )


def in_order(record: RunRecord, nodes: Any) -> list[NodeRun]:
    """Return the nodes of a run in the order of the pipeline."""
    rank = {name: place for place, name in enumerate(record.selection)}
    return sorted(nodes, key=lambda node_run: rank.get(node_run.node, len(rank)))
