"""``snow`` in its own environment: where it is, and a process that runs its commands."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[3]
WHERE = "MLOPS_TEST_SNOW"
"""The environment variable that names the client's command, such as ``~/venv/bin/snow``."""
NONE = (
    "snow is not here: `make snow` installs it into .venv-snow, or MLOPS_TEST_SNOW names its"
    " command. It pins other versions of connector and core, so that it needs an environment of its"
    " own."
)


def find() -> Path | None:
    """Return the client's command, or None."""
    given = os.environ.get(WHERE)
    command = Path(given) if given else ROOT / ".venv-snow" / "bin" / "snow"
    return command if command.is_file() else None


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """All that it printed, in one line, without the frames of its boxes."""
        return " ".join((self.out + self.err).replace("│", " ").split())


class Snow:
    """A process that forks one for each command; see ``snow_process.py``."""

    def __init__(self, command: Path, folder: Path, options: list[str]) -> None:
        self._options = options
        # The client's own home, so that it neither reads nor writes a person's settings.
        home = folder / "home"
        home.mkdir()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SNOWFLAKE_")}
        environment |= {"HOME": str(home), "COLUMNS": "300"}
        environment |= {"SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true"}
        self._process = subprocess.Popen(
            [str(command.with_name("python")), str(Path(__file__).with_name("snow_process.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environment,
        )

    def ask(self, *arguments: str) -> Answer:
        """Run one command."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([*self._options, *arguments]) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        return Answer(found["code"], found["out"], found["err"])

    def __call__(self, *arguments: str) -> Answer:
        """Run one command that must succeed."""
        answer = self.ask(*arguments)
        assert answer.code == 0, f"snow {' '.join(arguments)}: {answer.said}"
        return answer

    def json(self, *arguments: str) -> Any:
        """Run one command and return what it printed as JSON."""
        return self(*arguments, "--format", "json").value

    def __enter__(self) -> Snow:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        finally:
            self._process.kill()
            if self._process.stdout:
                self._process.stdout.close()


def settings(folder: Path, place: Mapping[str, Any]) -> list[str]:
    """Write a ``config.toml`` for a connection, and return the options that name it."""
    names = ("account", "user", "password", "host", "port", "protocol", "role", "warehouse")
    lines = ["[connections.tests]"]
    lines += [f"{name} = {json.dumps(place[name])}" for name in names]
    file = folder / "config.toml"
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o600)  # else the client warns of it
    return ["--config-file", str(file)]
