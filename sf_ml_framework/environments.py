"""Environments that come and go, such as one for a pull request: a target derived from another.

What must be known of one fits into the comment of its database, into a file of the project that
made it, and into a variable of its containers, so that whoever needs the target can derive it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from sf_ml_framework.errors import SettingsError, UsageError

FOLDER = ".mlops/environments"
"""Where a project keeps those that it knows, one file each; the account knows all."""

VARIABLE = "MLOPS_ENVIRONMENT"
"""Says in a container which environment its target is."""

MARK = "mlops environment "
"""Begins the comment of an environment's database; the record follows as JSON."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")

_TIME = re.compile(r"(\d{1,5})([mhdw])")

State = Literal["creating", "ready", "destroying"]


class Environment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One environment."""

    name: str
    of: str
    """The declared target that it is derived from."""
    project: str = ""
    prefix: str = ""
    """Begins the names of what is its own around the database."""
    shared: bool = False
    """Whether it uses roles, warehouse and pools of that target; else it has its own."""
    created: str = ""
    """UTC in ISO 8601, as the account's clock has it."""
    expires: str = ""
    """The same; empty: never."""
    by: str = ""
    """The user who made it."""
    state: State = "ready"

    @property
    def comment(self) -> str:
        """The comment of its database."""
        return MARK + self.text

    @property
    def text(self) -> str:
        """All of it as JSON."""
        return msgspec.json.encode(self).decode()

    def is_expired(self, at: str) -> bool:
        """Say whether it has run out at *at*, UTC in ISO 8601."""
        return bool(self.expires) and self.expires <= at


def in_comment(comment: str) -> Environment | None:
    """Return the environment that the comment of a database tells of; none when it is of none."""
    if not comment.startswith(MARK):
        return None
    try:
        return decode(comment.removeprefix(MARK), "the comment of a database")
    except SettingsError:
        return None


def decode(text: str | bytes, origin: str) -> Environment:
    """Return the environment that *text* tells of.

    Raises:
        SettingsError: it tells of none; names *origin*.
    """
    try:
        found = msgspec.json.decode(text, type=Environment)
    except msgspec.DecodeError as error:
        raise SettingsError(f"{origin} tells of no environment: {error}") from error
    if why := why_not_name(found.name):
        raise SettingsError(f"{origin}: {why}")
    return found


def known(root: Path, environ: Mapping[str, str]) -> dict[str, Environment]:
    """Return the environments that the project in *root* and *environ* know of, by name.

    Raises:
        SettingsError: what tells of one cannot be understood.
    """
    files = sorted((root / FOLDER).glob("*.json"))
    found = [decode(file.read_bytes(), str(file)) for file in files]
    if environ.get(VARIABLE):
        found.append(decode(environ[VARIABLE], VARIABLE))
    return {each.name: each for each in found}


def why_not_name(name: str) -> str:
    """Return why *name* is no environment's; empty when it can be."""
    if _NAME.fullmatch(name):
        return ""
    return f"{name!r} is no environment's name: letters, digits, - and _, 63 at most"


def checked_name(name: str) -> str:
    """Return *name*.

    Raises:
        UsageError: it cannot be an environment's.
    """
    if why := why_not_name(name):
        raise UsageError(why, remedy="as in pr-42")
    return name


def seconds_of(text: str) -> int:
    """Return the seconds of a time such as ``3d``, ``12h`` or ``90m``; 0 when it is empty.

    Raises:
        UsageError: it is no time.
    """
    if not text:
        return 0
    found = _TIME.fullmatch(text.strip())
    if not found or not int(found[1]):
        raise UsageError(f"{text!r} is no time to expire after", remedy="as in 3d, 12h or 90m")
    return int(found[1]) * {"m": 60, "h": 3600, "d": 86400, "w": 604800}[found[2]]


def suffix_of(name: str) -> str:
    """Return what an environment's name adds to an identifier: ``pr-42`` is ``PR_42``."""
    return name.upper().replace("-", "_")


def derived(
    raw: Mapping[str, Any], parent: Mapping[str, Any], environment: Environment
) -> dict[str, Any]:
    """Return what says the target of *environment*, before what a project says of all of them.

    Args:
        raw: what ``mlops.yml`` says of the target that it is derived from.
        parent: that target, every name filled in.
        environment: which.
    """
    suffix, shared = suffix_of(environment.name), environment.shared
    repository = parent["image_repository"]
    if "." not in repository:
        repository = f"{parent['database']}.{parent['schema']}.{repository}"
    names = ("role", "deploy_role", "read_role", "warehouse")
    pools = {
        size: {**raw.get("pools", {}).get(size, {}), "name": pool["name"] if shared else ""}
        for size, pool in parent["pools"].items()
    }
    waits = parent["tasks"]["warehouse"]
    if not shared and waits == parent["warehouse"]:
        waits = f"{parent['prefix']}_{suffix}_WH"
    # Nobody is told, and nobody but who made it comes in; its nodes go out as the other's do.
    without = ("notifications", "network", "service_user")
    egress = (raw.get("network") or {}).get("egress", {})
    return {
        **{key: value for key, value in raw.items() if key not in without},
        "network": {"egress": egress},
        **{name: parent[name] if shared else "" for name in names},
        "database": f"{parent['database']}_{suffix}",
        "prefix": f"{parent['prefix']}_{suffix}",
        # Its images are the other's: what was built and scanned once is pushed once.
        "image_repository": repository,
        "pools": pools,
        # It runs when it is asked to, and belongs to no branch.
        "tasks": {**raw.get("tasks", {}), "schedule": "", "state": "kept", "warehouse": waits},
        "branch": "",
        "approval": "",
        "environment": {"name": environment.name, "of": environment.of, "shared": shared},
    }
