"""The trace of one node in a container of an account: the same ids as everywhere, and no context.

A container sends its node's span, and a job that is no task's the span of its run too. The run of
a graph has no process of its own: ``mlops trace`` sends its span afterwards.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sf_ml_framework.errors import FrameworkError
from sf_ml_framework.run.ports import Journal
from sf_ml_framework.run.records import NodeRun
from sf_ml_framework.targets import Target
from sf_ml_framework.telemetry.tracing import Tracing, tracing

_LOGGER = logging.getLogger(__name__)


@contextmanager
def traced(
    root: Path, target: Target, project: str, journal: Journal, *, alone: bool
) -> Iterator[Callable[[NodeRun], NodeRun]]:
    """Yield what sends a node's trace and returns the node; nothing of it fails the node."""
    found = tracing(target.telemetry, root, project, target=target.name, inside=True)
    began = time.time_ns()

    def send(node_run: NodeRun) -> NodeRun:
        if found is not None:
            found.node(node_run, start=began, end=time.time_ns())
            if alone:
                _send_run(found, journal, node_run)
        return node_run

    try:
        yield send
    finally:
        if found is not None and (trouble := found.close()):
            _LOGGER.warning("%s", trouble)


def _send_run(found: Tracing, journal: Journal, node_run: NodeRun) -> None:
    try:
        found.run(journal.run(node_run.run_id), [node_run])
    except FrameworkError as error:
        _LOGGER.warning("the run's span is not sent: %s", error)
