"""Options of the commands that work on this machine or in an account, and what they say."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from sf_ml_framework.cli import connection_options

if TYPE_CHECKING:
    from sf_ml_framework.connection import Mode

_F = TypeVar("_F", bound=Callable[..., Any])

_META = "sf_ml_framework.where"
"""Where the options are kept while the line is read; ``asked`` returns them."""


class Where(NamedTuple):
    """What a command line says of where to work."""

    mode: str = ""
    """What ``--mode`` says; empty where it was not given."""
    target: str = ""
    """What ``--target`` says; empty: the default one."""
    flags: Mapping[str, str] = {}
    """What the line says of the connection."""

    @property
    def words(self) -> tuple[str, ...]:
        """The same as options, for a line that is to work where this one does."""
        said = {"mode": self.mode, "target": self.target, **self.flags}
        return tuple(
            "--temporary-connection"
            if name == "temporary"
            else f"--{name.replace('_', '-')}={value}"
            for name, value in said.items()
            if value
        )


def same_place(target: str = "", *, as_role: bool = True) -> str:
    """Return what a line that is typed next says, to work where this one does.

    Empty, or with a space before: the target where this line names it, and its connection.

    Args:
        target: what ``--target`` says; empty: the default one.
        as_role: whether ``--role`` is said again; not where the next command works as another.
    """
    said = {"target": target, **connection_options.flags_of()}
    words: list[str] = []
    for name, value in said.items():
        if name == "temporary":
            words.append("--temporary-connection")
        elif value and (as_role or name != "role"):
            words += [f"--{name.replace('_', '-')}", value]
    return f" {shlex.join(words)}" if words else ""


def where_options(function: _F) -> _F:
    """Add ``--mode``, ``--target`` and the options of a connection.

    They are not handed to the command, but heeded by ``open_workspace(…, anywhere=True)``.
    """
    return connection_options.connection_options(_mode(_target(function)))


def where_options_but_target(function: _F) -> _F:
    """Add them for a command to which ``--target`` says something else."""
    return connection_options.connection_options(_mode(function))


def asked(context: click.Context | None = None) -> Where:
    """Return what the line says."""
    found = context or click.get_current_context(silent=True)
    said: dict[str, str] = found.meta.get(_META, {}) if found is not None else {}
    return Where(**said, flags=connection_options.flags_of(found))


def mode_of(where: Where, root: Path, environ: Mapping[str, str] = os.environ) -> Mode:
    """Return whether the project in *root* works on this machine or in an account.

    Raises:
        UsageError: ``--mode`` is no mode.
        SettingsError: the account is meant, and the connection to it cannot be used; or
            MLOPS_MODE is no mode.
    """
    # Where nothing hints at an account, nothing of connections is imported.
    hints = any(name.startswith(("SNOWFLAKE_", "MLOPS_MODE")) for name in environ)
    if not hints and not where.flags and not where.mode and not (root / ".env").is_file():
        return "local"
    from sf_ml_framework import connection

    return connection.decided(root, environ, where.flags, where.mode)


def _mode(function: _F) -> _F:
    return click.option(
        "--mode",
        type=click.Choice(["local", "snowflake"]),
        expose_value=False,
        callback=_remember,
        help="Where to work; by default in the account when a connection is given.",
    )(function)


def _target(function: _F) -> _F:
    return click.option(
        "-t",
        "--target",
        "--env",
        "in_target",
        metavar="NAME",
        expose_value=False,
        callback=_remember,
        shell_complete=connection_options.completes_targets,
        help=f"Environment of mlops.yml, in an account; {connection_options.BY_DEFAULT}.",
    )(function)


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        key = (option.name or "").removeprefix("in_")
        context.meta.setdefault(_META, {})[key] = str(value)
