"""``connections.toml`` and ``config.toml``: found, checked, read.

Source: Snowflake, "Managing Snowflake connections"; connector 4.8, ``config_manager.py`` and
``sf_dirs.py`` (folder, which file is read, which permissions are refused).
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from sf_ml_framework.connection.values import Level
from sf_ml_framework.errors import SettingsError

TEXT = "SNOWFLAKE_CONNECTIONS"
"""The variable that may hold the whole text of ``connections.toml``."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One named connection of a file."""

    content: dict[str, Any]
    level: Level
    origin: str


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """What the files hold."""

    sections: dict[str, Section]
    """By name; of two files that have the name, the whole section of ``connections.toml``."""
    origin: str = ""
    """Where connections are described, whether or not anything is there."""
    default_name: str = ""
    default_origin: str = ""
    warnings: tuple[str, ...] = ()


def read(environ: Mapping[str, str]) -> Files:
    """Return the connections of the files that *environ* leads to.

    Raises:
        SettingsError: a file is no TOML, cannot be read, or others may write it.
    """
    folder = _folder(environ)
    warnings: list[str] = []
    config: dict[str, Any] = {}
    connections: dict[str, Any] = {}
    config_file = folder / "config.toml" if folder else None
    connections_file = folder / "connections.toml" if folder else None
    if config_file and config_file.is_file():
        config = _parsed(_text(config_file, warnings), str(config_file))
    where = str(connections_file or "")
    if environ.get(TEXT):
        # The connector takes the variable in the file's place, not beside it.
        where = TEXT
        connections = _parsed(environ[TEXT], TEXT)
    elif connections_file and connections_file.is_file():
        connections = _parsed(_text(connections_file, warnings), where)
    sections = _sections(_tables(config.get("connections")), Level.CONFIG_FILE, str(config_file))
    level = Level.VARIABLE if where == TEXT else Level.CONNECTIONS_FILE
    sections |= _sections(_tables(connections), level, where)
    return Files(
        sections=sections,
        origin=where,
        default_name=str(config.get("default_connection_name") or ""),
        default_origin=str(config_file or ""),
        warnings=tuple(warnings),
    )


def why_not_private(file: Path) -> tuple[str, bool]:
    """Return what is wrong with who may use *file*, and whether it must not be used at all."""
    if sys.platform == "win32":
        return "", False
    try:
        state = file.stat()
    except OSError:
        return "", False
    if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{file} may be changed by others", True
    if state.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return f"{file} may be read by others", False
    if hasattr(os, "getuid") and state.st_uid not in (0, os.getuid()):
        return f"{file} belongs to somebody else", False
    return "", False


def _folder(environ: Mapping[str, str]) -> Path | None:
    """Return where the files are; none where nothing leads to a home directory."""
    home = environ.get("HOME") or environ.get("USERPROFILE")
    named = environ.get("SNOWFLAKE_HOME")
    if named:
        folder = Path(home or "", named[2:]) if named.startswith("~/") else Path(named)
        if folder.is_dir():
            return folder
    if not home:
        return None
    usual = Path(home) / ".snowflake"
    if not named and usual.is_dir():
        return usual
    if sys.platform == "darwin":
        return Path(home) / "Library" / "Application Support" / "snowflake"
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or Path(home, "AppData", "Local")) / "snowflake"
    return Path(environ.get("XDG_CONFIG_HOME") or Path(home) / ".config") / "snowflake"


def _text(file: Path, warnings: list[str]) -> str:
    wrong, refused = why_not_private(file)
    remedy = f'chmod 0600 "{file}"'
    if refused:
        raise SettingsError(f"{wrong}, so it is not used", remedy=remedy)
    if wrong:
        warnings.append(f"{wrong}: {remedy}")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{file} cannot be read: {why}", remedy=remedy) from None


def _parsed(text: str, origin: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The message names line and column; the text itself may hold secrets.
        raise SettingsError(f"{origin} is no TOML: {error}", remedy="mend that line") from None


def _tables(found: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(found, dict):
        return {}
    return {name: table for name, table in found.items() if isinstance(table, dict)}


def _sections(tables: dict[str, dict[str, Any]], level: Level, origin: str) -> dict[str, Section]:
    return {
        name: Section(content=table, level=level, origin=f"{origin} [{name}]")
        for name, table in tables.items()
    }
