"""How one node of a run is told in one line, live and afterwards."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, TextIO

from sf_ml_framework.cli import words
from sf_ml_framework.cli.output import Style, can_show, one_line, shortened, width_of
from sf_ml_framework.run.records import NodeRun, Reason
from sf_ml_framework.show.words import NOT_RUN, reason, seconds, state_named

_SECONDS_WIDTH = 11
_ROWS_WIDTH = 15
_NARROW = 72
"""Columns of a line below which the rows give way to the reason."""
_MINUTE = 60
_PLAIN_MARKS = {"✓": "+", "≡": "=", "✗": "x", "■": "#", "▸": ">", "○": "-"}
"""Marks for a terminal whose encoding lacks ours."""

_STYLES: dict[str, Style] = {
    "succeeded": "good",
    "skipped": "quiet",
    "failed": "bad",
    "cancelled": "bad",
    "running": "strong",
    "not run": "quiet",
}


class Widths(NamedTuple):
    """Columns of the lines of one run."""

    node: int
    line: int
    """Columns of the terminal; 0: a line is as long as it is."""


class NodeLine(NamedTuple):
    """What one line says."""

    status: str
    """A status of the records, or ``not run``."""
    node: str
    seconds: float | None = None
    rows: int | None = None
    why: str = ""

    @property
    def style(self) -> Style:
        """How the line, or its mark, is coloured."""
        return _STYLES[self.status]

    def mark(self, stream: TextIO) -> str:
        """Return the sign of the status that *stream* can show."""
        sign = NOT_RUN.mark if self.status == "not run" else state_named(self.status).mark
        return sign if can_show(sign, stream) else _PLAIN_MARKS[sign]

    def text(self, widths: Widths, stream: TextIO) -> str:
        """Return node, seconds, rows and why, aligned, as much as fits into the terminal."""
        duration = "" if self.seconds is None else seconds(self.seconds)
        if self.status == "running" and self.seconds is not None and self.seconds < _MINUTE:
            # Tenths that flicker are harder to read than seconds that count.
            duration = f"{int(self.seconds)} s"
        name = self.node + " " * (widths.node - width_of(self.node))
        narrow = 0 < widths.line < _NARROW
        rows = "" if narrow else f"  {words.rows(self.rows):>{_ROWS_WIDTH}}"
        text = one_line(f"{name} {duration:>{_SECONDS_WIDTH}}{rows}  {self.why}").rstrip()
        return shortened(text, widths.line, stream) if widths.line else text


def line_of(node_run: NodeRun) -> NodeLine:
    """Return how *node_run*, which ended, is told."""
    counted = [saved.rows for saved in node_run.outputs if saved.rows is not None]
    status, why = node_run.status, reason(node_run.reason)
    duration: float | None = node_run.seconds
    if node_run.reason.kind == "not_started":
        return NodeLine("not run", node_run.node, why=node_run.reason.detail or "not started")
    if status == "skipped":
        why, duration = "unchanged", None
    elif status != "succeeded" and node_run.error:
        duration = node_run.seconds or None
        # The line names the node already.
        why = node_run.error.removeprefix(f"node {node_run.node!r} ").removeprefix("failed: ")
    if node_run.attempt > 1:
        why = f"{why} (attempt {node_run.attempt})"
    return NodeLine(status, node_run.node, duration, sum(counted) if counted else None, why)


def running_line(node: str, why: Reason, attempt: int, elapsed: float) -> NodeLine:
    """Return how a node is told that runs since *elapsed* seconds."""
    again = f" (attempt {attempt})" if attempt > 1 else ""
    return NodeLine("running", node, elapsed, None, reason(why) + again)


def widest(names: Collection[str]) -> int:
    """Return the columns that the names of the nodes take."""
    return max(map(width_of, names), default=0)
