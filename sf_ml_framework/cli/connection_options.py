"""Options of every command that may reach an account, spelled as in Snowflake's own command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.errors import FrameworkError

_F = TypeVar("_F", bound=Callable[..., Any])

_META = "sf_ml_framework.connection"
"""Where the options are kept while the line is read; ``flags_of`` returns them."""

VALUES = (
    ("account", "Identifier of the account, ORGANIZATION-ACCOUNT."),
    ("user", "User to sign in as."),
    ("role", "Role to work as."),
    ("warehouse", "Warehouse for the SQL of this command."),
    ("database", "Database of the session."),
    ("schema", "Schema of the session."),
    ("private-key-file", "File of the private key to sign in with."),
    ("authenticator", "How to sign in, as in SNOWFLAKE_JWT or PROGRAMMATIC_ACCESS_TOKEN."),
)
"""Options that give one value each. There is none for a password: other users would see it."""


def connection_options(function: _F) -> _F:
    """Add the options of a connection; what they say is read by ``open_account``.

    They are not handed to the command. Its help names ``--connection`` alone; ``mlops doctor``
    lists the others.
    """
    function = all_connection_options(function)
    values = {name.replace("-", "_") for name, _ in VALUES}
    for option in getattr(function, "__click_params__", []):
        if option.name in values | {"temporary"}:
            option.hidden = True
    return function


def all_connection_options(function: _F) -> _F:
    """Add the same options, each with a line in the help."""
    decorators = [
        click.option(
            "-c",
            "--connection",
            "connection",
            metavar="NAME",
            expose_value=False,
            callback=_remember,
            shell_complete=completes_connections,
            help="Connection of connections.toml or config.toml; mlops doctor --help lists more"
            " options of it.",
        ),
        click.option(
            "-x",
            "--temporary-connection",
            "temporary",
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="Read no file; only options, the environment and .env.",
        ),
        *(
            click.option(
                f"--{name}",
                name.replace("-", "_"),
                metavar="FILE" if name.endswith("file") else name.split("-")[0].upper(),
                expose_value=False,
                callback=_remember,
                help=text,
            )
            for name, text in VALUES
        ),
    ]
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


BY_DEFAULT = "by default that of the branch in CI, else default_target"
"""Which target a command means that names none."""


def target_option(function: _F) -> _F:
    """Add ``--target``, passed as ``target``; empty where it is not given."""
    return _target_option(f"Environment of mlops.yml; {BY_DEFAULT}.")(function)


def declared_target_option(function: _F) -> _F:
    """Add the same to a command whose files are committed: no branch changes what it means."""
    return _target_option("Environment of mlops.yml; by default default_target.")(function)


def _target_option(text: str) -> Callable[[_F], _F]:
    return click.option(
        "-t",
        "--target",
        "--env",
        "target",
        metavar="NAME",
        default="",
        shell_complete=completes_targets,
        help=text,
    )


def mode_option(function: _F) -> _F:
    """Add ``--mode``, passed as ``mode``; none where it is not given."""
    return click.option(
        "--mode",
        type=click.Choice(["local", "snowflake"]),
        help="Where to work; by default in the account when a connection is given.",
    )(function)


def flags_of(context: click.Context | None = None) -> dict[str, str]:
    """Return what the line says of the connection, as ``connection.resolve`` takes it."""
    found = context or click.get_current_context(silent=True)
    return dict(found.meta.get(_META, {})) if found is not None else {}


def completes_connections(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the connections of the files that begin with *incomplete*."""
    import os

    from sf_ml_framework.connection import files

    try:
        sections = files.read(os.environ).sections
    except FrameworkError:
        # Who presses Tab is helped by silence more than by an error.
        return []
    return [CompletionItem(name) for name in sections if name.startswith(incomplete)]


def completes_targets(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the targets of the project that begin with *incomplete*; none outside a project."""
    from sf_ml_framework.cli.workspace import open_workspace

    try:
        with open_workspace(context.ensure_object(Invocation)) as workspace:
            known = [*workspace.settings.targets, *workspace.settings.made]
    except (FrameworkError, OSError):
        return []
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    """Keep an option of the connection for whoever opens it."""
    if value:
        written = "yes" if value is True else str(value)
        context.meta.setdefault(_META, {})[option.name or ""] = written
