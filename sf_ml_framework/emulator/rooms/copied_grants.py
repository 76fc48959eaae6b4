"""COPY GRANTS: what is granted on a table or view stays with the one that replaces it.

Source: Snowflake, "CREATE TABLE" and "CREATE VIEW" (COPY GRANTS): all grants but OWNERSHIP.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sqlglot import exp

from ..access.grants import Grantee, Target
from ..names import Path
from ..registry import Statement
from ..results import ResultSet
from ..router import table_parts, target_of

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_WANTED, _KEPT = "copy grants", "grants to copy"


def install(account: Account) -> None:
    """Register what keeps the grants, and what gives them back; this stands after ``tables``."""
    account.guard(_noticed)
    account.rewrite(lambda session, tree: _kept(account, session, tree))
    account.observe(lambda session, tree, result: _given(account, session, tree, result))


def _noticed(session: Session, statement: Statement) -> None:
    made = statement.words[:3] == ("CREATE", "OR", "REPLACE")
    words = [token.word for token in statement.tokens] if made else []
    session.facts[_WANTED] = ("COPY", "GRANTS") in pairwise(words)


def _target(session: Session, tree: exp.Expr) -> Path | None:
    target = target_of(tree)
    if target is None or not isinstance(tree, exp.Create):
        return None
    return session.resolve(table_parts(target))


def _kept(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    path = _target(session, tree) if session.facts.pop(_WANTED, False) else None
    if path is not None:
        session.facts[_KEPT] = account.catalog.execute(
            "select privilege, to_kind, to_name, grant_option, granted_by from grants "
            "where on_kind = ? and on_name = ?",
            (str(tree.args["kind"]).upper(), str(path)),
        )
    return tree


def _given(account: Account, session: Session, tree: exp.Expr, result: ResultSet) -> None:
    kept = session.facts.pop(_KEPT, None)
    path = _target(session, tree) if kept else None
    if path is None:
        return
    on = Target(str(tree.args["kind"]).upper(), str(path), path)
    for privilege, kind, name, option, by in kept:
        account.grants.give(privilege, on, Grantee(kind, name), by=by, option=bool(option))
