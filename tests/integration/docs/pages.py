"""Run what a page of the documentation shows, and compare what it prints.

A page is Markdown. A block with a title is a file that is written; a ``console`` block holds
commands behind ``$`` and what they print. Run ids, times, durations, sizes and hashes differ from
run to run and are compared by their shape alone; a line ``…`` stands for any number of lines.
``export NAME=value`` and ``unset NAME`` hold for the rest of the page. A ``sql`` block is given to
whatever the test says runs SQL. A block that says ``needs-account`` behind its language is only
read.

``UPDATE_DOCS=1`` writes what the commands print into the page instead of comparing.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.canaries import look

FENCE = re.compile(
    r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

SHAPES = (
    (re.compile(r"\d{8}-\d{6}-[0-9a-z]{4}"), "<run>"),
    # Runs of a task graph and jobs are named by the account.
    (re.compile(r"(JOB_)?[0-9A-Fa-f]{8}([-_])([0-9A-Fa-f]{4}\2){3}[0-9A-Fa-f]{12}"), "<run>"),
    (re.compile(r"\bMLOPS_\d{8}_\d{6}_[0-9A-Z]{4}\b"), "<job>"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "<address>"),
    (re.compile(r"\bprocess \d+"), "process <id>"),
    (re.compile(r"^\d{2}:\d{2}:\d{2}  ", re.MULTILINE), "<when>  "),
    (
        re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?"),
        "<when>",
    ),
    (re.compile(r"\b\d+ min \d+ s|\b\d+(\.\d+)? (ms|s|min)\b"), "<duration>"),
    (re.compile(r"\b\d+(\.\d+)? (B|kB|MB|GB|KiB|MiB|GiB)\b"), "<size>"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "<hash>"),
    (re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}="), "<fingerprint>"),
    (re.compile(r"\bPython \d+\.\d+\.\d+"), "<python>"),
    (re.compile(r"^metrics .*", re.MULTILINE), "metrics <numbers>"),
    # They follow from how long nodes took.
    (re.compile(r"^cost: .*", re.MULTILINE), "cost: <credits>"),
    # A slow machine says now and then that a node still runs.
    (re.compile(r"^ +(\w+ runs since|still running:) .*\n", re.MULTILINE), ""),
    (re.compile(r"[ \t]{2,}"), "  "),
    (re.compile(r"[─━-]{3,}"), "---"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page, and where it stands in the text."""

    language: str
    title: str
    body: str
    start: int
    end: int


def blocks_of(text: str) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    return [
        Block(found["language"], found["title"] or "", found["body"], *found.span("body"))
        for found in FENCE.finditer(text)
    ]


def shape_of(text: str) -> list[str]:
    """Return the lines of *text* with what differs from run to run replaced by its shape."""
    for pattern, shape in SHAPES:
        text = pattern.sub(shape, text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def matches(expected: list[str], printed: list[str]) -> bool:
    """Return whether the *printed* lines are the *expected* ones, ``…`` standing for any."""
    if not expected:
        return not printed
    if expected[0].strip() == "…":
        return any(matches(expected[1:], printed[skip:]) for skip in range(len(printed) + 1))
    return bool(printed) and expected[0] == printed[0] and matches(expected[1:], printed[1:])


def sessions_of(body: str) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with the output that follows it."""
    parts = re.split(r"^\$ (.*)\n", body, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def run(
    page: Path,
    folder: Path,
    *,
    exports: Mapping[str, str] | None = None,
    execute: Callable[[str], None] | None = None,
) -> list[str]:
    """Do in *folder* what *page* shows; return a message for each command that differs.

    Args:
        page: the Markdown file.
        folder: where files are written and commands are run.
        exports: variables that the commands see beside this process's own.
        execute: runs the statements of a ``sql`` block; without it they are only read.
    """
    text = page.read_text(encoding="utf-8")
    wrong, rewritten, done = [], [], 0
    environ = {**_environ(), **(exports or {})}
    for block in blocks_of(text):
        _write(block, folder)
        if block.language == "sql" and execute is not None and not block.title:
            execute(block.body)
        if block.language != "console":
            continue
        shown = []
        for command, expected in sessions_of(block.body):
            printed = _printed(command, folder, environ)
            shown.append(f"$ {command}\n{printed}")
            if not matches(shape_of(expected), shape_of(printed)):
                wrong.append(f"$ {command}\n--- the page says\n{expected}--- it prints\n{printed}")
                shown[-1] = f"$ {command}\n{printed}"
            else:
                shown[-1] = f"$ {command}\n{expected}"
        rewritten.append(text[done : block.start] + "".join(shown))
        done = block.end
    if os.environ.get("UPDATE_DOCS") and wrong:
        page.write_text("".join(rewritten) + text[done:], encoding="utf-8")
    return wrong


def check(page: Path, folder: Path, **given: Any) -> None:
    """Do what *page* shows, as `run` does, and fail with all that differs."""
    wrong = run(page, folder, **given)
    assert not wrong, "\n".join([f"{page.name} differs:", *wrong])


def write_files(page: Path, folder: Path) -> None:
    """Write into *folder* the files that *page* shows, and run nothing."""
    for block in blocks_of(page.read_text(encoding="utf-8")):
        _write(block, folder)


def _write(block: Block, folder: Path) -> None:
    if block.title:
        file = folder / block.title
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.body, encoding="utf-8")


def _environ() -> dict[str, str]:
    """Return the environment of a page: this one's, without what would change its meaning."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLOPS_")}
    for name in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ARGS"):
        kept.pop(name, None)  # what the make was called with that runs these tests
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def _printed(command: str, folder: Path, environ: dict[str, str]) -> str:
    """Run *command* and return what it prints; ``export``, ``unset`` change *environ* instead."""
    if command.startswith("export "):
        environ.update(word.split("=", 1) for word in shlex.split(command)[1:])
        return ""
    if command.startswith("unset "):
        for name in command.split()[1:]:
            environ.pop(name, None)
        return ""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    look(done.stdout, f"the output of {command}")
    printed = done.stdout.replace(str(folder), "…")
    if printed and not printed.endswith("\n"):
        printed += "\n"
    return printed
