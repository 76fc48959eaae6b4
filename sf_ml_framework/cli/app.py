"""The door of the program: read the line, call the command, tell what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from sf_ml_framework.cli.commands import Commands, global_options
from sf_ml_framework.cli.invocation import PROGRAM, Invocation

ABOUT = """
    Run a pipeline of plain Python functions, on this machine or in Snowflake.

    A project is a folder that holds mlops.yml. The options below hold for every command, and
    may stand before or after its name.

    Examples:
        mlops list                  the nodes of the pipeline
        mlops run                   run what has changed
        mlops run --from train      from one node on
        mlops report --open         what came out, in a browser
"""


def main(
    arguments: Sequence[str] | None = None, *, program: str = PROGRAM, start: Path | None = None
) -> int:
    """Run the program and return its exit code.

    Args:
        arguments: what stands after the program's name; ``sys.argv`` by default.
        program: what a person types to start it, for the lines that tell what to type next.
        start: where the project is looked for when nothing names one; this folder by default.
    """
    line = list(sys.argv[1:] if arguments is None else arguments)
    invocation = Invocation(line, program, start)
    try:
        outcome = root_command().main(
            line or ["--help"],
            prog_name=program,
            complete_var="_MLOPS_COMPLETE",
            standalone_mode=False,
            obj=invocation,
        )
    except Exception as error:  # noqa: BLE001 -- the last line of defence; --debug shows it whole
        from sf_ml_framework.cli import faults

        return faults.tell(error, invocation)
    return outcome if isinstance(outcome, int) else 0


def root_command() -> Commands:
    """Return the program as a command; nothing of it is loaded yet."""
    version = click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_tell_version,
        help="Tell the version.",
    )
    return Commands("mlops", help=ABOUT, params=[*global_options(hidden=False), version])


def _tell_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from sf_ml_framework import __version__

        context.ensure_object(Invocation).output.text(f"sf-ml-framework {__version__}")
        context.exit()
