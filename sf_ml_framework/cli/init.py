"""``init``: a project of one's own, in a folder; later brought up to date."""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form, is_terminal
from sf_ml_framework.cli.words import plural
from sf_ml_framework.errors import OperatorError, UsageError

if TYPE_CHECKING:
    from sf_ml_framework.scaffold.framework import Framework
    from sf_ml_framework.scaffold.record import Record
    from sf_ml_framework.scaffold.updating import Updated

ANSWERS = ("package", "description", "prefix", "python", "ci")
"""Questions of the template that have an option of their own."""


@click.command(cls=Command)
@click.argument("name", required=False, default="")
@click.option("--update", is_flag=True, help="Take what changed in the template into a project.")
@click.option("--defaults", is_flag=True, help="Ask nothing: what is not given is as suggested.")
@click.option("--package", metavar="NAME", help="Python package; by default made of NAME.")
@click.option("--description", metavar="TEXT", help="What it is for, in one line.")
@click.option(
    "--prefix", metavar="NAME", help="Names in Snowflake begin with it; by default the package."
)
@click.option("--python", type=click.Choice(["3.11", "3.12", "3.13"]), help="Of image and CI.")
@click.option("--ci", type=click.Choice(["github", "none"]), help="Where it is deployed from.")
@click.option("--data", "pairs", multiple=True, metavar="KEY=VALUE", help="Any answer; repeatable.")
@click.option(
    "--framework",
    metavar="SOURCE",
    default="",
    help="A wheel, a clone, git+URL@COMMIT, or sf-ml-framework==VERSION of an index; by default"
    " the version that runs.",
)
@click.option("--force", is_flag=True, help="Also into a folder that holds something.")
@format_option
@click.pass_obj
def init(invocation: Invocation, /, name: str, form: Form, **options: Any) -> None:
    """Make a project of your own, or bring one up to date.

    NAME is the folder: steps, catalog, pipeline, tests, settings of three environments, Dockerfile
    and a workflow, ready for `make run`. Questions are asked on a terminal. The framework comes
    along as a wheel in vendor/. With --update, changes of the template are merged by git into the
    project around this folder: your edits stay, conflicts are shown, nothing is committed.

    Examples:
        mlops init churn
        mlops init churn --defaults --package churn --python 3.12
        mlops init churn --framework ../sf_ml_framework
        mlops init --update --project churn
    """
    answers = _answers(options)
    with tempfile.TemporaryDirectory(prefix="mlops-init-") as scratch:
        from sf_ml_framework.scaffold import framework as frameworks

        if options["update"]:
            if name:
                raise UsageError(
                    "--update takes no NAME", remedy="name the project with --project DIR"
                )
            _update(invocation, Path(scratch), answers, options, form)
            return
        folder = _folder_of(invocation, name, force=options["force"])
        found = frameworks.find(options["framework"], Path(scratch), invocation.output.talk)
        files, record = _made(invocation, folder, found, answers, asking=_asking(options))
    _tell(invocation, folder, files, record, form)


def _answers(options: dict[str, Any]) -> dict[str, str]:
    """Return what was given for the questions, by option or by pair.

    Raises:
        UsageError: a pair is none.
    """
    answers = {}
    for pair in options["pairs"]:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--data {pair!r} is no pair", remedy="write --data KEY=VALUE")
        answers[key.strip()] = value
    return answers | {key: options[key] for key in ANSWERS if options[key] is not None}


def _asking(options: dict[str, Any]) -> bool:
    return not options["defaults"] and is_terminal(sys.stdin) and is_terminal(sys.stdout)


def _folder_of(invocation: Invocation, name: str, *, force: bool) -> Path:
    """Return the folder that the project is made in.

    Raises:
        UsageError: NAME is missing, or is no name.
        OperatorError: there is something already.
    """
    from sf_ml_framework.scaffold import placing

    if not name.strip():
        raise UsageError("init needs a NAME", remedy="name the folder, as in: mlops init churn")
    if invocation.project is not None:
        raise UsageError(
            "--project names a project that there is", remedy="give the new folder as NAME"
        )
    folder = (Path.cwd() / Path(name).expanduser()).resolve()
    if not folder.name.isprintable() or not folder.name:
        raise UsageError(f"a folder cannot be called {folder.name!r}", remedy="name another")
    placing.refuse(folder, force=force)
    return folder


