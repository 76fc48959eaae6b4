"""Models and their versions, with the files that the client uploaded.

Source: Snowflake, "CREATE MODEL", "ALTER MODEL", "SHOW VERSIONS IN MODEL"; snowflake-ml's
``model_manifest_schema.py`` for MANIFEST.yml and ``model/_client/sql`` for what clients read.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, invalid, not_found
from ..names import Path

if TYPE_CHECKING:
    from ..account import Account

KIND = "MODEL"
SYSTEM_ALIASES = ("DEFAULT", "FIRST", "LAST")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One function of a model version, as its MANIFEST.yml declares it."""

    name: str
    kind: str
    handler: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]

    @property
    def is_table(self) -> bool:
        """Whether it is called as TABLE(..)."""
        return self.kind == "TABLE_FUNCTION"


def folder(account: Account, entry: Entry) -> FilePath:
    """Return where the files of all versions are."""
    return account.files / "stages" / f"model-{entry.properties['id']}"


def version_folder(account: Account, entry: Entry, version: str) -> FilePath:
    """Return where the files of one version are."""
    return folder(account, entry) / "versions" / version


def versions(entry: Entry) -> dict[str, dict[str, Any]]:
    """Return the versions by name, the oldest first."""
    found: dict[str, dict[str, Any]] = entry.properties["versions"]
    return found


def resolve(entry: Entry, name: str | None) -> str:
    """Return the version that a name or alias means; the default for None.

    Raises:
        SnowflakeError: the model has no such version.
    """
    known = list(versions(entry))
    if name is None or name == "DEFAULT":
        return str(entry.properties["default"])
    if name in known:
        return name
    if name in {"FIRST", "LAST"}:
        return known[0 if name == "FIRST" else -1]
    for version, found in versions(entry).items():
        if name == found["alias"]:
            return version
    raise not_found("VERSION", f"{entry.path}.{name}")


def aliases(entry: Entry, version: str) -> list[str]:
    """Return the system's and the user's aliases of a version."""
    found = [alias for alias in SYSTEM_ALIASES if resolve(entry, alias) == version]
    own = versions(entry)[version]["alias"]
    return [*found, own] if own else found


def add(account: Account, entry: Entry, version: str, source: FilePath, comment: str) -> Entry:
    """Copy the files of a version and return the entry that has it; it is not stored yet.

    Raises:
        SnowflakeError: the version stands already, or the files are those of no model.
    """
    if version in versions(entry):
        raise SnowflakeError(
            f"Version '{version}' already exists in model '{entry.name}'.",
            number=92917,
            state="42710",
        )
    if "/" in version or version in {".", "..", *SYSTEM_ALIASES}:
        raise invalid(f"invalid version name '{version}'")
    manifest(source)
    target = version_folder(account, entry, version)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    made = {
        "created_on": account.clock.now().isoformat(),
        "comment": comment,
        "metadata": "{}",
        "alias": "",
    }
    changed: dict[str, Any] = {"versions": {**versions(entry), version: made}}
    if not entry.properties["default"]:
        changed["default"] = version
    return entry.with_properties(**changed)


def manifest(source: FilePath) -> dict[str, Any]:
    """Return MANIFEST.yml of a version's files."""
    import yaml

    file = source / "MANIFEST.yml"
    if not file.is_file():
        raise SnowflakeError("Unable to read file MANIFEST.yml.", number=398507, state="22000")
    found = yaml.safe_load(file.read_text())
    if not isinstance(found, dict) or not found.get("methods"):
        raise invalid("MANIFEST.yml declares no methods")
    return found


def methods(source: FilePath) -> dict[str, Method]:
    """Return the methods of a version by their SQL names."""
    found = {}
    for one in manifest(source)["methods"]:
        # The client writes names as they are stored, not as they would be written.
        name = str(one["name"])
        inputs = [*one.get("inputs", []), *one.get("params", [])]
        found[name] = Method(
            name=name,
            kind=str(one.get("type", "FUNCTION")).upper(),
            handler=str(one["handler"]),
            inputs=tuple((str(i.get("name", "")), str(i["type"])) for i in inputs),
            outputs=tuple((str(o.get("name", "")), str(o["type"])) for o in one["outputs"]),
        )
    return found


def platforms(source: FilePath) -> str:
    """Return where a version may run, as SHOW VERSIONS writes it."""
    found = manifest(source).get("target_platforms")
    return json.dumps(found or ["WAREHOUSE", "SNOWPARK_CONTAINER_SERVICES"])


def get(account: Account, path: Path) -> Entry:
    """Return the model or raise 002003."""
    return account.catalog.get(KIND, path)
