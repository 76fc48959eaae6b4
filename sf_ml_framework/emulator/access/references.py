"""The tables and views that a parsed statement names, and what it does with each.

Source: Snowflake, "Access control privileges" (table and view privileges), "INSERT" (OVERWRITE
needs DELETE), "CREATE TABLE" and "CREATE VIEW" (SELECT on what is queried), "Overview of views": a
view reads with the rights of the role that owns it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlglot import exp

from ..faults import SnowflakeError, not_authorized, not_found
from ..names import Path
from ..queries import CURRENT
from ..router import table_parts, target_of
from ..seed import SHARED
from .kinds import TABLES
from .shared import require_shared

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session
    from .rights import Holder

_DEPTH = 20


def check(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Refuse a parsed statement for which *session* lacks a privilege on a table or view."""
    for privilege, path in references(session, tree):
        _require(account, session, privilege, path)
    for path in sequences(session, tree):
        account.access.require(session, "USAGE", "SEQUENCE", path)
    if session.warehouse is not None and reads_rows(tree):
        account.access.warehouse(session)
        if (query := CURRENT.get()) is not None:
            query.computed = True
    return tree


def references(session: Session, tree: exp.Expr) -> Iterator[tuple[str, Path]]:
    """Yield what is needed on which table or view, once each."""
    seen: set[tuple[str, Path]] = set()
    for privilege, table in _needed(tree):
        path = _path(session, table)
        if path is None or (privilege, path) in seen:
            continue
        seen.add((privilege, path))
        if ("TABLE", path) not in session.temporary and ("VIEW", path) not in session.temporary:
            yield privilege, path


def sequences(session: Session, tree: exp.Expr) -> Iterator[Path]:
    """Yield the sequences whose NEXTVAL a statement takes."""
    for column in tree.find_all(exp.Column):
        if column.name.upper() != "NEXTVAL" or not column.table:
            continue
        names = [column.args.get(part) for part in ("catalog", "db", "table")]
        path = _path(session, exp.Table(this=names[2], db=names[1], catalog=names[0]))
        if path is not None:
            yield path


def _needed(tree: exp.Expr) -> Iterator[tuple[str, exp.Table]]:
    target = target_of(tree)
    if target is not None:
        for privilege in _verbs(tree):
            yield privilege, target
    hidden = {cte.alias.upper() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if table is target or not isinstance(table.this, exp.Identifier) or not table.this.this:
            continue
        if len(table_parts(table)) == 1 and table.name.upper() in hidden:
            continue
        if isinstance(tree, exp.Drop | exp.Alter | exp.TruncateTable):
            continue
        if table.meta.get("owned"):
            continue  # inside a view's text: the rights are its owner's
        key = table.find_ancestor(exp.Reference)
        yield "REFERENCES" if key is not None else "SELECT", table


def _verbs(tree: exp.Expr) -> list[str]:
    match tree:
        case exp.Insert():
            return ["INSERT", "DELETE"] if tree.args.get("overwrite") else ["INSERT"]
        case exp.Update():
            return ["UPDATE"]
        case exp.Delete():
            return ["DELETE"]
        case exp.Merge():
            made = {_verb(when.args.get("then")) for when in tree.args["whens"].expressions}
            return ["SELECT", *sorted(made)]
    return []


def _verb(then: object) -> str:
    if isinstance(then, exp.Insert):
        return "INSERT"
    return "UPDATE" if isinstance(then, exp.Update) else "DELETE"


def _path(session: Session, table: exp.Table) -> Path | None:
    try:
        return session.resolve(table_parts(table))
    except SnowflakeError:
        return None  # no current schema: the statement fails by itself


def reads_rows(tree: exp.Expr) -> bool:
    """Say whether a statement needs a warehouse: it reads, changes or makes rows of a table."""
    made = isinstance(tree, exp.Create) and tree.kind == "TABLE"
    if made and not isinstance(tree.expression, exp.Query):
        return False
    if not made and not isinstance(tree, exp.Query | exp.DML | exp.Merge):
        return False
    hidden = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or not table.this.this:
            continue
        inside = table.catalog == "temp" or table.db.upper() == "INFORMATION_SCHEMA"
        if not inside and table.name not in hidden:
            return True
    return False


def _require(account: Account, session: Session, privilege: str, path: Path) -> None:
    rights = account.access
    if path.schema == "INFORMATION_SCHEMA":
        rights.require_places(session, "VIEW", path)
        return
    if path.database == SHARED:
        require_shared(account, rights.active(session), path)
        return
    rights.require(session, privilege, "TABLE", path)
    _expand(account, path, ())


def _expand(account: Account, path: Path, above: tuple[Path, ...]) -> None:
    """Refuse a view whose owner may not read what it names."""
    view = account.catalog.find("VIEW", path)
    if view is None or not view.properties.get("query") or len(above) > _DEPTH:
        return
    holders = account.access.of_role(view.owner)
    for named in _named(account, str(view.properties["query"]), path):
        try:
            _must_read(account, holders, named)
        except SnowflakeError as error:
            raise SnowflakeError(
                f"SQL compilation error:\nFailure during expansion of view '{path.name}': "
                f"{error.message}",
                number=2037,
                state="42601",
            ) from None
        if named not in above:
            _expand(account, named, (*above, path))


def _named(account: Account, query: str, view: Path) -> list[Path]:
    try:
        tree = account.router.parse(query)
    except SnowflakeError:
        return []
    hidden = {cte.alias.upper() for cte in tree.find_all(exp.CTE)}
    found = []
    for table in tree.find_all(exp.Table):
        parts = table_parts(table)
        if parts and not (len(parts) == 1 and table.name.upper() in hidden):
            found.append(Path(*(*view[: 3 - len(parts)], *parts)))
    return found


def _must_read(account: Account, holders: frozenset[Holder], path: Path) -> None:
    rights = account.access
    if path.database == SHARED:
        require_shared(account, holders, path)
    if rights.owner("TABLE", path) is None or path.database == SHARED:
        return
    for kind, place in (
        ("DATABASE", Path("", "", path.database)),
        ("SCHEMA", Path(path.database, "", path.schema)),
    ):
        if not rights.privileges(holders, kind, place) & {"USAGE", "OWNERSHIP"}:
            raise not_found(kind, str(place))
    found = rights.privileges(holders, "TABLE", path)
    if not found:
        raise not_found("TABLE", str(path))
    if not found & {"SELECT", "OWNERSHIP"}:
        raise not_authorized(f"table '{path.name}'")


__all__ = ["TABLES", "check", "reads_rows", "references"]
