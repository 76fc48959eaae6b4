"""What a query names must be Snowflake's: its functions, table functions, tables and views.

The engine has functions, catalogs and readers of files that Snowflake has not. A client that
reached them would see files of this machine, and would be told that a statement works that an
account refuses.

Source: Snowflake, "All functions (alphabetical)", "Table functions", "Snowflake Information
Schema".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from ..access.kinds import TABLES
from ..authored import calls
from ..authored.routine import Routines
from ..faults import SnowflakeError, not_found
from ..function_names import SCALAR, TABLE
from ..names import Path
from ..registry import OURS
from ..router import table_parts, target_of

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_OF_THE_ENGINE = {"LOAD_HISTORY"}
"""Views of INFORMATION_SCHEMA that no room registers."""
_FILES = ("@", "snow://")


def install(account: Account) -> None:
    """Register the check, before every rewrite: what those put in place is the engine's."""
    account.registry.rewrites.insert(0, lambda session, tree: check(account, session, tree))


def check(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Refuse a parsed statement that names what Snowflake does not have."""
    for rows in tree.find_all(exp.TableFromRows):
        _table_function(account, session, rows.this)
    for call in tree.find_all(exp.Anonymous):
        around = calls.whole(call).parent
        around = around.parent if isinstance(around, exp.Window) else around
        if not call.meta.get(OURS) and not isinstance(
            around, exp.ModelAttribute | exp.Table | exp.TableFromRows
        ):
            _scalar(account, session, call)
    target = target_of(tree)
    hidden = {cte.alias.upper() for cte in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        if table.meta.get(OURS) or isinstance(table.parent, exp.AlterRename):
            continue
        if isinstance(table.this, exp.Func):
            raise _unknown("table function", _name(table.this))
        if isinstance(table.this, exp.Literal):
            if not str(table.this.this).startswith(_FILES):
                raise not_found("TABLE", str(table.this.this))
        elif isinstance(table.this, exp.Identifier) and table.this.this and table is not target:
            parts = table_parts(table)
            if not (len(parts) == 1 and parts[0].upper() in hidden):
                _stands(account, session, table, parts)
    return tree


def _name(call: exp.Expr) -> str:
    if isinstance(call, exp.Anonymous):
        return str(call.this).upper()
    return str(call.sql_name()).upper() if isinstance(call, exp.Func) else ""


def _unknown(kind: str, name: str) -> SnowflakeError:
    number = 2140 if kind == "function" else 2141
    return SnowflakeError(
        f"SQL compilation error:\nUnknown {kind} {name}.", number=number, state="42601"
    )


def _authored(account: Account, session: Session, call: exp.Anonymous) -> bool:
    parts = calls.name_of(calls.whole(call))
    return bool(account.part(Routines).named(session, "FUNCTION", parts))


def _scalar(account: Account, session: Session, call: exp.Anonymous) -> None:
    name = _name(call)
    known = name in SCALAR or name in account.registry.functions
    if not known and not _authored(account, session, call):
        raise _unknown("function", name)


def _table_function(account: Account, session: Session, call: exp.Expr) -> None:
    if isinstance(call, exp.Window):
        call = call.this
    while isinstance(call, exp.Dot):
        call = call.expression
    if not isinstance(call, exp.Func):
        return  # TABLE('name'), or a method of a model
    name = _name(call)
    known = name in TABLE or name in account.registry.table_functions
    if not known and not (isinstance(call, exp.Anonymous) and _authored(account, session, call)):
        raise _unknown("table function", name)


def _stands(account: Account, session: Session, table: exp.Table, parts: tuple[str, ...]) -> None:
    """Refuse the name of a table or view that nobody has made.

    Raises:
        SnowflakeError: 002003, in the words of a name that is not there.
    """
    try:
        path = session.resolve(parts)
    except SnowflakeError:
        return  # no current schema: the statement fails by itself
    if path.schema == "INFORMATION_SCHEMA":
        place = account.catalog.find("DATABASE", Path("", "", path.database))
        stands = bool(place) and (path.name in _OF_THE_ENGINE or _registered(account, path))
    else:
        stands = (
            any(account.catalog.find(kind, path) for kind in TABLES)
            or any((kind, path) in session.temporary for kind in ("TABLE", "VIEW"))
            or _registered(account, path)
        )
    if not stands and parts == ("DUAL",):
        # Source: Snowflake, "SELECT": DUAL is a table of one row that is always there.
        one = exp.select(exp.alias_(exp.Literal.string("X"), "DUMMY", quoted=True))
        table.replace(one.subquery(table.alias or "DUAL"))
    elif not stands:
        raise not_found("TABLE", ".".join(parts))


def _registered(account: Account, path: Path) -> bool:
    views = account.registry.views
    return str(path) in views or f"*.{path.schema}.{path.name}" in views
