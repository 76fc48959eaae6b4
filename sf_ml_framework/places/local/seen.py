"""Files that a person put there: what their content was when they were last read.

Only a memory that saves hashing a large file twice; it may be lost or wiped at any time.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from sf_ml_framework.places.local.sidecar import hash_of, is_racy
from sf_ml_framework.run.kept import read_quietly, write_quietly


class _Seen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    bytes: int
    mtime_ns: int
    sha256: str
    at_ns: int
    checks: str = ""
    """Digest of the checks that the columns passed in these bytes."""


class SeenFiles:
    """Remembers content by size and time of change.

    Args:
        path: the file of the memory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def hash_of(self, file: Path) -> str:
        """Return the SHA-256 of the bytes of *file*, hashing it unless it is known.

        Raises:
            OSError: it cannot be read.
        """
        return self._see(file).sha256

    def passed(self, file: Path, checks: str) -> bool:
        """Return whether the columns of *file*, as it is now, passed the checks of that digest."""
        return self._see(file).checks == checks

    def remember_passed(self, file: Path, checks: str) -> None:
        """Record that the columns of *file*, as it is now, passed the checks of that digest."""
        self._keep(file, msgspec.structs.replace(self._see(file), checks=checks))

    def _see(self, file: Path) -> _Seen:
        stat = file.stat()
        known = self._all().get(str(file))
        unchanged = known and (known.bytes, known.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
        if known and unchanged and not is_racy(known.mtime_ns, known.at_ns):
            return known
        # Asked before the bytes are read, so that a change while they are makes it racy.
        at_ns = time.time_ns()
        seen = _Seen(
            bytes=stat.st_size, mtime_ns=stat.st_mtime_ns, sha256=hash_of(file), at_ns=at_ns
        )
        if known and known.sha256 == seen.sha256:
            seen = msgspec.structs.replace(seen, checks=known.checks)
        self._keep(file, seen)
        return seen

    def _keep(self, file: Path, seen: _Seen) -> None:
        write_quietly(self._path, {**self._all(), str(file): seen})

    def _all(self) -> dict[str, _Seen]:
        return read_quietly(self._path, dict[str, _Seen]) or {}
