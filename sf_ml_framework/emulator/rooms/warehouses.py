"""Warehouses.

Source: Snowflake, "CREATE WAREHOUSE", "ALTER WAREHOUSE", "SHOW WAREHOUSES".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, invalid, not_found
from ..names import Path
from ..reader import only
from ..registry import Call, Scope
from ..results import ResultSet, done, status
from . import tags
from .showing import gone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account

SIZES = {
    "XSMALL": "X-Small",
    "SMALL": "Small",
    "MEDIUM": "Medium",
    "LARGE": "Large",
    "XLARGE": "X-Large",
    "XXLARGE": "2X-Large",
    "XXXLARGE": "3X-Large",
    "X4LARGE": "4X-Large",
    "X5LARGE": "5X-Large",
    "X6LARGE": "6X-Large",
}
_PROPERTIES = {
    "WAREHOUSE_TYPE",
    "WAREHOUSE_SIZE",
    "MAX_CLUSTER_COUNT",
    "MIN_CLUSTER_COUNT",
    "SCALING_POLICY",
    "AUTO_SUSPEND",
    "AUTO_RESUME",
    "INITIALLY_SUSPENDED",
    "RESOURCE_MONITOR",
    "COMMENT",
    "ENABLE_QUERY_ACCELERATION",
    "QUERY_ACCELERATION_MAX_SCALE_FACTOR",
    "MAX_CONCURRENCY_LEVEL",
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS",
    "STATEMENT_TIMEOUT_IN_SECONDS",
    "RESOURCE_CONSTRAINT",
    "GENERATION",
    "TAG",
}


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("CREATE [OR REPLACE] WAREHOUSE [IF NOT EXISTS]", create)
    account.statement("DROP WAREHOUSE [IF EXISTS]", drop)
    account.statement("ALTER WAREHOUSE [IF EXISTS]", alter)
    columns = [
        "name",
        "state",
        "type",
        "size",
        "min_cluster_count fixed",
        "max_cluster_count fixed",
    ]
    columns += [
        "started_clusters fixed",
        "running fixed",
        "queued fixed",
        "is_default",
        "is_current",
    ]
    columns += [
        "auto_suspend fixed",
        "auto_resume",
        "available",
        "provisioning",
        "quiescing",
        "other",
    ]
    columns += [
        "created_on timestamp_ltz",
        "resumed_on timestamp_ltz",
        "updated_on timestamp_ltz",
        "owner",
    ]
    columns += ["comment", "enable_query_acceleration", "query_acceleration_max_scale_factor fixed"]
    columns += ["resource_monitor", "scaling_policy", "budget", "owner_role_type"]
    account.show("WAREHOUSES", columns, show)
    account.describe("WAREHOUSE", ["created_on timestamp_ltz", "name", "kind"], describe)


def _properties(call: Call) -> dict[str, Any]:
    call.reader.accept("WITH")
    found = {
        k: v if k == "TAG" or isinstance(v, int) else str(v)
        for k, v in call.reader.properties().items()
    }
    only(found, _PROPERTIES, "WAREHOUSE")
    if "WAREHOUSE_SIZE" in found:
        size = str(found["WAREHOUSE_SIZE"]).upper().replace("-", "")
        size = {"2XLARGE": "XXLARGE", "3XLARGE": "XXXLARGE"}.get(size, size)
        size = f"X{size}" if size in {"4XLARGE", "5XLARGE", "6XLARGE"} else size
        size = {"X4XLARGE": "X4LARGE", "X5XLARGE": "X5LARGE", "X6XLARGE": "X6LARGE"}.get(size, size)
        if size not in SIZES:
            raise invalid(
                f"invalid property value '{found['WAREHOUSE_SIZE']}' for 'WAREHOUSE_SIZE'"
            )
        found["WAREHOUSE_SIZE"] = size
    return found


def _clusters(found: dict[str, Any]) -> None:
    """Refuse more clusters at least than at most. Source: Snowflake, "CREATE WAREHOUSE"."""
    least, most = (found.get(f"{word}_CLUSTER_COUNT", 1) for word in ("MIN", "MAX"))
    if str(least).isdigit() and str(most).isdigit() and int(least) > int(most):
        raise invalid(f"MIN_CLUSTER_COUNT {least} is more than MAX_CLUSTER_COUNT {most}")


def create(call: Call) -> ResultSet:
    """Create a warehouse and make it current."""
    path = Path("", "", call.reader.name()[0])
    found = _properties(call)
    tagged = found.pop("TAG", {})
    suspended = bool(found.pop("INITIALLY_SUSPENDED", False))
    comment = str(found.pop("COMMENT", ""))
    _clusters(found)
    made = call.account.catalog.create(
        Entry(
            kind="WAREHOUSE",
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=comment,
            properties={**found, "STATE": "SUSPENDED" if suspended else "STARTED"},
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    tags.attach(call.account, call.session, "WAREHOUSE", path, tagged)
    call.session.warehouse = path.name
    return status(f"Warehouse {path.name} successfully created.")


def drop(call: Call) -> ResultSet:
    """Drop a warehouse; sessions that used it have none then."""
    path = Path("", "", call.reader.last_name()[0])
    if not call.account.catalog.drop("WAREHOUSE", path):
        return gone(call, "WAREHOUSE", path.name, path.name)
    for session in call.account.sessions.values():
        if session.warehouse == path.name:
            session.warehouse = None
    return status(f"{path.name} successfully dropped.")


def alter(call: Call) -> ResultSet:
    """Suspend, resume, change, rename or tag a warehouse."""
    reader, catalog = call.reader, call.account.catalog
    path = Path("", "", reader.name()[0])
    entry = catalog.find("WAREHOUSE", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("WAREHOUSE", path.name)
    if tags.altered(call, "WAREHOUSE", path):
        return done()
    if reader.accept("SUSPEND"):
        _change_state(call, entry, "SUSPENDED")
    elif reader.accept("RESUME"):
        if not reader.accept("IF", "SUSPENDED") or entry.properties.get("STATE") == "SUSPENDED":
            _change_state(call, entry, "STARTED")
    elif reader.accept("ABORT", "ALL", "QUERIES"):
        for query in call.account.queries.all():
            if query.warehouse == path.name and query.session is not call.session:
                call.account.queries.stop(query)
    elif reader.accept("RENAME", "TO"):
        catalog.rename("WAREHOUSE", path, Path("", "", reader.name()[0]))
    elif reader.accept("SET"):
        found = _properties(call)
        comment = str(found.pop("COMMENT", entry.comment))
        found = {**entry.properties, **found}
        _clusters(found)
        catalog.update(replace(entry, comment=comment, properties=found))
    elif reader.accept("UNSET"):
        key = reader.next().text.upper()
        only({key: None}, {*_PROPERTIES, "COMMENT"}, "WAREHOUSE")
        left = {k: v for k, v in entry.properties.items() if k != key}
        catalog.update(
            replace(entry, comment="" if key == "COMMENT" else entry.comment, properties=left)
        )
    reader.end()
    return done()


def _change_state(call: Call, entry: Entry, state: str) -> None:
    if entry.properties.get("STATE") == state:
        word, number = ("suspended", 90064) if state == "SUSPENDED" else ("resumed", 90063)
        raise SnowflakeError(
            f"Invalid state. Warehouse '{entry.name}' cannot be {word}.",
            number=number,
            state="22000",
        )
    call.account.catalog.update(entry.with_properties(STATE=state))


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the warehouses."""
    for entry in call.account.catalog.all("WAREHOUSE"):
        found = entry.properties
        started = found.get("STATE") == "STARTED"
        yield {
            "name": entry.name,
            "state": found.get("STATE"),
            "type": found.get("WAREHOUSE_TYPE", "STANDARD"),
            "size": SIZES[str(found.get("WAREHOUSE_SIZE", "XSMALL"))],
            "min_cluster_count": found.get("MIN_CLUSTER_COUNT", 1),
            "max_cluster_count": found.get("MAX_CLUSTER_COUNT", 1),
            "started_clusters": int(started),
            "running": 0,
            "queued": 0,
            "is_default": "N",
            "is_current": "Y" if entry.name == call.session.warehouse else "N",
            "auto_suspend": found.get("AUTO_SUSPEND", 600),
            "auto_resume": str(found.get("AUTO_RESUME", True)).lower(),
            "available": "100" if started else "",
            "provisioning": "0" if started else "",
            "quiescing": "0" if started else "",
            "other": "0" if started else "",
            "created_on": entry.created_on,
            "resumed_on": entry.created_on,
            "updated_on": entry.created_on,
            "owner": entry.owner,
            "comment": entry.comment,
            "enable_query_acceleration": "false",
            "query_acceleration_max_scale_factor": 8,
            "resource_monitor": "null",
            "scaling_policy": found.get("SCALING_POLICY", "STANDARD"),
            "owner_role_type": "ROLE",
        }


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield the one row of a warehouse."""
    entry = call.account.catalog.get("WAREHOUSE", Path("", "", parts[0]))
    yield {"created_on": entry.created_on, "name": entry.name, "kind": "WAREHOUSE"}
