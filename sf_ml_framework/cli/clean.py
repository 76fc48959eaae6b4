"""``clean``: take away what runs have made, and nothing that a person put there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form, is_terminal
from sf_ml_framework.cli.workspace import Workspace, open_workspace


class Part(NamedTuple):
    """One kind of thing that can be taken away."""

    option: str
    what: str
    where: str
    paths: tuple[Path, ...]
    """Files and folders, in the order in which they go."""
    note: str = ""

    @property
    def row(self) -> dict[str, Any]:
        """What is shown of it."""
        files = [file for path in self.paths for file in _files(path)]
        return {
            "option": f"--{self.option}",
            "what": self.what,
            "where": self.where,
            "files": len(files),
            "bytes": sum(file.lstat().st_size for file in files),
            "note": self.note,
        }


@click.command(cls=Command)
@click.option("--data", is_flag=True, help="Datasets, models and reports that nodes have made.")
@click.option("--runs", is_flag=True, help="Logs and pages of runs; the history stays.")
@click.option("--journal", is_flag=True, help="Begin a new history; the old one is moved aside.")
@click.option("--all", "everything", is_flag=True, help="All of these, and what only saves time.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_option
@click.pass_obj
def clean(
    invocation: Invocation, /, form: Form, *, everything: bool, yes: bool, **asked: bool
) -> None:
    """Remove what runs have made.

    Without an option it only says what each would remove. Sources and every other file that a
    person put into the folder of the data stay. The journal is never deleted: it is moved aside.

    Examples:
        mlops clean
        mlops clean --data --runs --yes
        mlops clean --journal
    """
    output = invocation.output
    with open_workspace(invocation) as workspace:
        parts = [part for part in parts_of(workspace) if part.paths]
        chosen = [part for part in parts if everything or asked.get(part.option)]
        named = everything or any(asked.values())
        output.table(
            _COLUMNS, [part.row for part in (chosen if named else parts)], form, empty=_NOTHING
        )
        if not named:
            if parts:
                output.talk("nothing was removed; name an option, as in `mlops clean --data`")
            return
        if chosen and _agreed(invocation, chosen, yes=yes):
            for line in _removed(workspace, chosen, invocation.command_line):
                output.talk(line)


def parts_of(workspace: Workspace) -> Iterator[Part]:
    """Yield everything that can be taken away, whether or not there is any of it."""
    from sf_ml_framework.run.journal import FILE

    data, state = workspace.data, workspace.state
    runs = state / "runs"
    journal = workspace.root / FILE
    shown = workspace.shown
    yield Part("data", "datasets, models, reports", shown(data), tuple(_made(data)))
    yield Part("runs", "logs and pages of runs", shown(runs), tuple(_within(runs)))
    kept = (journal,) if journal.exists() else ()
    yield Part("journal", "history of the runs", shown(journal), kept, "is moved aside")
    rest = [
        path
        for path in _within(state)
        if path not in (runs, journal)
        # The lock stays: whoever deleted it could delete one that another already holds.
        and not path.name.startswith((journal.stem, "run.lock"))
        # A local Snowflake may run, and what it keeps is no run's; `emulator stop --forget` is.
        and path.name not in {"emulator", "connections.toml"}
    ]
    yield Part("all", "what only saves time", shown(state), tuple(rest))


def _made(data: Path) -> Iterator[Path]:
    """Yield what nodes have made: all that has a file of ours beside it, then that file."""
    from sf_ml_framework.places.local.layout import SIDECAR

    for sidecar in sorted(data.glob(f"*/*{SIDECAR}")):
        # In this order nothing that a stopped clean leaves behind passes for a person's own.
        artifact = sidecar.with_name(sidecar.name.removesuffix(SIDECAR))
        if artifact.exists():
            yield artifact
        yield sidecar
    page = data / "report.html"
    if page.exists():
        yield page


def _within(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir() and not path.is_symlink():
        for folder, _, names in os.walk(path):
            yield from (Path(folder) / name for name in names)
    else:
        yield path


def _agreed(invocation: Invocation, chosen: list[Part], *, yes: bool) -> bool:
    """Return whether a person wants it: nothing is lost by moving a journal aside."""
    if yes or all(part.option == "journal" for part in chosen):
        return True
    if is_terminal(invocation.output.stdout) and is_terminal(sys.stdin):
        return click.confirm("remove this?", default=False, err=True)
    invocation.output.talk("nothing was removed; add --yes to do it")
    return False


def _removed(workspace: Workspace, chosen: list[Part], command: str) -> Iterator[str]:
    """Take away *chosen* while no run goes on, and yield what was done."""
    from sf_ml_framework.run.journal import FILE, SqliteJournal
    from sf_ml_framework.run.lock import Holder, RunLock

    holder = Holder(run_id="none", pid=os.getpid(), command=command)
    with RunLock(workspace.root, holder):
        for part in chosen:
            if part.option == "journal":
                aside = SqliteJournal(workspace.root / FILE).move_aside()
                if aside is not None:
                    yield f"moved the journal to {workspace.shown(aside)}"
                continue
            for path in part.paths:
                _remove(path)
            yield f"removed {part.what}"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    # An empty folder of a dataset is of no use; one that holds a person's file is not empty.
    if path.parent.name and not any(path.parent.iterdir()) and path.parent.parent.is_dir():
        _remove_empty(path.parent)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def _size(value: int) -> str:
    from sf_ml_framework.show.words import size

    return size(value)


_NOTHING = "there is nothing to remove"
_COLUMNS = (
    Column("option"),
    Column("what", gives_way=True),
    Column("where", gives_way=True),
    Column("files", "{:,}".format, right=True),
    Column("bytes", _size, right=True, title="size"),
    Column("note"),
)
