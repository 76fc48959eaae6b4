"""The only place that prints: results to standard output, talk to standard error.

A result is a table for a person, JSON or CSV for a program. Nothing here imports a library for
terminals, so that showing a short table costs nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, Literal, NamedTuple, TextIO

Form = Literal["table", "json", "csv"]
"""How a command shows its result."""

Style = Literal["good", "bad", "quiet", "strong", "plain"]

_ANSI: dict[Style, str] = {"good": "32", "bad": "31", "quiet": "2", "strong": "1"}


def text_of(value: Any) -> str:
    """Return *value* as a cell for a person: lists joined by commas, nothing for none."""
    if value is None:
        return ""
    if isinstance(value, dict):
        import json

        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    return str(value)


class Column(NamedTuple):
    """One column of a table: where its value stands in a row, and how a person sees it."""

    name: str
    show: Callable[[Any], str] = text_of
    right: bool = False
    gives_way: bool = False
    """Whether it is shortened where the terminal is too narrow."""
    least: int = 12
    """Columns of the terminal that it keeps when it gives way."""
    can_go: bool = False
    """Whether it is left out where even that does not help."""
    style: Callable[[Any], Style] | None = None
    title: str = ""
    """What stands above it for a person; its name by default."""


class Output:
    """Two streams and what is known of them; lives as long as one command."""

    def __init__(self, stdout: TextIO, stderr: TextIO, *, quiet: bool = False) -> None:
        self.stdout, self.stderr, self.quiet = stdout, stderr, quiet
        for stream in (stdout, stderr):
            # A name that the terminal's encoding lacks is shown as ?, and never stops a run.
            if hasattr(stream, "reconfigure") and not _is_unicode(stream):
                stream.reconfigure(errors="replace")

    def text(self, text: str) -> None:
        """Print *text*, a result, and a line end."""
        self._write(self.stdout, text)

    def talk(self, text: str) -> None:
        """Tell a person *text*, unless they asked for quiet."""
        if not self.quiet:
            self._write(self.stderr, text)

    def complain(self, text: str) -> None:
        """Tell a person of a fault; not even quiet hides it."""
        self._write(self.stderr, text)

    @contextmanager
    def keeping_results_apart(self, wanted: bool) -> Iterator[None]:
        """Send what others print to standard error for a while, also what C code prints."""
        if not wanted:
            yield
            return
        self.stdout.flush()
        kept = os.dup(1)
        os.dup2(2, 1)
        try:
            with redirect_stdout(self.stderr):
                yield
        finally:
            self.stderr.flush()
            os.dup2(kept, 1)
            os.close(kept)

    def fault(self, message: str, remedy: str = "") -> None:
        """Tell what is wrong and what to do about it."""
        for line in self.fault_lines(message, remedy, self.stderr):
            self.complain(line)

    def fault_lines(self, message: str, remedy: str, stream: TextIO) -> list[str]:
        """Return the lines in which every fault is told."""
        told = [f"{self.styled('error:', 'bad', stream)} {message}"]
        return [*told, f"  remedy: {remedy}"] if remedy else told

    def line(self, text: str, stream: TextIO) -> None:
        """Print *text* on one of the two streams, whichever the command tells progress on."""
        self._write(stream, text)

    def json(self, value: Any) -> None:
        """Print *value* as JSON, indented; every stream can show it."""
        import json

        import msgspec

        plain = msgspec.to_builtins(value, str_keys=True)
        self.text(json.dumps(plain, indent=2, ensure_ascii=not _is_unicode(self.stdout)))

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Mapping[str, Any]],
        form: Form,
        *,
        empty: str = "",
    ) -> None:
        """Print *rows*: all of their values as JSON, or *columns* of them as a table or CSV."""
        rows = list(rows)
        if form == "json":
            self.json(rows)
        elif form == "csv":
            self._csv(columns, rows)
        elif rows:
            for line in self._lines(columns, rows):
                self.text(line)
        elif empty:
            self.talk(empty)

    def styled(self, text: str, style: Style, stream: TextIO | None = None) -> str:
        """Return *text* in *style* where *stream* (standard output) shows colours."""
        code = _ANSI.get(style)
        return (
            f"\x1b[{code}m{text}\x1b[0m"
            if code and text and has_colour(stream or self.stdout)
            else text
        )

    def _csv(self, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> None:
        import csv
        import io

        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(column.name for column in columns)
        for row in rows:
            writer.writerow(text_of(row.get(column.name)) for column in columns)
        self.text(buffer.getvalue().removesuffix("\n"))

    def _lines(self, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[str]:
        columns = _that_fit(columns, rows, terminal_width(self.stdout))
        cells = [
            [one_line(column.show(row.get(column.name))) for column in columns] for row in rows
        ]
        titles = [column.title or column.name for column in columns]
        widths = [max(map(width_of, column)) for column in zip(titles, *cells, strict=True)]
        _narrow(columns, widths, terminal_width(self.stdout))
        lines = [self.styled(_line(columns, titles, widths), "strong")]
        for row, texts in zip(rows, cells, strict=True):
            fitted = _fitted(columns, texts, widths)
            for position, column in enumerate(columns):
                if column.style:
                    style = column.style(row.get(column.name))
                    fitted[position] = self.styled(fitted[position], style)
            lines.append("  ".join(fitted).rstrip())
        return lines

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        stream.write(text + "\n")
        stream.flush()


def has_colour(stream: TextIO) -> bool:
    """Return whether *stream* is a terminal whose user wants colour (``NO_COLOR``, ``TERM``)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return is_terminal(stream)


