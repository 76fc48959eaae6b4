"""What SHOW lists for a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..names import Path
from .kinds import ACCOUNT_KINDS, TABLES, singular

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_OPEN = {"ROLE", "PARAMETER", "VARIABLE"}
"""Kinds that every role may list. Source: Snowflake, "SHOW ROLES"."""

_OWNERLESS = {"INTEGRATION", "NETWORK POLICY"}
"""Kinds that have an owner, of which SHOW does not tell."""


def listed(account: Account, session: Session, shown: str, row: dict[str, Any]) -> bool:
    """Say whether SHOW lists a row: the role has any privilege on the object.

    Source: Snowflake, the notes of the SHOW pages.
    """
    kind = singular(shown.removeprefix("TERSE ").strip())
    kind = "INTEGRATION" if kind.endswith(" INTEGRATION") else kind
    if kind in _OPEN or not row.get("name"):
        return True
    if "owner" not in row and kind not in _OWNERLESS:
        return True
    database, schema = str(row.get("database_name") or ""), str(row.get("schema_name") or "")
    name = str(row["name"])
    if kind in ACCOUNT_KINDS:
        database = schema = ""
    path = Path(database, schema, name)
    return is_told(account, session, "TABLE" if kind == "OBJECT" else kind, path)


def is_told(account: Account, session: Session, kind: str, path: Path) -> bool:
    """Say whether anything is told of an object: the role has any privilege on it."""
    system = {"SNOWFLAKE", "INFORMATION_SCHEMA"}
    if path.database == "SNOWFLAKE" or system & {path.name, path.schema}:
        return True
    if any((one, path) in session.temporary for one in (kind, *TABLES)):
        return True
    if account.access.owner(kind, path) is None:
        return True
    return account.access.sees(session, kind, path)
