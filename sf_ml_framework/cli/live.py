"""Progress of a run on a terminal: nodes that ended stay, those that run move below them.

Redrawn when the run says that time passes; there is no thread of ours beside the run's.
"""

from __future__ import annotations

import time
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.text import Text

from sf_ml_framework.cli.nodeline import NodeLine, Widths, line_of, running_line, widest
from sf_ml_framework.cli.output import Output, Style, can_show, has_colour
from sf_ml_framework.cli.progress import Progress
from sf_ml_framework.cli.words import plural
from sf_ml_framework.manifest.model import NodeSpec
from sf_ml_framework.run.records import NodeRun, Reason, RunRecord

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_FRAMES = "|/-\\"
_RICH_STYLES: dict[Style, str] = {
    "good": "green",
    "bad": "red",
    "quiet": "dim",
    "strong": "bold",
    "plain": "",
}
_LEFT_FOR_OTHERS = 4
"""Lines of the terminal that the moving part leaves free."""
_MOST_WAITING = 8
"""Nodes that wait and are shown by name."""


class Live(Progress):
    """Draws a checklist; what has ended scrolls away like any other line."""

    def __init__(self, output: Output, stream: TextIO, *, verbose: bool = False) -> None:
        super().__init__()
        self._stream, self._verbose = stream, verbose
        self._console = Console(
            file=stream,
            highlight=False,
            markup=False,
            emoji=False,
            color_system="auto" if has_colour(stream) else None,
        )
        self._frames = _FRAMES if can_show(_FRAMES, stream) else _PLAIN_FRAMES
        self._frame = 0
        self._running: dict[str, tuple[float, Reason, int]] = {}
        self._waiting: dict[str, None] = {}
        self._node_width = 0
        self._live: RichLive | None = None

    def run_started(self, run: RunRecord) -> None:
        """Draw the list: nothing has begun."""
        self._waiting = dict.fromkeys(run.selection)
        self._node_width = widest(run.selection)
        title = f"{run.project}: {plural(len(run.selection), 'node')}, run {run.run_id}"
        self._console.print(Text(title, no_wrap=True, overflow="crop", style="bold"))
        self._live = RichLive(
            console=self._console,
            auto_refresh=False,
            transient=True,
            get_renderable=self._moving,
        )
        self._live.start(refresh=True)

    def node_started(self, node: NodeSpec, reason: Reason, attempt: int) -> None:
        """Let it move."""
        self._waiting.pop(node.name, None)
        self._running[node.name] = (time.monotonic(), reason, attempt)
        self._redraw()
        super().node_started(node, reason, attempt)

    def node_finished(self, node_run: NodeRun) -> None:
        """Write its line, to stay."""
        self._waiting.pop(node_run.node, None)
        self._running.pop(node_run.node, None)
        line = line_of(node_run)
        self._console.print(self._drawn(line, line.mark(self._stream)))
        if self._verbose:
            for text in node_run.log_tail:
                self._console.print(Text(f"    | {text}", style="dim"))

    def tick(self) -> None:
        """Redraw what moves."""
        self._frame += 1
        self._redraw()

    def run_finished(self, run: RunRecord, resume_command: str) -> None:
        """Let nothing move any more."""
        super().run_finished(run, resume_command)
        self.close()

    def close(self) -> None:
        """Leave the lines of what ended, and the cursor below them."""
        if self._live is not None:
            self._running, self._waiting = {}, {}
            self._live.stop()
            self._live = None

    def _redraw(self) -> None:
        if self._live is not None:
            self._live.refresh()

    def _moving(self) -> Any:
        """Return what is drawn below the lines that stay: what runs, then what waits."""
        now = time.monotonic()
        frame = self._frames[self._frame % len(self._frames)]
        room = max(1, self._console.height - _LEFT_FOR_OTHERS)
        drawn = [
            self._drawn(running_line(node, reason, attempt, now - began), frame)
            for node, (began, reason, attempt) in self._running.items()
        ]
        waiting = [NodeLine("not run", node) for node in self._waiting]
        shown = min(_MOST_WAITING, max(0, room - len(drawn) - 1))
        drawn += [self._drawn(line, line.mark(self._stream)) for line in waiting[:shown]]
        if len(waiting) > shown:
            more = f"{plural(len(waiting) - shown, 'node')}{' more' if shown else ' wait'}"
            drawn.append(Text(f"    and {more}", style="dim"))
        return Group(*drawn)

    def _drawn(self, line: NodeLine, mark: str) -> Text:
        # One column stays free: some terminals wrap a line that fills the last one.
        widths = Widths(self._node_width, max(20, self._console.width - 5))
        text = Text(no_wrap=True, overflow="crop")
        style = _RICH_STYLES[line.style]
        text.append(f"  {mark} ", style=style)
        text.append(line.text(widths, self._stream), style="dim" if style == "dim" else "")
        return text
