"""One run, told to a destination while it goes on."""

from __future__ import annotations

import logging
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import sf_ml_framework
from sf_ml_framework.manifest.model import NodeSpec
from sf_ml_framework.run.ports import Observer
from sf_ml_framework.run.records import NodeRun, Reason, RunRecord
from sf_ml_framework.telemetry import spans
from sf_ml_framework.telemetry.destination import Destination, destination
from sf_ml_framework.telemetry.ids import Ids, ids_of

if TYPE_CHECKING:
    from sf_ml_framework.telemetry.exporting import Exporting

_LOGGER = logging.getLogger(__name__)
EXTRA = "pip install 'sf-ml-framework[otel]'"


class Tracing(Observer):
    """Sends a span for each node as it ends, and one for the run. Nothing of it fails a run.

    Args:
        exporting: sends; closed by ``close``.
        project: what runs.
        target: the environment in an account; empty on a laptop.
    """

    def __init__(self, exporting: Exporting, project: str, target: str = "") -> None:
        self._exporting = exporting
        self._project, self._target = project, target
        self._run: RunRecord | None = None
        self._ids: Ids | None = None
        self._began: dict[str, int] = {}
        self._events: defaultdict[str, list[spans.Event]] = defaultdict(list)
        self._nodes: list[NodeRun] = []

    def run_started(self, run: RunRecord) -> None:
        """Remember the run."""
        self._run, self._ids = run, ids_of(run.run_id)

    def node_started(self, node: NodeSpec, reason: Reason, attempt: int) -> None:
        """Remember when; a further attempt is an event."""
        now = time.time_ns()
        self._began.setdefault(node.name, now)
        if attempt > 1:
            self._events[node.name].append(
                spans.Event(name="retry", at=now, attributes={"mlops.node.attempt": attempt})
            )

    def node_finished(self, node_run: NodeRun) -> None:
        """Send the node."""
        self._nodes.append(node_run)
        began = self._began.get(node_run.node, 0)
        self.node(
            node_run,
            start=began,
            end=time.time_ns() if began else 0,
            events=tuple(self._events[node_run.node]),
        )

    def tick(self) -> None:
        """Time passes; the SDK's own thread sends."""

    def run_finished(self, run: RunRecord, resume_command: str) -> None:
        """Send the run."""
        self.run(run, self._nodes)

    def node(
        self,
        node_run: NodeRun,
        *,
        start: int = 0,
        end: int = 0,
        events: tuple[spans.Event, ...] = (),
    ) -> None:
        """Send the span of a node and count it; ``start`` and ``end`` are nanoseconds."""
        if not node_run.started and not start:
            return  # It never began, for another failed: there is no time that it took.
        try:
            self._node(node_run, start, end, events)
        except Exception as error:  # noqa: BLE001 -- what cannot be told must not fail what ran
            _LOGGER.warning("the span of %s is not sent: %s", node_run.node, error)

    def _node(
        self, node_run: NodeRun, start: int, end: int, events: tuple[spans.Event, ...]
    ) -> None:
        ids = self._ids or ids_of(node_run.run_id)
        self._exporting.span(
            spans.of_node(
                node_run, self._project, ids, target=self._target, start=start, end=end,
                events=events,
            )
        )  # fmt: skip
        self._exporting.node(node_run, self._project, self._target)

    def run(self, run: RunRecord, nodes: list[NodeRun]) -> None:
        """Send the span of a run."""
        try:
            self._exporting.span(spans.of_run(run, self._ids or ids_of(run.run_id), nodes))
        except Exception as error:  # noqa: BLE001 -- as of a node
            _LOGGER.warning("the span of run %s is not sent: %s", run.run_id, error)

    def send(self, found: list[spans.Span]) -> None:
        """Send *found* as they are."""
        for span in found:
            self._exporting.span(span)

    def close(self) -> str:
        """Send what is left, for some seconds at most; return what a person should know."""
        return self._exporting.close()


def tracing(
    setting: str,
    root: Path,
    project: str,
    *,
    target: str = "",
    inside: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Tracing | None:
    """Return what sends the traces of a run; none where nobody asks for it.

    Args:
        setting: ``telemetry`` of ``mlops.yml``.
        root: the project's folder.
        project: its name.
        target: the environment in an account.
        inside: whether this is a container of an account.
        environ: the variables.
    """
    where = destination(setting, root, environ, inside=inside)
    return opened(where, project, target) if where is not None else None


def opened(where: Destination, project: str, target: str = "") -> Tracing | None:
    """Return what sends to *where*; none, and a word to the log, where it cannot be had."""
    try:
        from sf_ml_framework.telemetry.exporting import Exporting

        exporting = Exporting(where, project, sf_ml_framework.__version__)
    except ImportError as error:
        # Variables may be there for other programs; only the project's own wish is worth a warning.
        level = logging.WARNING if where.asked else logging.DEBUG
        missing = (
            f"{EXTRA}"
            if where.kind != "grpc"
            else (f"{EXTRA} opentelemetry-exporter-otlp-proto-grpc")
        )
        _LOGGER.log(level, "no telemetry is sent, for %s: %s", error, missing)
        return None
    except (ValueError, OSError) as error:
        _LOGGER.warning("no telemetry is sent: %s", error)
        return None
    return Tracing(exporting, project, target)


class Together(Observer):
    """Tells several observers the same, the first one first."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def run_started(self, run: RunRecord) -> None:
        """Tell them."""
        for each in self._observers:
            each.run_started(run)

    def node_started(self, node: NodeSpec, reason: Reason, attempt: int) -> None:
        """Tell them."""
        for each in self._observers:
            each.node_started(node, reason, attempt)

    def node_finished(self, node_run: NodeRun) -> None:
        """Tell them."""
        for each in self._observers:
            each.node_finished(node_run)

    def tick(self) -> None:
        """Tell them."""
        for each in self._observers:
            each.tick()

    def run_finished(self, run: RunRecord, resume_command: str) -> None:
        """Tell them."""
        for each in self._observers:
            each.run_finished(run, resume_command)
