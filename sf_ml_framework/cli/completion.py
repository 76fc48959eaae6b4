"""``completion``: the script that lets a shell complete our commands."""

from __future__ import annotations

import os
from pathlib import Path

import click

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.invocation import PROGRAM, Invocation
from sf_ml_framework.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.pass_obj
def completion(invocation: Invocation, /, shell: str | None) -> None:
    """Print what lets a shell complete.

    Completes commands, options, nodes, tags and runs. SHELL is bash, zsh or fish; by default
    the one that you use.

    Examples:
        mlops completion bash >> ~/.bashrc
        mlops completion zsh >> ~/.zshrc
        mlops completion fish > ~/.config/fish/completions/mlops.fish
    """
    from click.shell_completion import get_completion_class

    from sf_ml_framework.cli.app import root_command

    chosen = shell or Path(os.environ.get("SHELL", "")).name
    if chosen not in SHELLS:
        raise UsageError(
            f"{chosen or 'this shell'} cannot be completed",
            remedy=f"name one of {', '.join(SHELLS)}",
        )
    maker = get_completion_class(chosen)
    if maker is not None:
        script = maker(root_command(), {}, PROGRAM, "_MLOPS_COMPLETE")
        # Not source(), which starts the shell to ask for its version.
        invocation.output.text(script.source_template % script.source_vars())
