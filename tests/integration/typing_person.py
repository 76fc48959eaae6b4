"""A command in front of somebody who types, on a real terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

LIMIT_SECONDS = 60
OWNED = """import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Ctrl-C is a signal only to those whose terminal it is."""


class Terminal:
    """The program with *words*, run in *folder*.

    Attributes:
        screen: what it drew since the text that was last waited for, without colour.
        whole: all that it drew.
    """

    def __init__(self, folder: Path, *words: str, env: Mapping[str, str] | None = None) -> None:
        self.screen = self.whole = ""
        self._ours, its = pty.openpty()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLOPS_", "SNOWFLAKE_"))}
        self._process = subprocess.Popen(
            [sys.executable, "-c", OWNED, "-m", "sf_ml_framework", *words],
            cwd=folder, env={**kept, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", **(env or {})},
            stdin=its, stdout=its, stderr=its, start_new_session=True,
        )  # fmt: skip
        os.close(its)

    def sees(self, text: str) -> None:
        """Read on until *text* stands on the screen."""
        while text not in self.screen:
            assert self._read(), self.screen
        self.screen = self.screen.partition(text)[2]

    def types(self, text: str) -> None:
        """Type *text*."""
        os.write(self._ours, text.encode())

    def ends(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        os.close(self._ours)
        return self._process.wait(LIMIT_SECONDS)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], LIMIT_SECONDS)
        assert ready, f"nothing comes any more: {self.screen}"
        try:
            chunk = os.read(self._ours, 65536)
        except OSError:
            return False
        drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", chunk.decode(errors="replace"))
        self.screen += drawn
        self.whole += drawn
        return bool(chunk)
