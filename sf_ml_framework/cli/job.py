"""The half of ``exec`` that runs a node in the account: as a job in the node's compute pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from sf_ml_framework.cli.faults import INTERRUPTED
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.tasks_opened import open_graph
from sf_ml_framework.cli.where import same_place
from sf_ml_framework.errors import OperatorError, PlatformError, UnknownNameError

if TYPE_CHECKING:
    from sf_ml_framework.cli.output import Form
    from sf_ml_framework.cli.tasks_opened import OpenedGraph
    from sf_ml_framework.deploy.graph_ports import Job
    from sf_ml_framework.run.records import NodeRun


def execute_in_pool(
    invocation: Invocation, node: str, target: str, form: Form, options: dict[str, Any]
) -> None:
    """Run one node as a job in its pool; wait for it, unless told otherwise, and tell of it.

    Args:
        invocation: names the project and gets the output.
        node: its name.
        target: name in ``mlops.yml``.
        form: how the result is shown.
        options: ``inputs``, ``outputs``, ``params``, ``tag`` and ``wait``, as typed.

    Raises:
        Exit: the node failed, or the waiting was stopped.
        PlatformError: its container ended without a word.
    """
    from sf_ml_framework.deploy import graph_jobs
    from sf_ml_framework.run.run_record import new_run_id

    output, more = invocation.output, same_place(target)
    with open_graph(invocation, target) as opened:
        run_id = new_run_id()
        name = graph_jobs.job_name(opened.target, run_id)
        sql = _statement(opened, node, run_id, options)
        opened.jobs.start(sql)
        output.talk(f"run {run_id}: {node} as job {name}")
        if not options["wait"]:
            if form == "json":
                output.json({"run": run_id, "node": node, "job": name, "status": "running"})
            else:
                line = f"tasks logs {node} --run {run_id} --follow{more}"
                output.text(f"logs: {invocation.program} {line}")
            return
        try:
            job = _followed(opened, name, invocation)
        except KeyboardInterrupt:
            _tell_stopped(invocation, node, run_id, more)
            raise click.exceptions.Exit(INTERRUPTED) from None
        look = f"{invocation.program} tasks logs {node} --run {run_id}{more}"
        record = _record(opened, node, run_id, job, look)
    _tell(record, invocation, form)


def _statement(opened: OpenedGraph, node: str, run_id: str, options: dict[str, Any]) -> str:
    from sf_ml_framework.deploy import graph_jobs

    known = [each.name for each in opened.manifest.nodes]
    if node not in known:
        raise UnknownNameError(kind="node", name=node, known=known)
    changed = _typed(opened, node, options)
    return graph_jobs.statement(
        opened.manifest.node(node),
        opened.target,
        run_id,
        inputs=changed.inputs,
        outputs=changed.outputs,
        tag=options["tag"] or _deployed_tag(opened, node),
    )


def _tell_stopped(invocation: Invocation, node: str, run_id: str, more: str) -> None:
    output, tasks = invocation.output, f"{invocation.program} tasks"
    output.complain(f"stopped waiting; run {run_id} goes on in the account")
    output.complain(f"  logs:   {tasks} logs {node} --run {run_id}{more}")
    output.complain(f"  cancel: {tasks} cancel {run_id}{more}")


def _typed(opened: OpenedGraph, node: str, options: dict[str, Any]) -> Any:
    """Return the changes with every parameter among the inputs, typed as its function asks.

    Raises:
        UsageError: one of them names nothing, or gives what cannot be.
    """
    from sf_ml_framework.run import overrides
    from sf_ml_framework.run.bindings import bind

    changed = overrides.parse(options["inputs"], options["outputs"], options["params"])
    bound = bind(opened.manifest, [node], changed)[node]
    plain = {name.rpartition(".")[2] for name in changed.params}
    params = {name: value for name, value in bound.params.items() if name in plain}
    return msgspec.structs.replace(changed, inputs={**changed.inputs, **params}, params={})


def _deployed_tag(opened: OpenedGraph, node: str) -> str:
    """Return the tag of the image that the node's task runs; empty where it is not deployed."""
    try:
        graph = opened.control.graph()
    except OperatorError:
        return ""
    images = (task.image for task in graph.nodes if task.node == node)
    return next(images, "").rpartition(":")[2]


def _followed(opened: OpenedGraph, name: str, invocation: Invocation) -> Job:
    """Print what the container prints, and return its job once that is over."""
    from sf_ml_framework.cli.tasks_told import printed
    from sf_ml_framework.deploy.graph_jobs import followed

    last = None
    for job, lines in followed(opened.jobs, name):
        last = job
        for line in lines:
            invocation.output.talk(printed(line))
    assert last is not None  # noqa: S101 -- it raises where there is none
    return last


def _record(opened: OpenedGraph, node: str, run_id: str, job: Job, look: str) -> NodeRun:
    for record in opened.book.node_runs(run_id):
        if record.node == node and record.status != "running":
            return record
    code = f" with exit code {job.exit_code}" if job.exit_code else ""
    raise PlatformError(
        f"the container of {node} ended{code} and left no record: job {job.name} is {job.status}"
        f"{', ' if job.message else ''}{job.message}",
        remedy=look,
    )


def _tell(record: NodeRun, invocation: Invocation, form: Form) -> None:
    from sf_ml_framework.cli import summary

    output = invocation.output
    if record.status == "failed":
        if record.trace:
            output.complain(record.trace)
        output.fault(record.error, record.remedy)
    summary.show_node(record, form, output)
    if record.status not in ("succeeded", "skipped"):
        raise click.exceptions.Exit(record.exit_code or 1)
