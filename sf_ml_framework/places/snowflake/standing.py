"""What stands in an account, asked with SHOW: it needs no warehouse, and changes nothing.

SHOW takes no binds. Its LIKE is a pattern without case, so that names are compared again here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.plan.quoting import literal

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account


def qualified(name: str) -> str:
    """Return ``DB.SCHEMA.NAME`` as SQL, each part quoted."""
    return ".".join(quoted(part) for part in name.split("."))


def named(account: Account, kinds: str, name: str, scope: str = "") -> dict[str, Any] | None:
    """Return the row that SHOW has for one object; none where there is none that may be seen.

    Args:
        account: whose role looks.
        kinds: what is shown, such as ``WAREHOUSES``.
        name: its own name, unqualified.
        scope: such as ``IN ACCOUNT``; names in it are quoted already.
    """
    rows = account.rows(f"SHOW {kinds} LIKE {literal(name)} {scope}".rstrip())
    return next((row for row in rows if row["name"] == name), None)


def schema_row(account: Account, database: str, schema: str) -> dict[str, Any] | None:
    """Return the row of a schema; none where it, or its database, does not stand."""
    rows = account.rows(f"SHOW SCHEMAS LIKE {literal(schema)} IN ACCOUNT")
    wanted = (database, schema)
    return next((row for row in rows if (row["database_name"], row["name"]) == wanted), None)


def table_stands(account: Account, database: str, schema: str, name: str) -> bool:
    """Say whether a table is there; asks nothing of a schema that is not."""
    if schema_row(account, database, schema) is None:
        return False
    scope = f"IN SCHEMA {quoted(database)}.{quoted(schema)}"
    return named(account, "TABLES", name, scope) is not None
