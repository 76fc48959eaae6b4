"""Views that call functions, or read what the account tells of itself: read by their text.

The engine keeps a view as it was compiled for the session that made it: the functions in it are
that session's, and the rows of ACCOUNT_USAGE or INFORMATION_SCHEMA those of that moment. What
stands in the text was checked for the view's owner, who granted the view.

Source: Snowflake, "Overview of views" (a view reads with the rights of its owner).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from ..access.references import check
from ..catalog import Entry
from ..faults import SnowflakeError
from ..names import Path
from ..router import table_parts, target_of
from .calls import inner_call
from .routine import Routines

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

OWNED = "owned"
"""A mark in the tree: the rights to this table or function are a view's owner's."""


_DEPTH = 20


def expand(account: Account, session: Session, tree: exp.Expr) -> None:
    """Put the text of such views in the place of their names, and of those that these read."""
    for _ in range(_DEPTH):
        if not _expanded(account, session, tree):
            return


def _expanded(account: Account, session: Session, tree: exp.Expr) -> bool:
    target = target_of(tree)
    hidden = {cte.alias.upper() for cte in tree.find_all(exp.CTE)}
    found = False
    for table in list(tree.find_all(exp.Table)):
        if table is target or isinstance(tree, exp.Drop | exp.Alter):
            continue
        parts = table_parts(table)
        if not parts or (len(parts) == 1 and table.name.upper() in hidden):
            continue
        entry = _view(account, session, parts)
        text = entry.properties.get("qualified") if entry is not None else None
        if entry is None or not text:
            continue
        body = account.router.parse(str(text))
        if not _marked(account, session, body, entry.path):
            continue
        if not table.meta.get(OWNED):
            # The role still needs SELECT on the view itself.
            check(account, session, exp.select("*").from_(table.copy()))
        _put(table, body, entry)
        found = True
    return found


def _view(account: Account, session: Session, parts: tuple[str, ...]) -> Entry | None:
    try:
        path = session.resolve(parts)
    except SnowflakeError:
        return None
    if ("VIEW", path) in session.temporary or ("TABLE", path) in session.temporary:
        return None
    return account.catalog.find("VIEW", path)


def _marked(account: Account, session: Session, body: exp.Expr, view: Path) -> bool:
    """Mark what the view reads, name its functions in full, and say whether there are any."""
    known = account.part(Routines)
    found = False
    for node in list(body.find_all(exp.Anonymous)):
        whole = node.parent if isinstance(node.parent, exp.Dot) else node
        name = str(node.this).upper()
        path = Path(view.database, view.schema, name)
        if whole is node and known.overloads(session, "FUNCTION", path):
            schema = exp.Dot(
                this=exp.to_identifier(view.database, quoted=True),
                expression=exp.to_identifier(view.schema, quoted=True),
            )
            made = exp.Dot(this=schema, expression=node.copy())
            inner_call(made).meta[OWNED] = True
            node.replace(made)
            found = True
        elif whole is not node:
            node.meta[OWNED] = True
            found = True
    found = found or reads_account(account, body)
    for table in body.find_all(exp.Table):
        table.meta[OWNED] = True
    return found


def reads_account(account: Account, body: exp.Expr, depth: int = 0) -> bool:
    """Say whether a query with full names reads rows that the account makes when it is asked."""
    registry = account.registry
    for call in body.find_all(exp.TableFromRows):
        inner = call.this
        while isinstance(inner, exp.Dot):
            inner = inner.expression
        if str(inner.this if isinstance(inner, exp.Anonymous) else "").upper() in (
            registry.table_functions
        ):
            return True
    for table in body.find_all(exp.Table):
        parts = table_parts(table)
        if len(parts) != 3:
            continue
        path = Path(*parts)
        if {str(path), f"*.{path.schema}.{path.name}"} & set(registry.views):
            return True
        view = account.catalog.find("VIEW", path)
        text = view.properties.get("qualified") if view is not None else None
        if not text or depth >= _DEPTH:
            continue
        if reads_account(account, account.router.parse(str(text)), depth + 1):
            return True
    return False


def _put(table: exp.Table, body: exp.Expr, entry: Entry) -> None:
    if not isinstance(body, exp.Query):  # pragma: no cover - a view is a query
        return
    given = table.args.get("alias")
    label = given.this.copy() if given is not None else table.this.copy()
    names = [exp.to_identifier(c, quoted=True) for c in entry.properties.get("columns") or ()]
    if given is not None and given.args.get("columns"):
        names = [one.copy() for one in given.args["columns"]]
    made = exp.Subquery(this=body, alias=exp.TableAlias(this=label, columns=names or None))
    if joins := table.args.get("joins"):
        made.set("joins", joins)
    table.replace(made)
