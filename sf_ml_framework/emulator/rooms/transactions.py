"""BEGIN, COMMIT, ROLLBACK.

Source: Snowflake, "Transactions": COMMIT and ROLLBACK without a transaction are no errors; BEGIN
inside one does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..registry import Call
from ..results import ResultSet, done

if TYPE_CHECKING:
    from ..account import Account


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("BEGIN [TRANSACTION|WORK]", begin)
    account.statement("START TRANSACTION", begin)
    account.statement("COMMIT [WORK]", commit)
    account.statement("ROLLBACK [WORK]", rollback)
    account.function("CURRENT_TRANSACTION", _current)


def _current(session: object) -> str | None:
    connection = getattr(session, "connection", None)
    return "1" if connection is not None and connection.in_transaction else None


def begin(call: Call) -> ResultSet | None:
    """Start a transaction; a scripting block also starts with BEGIN and is not ours."""
    if call.reader.accept("NAME"):
        call.reader.name()
    if not call.reader.done:
        return None
    call.session.connection.begin()
    return done()


def commit(call: Call) -> ResultSet:
    """Commit."""
    call.reader.end()
    call.account.router.commit(call.session)
    return done()


def rollback(call: Call) -> ResultSet:
    """Roll back."""
    call.reader.end()
    call.session.connection.end(commit=False)
    call.account.locks.release(call.session.id)
    return done()
