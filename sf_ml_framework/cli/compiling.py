"""``compile``: the files that Snowflake's own tools can read, made from the pipeline."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import click

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.connection_options import declared_target_option
from sf_ml_framework.cli.files import write_text
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.words import plural
from sf_ml_framework.cli.workspace import Workspace, open_workspace
from sf_ml_framework.errors import OperatorError


@click.command(cls=Command)
@declared_target_option
@click.option("--tag", default="", metavar="TAG", help="Tag of the image; by default the target's.")
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write them below this folder; by default the project's.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail where a file is not up to date.")
@click.pass_obj
def compile_project(
    invocation: Invocation, /, target: str, tag: str, folder: Path | None, *, check: bool
) -> None:
    """Write jobs/*.yaml, tasks/create_pipeline_tasks.sql and ops/*.sql.

    One specification for each node, one script with everything that a deployment makes, and each
    view of what ran by itself. They are made from the pipeline and one target of mlops.yml, and are
    the same on every machine, so they can be committed; with --check a difference is shown and is a
    fault.

    Examples:
        mlops compile
        mlops compile --check
        mlops compile --target prod --tag 4f2a91c --output build
    """
    with open_workspace(invocation) as workspace:
        files = _compiled(workspace, target, tag)
        root = folder or workspace.root
        shown = workspace.shown(root)
    found = {path: _text(root / path) for path in (*files, *_left(root, files))}
    changed = [path for path, text in found.items() if text != files.get(path)]
    if check:
        _told(invocation, found, files, changed)
    for path in changed:
        if path in files:
            write_text(root / path, files[path])
        else:
            (root / path).unlink()
        invocation.output.talk(f"{'wrote' if path in files else 'removed'} {path}")
    invocation.output.text(
        f"{plural(len(files), 'file')} in {shown}, {len(changed)} of them changed"
        if changed
        else f"{plural(len(files), 'file')} in {shown}, all up to date"
    )


def _compiled(workspace: Workspace, name: str, tag: str) -> dict[str, str]:
    from sf_ml_framework import targets
    from sf_ml_framework.plan.compile import compile_desired
    from sf_ml_framework.plan.ml_jobs import undeployed
    from sf_ml_framework.plan.script import FILE, script
    from sf_ml_framework.plan.to_yaml import job_files, view_files

    target = targets.load(workspace.settings, name)
    manifest = workspace.manifest_in(target)
    bodies = undeployed(manifest, target)
    desired = compile_desired(manifest, target, tag=tag, bodies=bodies)
    return {
        **job_files(manifest, target, tag),
        FILE: script(manifest, target, desired),
        **view_files(manifest, target),
    }


def _left(root: Path, files: dict[str, str]) -> list[str]:
    """Return the compiled files of nodes that are gone; what a person wrote is left alone."""
    from sf_ml_framework.plan.to_yaml import FOLDER
    from sf_ml_framework.plan.views import FOLDER as VIEWS

    found = [*(root / FOLDER).glob("job-*.yaml"), *(root / VIEWS).glob("*.sql")]
    paths = sorted(file.relative_to(root).as_posix() for file in found)
    ours = ("# Compiled by `mlops compile`", "-- Compiled by `mlops compile`")
    return [path for path in paths if path not in files and _text(root / path).startswith(ours)]


def _text(file: Path) -> str:
    """Return what stands in *file*; nothing where there is none."""
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"{file} cannot be read: {error}", remedy="remove it, then: mlops compile"
        ) from error


def _told(
    invocation: Invocation, found: dict[str, str], files: dict[str, str], changed: list[str]
) -> None:
    """Show what differs.

    Raises:
        OperatorError: something does.
    """
    for path in changed:
        lines = unified_diff(
            found[path].splitlines(),
            files.get(path, "").splitlines(),
            fromfile=path,
            tofile=f"{path} (compiled)",
            lineterm="",
        )
        for line in lines:
            invocation.output.text(line)
    if changed:
        raise OperatorError(
            f"not what the project compiles to: {', '.join(changed)}",
            remedy=f"{invocation.program} compile",
        )
