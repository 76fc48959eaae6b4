"""Temporary tables and views: seen by one session, reached by short and by full names.

They live in DuckDB's own temporary schema under a mangled name; every reference is renamed.

Source: Snowflake, "Working with temporary and transient tables": a temporary table hides a
permanent one of the same name, and dropping it shows that one again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlglot import exp

from ..names import Path
from ..results import ResultSet, status
from ..router import table_parts, target_of

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session


def install(account: Account) -> None:
    """Register the rewrite and what follows it."""
    account.rewrite(rename)
    account.observe(partial(follow, account))


def is_temporary(tree: exp.Expr) -> bool:
    """Whether this is CREATE TEMPORARY."""
    return isinstance(tree, exp.Create) and tree.find(exp.TemporaryProperty) is not None


def find(session: Session, path: Path) -> str | None:
    """Return the mangled name of a temporary table or view of this session."""
    return session.temporary.get(("TABLE", path)) or session.temporary.get(("VIEW", path))


def _path(session: Session, table: exp.Table) -> Path | None:
    if not isinstance(table.this, exp.Identifier) or not table.this.this:
        return None
    parts = table_parts(table)
    if len(parts) < 3 and (
        session.database is None or (len(parts) == 1 and session.schema is None)
    ):
        return None
    return session.resolve(parts)


def rename(session: Session, tree: exp.Expr) -> exp.Expr:
    """Point every reference to a temporary object at its mangled name."""
    if is_temporary(tree):
        target = target_of(tree)
        if target is None:
            return tree
        path = session.resolve(table_parts(target), "CREATE TABLE")
        target.set("this", exp.to_identifier(".".join(path), quoted=True))
        target.set("db", None)
        target.set("catalog", None)
    if not session.temporary or str(tree.args.get("kind") or "").upper() == "SEQUENCE":
        return tree
    hidden = {cte.alias.upper() for cte in tree.find_all(exp.CTE)}
    made = target_of(tree) if isinstance(tree, exp.Create) else None
    for table in list(tree.find_all(exp.Table)):
        if table is made:
            continue  # a permanent one of the same name is another table
        if len(table_parts(table)) == 1 and table.name.upper() in hidden:
            continue
        named = _path(session, table)
        mangled = find(session, named) if named else None
        if mangled is None:
            continue
        if table.args.get("alias") is None and isinstance(table.parent, exp.From | exp.Join):
            table.set("alias", exp.TableAlias(this=table.this.copy()))
        # d.s.t.x in the same statement is t.x of the alias now.
        for column in tree.find_all(exp.Column):
            if column.args.get("db") and column.table.upper() == table.name.upper():
                column.set("db", None)
                column.set("catalog", None)
        table.set("this", exp.to_identifier(mangled, quoted=True))
        table.set("db", exp.to_identifier("main", quoted=True))
        table.set("catalog", exp.to_identifier("temp", quoted=True))
    return tree


def follow(account: Account, session: Session, tree: exp.Expr, result: ResultSet) -> None:
    """Remember what was created, forget what was dropped; the answer names the written name."""
    target = target_of(tree)
    if target is None:
        return
    if is_temporary(tree):
        path = session.resolve(table_parts(target))
        kind = str(tree.args["kind"]).upper()
        session.temporary[(kind, path)] = ".".join(path)
        session.made[(kind, path)] = account.clock.now()
        result.table = status(f"{kind.capitalize()} {path.name} successfully created.").table
    elif isinstance(tree, exp.Drop):
        dropped = _path(session, target)
        if dropped and session.temporary.pop((str(tree.args["kind"]).upper(), dropped), None):
            result.table = status(f"{dropped.name} successfully dropped.").table
