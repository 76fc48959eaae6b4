"""A copy of the repository as a clone would give it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def _tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


class Clone:
    """The repository in a folder of its own, and a shell in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in _tracked():
            if not name.startswith(("tests/", "docs/", "examples/", "benchmarks/")):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)

    def shell(self, command: str, *, timeout: float = 280) -> subprocess.CompletedProcess[str]:
        """Run *command* as a person types it, with the tests' own Python as ``python``."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLOPS_", "PYTEST_"))}
        path = f"{Path(sys.executable).parent}:{clean['PATH']}"
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**clean, "PATH": path, "NO_COLOR": "1", "COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


@pytest.fixture
def clone(tmp_path):
    """A clone in a folder whose name has a space and an umlaut."""
    return Clone(tmp_path / "ein Klön")
