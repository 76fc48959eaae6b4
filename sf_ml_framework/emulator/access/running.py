"""Who may read, watch and end what a session runs.

Source: Snowflake, "RESULT_SCAN" (the user who ran the query alone, for a task the role that owns
it), "SYSTEM$CANCEL_QUERY", "SYSTEM$CANCEL_ALL_QUERIES", "SYSTEM$ABORT_SESSION" (its user, the
owner of the user or the operator of the warehouse), "QUERY_HISTORY" (one's own, or with MONITOR
on the warehouse).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..names import Path, quoted

if TYPE_CHECKING:
    from ..account import Account
    from ..queries import Query
    from ..session import Session

_TASK = "SYSTEM"
"""The user of what runs by itself."""


def reads(account: Account, session: Session, query: Query) -> bool:
    """Say whether *session* may have the result of *query*."""
    if query.session.user == session.user:
        return True
    return query.session.user == _TASK and _acts(account, session, query.role)


def watches(account: Account, session: Session, query: Query) -> bool:
    """Say whether *session* may know how far *query* is."""
    if reads(account, session, query) or account.access.globally(session, "MONITOR EXECUTION"):
        return True
    return _on_warehouse(account, session, query, "MONITOR|OPERATE")


def ends(account: Account, session: Session, query: Query) -> bool:
    """Say whether *session* may cancel *query*."""
    return aborts(account, session, query.session, query.role) or _on_warehouse(
        account, session, query, "OPERATE"
    )


def aborts(account: Account, session: Session, other: Session, role: str = "") -> bool:
    """Say whether *session* may close *other*."""
    if other.user == session.user or _acts(account, session, "ACCOUNTADMIN"):
        return True
    if other.user == _TASK:
        return _acts(account, session, role or other.role)
    return account.access.holds(session, "OWNERSHIP", "USER", Path("", "", other.user))


def _acts(account: Account, session: Session, role: str) -> bool:
    return ("ROLE", quoted(role)) in account.access.active(session)


def _on_warehouse(account: Account, session: Session, query: Query, privilege: str) -> bool:
    if query.warehouse is None:
        return False
    return account.access.holds(session, privilege, "WAREHOUSE", Path("", "", query.warehouse))
