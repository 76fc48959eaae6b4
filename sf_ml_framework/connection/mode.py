"""Whether a command works on this machine or in an account."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from sf_ml_framework import settings
from sf_ml_framework.connection.resolve import resolve
from sf_ml_framework.connection.signin import check
from sf_ml_framework.connection.values import ConnectionSettings
from sf_ml_framework.errors import SettingsError, UsageError, nearest

Mode = Literal["local", "snowflake"]

MODE = "MLOPS_MODE"
"""The variable that says it, where ``--mode`` does not."""

_MODES = ("local", "snowflake")


def decided(
    root: Path, environ: Mapping[str, str], flags: Mapping[str, str], flag: str = ""
) -> Mode:
    """Return where a command works, having looked for a connection itself.

    Whoever says ``local`` works here, whatever is wrong with a connection.

    Args:
        root: the project.
        environ: the environment.
        flags: what the command line says of the connection.
        flag: what ``--mode`` says; empty where it was not given.

    Raises:
        UsageError: *flag* is no mode.
        SettingsError: the account is meant, and the connection to it cannot be used; or MLOPS_MODE
            is no mode.
    """
    if not flags and (flag or _said(environ, root)[1]) == "local":
        return "local"
    found = resolve(root, flags, environ, checked=False)
    chosen = mode(found, environ, flag, root)
    if chosen == "snowflake" and found is not None:
        check(found)
    return chosen


def mode(
    connection: ConnectionSettings | None,
    environ: Mapping[str, str],
    flag: str = "",
    root: Path | None = None,
) -> Mode:
    """Return where a command works: as *flag* says, as MLOPS_MODE says, or as the connection says.

    A connection that this call asked for, or a container, means the account; a connection that only
    stands in a file of the home directory does not.

    Args:
        connection: what ``resolve`` found.
        environ: the environment.
        flag: what ``--mode`` says; empty where it was not given.
        root: the project, whose ``.env`` may say MLOPS_MODE too.

    Raises:
        UsageError: *flag* is no mode.
        SettingsError: MLOPS_MODE is no mode.
    """
    if flag:
        if flag not in _MODES:
            raise UsageError(f"--mode cannot be {flag!r}", remedy=nearest(flag, _MODES))
        return cast(Mode, flag)
    origin, said = _said(environ, root)
    if said:
        if said not in _MODES:
            raise SettingsError(
                f"{MODE} of {origin} cannot be {said!r}", remedy=nearest(said, _MODES)
            )
        return cast(Mode, said)
    return "snowflake" if connection is not None and connection.given else "local"


def _said(environ: Mapping[str, str], root: Path | None) -> tuple[str, str]:
    """Return who says MLOPS_MODE, and what it is; empty when nobody does."""
    if environ.get(MODE) or root is None:
        return "the environment", environ.get(MODE, "")
    return str(root / ".env"), settings.dotenv(root / ".env").get(MODE, "")
