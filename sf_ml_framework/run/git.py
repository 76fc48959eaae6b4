"""Which commit a run belongs to, when the project is in a git repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

VARIABLE = "MLOPS_GIT_COMMIT"
"""Says the commit where there is no repository, as in an image."""

SECONDS = 2.0
"""A status that takes longer is not worth the wait of a run."""


class GitStatus:
    """Asks git in the background, so that a run need not wait to begin; close it."""

    def __init__(self, root: Path) -> None:
        self._given = os.environ.get(VARIABLE, "")
        self._process: subprocess.Popen[bytes] | None = None
        if not self._given:
            self._process = self._ask(root)

    @staticmethod
    def _ask(root: Path) -> subprocess.Popen[bytes] | None:
        command = ["git", "-C", str(root), "status", "--porcelain=v2", "--branch"]
        try:
            return subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # Asking must not take the lock of the index from a person who commits.
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            )
        except OSError:
            return None

    def read(self, *, patient: bool = False) -> tuple[str, bool]:
        """Return the commit and whether files differ from it; empty without git or commit.

        Empty too where git takes long, unless *patient*: then it is waited for.
        """
        if self._process is None:
            return self._given, False
        try:
            text, _ = self._process.communicate(timeout=None if patient else SECONDS)
        except subprocess.TimeoutExpired:
            self.close()
            return "", False
        lines = text.decode(errors="replace").splitlines() if not self._process.returncode else []
        commit = next((line[13:] for line in lines if line.startswith("# branch.oid ")), "")
        dirty = any(not line.startswith("#") for line in lines)
        return ("" if commit == "(initial)" else commit), dirty

    def close(self) -> None:
        """Ask no more; no harm when the answer was read."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            self._process.communicate()
