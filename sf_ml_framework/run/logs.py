"""What a node prints: to a file, whoever prints it, and the last lines of it."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOBase, TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

import msgspec

TAIL_LINES = 20
_TAIL_BYTES = 16 * 1024
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


_TALKATIVE = ("snowflake", "sqlglot", "matplotlib")
"""Libraries that tell at INFO what no reader of a node's log asked for."""


def quieten_libraries() -> None:
    """Let libraries that talk much tell warnings alone, unless someone has asked them for more."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)


class Capture:
    """Sends this process's standard output and error to one file after another.

    Redirects the descriptors, so that what C code and child processes print is caught too.
    """

    def __init__(self) -> None:
        self._out, self._error = _line_buffered(sys.stdout), _line_buffered(sys.stderr)
        # Nodes log with the standard library; without a handler their lines would be lost.
        self._handler = logging.StreamHandler(self._error)
        logging.basicConfig(level=logging.INFO, format=FORMAT, handlers=[self._handler])
        quieten_libraries()

    def begin(self, file: Path) -> None:
        """From now on append to *file*, also when someone replaced or closed a stream.

        Raises:
            OSError: the file cannot be written.
        """
        self.flush()
        file.parent.mkdir(parents=True, exist_ok=True)
        target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for descriptor in (1, 2):
            if target != descriptor:
                os.dup2(target, descriptor)
        if target > 2:
            os.close(target)
        self._out, self._error = _opened(self._out, 1), _opened(self._error, 2)
        sys.stdout, sys.stderr = self._out, self._error
        # Not setStream: it would write to the old stream, which may be closed.
        self._handler.stream = self._error

    def flush(self) -> None:
        """Write what Python still holds."""
        for stream in (sys.stdout, sys.stderr, self._out, self._error):
            # A full disk or a stream that the author took away loses lines, not results.
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the keys that an account's event table takes apart.

    Source: Snowflake, "Snowpark Container Services: Monitoring services" (structured logs), whose
    keys are those of OpenTelemetry's log records.

    Args:
        attributes: go with every line; ``mark`` adds to them.
    """

    def __init__(self, **attributes: str) -> None:
        super().__init__()
        self.attributes = attributes

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as JSON; a traceback is part of the body."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line = {
            "timestamp": moment.isoformat(timespec="microseconds"),
            "severity_text": record.levelname,
            "body": super().format(record),
            "scope": {"name": record.name},
            "attributes": self.attributes,
        }
        return msgspec.json.encode(line).decode()


def mark(**attributes: str) -> None:
    """Let every JSON line from now on carry *attributes*, such as the run's id."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, JsonFormatter):
            handler.formatter.attributes.update(attributes)


class LoggedLines(TextIOBase):
    """A stream whose lines become log records, for what a node prints."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger
        self._rest = ""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Log each line that *text* completes."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._logger.info("%s", line)
        return len(text)

    def close(self) -> None:
        """Log what was no whole line."""
        if self._rest:
            self._logger.info("%s", self._rest)
            self._rest = ""
        super().close()


def tail(file: Path, lines: int = TAIL_LINES) -> tuple[str, ...]:
    """Return the last *lines* of *file*; none when it cannot be read."""
    try:
        with file.open("rb") as stream:
            return tail_of(stream, lines)
    except OSError:
        return ()


def tail_of(stream: BinaryIO, lines: int = TAIL_LINES) -> tuple[str, ...]:
    """Return the last *lines* of an open file."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _TAIL_BYTES))
    found = stream.read().decode("utf-8", errors="replace").splitlines()
    # Where reading began within a line, that line is no line.
    return tuple((found[1:] if size > _TAIL_BYTES and len(found) > 1 else found)[-lines:])


def _opened(stream: TextIO, descriptor: int) -> TextIO:
    """Return *stream*, or in place of one that was closed a new one."""
    if not stream.closed:
        return stream
    return open(
        descriptor, "w", buffering=1, errors="backslashreplace", closefd=False, encoding="utf-8"
    )


def _line_buffered(stream: TextIO) -> TextIO:
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    return stream
