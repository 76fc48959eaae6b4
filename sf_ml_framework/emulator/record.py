"""The record: one JSON line for each statement, REST call and fault."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from .clock import Clock

_SECRET = re.compile(
    r"\b(SECRET_STRING|PASSWORD|OAUTH_REFRESH_TOKEN|OAUTH_CLIENT_SECRET)\s*=\s*"
    r"('(?:[^'\\]|\\.|'')*'|\$\$.*?\$\$)",
    re.IGNORECASE | re.DOTALL,
)
KEPT = 10_000
"""How many lines are kept in memory; the file, if there is one, has all."""


def redacted(text: str) -> str:
    """Return a statement as the history may show it: secrets are blotted out.

    Source: Snowflake, "CREATE SECRET", "CREATE USER"; the history shows such values as faces.
    """
    return _SECRET.sub(r"\1 = '☺☺☺☺☺'", text)


class Record:
    """Append-only list of what happened; ``unknown`` and ``fault`` lines are what to look for."""

    def __init__(self, clock: Clock, path: Path | None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._file: TextIO | None = path.open("a", encoding="utf-8") if path else None
        self.lines: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.added = 0
        """How many lines there have ever been: a place to look from, with :meth:`since`."""

    def add(self, what: str, **facts: Any) -> None:
        """Add one line of kind *what*; the values of secrets are left out of its statement."""
        if "sql" in facts:
            facts["sql"] = redacted(str(facts["sql"]))
        line = {"at": self._clock.now().isoformat(), "what": what, **facts}
        with self._lock:
            self.lines.append(line)
            self.added += 1
            if self._file:
                self._file.write(json.dumps(line, default=str) + "\n")
                self._file.flush()

    def of(self, what: str) -> list[dict[str, Any]]:
        """Return the lines of kind *what*, oldest first."""
        with self._lock:
            return [line for line in self.lines if line["what"] == what]

    def since(self, added: int, what: str) -> list[dict[str, Any]]:
        """Return the lines of kind *what* that came after *added* others, oldest first.

        Raises:
            LookupError: some of them are not in memory any more.
        """
        with self._lock:
            gone = self.added - len(self.lines)
            if added < gone:
                raise LookupError(f"{gone - added} of the lines asked for are only in the file")
            return [line for line in islice(self.lines, added - gone, None) if line["what"] == what]

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
