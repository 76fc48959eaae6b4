"""Progress of a run as plain lines: for a file, a pipe, or the log of a build."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from sf_ml_framework.cli.nodeline import NodeLine, Widths, line_of, widest
from sf_ml_framework.cli.output import Output, is_terminal
from sf_ml_framework.cli.words import plural
from sf_ml_framework.manifest.model import NodeSpec
from sf_ml_framework.run.ports import Observer
from sf_ml_framework.run.records import NodeRun, Reason, RunRecord
from sf_ml_framework.show.words import seconds

ALIVE_SECONDS = 30.0
"""After how long a node that still runs is mentioned again, so that a log is not silent."""


class Progress(Observer):
    """An observer that a command can close and ask how to resume; tells nothing by itself."""

    def __init__(self) -> None:
        self.resume_command = ""
        self.at_first_node: Callable[[], object] | None = None
        """Called once, while the first node begins: its process takes a while to start."""

    def run_started(self, run: RunRecord) -> None:
        """Tell nothing."""

    def node_started(self, node: NodeSpec, reason: Reason, attempt: int) -> None:
        """Tell nothing; when it is the first, use the time until its process is up."""
        prepare, self.at_first_node = self.at_first_node, None
        if prepare is not None:
            prepare()

    def node_finished(self, node_run: NodeRun) -> None:
        """Tell nothing."""

    def tick(self) -> None:
        """Tell nothing."""

    def run_finished(self, run: RunRecord, resume_command: str) -> None:
        """Keep how to resume; the summary is the command's."""
        self.resume_command = resume_command

    def close(self) -> None:
        """Leave the terminal as it was; also after an error."""


class Lines(Progress):
    """Writes one line for each node that ended, and one when a node runs long."""

    def __init__(
        self,
        output: Output,
        stream: TextIO,
        *,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._output, self._stream = output, stream
        self._verbose = verbose
        self._clock = clock
        self._running: dict[str, tuple[float, float]] = {}
        """Node → when it began, and when it was last mentioned."""
        self._widths = Widths(0, 0)
        self._total = 0
        self._ended = 0

    def run_started(self, run: RunRecord) -> None:
        """Say what is going to run."""
        self._total = len(run.selection)
        self._widths = Widths(widest(run.selection), 0)
        self._write(f"run {run.run_id}: {plural(self._total, 'node')} of {run.project}")

    def node_started(self, node: NodeSpec, reason: Reason, attempt: int) -> None:
        """Remember when; say only that it is tried again."""
        now = self._clock()
        self._running[node.name] = (now, now)
        if attempt > 1:
            self._write(f"      {node.name}: attempt {attempt}")
        super().node_started(node, reason, attempt)

    def node_finished(self, node_run: NodeRun) -> None:
        """Say how it ended."""
        self._running.pop(node_run.node, None)
        self._ended += 1
        width = len(str(self._total))
        self._write(f"[{self._ended:>{width}}/{self._total}] {self._told(line_of(node_run))}")
        if self._verbose:
            for line in node_run.log_tail:
                self._write(f"      | {line}")

    def tick(self) -> None:
        """Mention what runs for long."""
        now = self._clock()
        for node, (began, mentioned) in self._running.items():
            if now - mentioned >= ALIVE_SECONDS:
                self._running[node] = (began, now)
                self._write(f"      {node} runs since {seconds(round(now - began))}")

    def _told(self, line: NodeLine) -> str:
        return f"{line.status:<9}  {line.text(self._widths, self._stream)}"

    def _write(self, text: str) -> None:
        self._output.line(text, self._stream)


def progress_on(output: Output, stream: TextIO, *, verbose: bool = False) -> Progress:
    """Return the progress that suits *stream*: live on a terminal, plain lines elsewhere."""
    if output.quiet:
        return Progress()
    if not is_terminal(stream):
        return Lines(output, stream, verbose=verbose)
    from sf_ml_framework.cli.live import Live

    return Live(output, stream, verbose=verbose)
