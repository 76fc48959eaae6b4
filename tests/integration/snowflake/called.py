"""A small project whose commands a test calls in this process, connected to the emulator."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sf_ml_framework.cli.app import main
from tests.canaries import look

PIPELINE = """\
from sf_ml_framework import DataCatalog, NodeConfig, Project


def load(*, rows: int = 3) -> None:
    return None


PROJECT = Project(
    name="ways",
    pipeline=[NodeConfig(name="load", function=load, {asks})],
    catalog=DataCatalog([]),
)
"""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    @property
    def all(self) -> str:
        """All that anybody could see."""
        return self.out + self.err


class Project:
    """A project of one node with a target ``dev`` in a database of the test's own."""

    def __init__(
        self,
        root: Path,
        database: str,
        patch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.root, self.database = root, database
        self._patch, self._capsys = patch, capsys
        self.module = f"pipeline_{database.lower()}"
        patch.chdir(root)
        patch.syspath_prepend(str(root))
        patch.setenv("HOME", str(root))
        self.declares()
        self.asks('secrets=["maps_key"]')

    def asks(self, asks: str) -> None:
        """Let the node ask for something."""
        text = PIPELINE.format(asks=asks)
        (self.root / f"{self.module}.py").write_text(text, encoding="utf-8")
        sys.modules.pop(self.module, None)

    def declares(self, more: str = "") -> None:
        """Add lines to the target."""
        (self.root / "mlops.yml").write_text(
            f"""project: {self.module}:PROJECT
targets:
  dev:
    database: {self.database}
    prefix: {self.database}
{more}""",
            encoding="utf-8",
        )

    def call(self, *words: str, stdin: str | bytes = b"") -> Ended:
        """Call the program with something on its standard input, which is no terminal."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        self._capsys.readouterr()
        code = main(list(words))
        out, err = self._capsys.readouterr()
        look(out + err, f"the output of mlops {' '.join(words)}")
        return Ended(code, out, err)

    def works(self, *words: str, stdin: str | bytes = b"") -> Ended:
        """Call the program, which must succeed."""
        ended = self.call(*words, stdin=stdin)
        assert ended.code == 0, ended.all
        return ended


def environ_of(flags: dict[str, str]) -> dict[str, str]:
    """Return the variables that connect as *flags* do, without a role."""
    kept = {
        key: value for key, value in flags.items() if value and key not in ("role", "warehouse")
    }
    return {f"SNOWFLAKE_{key.upper()}": value for key, value in kept.items()}
