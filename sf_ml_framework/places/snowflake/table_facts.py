"""What the account knows of tables and views without reading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.names import Names

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """One table, dynamic table or view."""

    name: str
    is_view: bool
    is_dynamic: bool
    rows: int | None
    bytes: int
    created: str
    altered: str
    """When rows or definition changed last; at times Snowflake changes it by upkeep of its own."""


def facts_of(account: Account, names: Names, wanted: Sequence[str]) -> dict[str, TableFacts]:
    """Return those of the *wanted* tables and views that stand in the schema, by name.

    Source: Snowflake, "TABLES view" of the Information Schema.
    """
    marks = ", ".join("?" * len(wanted))
    rows = account.rows(
        "SELECT table_name, table_type, is_dynamic, row_count, bytes, created, last_altered"
        f" FROM {quoted(names.database)}.INFORMATION_SCHEMA.TABLES"
        f" WHERE table_schema = ? AND table_name IN ({marks})",
        (names.schema, *wanted),
    )
    return {row["table_name"]: _facts(row) for row in rows}


def _facts(row: dict[str, Any]) -> TableFacts:
    rows = row["row_count"]
    return TableFacts(
        name=row["table_name"],
        is_view="VIEW" in row["table_type"],
        is_dynamic=row["is_dynamic"] == "YES",
        rows=None if rows is None else int(rows),
        bytes=int(row["bytes"] or 0),
        created=_moment(row["created"]),
        altered=_moment(row["last_altered"]),
    )


def _moment(value: Any) -> str:
    """Return a time so that equal ones are equal texts, whatever zone the session shows."""
    if value is None:
        return ""
    from datetime import UTC

    return value.astimezone(UTC).isoformat() if hasattr(value, "astimezone") else str(value)
