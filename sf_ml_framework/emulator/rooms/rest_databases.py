"""Databases and schemas by REST.

Source: snowflake.core 1.13, ``database/_generated``, ``schema/_generated``. Shares, replication,
failover and UNDROP are not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..registry import Row
from ..resources.request import Request, name_of, number, route, text, told, truth, word
from ..resources.resource import Resource

if TYPE_CHECKING:
    from ..account import Account

_WRITERS = {
    "comment": text,
    "data_retention_time_in_days": number,
    "max_data_extension_time_in_days": number,
    "default_ddl_collation": text,
    "log_level": word,
    "trace_level": word,
    "suspend_task_after_num_failures": number,
    "user_task_managed_initial_warehouse_size": word,
    "user_task_timeout_ms": number,
}
_TOLD = ("created_on", "origin", "owner", "options", "dropped_on", "budget", "owner_role_type")
_SENT = ("kind", "is_default", "is_current", "retention_time", "managed_access", *_TOLD)


def _model(request: Request, row: Row, *, current: bool) -> Row:
    days = str(row.get("retention_time") or "")
    kept = told(row, "comment", *_TOLD)
    transient = "TRANSIENT" in str(row.get("options") or "")
    return {
        **kept,
        "name": name_of(row),
        "kind": "TRANSIENT" if transient else "PERMANENT",
        "is_default": truth(row.get("is_default")),
        "is_current": current,
        **({"retention_time": int(days)} if days.isdigit() else {}),
    }


def _database(request: Request, row: Row) -> Row:
    return _model(request, row, current=request.call.session.database == row["name"])


def _schema(request: Request, row: Row) -> Row:
    session = request.call.session
    current = (session.database, session.schema) == (row["database_name"], row["name"])
    return {
        **_model(request, row, current=current),
        "database_name": row["database_name"],
        "managed_access": "MANAGED ACCESS" in str(row.get("options") or ""),
    }


DATABASES = Resource(
    home="/api/v2/databases",
    kind="DATABASE",
    plural="DATABASES",
    writers=_WRITERS,
    shown=_SENT,
    model=_database,
    defaults={"comment": ""},
)
SCHEMAS = Resource(
    home="/api/v2/databases/{database}/schemas",
    kind="SCHEMA",
    plural="SCHEMAS",
    writers=_WRITERS,
    shown=("database_name", "pipe_execution_paused", *_SENT),
    model=_schema,
    defaults={"comment": ""},
)


def install(account: Account) -> None:
    """Register the routes."""
    for one in (DATABASES, SCHEMAS):
        one.install(account)
        account.route("PUT", one.home + "/{name}", route(one.changed))
    account.route("POST", DATABASES.home, route(create_database))
    account.route("POST", SCHEMAS.home, route(create_schema))


def _transient(request: Request) -> str:
    kind = request.call.query.get("kind") or request.body.get("kind") or ""
    return " TRANSIENT" if str(kind).upper() == "TRANSIENT" else ""


def create_database(request: Request) -> Row:
    """Create a database."""
    return DATABASES.created(request, words=_transient(request))


def create_schema(request: Request) -> Row:
    """Create a schema."""
    managed = " WITH MANAGED ACCESS" if request.body.get("managed_access") else ""
    return SCHEMAS.created(request, words=_transient(request), more=managed)
