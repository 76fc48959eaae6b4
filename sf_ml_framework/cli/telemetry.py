"""Traces of what a command runs: opened where they are asked for, and sent by its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sf_ml_framework.cli.output import Output
from sf_ml_framework.cli.workspace import Workspace
from sf_ml_framework.errors import FrameworkError

if TYPE_CHECKING:
    from sf_ml_framework.run.ports import Observer
    from sf_ml_framework.run.records import NodeRun
    from sf_ml_framework.telemetry.tracing import Tracing


@contextmanager
def opened(workspace: Workspace, output: Output) -> Iterator[Tracing | None]:
    """Open the traces of this machine where they are asked for; send what is left at the end."""
    from sf_ml_framework.telemetry.tracing import tracing

    setting = workspace.settings.local.telemetry
    where = workspace.target.name if workspace.mode == "snowflake" else ""
    found = tracing(setting, workspace.root, workspace.manifest.project, target=where)
    try:
        yield found
    finally:
        if found is not None and (trouble := found.close()):
            output.talk(trouble)


@contextmanager
def traced(workspace: Workspace, output: Output, progress: Observer) -> Iterator[Observer]:
    """Yield what tells *progress* of a run, and its traces where they are asked for."""
    with opened(workspace, output) as found:
        if found is None:
            yield progress
            return
        from sf_ml_framework.telemetry.tracing import Together

        yield Together(progress, found)


def trace_node(workspace: Workspace, output: Output, node_run: NodeRun) -> None:
    """Send the trace of a node that ran in this process, and of its run."""
    with opened(workspace, output) as found:
        if found is None:
            return
        found.node(node_run)
        try:
            found.run(workspace.journal.run(node_run.run_id), [node_run])
        except FrameworkError as error:
            output.talk(f"the run's span is not sent: {error}")
