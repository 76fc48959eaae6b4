"""Streams for tests: what a command writes to, terminal or not, in any encoding."""

from __future__ import annotations

import io
import re

from sf_ml_framework.cli.output import Output

_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain(text: str) -> str:
    """Return *text* without what steers a terminal."""
    return _STEERING.sub("", text)


class Stream(io.StringIO):
    """A text stream that keeps what is written; a terminal when it is told so."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__()
        self._terminal = terminal
        self._encoding = encoding

    @property
    def encoding(self) -> str:
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        # A real stream of this encoding would raise here.
        text.encode(self._encoding)
        return super().write(text)


def output_to(
    stdout: Stream | None = None, *, quiet: bool = False
) -> tuple[Output, Stream, Stream]:
    """Return an output with its two streams."""
    out, err = stdout or Stream(), Stream()
    return Output(out, err, quiet=quiet), out, err
