"""The project's settings: ``mlops.yml`` and what the environment changes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from sf_ml_framework.errors import SettingsError, nearest

FILE = "mlops.yml"
"""A folder that holds this file is a project."""

Format = Literal["csv", "parquet"]


class LocalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run on this machine keeps its data."""

    data: str = "data"
    """Folder of the datasets, relative to the project."""
    format: Format = "csv"
    """Format of tables."""
    workers: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Most nodes at once; 0 is one for each processor."""
    memory_limit: str = ""
    """Most memory for tables that are not loaded whole, as in ``4GB``; empty: DuckDB's own."""
    threads: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Threads for tables; 0 is one for each processor."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``mlops.yml`` says."""

    project: str
    """``module:name`` of the Project, with the project's folder on the import path."""
    local: LocalSettings = LocalSettings()
    default_target: str = ""
    targets: dict[str, dict[str, Any]] = {}
    """Environments in an account, by name; read by the commands that deploy."""


def find_root(start: Path) -> Path:
    """Return the project's folder: *start* or the nearest folder above it that holds mlops.yml.

    Raises:
        SettingsError: there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise SettingsError(
        f"{start} is in no project: neither it nor a folder above it has {FILE}",
        remedy="go into the project's folder, or name it with --project DIR",
    )


def load(root: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the project in the folder *root*.

    ``MLOPS_DATA``, ``MLOPS_DATA_FORMAT`` and ``MLOPS_WORKERS`` of *environ* win over the file.

    Raises:
        SettingsError: the file is missing, no YAML, or says what cannot be.
    """
    file = root / FILE
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}", remedy="see USAGE.md") from error
    raw = _parse(file, text)
    local = raw.get("local")
    overrides = _from_environment(environ)
    if overrides and isinstance(local, dict | None):
        raw["local"] = {**(local or {}), **overrides}
    try:
        return msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{file}: {error}", remedy=_remedy(str(error))) from error


def _parse(file: Path, text: str) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        raw = yaml.load(text, Loader=loader)  # noqa: S506 -- both are safe loaders
    except yaml.YAMLError as error:
        raise SettingsError(f"{file} is no YAML: {error}", remedy="mend that line") from error
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise SettingsError(
            f"{file} holds no settings", remedy="write at least `project: module:PROJECT`"
        )
    return raw


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    names = {"MLOPS_DATA": "data", "MLOPS_DATA_FORMAT": "format", "MLOPS_WORKERS": "workers"}
    return {key: environ[name] for name, key in names.items() if environ.get(name)}


def _remedy(message: str) -> str:
    """Return the nearest setting for an unknown one; else what the message already says."""
    unknown = re.search(r"unknown field `([^`]+)`(.*\$\.local)?", message)
    if not unknown:
        return "see docs/reference/settings.md"
    owner = LocalSettings if unknown[2] else Settings
    return nearest(unknown[1], owner.__struct_fields__)
