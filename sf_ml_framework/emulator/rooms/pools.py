"""Compute pools: statements and what they show. Their states are in :mod:`..services.pooling`.

Source: Snowflake, "CREATE COMPUTE POOL", "ALTER COMPUTE POOL", "DROP COMPUTE POOL", "SHOW COMPUTE
POOLS", "SHOW COMPUTE POOL INSTANCE FAMILIES". There is no OR REPLACE.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, invalid, not_found
from ..names import Path, parts_of
from ..reader import only
from ..registry import Call, Scope
from ..results import ResultSet, done, status
from ..services.families import FAMILIES
from ..services.naming import account_name
from ..services.pooling import Pools
from . import tags
from .showing import gone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

_CREATED = {
    "MIN_NODES",
    "MAX_NODES",
    "INSTANCE_FAMILY",
    "AUTO_RESUME",
    "INITIALLY_SUSPENDED",
    "AUTO_SUSPEND_SECS",
    "TAG",
    "COMMENT",
    "PLACEMENT_GROUP",
    "BACKUP_INSTANCE_FAMILIES",
}
_ALTERED = {"MIN_NODES", "MAX_NODES", "AUTO_RESUME", "AUTO_SUSPEND_SECS", "COMMENT"}
_UNSET: dict[str, Any] = {"AUTO_SUSPEND_SECS": 3600, "AUTO_RESUME": True, "COMMENT": ""}
_COLUMNS = ["name", "state", "min_nodes fixed", "max_nodes fixed", "instance_family"]
_COLUMNS += ["num_services fixed", "num_jobs fixed", "auto_suspend_secs fixed", "auto_resume"]
_COLUMNS += ["active_nodes fixed", "idle_nodes fixed", "target_nodes fixed"]
_COLUMNS += ["created_on timestamp_ltz", "resumed_on timestamp_ltz", "updated_on timestamp_ltz"]
_COLUMNS += ["owner", "comment", "is_exclusive", "application", "budget", "error_code"]
_COLUMNS += ["status_message", "placement_group", "backup_instance_families"]


def install(account: Account) -> None:
    """Register the statements."""
    account.parts[Pools] = Pools(account)
    account.statement("CREATE COMPUTE POOL [IF NOT EXISTS]", create)
    account.statement("ALTER COMPUTE POOL [IF EXISTS]", alter)
    account.statement("DROP COMPUTE POOL [IF EXISTS]", drop)
    account.function("SYSTEM$GET_COMPUTE_POOL_STATUS", lambda s, name: told(account, s, name))
    account.show("COMPUTE POOLS", _COLUMNS, show)
    account.describe("COMPUTE POOL", _COLUMNS, describe)
    families = ["instance_family_name", "vcpu real", "memory_gib fixed", "gpus fixed"]
    account.show("COMPUTE POOL INSTANCE FAMILIES", families, show_families)


def _checked(found: dict[str, Any], allowed: set[str]) -> dict[str, Any]:
    only(found, allowed, "COMPUTE POOL")
    for key in ("MIN_NODES", "MAX_NODES", "AUTO_SUSPEND_SECS"):
        lowest = 0 if key == "AUTO_SUSPEND_SECS" else 1
        if key in found and (type(found[key]) is not int or found[key] < lowest):
            raise invalid(f"invalid value '{found[key]}' for property '{key}'")
    for key in ("AUTO_RESUME", "INITIALLY_SUSPENDED"):
        if key in found and not isinstance(found[key], bool):
            raise invalid(f"invalid value '{found[key]}' for property '{key}'")
    return found


def _in_order(minimum: int, maximum: int) -> None:
    if minimum > maximum:
        raise invalid(
            f"MIN_NODES {minimum} must not be greater than MAX_NODES {maximum} of the compute pool."
        )


def create(call: Call) -> ResultSet:
    """Create a pool; it starts at once unless told otherwise."""
    path = account_name(call)
    call.reader.accept("FOR", "APPLICATION")
    found = _checked(call.reader.properties(), _CREATED)
    for key in ("MIN_NODES", "MAX_NODES", "INSTANCE_FAMILY"):
        if key not in found:
            raise invalid(f"missing required property '{key}' for 'COMPUTE POOL'")
    _in_order(found["MIN_NODES"], found["MAX_NODES"])
    family = str(found["INSTANCE_FAMILY"]).upper()
    if family not in FAMILIES:
        raise invalid(f"invalid value '{family}' for property 'INSTANCE_FAMILY'")
    tagged = found.pop("TAG", {})
    comment = str(found.pop("COMMENT", ""))
    suspended = bool(found.pop("INITIALLY_SUSPENDED", False))
    now = call.account.clock.now()
    properties = {
        **{k: v if isinstance(v, int) else str(v) for k, v in found.items()},
        "INSTANCE_FAMILY": family,
        "suspended": suspended,
        "since": now.isoformat(),
        "used": now.isoformat(),
        "updated": now.isoformat(),
    }
    entry = Entry(
        kind="COMPUTE POOL",
        path=path,
        owner=call.session.role,
        created_on=now,
        comment=comment,
        properties=properties,
    )
    if not call.account.catalog.create(entry, if_absent=call.if_not_exists):
        return status(f"{path.name} already exists, statement succeeded.")
    tags.attach(call.account, call.session, "COMPUTE POOL", path, tagged)
    return status(f"Compute Pool {path.name} successfully created.")


def alter(call: Call) -> ResultSet:
    """Suspend, resume, stop what runs, or change a pool."""
    path = account_name(call)
    entry = call.account.catalog.find("COMPUTE POOL", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("COMPUTE POOL", path.name)
    pools, reader = call.account.part(Pools), call.reader
    if tags.altered(call, "COMPUTE POOL", path):
        return done()
    if reader.accept("SUSPEND"):
        reader.end()
        pools.suspend(entry)
    elif reader.accept("RESUME"):
        reader.end()
        pools.resume(entry)
    elif reader.accept("STOP", "ALL"):
        reader.end()
        pools.stop_all(path.name)
    elif reader.accept("SET"):
        _set(call, entry, _checked(reader.properties(), _ALTERED))
    elif reader.accept("UNSET"):
        found = {}
        while not reader.done:
            key = reader.next().text.upper()
            if key not in _UNSET:
                raise invalid(f"invalid property '{key}' for 'COMPUTE POOL'")
            found[key] = _UNSET[key]
            reader.accept(",")
        _set(call, entry, found)
    else:
        reader.fail()
    return done()


def _set(call: Call, entry: Entry, found: dict[str, Any]) -> None:
    if not found:
        call.reader.fail()
    comment = str(found.pop("COMMENT", entry.comment))
    now = call.account.clock.now().isoformat()
    merged = {**entry.properties, **found, "updated": now}
    counts = ("MIN_NODES", "MAX_NODES")
    if any(merged[key] != entry.properties[key] for key in counts):
        merged["resized"] = now
    _in_order(merged["MIN_NODES"], merged["MAX_NODES"])
    call.account.catalog.update(replace(entry, comment=comment, properties=merged))


def drop(call: Call) -> ResultSet:
    """Drop a pool that runs nothing."""
    path = account_name(call)
    call.reader.end()
    pools = call.account.part(Pools)
    if call.account.catalog.find("COMPUTE POOL", path) is None:
        return gone(call, "COMPUTE POOL", path.name, path.name)
    if pools.busy(path.name):
        raise SnowflakeError(
            f"Cannot drop compute pool '{path.name}' because services or jobs are still in it. "
            "Use ALTER COMPUTE POOL .. STOP ALL first.",
            number=392504,
            state="55000",
        )
    call.account.catalog.drop("COMPUTE POOL", path)
    return status(f"{path.name} successfully dropped.")


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the pools."""
    for entry in call.account.catalog.all("COMPUTE POOL"):
        yield call.account.part(Pools).row(entry)


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield the one row of a pool."""
    entry = call.account.catalog.get("COMPUTE POOL", Path("", "", parts[-1]))
    yield call.account.part(Pools).row(entry)


def told(account: Account, session: Session, name: Any) -> str:
    """Return a pool's state as JSON; the function has no page, ``snow`` passes on what it says."""
    path = Path("", "", parts_of(str(name))[-1])
    account.require(session, "MONITOR|OPERATE|USAGE", "COMPUTE POOL", path)
    row = account.part(Pools).row(account.catalog.get("COMPUTE POOL", path))
    return json.dumps({"status": row["state"], "message": row.get("status_message") or ""})


def show_families(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the instance families."""
    for family in FAMILIES.values():
        yield {
            "name": family.name,
            "instance_family_name": family.name,
            "vcpu": family.cpu,
            "memory_gib": family.memory_gib,
            "gpus": family.gpus,
        }
