"""What the workflows and the template call, read from the files themselves."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
MAKEFILES = (ROOT / "Makefile", ROOT / ".github" / "ci.mk")
GITLAB = ROOT / "docs" / "templates" / "gitlab-ci.yml"
_SCRIPTS = ("before_script", "script", "after_script")


class Line(NamedTuple):
    """One command line, and where it stands."""

    where: str
    text: str


class Use(NamedTuple):
    """One action that is used, with what follows it on the line."""

    where: str
    action: str
    comment: str


def read(file: Path) -> dict[str, Any]:
    """Return a file of YAML; the key ``on`` as a text, as GitHub reads it."""
    loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in loaded.items()}


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Call make as one does in a new shell: what an outer make was given is not for this one."""
    return subprocess.run(
        ["make", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return each job of each workflow, named ``file:job``."""
    for file in WORKFLOWS:
        for name, job in read(file)["jobs"].items():
            yield f"{file.name}:{name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return each step of each job and of each action of ours."""
    for where, job in jobs():
        for step in job.get("steps", ()):
            yield where, step
    for file in ACTIONS:
        for step in read(file)["runs"]["steps"]:
            yield file.parent.name, step


def lines() -> Iterator[Line]:
    """Return every command line of the workflows, the actions and the template for GitLab."""
    for where, step in steps():
        for text in str(step.get("run", "")).splitlines():
            yield Line(where, text)
    for name, job in read(GITLAB).items():
        if isinstance(job, dict):
            for key in _SCRIPTS:
                for text in job.get(key, ()):
                    yield Line(f"gitlab:{name}", text)


def uses() -> Iterator[Use]:
    """Return every action that is used, from the text, since comments are no YAML."""
    pattern = re.compile(r"uses:\s*(\S+)(?:\s+#\s*(\S+))?")
    for file in (*WORKFLOWS, *ACTIONS):
        for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if found := pattern.search(text):
                yield Use(f"{file.name}:{number}", found[1], found[2] or "")


def commands(text: str) -> Iterator[list[str]]:
    """Return the words of each command of a line."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in ("||", "&&", "|", ";"):
            if words:
                yield words
            words = []
        elif not (words and words[-1] in (">", ">>")):
            words.append(word)
        else:
            words.pop()