def is_terminal(stream: TextIO) -> bool:
    """Return whether a person reads *stream* as it is written."""
    return stream.isatty() if hasattr(stream, "isatty") else False


def can_show(text: str, stream: TextIO) -> bool:
    """Return whether the encoding of *stream* has every character of *text*."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def terminal_width(stream: TextIO) -> int:
    """Return the columns of the terminal behind *stream*; 0 where there is none."""
    if not is_terminal(stream):
        return 0
    from shutil import get_terminal_size

    return get_terminal_size().columns


def one_line(text: str) -> str:
    """Return *text* without what would break a line or steer a terminal."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text)


def width_of(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text
    )


def shortened(text: str, width: int, stream: TextIO | None = None) -> str:
    """Return *text* cut to *width* columns, with a mark where something is missing."""
    if width_of(text) <= width:
        return text
    mark = "…" if can_show("…", stream or sys.stdout) else "~"
    kept = text
    while kept and width_of(kept) > width - 1:
        kept = kept[:-1]
    return kept + mark


def _is_unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") in ("utf8", "utf16")


def _that_fit(
    columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], room: int
) -> Sequence[Column]:
    """Return *columns*, the last of those that can go left out until the others fit."""
    kept = list(columns)
    least = {column.name: _least(column, rows) + 2 for column in columns}
    for column in reversed(columns):
        if room and column.can_go and sum(least[each.name] for each in kept) - 2 > room:
            kept.remove(column)
    return kept


def _least(column: Column, rows: Sequence[Mapping[str, Any]]) -> int:
    texts = [one_line(column.show(row.get(column.name))) for row in rows]
    widest = max(map(width_of, [column.title or column.name, *texts]))
    return min(widest, column.least) if column.gives_way else widest


def _narrow(columns: Sequence[Column], widths: list[int], room: int) -> None:
    """Take from the columns that give way what is more than *room*; 0 is room for everything."""
    excess = sum(widths) + 2 * (len(widths) - 1) - room if room else 0
    while excess > 0:
        giving = [
            place
            for place, column in enumerate(columns)
            if column.gives_way and widths[place] > column.least
        ]
        if not giving:
            break
        # The widest first, so that short texts stay whole.
        widths[max(giving, key=widths.__getitem__)] -= 1
        excess -= 1


def _fitted(columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int]) -> list[str]:
    fitted = []
    for column, text, width in zip(columns, texts, widths, strict=True):
        cut = shortened(text, width)
        space = " " * (width - width_of(cut))
        fitted.append(space + cut if column.right else cut + space)
    return fitted


def _line(columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(_fitted(columns, texts, widths)).rstrip()