def _made(
    invocation: Invocation,
    folder: Path,
    framework: Framework,
    answers: dict[str, str],
    *,
    asking: bool,
) -> tuple[list[str], Record]:
    """Make the project, whole or not at all, and return its files and what was answered."""
    from sf_ml_framework.scaffold import placing, rendering

    given = rendering.given_answers(answers, framework.scaffold)
    known = {**given, "title": folder.name, "vendored": framework.wheel is not None}
    with placing.staged(folder) as stage:
        made = stage / "made"
        # Copier's questions belong to a person; a result for a program stays alone.
        record = rendering.render(
            framework.scaffold, made, known, version=framework.version, asking=asking
        )
        rendering.write_files(made, rendering.made_files(framework, record.answers))
        _check(made)
        (stage / "kept").mkdir()
        return placing.place(made, folder, stage / "kept"), record


def _check(made: Path) -> None:
    """Refuse a project whose settings would not be taken.

    Raises:
        SettingsError: a name in mlops.yml cannot be.
    """
    from sf_ml_framework import settings, targets

    found = settings.load(made, {})
    for target in found.targets:
        targets.load(found, target)


def _tell(
    invocation: Invocation, folder: Path, files: list[str], record: Record, form: Form
) -> None:
    output = invocation.output
    if form != "table":
        rows = [{"file": file, "change": "added"} for file in files]
        output.table((Column("file"), Column("change")), rows, form)
        return
    here = _from_here(folder)
    output.text(f"{here}: {plural(len(files), 'file')}, package {record.answers.package}")
    steps = [] if here == "." else [f"cd {shlex.quote(here)}"]
    output.talk("next:")
    for step, what in (
        *((step, "") for step in steps),
        ("make run", "the pipeline, on this machine"),
        ("make test", "its tests"),
        ("git init && git add --all && git commit -m 'Begin'", ""),
        ("make trial", "deployed and run in a Snowflake on this machine"),
    ):
        if step.startswith("git") and _in_git(folder):
            continue
        output.talk(f"  {step:<12} {what}".rstrip())


def _from_here(folder: Path) -> str:
    """Return *folder* as one types it here: whole only where that is no longer."""
    from os.path import relpath

    return min(str(folder), relpath(folder, Path.cwd().resolve()), key=len)


def _in_git(folder: Path) -> bool:
    return any((above / ".git").exists() for above in (folder, *folder.parents))


def _update(
    invocation: Invocation,
    scratch: Path,
    answers: dict[str, str],
    options: dict[str, Any],
    form: Form,
) -> None:
    """Bring the project up to date and tell what changed.

    Raises:
        OperatorError: there are conflicts, which a person must look at.
    """
    from sf_ml_framework import __version__
    from sf_ml_framework.cli.workspace import open_workspace
    from sf_ml_framework.scaffold import framework as frameworks
    from sf_ml_framework.scaffold import record, rendering, updating
    from sf_ml_framework.scaffold.wheel import DISTRIBUTION

    with open_workspace(invocation) as workspace:
        root = workspace.root
    source = options["framework"]
    if not source and not record.read(root).answers.vendored:
        source = f"{DISTRIBUTION}=={__version__}"
    found = frameworks.find(source, scratch, invocation.output.talk)
    given = rendering.given_answers(answers, found.scaffold)
    done = updating.update(root, found, given, scratch / "update", asking=_asking(options))
    _tell_update(invocation, done, form)


def _tell_update(invocation: Invocation, done: Updated, form: Form) -> None:
    output = invocation.output
    rows = [{"file": each.file, "change": each.change} for each in done.changes]
    rows += [{"file": name, "change": "kept"} for name in done.kept]
    if form != "table" or rows:
        output.table((Column("change"), Column("file")), rows, form)
    if done.kept:
        output.talk("you resolved these requirements yourself: make lock resolves them anew")
    if done.conflicts:
        raise OperatorError(
            f"{plural(len(done.conflicts), 'file')} changed here and in the template:"
            f" {', '.join(done.conflicts)}",
            remedy="look for <<<<<<< in them, keep what you want, git add and git commit; or take"
            " all of it back: git reset --hard",
        )
    if not rows:
        output.text(f"up to date with mlops {done.after}: nothing changed")
        return
    output.talk("nothing is committed yet; next: git diff --cached, make test, git commit")
