"""How a client reaches the local Snowflake: environment lines, and an entry in connections.toml."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sf_ml_framework.cli.files import write_text
from sf_ml_framework.errors import OperatorError

if TYPE_CHECKING:
    from sf_ml_framework.cli.emulator_server import Server

NAME = "emulator"
"""What the entry is called."""
FILE = "connections.toml"
PASSWORD = "mlops"  # noqa: S105 - the documented one of a server that nobody else reaches
_HEADER = re.compile(r"^\s*\[{1,2}\s*(?P<name>[^\]]+?)\s*\]{1,2}\s*(#.*)?$")


def parameters(server: Server, password: str | None = None) -> dict[str, str | int]:
    """Return the parameters of a connection; without a password where only the user knows it."""
    address = urlsplit(server.url)
    found: dict[str, str | int] = {"account": server.account, "user": server.user}
    if password is not None or server.default_password:
        found["password"] = PASSWORD if password is None else password
    return {
        **found,
        "host": address.hostname or "",
        "port": address.port or 0,
        "protocol": address.scheme,
        "role": "ACCOUNTADMIN",
        "warehouse": "COMPUTE_WH",
    }


def environment_lines(server: Server) -> list[str]:
    """Return what a shell reads to connect; never a password that a person chose."""
    lines = [
        f"export SNOWFLAKE_{name.upper()}={shlex.quote(str(value))}"
        for name, value in parameters(server).items()
    ]
    # A client in no cloud asks for a cloud's metadata server at each login, and waits for it.
    return [*lines, "export SNOWFLAKE_DISABLE_PLATFORM_DETECTION=true"]


def write(file: Path, server: Server, password: str | None) -> None:
    """Write the entry ``[emulator]`` into *file*, readable by its owner alone; others stay.

    Raises:
        OperatorError: *file* cannot be read or is no TOML, holds the entry in a way that cannot be
            replaced, or cannot be written; it is then as it was.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise OperatorError(
            f"{file} cannot be read: {why}", remedy="mend it, or name another file"
        ) from error
    kept = _without_entry(text)
    _check(file, kept)
    entry = "".join(
        f"{name} = {json.dumps(value)}\n" for name, value in parameters(server, password).items()
    )
    head = f"{kept.rstrip()}\n\n" if kept.strip() else ""
    write_text(file, f"{head}[{NAME}]\n{entry}", mode=0o600)


def _without_entry(text: str) -> str:
    """Return *text* without the lines of our entry."""
    lines, inside = [], False
    for line in text.splitlines(keepends=True):
        if match := _HEADER.match(line):
            inside = match["name"].strip("\"'") == NAME
        if not inside:
            lines.append(line)
    return "".join(lines)


def _check(file: Path, text: str) -> None:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(
            f"{file} cannot be read: {error}", remedy="mend it, or name another file"
        ) from error
    if NAME in found:
        raise OperatorError(
            f"{file} holds {NAME!r} already, in a form that is not replaced",
            remedy=f"remove that entry, or write it as a table [{NAME}]",
        )
