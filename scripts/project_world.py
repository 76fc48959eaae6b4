"""A copy of the project and the account that it is deployed to, for scripts that try all of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "/ml_dev/ml/mlops_images/mlops_framework:latest"


class CheckError(Exception):
    """Something does not hold."""


def expect(holds: bool, otherwise: str) -> None:
    """Raise `CheckError` unless something holds."""
    if not holds:
        raise CheckError(otherwise)


@dataclass(kw_only=True)
class World:
    """A copy of the project, and the account that it is deployed to."""

    folder: Path
    connection: str
    customers: int
    tag: str = ""
    """Of the image, in an account."""
    home: Path | None = None
    """Folder of the connections, for a local Snowflake."""
    runs: list[str] = field(default_factory=list)
    """Ids of the runs of the graph, oldest first."""

    @property
    def is_local(self) -> bool:
        """Whether the account is a local Snowflake."""
        return self.home is not None

    @property
    def tagged(self) -> tuple[str, ...]:
        """The options that name the image."""
        return ("--tag", self.tag) if self.tag else ()

    @property
    def environ(self) -> dict[str, str]:
        """The environment of every command."""
        if self.home is None:
            return dict(os.environ)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SNOWFLAKE_", "MLOPS_"))}
        kept.pop("CI", None)  # there the default target is that of the branch
        return {**kept, "SNOWFLAKE_HOME": str(self.home), "NO_COLOR": "1"}

    def call(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command of ours and return what it prints; *codes* are the exits that are right."""
        command = [sys.executable, str(ROOT / "main.py"), "--project", str(self.folder), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, env=self.environ, check=False
        )
        if done.returncode not in codes:
            said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            raise CheckError(f"mlops {' '.join(words)} ended with {done.returncode}:\n{said}")
        return done.stdout + done.stderr

    def json(self, *words: str, codes: tuple[int, ...] = (0,)) -> Any:
        """Run a command with ``--format json`` and return its document."""
        command = [sys.executable, str(ROOT / "main.py"), "--project", str(self.folder), *words]
        done = subprocess.run(
            [*command, "-c", self.connection, "--format", "json"],
            capture_output=True,
            text=True,
            env=self.environ,
            check=False,
        )
        if done.returncode not in codes:
            raise CheckError(
                f"mlops {' '.join(words)} ended with {done.returncode}:\n{done.stderr}"
            )
        return json.loads(done.stdout)

    def there(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command in the account."""
        return self.call(*words, "-c", self.connection, codes=codes)

    def run_graph(self, *words: str, codes: tuple[int, ...] = (0,)) -> dict[str, str]:
        """Start the graph, wait for its end, and return how each node ended."""
        self.there("tasks", "run", "--wait", *words, codes=codes)
        return self.last_run()

    def last_run(self) -> dict[str, str]:
        """Return how each node of the newest run ended."""
        record = self.json("show", "last")
        if not self.runs or self.runs[-1] != record["run"]:
            self.runs.append(record["run"])
        return {each["node"]: each["status"] for each in record["nodes"]}

    def edit(self, file: str, old: str, new: str) -> None:
        """Change the project's code."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        expect(old in text, f"{file} has no {old!r}")
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        self.push()

    def push(self) -> None:
        """Let the containers run the code as it is now."""
        self.call("emulator", "image", "add", IMAGE, "--project", str(self.folder))

    @contextmanager
    def session(self) -> Iterator[Any]:
        """Open a session of the official Snowpark client, as the role of the tasks."""
        from snowflake.snowpark import Session

        settings: dict[str, Any] = {"connection_name": self.connection}
        if self.home is not None:
            text = (self.home / "connections.toml").read_text(encoding="utf-8")
            settings = tomllib.loads(text)[self.connection]
        place = {
            "database": "ML_DEV",
            "schema": "ML",
            "role": "MLOPS_ROLE",
            "warehouse": "MLOPS_WH",
        }
        opened = Session.builder.configs({**settings, **place}).create()
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def world_of(
    folder: Path, *, connection: str = "", customers: int, tag: str = "", runtime: str = "process"
) -> Iterator[World]:
    """Copy the project to *folder*, and start a local Snowflake unless a connection is given.

    Args:
        folder: empty; the caller removes it.
        connection: of connections.toml; empty: a local Snowflake.
        customers: how many of them a run makes.
        tag: of the image, in an account.
        runtime: what runs the containers of a local Snowflake.
    """
    for name in ("src", "mlops.yml", "Dockerfile", "main.py"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    world = World(folder=folder, connection=connection, customers=customers, tag=tag)
    if connection:
        yield world
        return
    # The folder's own connections, whatever else this machine knows.
    world.connection, world.home = "emulator", folder / ".mlops"
    world.call("emulator", "start", "--write-connection", "--container-runtime", runtime)
    try:
        yield world
    finally:
        world.call("emulator", "stop", codes=(0, 3))
