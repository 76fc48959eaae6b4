"""The record: one JSON line for each statement, REST call and fault."""

from __future__ import annotations

import json
import threading
from collections import deque
from pathlib import Path
from typing import Any, TextIO

from .clock import Clock

KEPT = 10_000
"""How many lines are kept in memory; the file, if there is one, has all."""


class Record:
    """Append-only list of what happened; ``unknown`` and ``fault`` lines are what to look for."""

    def __init__(self, clock: Clock, path: Path | None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._file: TextIO | None = path.open("a", encoding="utf-8") if path else None
        self.lines: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def add(self, what: str, **facts: Any) -> None:
        """Add one line of kind *what*."""
        line = {"at": self._clock.now().isoformat(), "what": what, **facts}
        with self._lock:
            self.lines.append(line)
            if self._file:
                self._file.write(json.dumps(line, default=str) + "\n")
                self._file.flush()

    def of(self, what: str) -> list[dict[str, Any]]:
        """Return the lines of kind *what*, oldest first."""
        with self._lock:
            return [line for line in self.lines if line["what"] == what]

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
