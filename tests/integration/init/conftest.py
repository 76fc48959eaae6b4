"""What the tests of `mlops init` share: the command in a folder, and frameworks that are newer."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sf_ml_framework.cli.app import main
from sf_ml_framework.scaffold.wheel import pack

PROJECT = "sf_ml_framework/scaffold/template/project/"


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def mlops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Callable[..., Said]:
    """Return what calls the program in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Said:
        capfd.readouterr()
        code = main(list(words))
        return Said(code, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The framework that runs, as a wheel."""
    return pack(tmp_path_factory.mktemp("running"))


@pytest.fixture
def newer(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return what makes a wheel of a later version, with other files in its template."""

    def make(changes: Mapping[str, Any], version: str = "99.0.0", of: Path = wheel) -> Path:
        """Pack *of* anew.

        Args:
            changes: for a file of the template's project its new text, a function of the old
                text, or none to leave it out; ``../`` reaches what stands beside the project.
            version: of the framework.
            of: the wheel that is changed.
        """
        target = tmp_path_factory.mktemp("newer") / f"sf_ml_framework-{version}-py3-none-any.whl"
        changed = {os.path.normpath(PROJECT + name): change for name, change in changes.items()}
        with zipfile.ZipFile(of) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
            texts = {name: old.read(name) for name in old.namelist()}
            for name, change in changed.items():
                text = change(texts[name].decode()) if callable(change) else change
                texts.pop(name, None)
                if text is not None:
                    texts[name] = text.encode()
            for name, text in texts.items():
                new.writestr(name, text)
        return target

    return make


def git(folder: Path, *words: str) -> str:
    """Call git in *folder* and return what it prints."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, *, init: bool = False) -> None:
    """Commit all that stands in *folder*."""
    if init:
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "as it stands")


def edit(file: Path, old: str, new: str) -> None:
    """Replace *old*, which must be there, by *new*."""
    text = file.read_text(encoding="utf-8")
    assert old in text, (file, old)
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the content of every file in *folder*, those of git left out."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and ".git" not in file.relative_to(folder).parts
    }


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Call make in a project, with the environment of these tests in the place of its own."""
    # Nor with what the make that runs these tests was told.
    ours = ("MLOPS_", "SNOWFLAKE_", "MAKE", "MFLAGS", "ARGS")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return subprocess.run(
        ["make", *words, f"BIN={Path(sys.executable).parent}"],
        cwd=folder,
        env={**kept, "NO_COLOR": "1", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
