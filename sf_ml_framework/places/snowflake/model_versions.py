"""Versions of models: the author's own words, and the identifiers of the Model Registry.

A version of the author's (``v1.2.0``) is no SQL identifier, so the registry has it as ``V1_2_0``.
Its versions never change: a model that is trained again under the same version of the author's
becomes ``V1_2_0_2``, then ``V1_2_0_3``. Which of them ``v1.2.0`` means now is written in
MLOPS_DATASETS, and the default version and the alias of the target say it to everyone else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from sf_ml_framework.identifiers import why_not_identifier, why_not_version

LONGEST_ALIAS = 255
"""Characters of an identifier, which an alias is."""

SYSTEM_ALIASES = ("DEFAULT", "FIRST", "LAST")
"""Aliases that are Snowflake's own. Source: ALTER MODEL … SET ALIAS."""

_PLAIN = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")
"""A version that its identifier tells: small letters and digits, in parts divided by points."""

_IDENTIFIER = re.compile(r"_?[A-Z0-9]+(_[A-Z0-9]+)*")


class RegistryVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a model as ``SHOW VERSIONS IN MODEL`` lists it."""

    name: str
    signature: str
    """When it was made. Files of a version cannot be changed, so this tells it from another that
    was later given the same name."""
    is_default: bool = False
    aliases: tuple[str, ...] = ()
    """Those that people set; Snowflake's own are left out."""
    comment: str = ""


def identifier_of(version: str) -> str:
    """Return the identifier under which the registry has *version*: ``v1.2.0`` is ``V1_2_0``.

    Every version has one, but only a plain one (small letters, digits and points) can be told from
    it again by ``version_of``; the save of a second version with the same identifier is refused.

    Raises:
        ValueError: no dataset has such a version, or it is a word of Snowflake's own.
    """
    if why := why_not_version(version):
        raise ValueError(f"{version!r} is no version: {why}")
    name = re.sub(r"[.\-]", "_", version).upper()
    # An identifier cannot begin with a digit, and no version begins with a line.
    name = f"_{name}" if name[0].isdigit() else name
    if name in SYSTEM_ALIASES:
        raise ValueError(
            f"{version!r} cannot be a model's version: {name} is an alias of Snowflake's"
        )
    if why := why_not_identifier(name):
        raise ValueError(f"{version!r} cannot be a model's version: {why}")
    return name


def version_of(identifier: str) -> str:
    """Return the plain version whose identifier this is: ``V1_2_0`` is ``v1.2.0``.

    Raises:
        ValueError: no plain version has this identifier.
    """
    if not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(f"{identifier!r} is the identifier of no plain version")
    version = identifier.removeprefix("_").lower().replace("_", ".")
    if identifier_of(version) != identifier:
        raise ValueError(f"{identifier!r} is the identifier of no plain version")
    return version


def is_plain(version: str) -> bool:
    """Return whether ``version_of(identifier_of(version))`` is *version* again."""
    return bool(_PLAIN.fullmatch(version))


def namesakes(version: str, others: Iterable[str]) -> tuple[str, ...]:
    """Return which of *others* have the identifier of *version* and yet are not it."""
    wanted = identifier_of(version)
    return tuple(
        sorted({each for each in others if each != version and identifier_of(each) == wanted})
    )


def free_name(version: str, taken: Collection[str]) -> str:
    """Return the first name for *version* that the registry does not have yet."""
    name = identifier_of(version)
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def is_name_for(name: str, version: str) -> bool:
    """Return whether the registry's *name* may be one that ``free_name`` gave *version*."""
    base = identifier_of(version)
    return name == base or re.fullmatch(rf"{re.escape(base)}_[1-9]\d*", name) is not None


def shown(row: Mapping[str, Any]) -> RegistryVersion:
    """Return what a row of ``SHOW VERSIONS IN MODEL`` says; its keys are lower-case."""
    aliases = json.loads(row.get("aliases") or "[]")
    return RegistryVersion(
        name=str(row["name"]),
        signature=_moment(row["created_on"]),
        is_default=str(row.get("is_default_version")).lower() == "true",
        aliases=tuple(str(each) for each in aliases if each not in SYSTEM_ALIASES),
        comment=str(row.get("comment") or ""),
    )


def _moment(value: Any) -> str:
    """Return a time so that equal ones are equal texts, whatever zone the session shows."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def why_not_alias(alias: str) -> str:
    """Return why *alias* cannot be the alias of a version; empty when it can."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", alias) or len(alias) > LONGEST_ALIAS:
        return "an alias is letters, digits and _, and begins with no digit"
    if alias.upper() in SYSTEM_ALIASES:
        return f"{alias.upper()} is an alias of Snowflake's own"
    return ""
