"""On a terminal what was not given is asked; Ctrl-C leaves nothing."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_SECONDS = 60


class Terminal:
    """The command in front of somebody who types."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.screen = ""
        self._ours, its = pty.openpty()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLOPS_", "SNOWFLAKE_"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sf_ml_framework", "init", *words],
            cwd=folder, env={**kept, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
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
        self.screen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", chunk.decode(errors="replace"))
        return bool(chunk)


def test_what_was_not_given_is_asked_and_what_cannot_be_is_asked_again(tmp_path):
    terminal = Terminal(tmp_path, "My Churn", "--python", "3.12")

    terminal.sees("Name of the Python package")
    terminal.sees("my_churn")
    terminal.types("\x15class\r")
    terminal.sees("it is a word of Python")
    terminal.types("\x15leavers\r")
    terminal.sees("What is it for")
    terminal.types("\x15Who leaves\r")
    terminal.sees("Names in Snowflake")
    terminal.sees("LEAVERS")
    terminal.types("\r")
    terminal.sees("Where is it tested")
    terminal.types("\r")

    assert terminal.ends() == 0, terminal.screen
    folder = tmp_path / "My Churn"
    assert (folder / "leavers" / "__init__.py").read_text() == '"""Who leaves."""\n'
    assert "prefix: LEAVERS" in (folder / "mlops.yml").read_text()
    assert (folder / ".python-version").read_text() == "3.12\n"


def test_with_defaults_nothing_is_asked(tmp_path):
    terminal = Terminal(tmp_path, "churn", "--defaults")

    assert terminal.ends() == 0, terminal.screen
    assert "?" not in terminal.screen
    assert (tmp_path / "churn" / "mlops.yml").is_file()


@pytest.mark.parametrize("question", ["Name of the Python package", "What is it for"])
def test_ctrl_c_at_a_question_leaves_nothing(tmp_path, question):
    terminal = Terminal(tmp_path, "churn")

    terminal.sees("Name of the Python package")
    if question == "What is it for":
        terminal.types("\r")
        terminal.sees(question)
    terminal.types("\x03")

    assert terminal.ends() == 130
    assert "stopped" in terminal.screen
    assert "Traceback" not in terminal.screen
    assert list(tmp_path.iterdir()) == []
