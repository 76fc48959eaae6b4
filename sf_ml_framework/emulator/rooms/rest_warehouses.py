"""Warehouses by REST. Source: snowflake.core 1.13, ``warehouse/_generated``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..faults import not_authorized, not_found
from ..names import Path
from ..registry import RestCall, Row
from ..resources.request import (
    DONE,
    Request,
    boolean,
    name,
    name_of,
    number,
    route,
    text,
    told,
    truth,
    word,
)
from ..resources.resource import Resource

if TYPE_CHECKING:
    from ..account import Account

_TOLD: tuple[str, ...] = (
    "state",
    "started_clusters",
    "running",
    "queued",
    "available",
    "provisioning",
)
_TOLD += ("quiescing", "other", "created_on", "resumed_on", "updated_on", "owner", "budget")
_TOLD += ("owner_role_type", "type", "size")
_SET: tuple[str, ...] = (
    "max_cluster_count",
    "min_cluster_count",
    "scaling_policy",
    "auto_suspend",
    "auto_resume",
)
_SET += ("comment", "enable_query_acceleration", "query_acceleration_max_scale_factor")


def _warehouse(request: Request, row: Row) -> Row:
    current = request.call.session.warehouse == row["name"]
    return {
        **told(row, *_SET, *_TOLD),
        "name": name_of(row),
        "warehouse_type": row["type"],
        "warehouse_size": row["size"],
        "is_default": truth(row["is_default"]),
        "is_current": current,
    }


WAREHOUSES = Resource(
    home="/api/v2/warehouses",
    kind="WAREHOUSE",
    plural="WAREHOUSES",
    writers={
        "warehouse_type": word,
        "warehouse_size": word,
        "max_cluster_count": number,
        "min_cluster_count": number,
        "scaling_policy": word,
        "auto_suspend": number,
        "auto_resume": boolean,
        "initially_suspended": boolean,
        "resource_monitor": name,
        "comment": text,
        "enable_query_acceleration": boolean,
        "query_acceleration_max_scale_factor": number,
        "max_concurrency_level": number,
        "statement_queued_timeout_in_seconds": number,
        "statement_timeout_in_seconds": number,
    },
    shown=("is_default", "is_current", "kind", *_TOLD),
    model=_warehouse,
    defaults={"auto_suspend": 600, "auto_resume": True, "comment": ""},
)


def install(account: Account) -> None:
    """Register the routes."""
    WAREHOUSES.install(account)
    one = WAREHOUSES.home + "/{name}"
    for method, path, work in (
        ("POST", WAREHOUSES.home, WAREHOUSES.created),
        ("PUT", one, change),
        ("POST", one + ":rename", rename),
        ("POST", one + ":resume", WAREHOUSES.verb("RESUME")),
        ("POST", one + ":suspend", WAREHOUSES.verb("SUSPEND")),
        ("POST", one + ":abort", WAREHOUSES.verb("ABORT ALL QUERIES")),
    ):
        account.route(method, path, route(work))
    account.route("POST", one + ":use", use)


def change(request: Request) -> Row:
    """Create a warehouse, or make it what the request says."""
    # Only CREATE takes it.
    return WAREHOUSES.changed(request, skipped=("initially_suspended",))


def rename(request: Request) -> Row:
    """Give a warehouse another name."""
    return WAREHOUSES.verb(f"RENAME TO {name(request.body.get('name', ''))}")(request)


def use(call: RestCall) -> Row:
    """Make a warehouse the current one of the client's session, not of the request's."""
    path = Path("", "", call.parts["name"])
    if call.account.catalog.find("WAREHOUSE", path) is None:
        raise not_found("WAREHOUSE", path.name)
    if not call.account.access.uses(call.session, "WAREHOUSE", path):
        raise not_authorized(f"warehouse '{path.name}'")
    call.session.warehouse = path.name
    return DONE
