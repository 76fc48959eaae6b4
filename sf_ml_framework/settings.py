"""The project's settings: ``mlops.yml`` and what the environment changes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from sf_ml_framework.environments import Environment, known
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
    telemetry: str = ""
    """Where traces go: ``off``, ``otlp``, an address, a file; empty: as ``OTEL_*`` say."""


class Costs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What credits cost, for the commands that tell costs."""

    price_per_credit: Annotated[float, msgspec.Meta(ge=0)] = 0
    """In your contract's currency; 0: costs are told in credits alone."""
    currency: str = "USD"
    """Of that price, as it is shown."""
    rates: str = ""
    """File of your own rates, laid over the shipped ones, relative to the project."""
    start_up_minutes: Annotated[float, msgspec.Meta(ge=0)] = 2
    """Until a machine of a pool that is asked for works."""


class EnvironmentSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"of": "from"}
):
    """What ``mlops env create`` makes where its line says nothing else."""

    of: str = ""
    """Target that environments are cloned from."""
    expires: str = ""
    """How long one stands, as in ``3d`` or ``12h``; empty: until it is destroyed."""
    shared: bool = False
    """Whether they use roles, warehouse and pools of that target; else each has its own."""
    target: dict[str, Any] = {}
    """Settings of a target, laid over what each is derived from."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``mlops.yml`` says."""

    project: str
    """``module:name`` of the Project, with the project's folder on the import path."""
    local: LocalSettings = LocalSettings()
    default_target: str = ""
    targets: dict[str, dict[str, Any]] = {}
    """Environments in an account, by name; read by the commands that deploy."""
    costs: Costs = Costs()
    environments: EnvironmentSettings = EnvironmentSettings()
    made: dict[str, Environment] = {}
    """Environments that ``mlops env create`` made, as far as this project knows; never written."""


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

    ``MLOPS_DATA``, ``MLOPS_DATA_FORMAT`` and ``MLOPS_WORKERS`` win over the file: those of
    *environ* first, then those of ``.env`` beside it.

    Raises:
        SettingsError: a file cannot be read, or says what cannot be; names file and setting.
    """
    raw = _parse(root / FILE)
    if "made" in raw:
        raise SettingsError(
            f"{root / FILE}: Object contains unknown field `made`",
            remedy=nearest("made", Settings.__struct_fields__[:-1]),
        )
    settings = _convert(raw, Settings, str(root / FILE))
    settings = msgspec.structs.replace(settings, made=known(root, environ))
    for variable, name in VARIABLES.items():
        origin, value = _variable(variable, root, environ)
        if value:
            changed = {**msgspec.structs.asdict(settings.local), name: value}
            local = _convert(changed, LocalSettings, f"{variable} of {origin}")
            settings = msgspec.structs.replace(settings, local=local)
    return settings


VARIABLES = {"MLOPS_DATA": "data", "MLOPS_DATA_FORMAT": "format", "MLOPS_WORKERS": "workers"}
"""Variables of the environment that win over a setting of ``local``."""


def _variable(name: str, root: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return where the variable *name* is set, and to what; its value is empty when nowhere."""
    if environ.get(name):
        return "the environment", environ[name]
    file = root / ".env"
    return str(file), dotenv(file).get(name, "")


def dotenv(file: Path) -> dict[str, str]:
    """Return the variables of a ``.env`` file; none when there is no such file.

    Raises:
        SettingsError: it cannot be read as UTF-8 text.
    """
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        found = dotenv_values(file, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}", remedy="save it as UTF-8") from error
    return {key: value for key, value in found.items() if value is not None}


T = TypeVar("T", bound=msgspec.Struct)


def _convert(raw: dict[str, Any], kind: type[T], origin: str) -> T:
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{origin}: {error}", remedy=_remedy(str(error))) from error


def _parse(file: Path) -> dict[str, Any]:
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
        # Both are safe loaders; the one in C is ten times faster.
        raw = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}", remedy="see USAGE.md") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{file} is no YAML: {error}", remedy="mend that line") from error
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise SettingsError(
            f"{file} holds no settings", remedy="write at least `project: module:PROJECT`"
        )
    return raw


def _remedy(message: str) -> str:
    """Return the nearest setting for an unknown one; else what the message already says."""
    unknown = re.search(r"unknown field `([^`]+)`(?:.*\$\.(local|costs|environments))?", message)
    if not unknown:
        return "see docs/reference/settings.md"
    owners: dict[str | None, type[msgspec.Struct]] = {
        "local": LocalSettings, "costs": Costs, "environments": EnvironmentSettings,
    }  # fmt: skip
    fields = owners.get(unknown[2], Settings).__struct_encode_fields__
    return nearest(unknown[1], [each for each in fields if each != "made"])
