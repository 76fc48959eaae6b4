"""Functions, table functions and views that rooms register, put into ordinary queries; CALL.

A scalar function over constants becomes a literal; a table function or view becomes an Arrow table
that the engine reads for the length of the statement.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..access import running
from ..faults import SnowflakeError, not_authorized, not_found, unsupported
from ..names import fold
from ..queries import CURRENT
from ..registry import OURS, Call
from ..results import ResultSet, rows
from ..router import table_parts
from .dialect import account_time

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session


def install(account: Account) -> None:
    """Register the rewrites, CALL, and the functions that every session uses."""
    account.registry.early.append(lambda session, tree: alone(account, session, tree))
    account.rewrite(lambda session, tree: views(account, session, tree))
    account.rewrite(lambda session, tree: table_functions(account, session, tree))
    account.rewrite(lambda session, tree: scalars(account, session, tree))
    account.statement("CALL", call_function)
    account.table_function("RESULT_SCAN", lambda s, args, named: result_scan(account, s, args))
    # Asked by snowflake.core: what is not on the list is supported.
    account.function("SYSTEM$CLIENT_VERSION_INFO", lambda s: "[]")
    account.function("SYSTEM$TYPEOF", lambda s, v: type(v).__name__.upper())
    account.function("SYSTEM$WAIT", wait)
    account.function("SYSTEM$CANCEL_QUERY", lambda s, query: cancel(account, s, str(query)))
    account.function("SYSTEM$CANCEL_ALL_QUERIES", lambda s, number: cancel_all(account, s, number))
    account.function("SYSTEM$ABORT_SESSION", lambda s, number: abort(account, s, number))


def alone(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Call the functions of a SELECT without FROM: one that waits keeps nobody else waiting."""
    if not isinstance(tree, exp.Select) or tree.args.get("from_"):
        return tree
    plain = (exp.Literal, exp.Null, exp.Boolean)
    calls = [one.unalias() for one in tree.expressions]
    if all(_function_name(call) in account.registry.functions for call in calls) and all(
        isinstance(value, plain) for call in calls for value in _arguments(call)
    ):
        return scalars(account, session, tree)
    return tree


def scalars(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Replace calls of registered functions by their values."""
    known = account.registry.functions

    def change(node: exp.Expr) -> exp.Expr:
        name = _function_name(node)
        if name not in known or isinstance(node.parent, exp.Dot):
            return node
        values = [_constant(account, session, arg, name) for arg in _arguments(node)]
        made = to_literal(_called(known[name], name, session, values))
        if isinstance(node.parent, exp.Select) and node.arg_key == "expressions":
            # The column keeps the name that Snowflake gives it: the text of the call.
            return exp.alias_(made, node.sql(dialect="snowflake").upper(), quoted=True)
        return made

    return tree.transform(change, copy=False)


def _called(call: Callable[..., Any], name: str, session: Session, values: list[Any]) -> Any:
    try:
        inspect.signature(call).bind(session, *values)
    except TypeError:
        raise SnowflakeError(
            f"SQL compilation error: wrong number of arguments for function [{name}], got "
            f"{len(values)}.",
            number=938,
            state="22023",
        ) from None
    return call(session, *values)


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.this).upper()
    if isinstance(node, exp.Func) and not node.args.get("distinct"):
        return str(node.sql_name()).upper()
    return ""


def _arguments(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    return [value for value in node.args.values() if isinstance(value, exp.Expr)]


def _constant(account: Account, session: Session, arg: exp.Expr, name: str) -> Any:
    if isinstance(arg, exp.Literal) and arg.is_string:
        return arg.this
    if arg.find(exp.Column) is not None:
        raise unsupported(f"{name} of a column is not known to this emulator; it takes constants.")
    tree = scalars(account, session, exp.select(arg.copy()))
    return session.connection.run(account_time(account.clock, session, tree)).scalar()


def to_literal(value: Any) -> exp.Expr:  # noqa: PLR0911
    """Return a Python value as SQL."""
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int | Decimal) or (isinstance(value, float) and math.isfinite(value)):
        return exp.Literal.number(str(value))
    if isinstance(value, datetime):
        kind = "TIMESTAMPTZ" if value.tzinfo else "TIMESTAMP"
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), kind)
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "DATE")
    if isinstance(value, dict | list):
        return exp.Literal.string(json.dumps(value))
    return exp.Literal.string(str(value))


def table_functions(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Replace ``TABLE(f(..))`` by what the registered function returns."""
    known = account.registry.table_functions
    for node in list(tree.find_all(exp.TableFromRows)):
        inner = node.this
        while isinstance(inner, exp.Dot):
            inner = inner.expression
        name = _function_name(inner)
        if name not in known:
            continue
        args: list[Any] = []
        named: dict[str, Any] = {}
        for arg in _arguments(inner):
            if isinstance(arg, exp.Kwarg | exp.PropertyEQ):
                named[str(arg.this.name).upper()] = _constant(
                    account, session, arg.expression, name
                )
            else:
                args.append(_constant(account, session, arg, name))
        read_rows(session, node, known[name](session, args, named))
    return tree


def views(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Replace registered views by their rows."""
    known = account.registry.views
    if not known:
        return tree
    for node in list(tree.find_all(exp.Table)):
        if not isinstance(node.this, exp.Identifier):
            continue
        parts = table_parts(node)
        database = parts[0] if len(parts) == 3 else session.database or ""
        schema = parts[-2] if len(parts) > 1 else session.schema or ""
        for name in (f"{database}.{schema}.{parts[-1]}", f"*.{schema}.{parts[-1]}"):
            if name in known:
                read_rows(session, node, known[name](session, database))
                break
    return tree


def read_rows(session: Session, node: exp.Expr, result: ResultSet) -> None:
    """Put a result set in the place of a table in a statement, for the length of that statement."""
    name = f"_rows_{id(result)}_{len(session.connection._registered)}"
    session.connection.register(name, result.table)
    alias = node.args.get("alias")
    if alias is None and isinstance(node, exp.Table):
        alias = exp.TableAlias(this=node.this.copy())
    casts = []
    for column in result.columns:
        quoted: exp.Expr = exp.column(exp.to_identifier(column.name, quoted=True))
        if column.type in {"variant", "object", "array"}:
            quoted = exp.alias_(exp.ParseJSON(this=quoted), column.name, quoted=True)
        casts.append(quoted)
    table = exp.Table(
        this=exp.to_identifier(name, quoted=True),
        db=exp.to_identifier("main", quoted=True),
        catalog=exp.to_identifier("temp", quoted=True),
    )
    table.meta[OURS] = True
    query = exp.select(*casts).from_(table).subquery()
    query.set("alias", alias or exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    if joins := node.args.get("joins"):
        query.set("joins", joins)
    node.replace(query)


def result_scan(account: Account, session: Session, args: list[Any]) -> ResultSet:
    """Return the result of an earlier query."""
    query = account.queries.find(str(args[0])) if args else None
    current = CURRENT.get()
    if query is None or query is current or not running.reads(account, session, query):
        raise not_found("Statement", str(args[0] if args else ""))
    # Never wait here: the other query may need the connection that this statement holds.
    if not query.finished.is_set() or query.error is not None or query.result is None:
        raise SnowflakeError(
            f"Statement {query.id} not found, running or failed", number=709, state="02000"
        )
    return query.result


def call_function(call: Call) -> ResultSet | None:
    """Run ``CALL f(..)`` for a registered function; procedures are other rooms'."""
    parts = call.reader.name()
    name = parts[-1]
    if name not in call.account.registry.functions or call.reader.peek().text != "(":
        return None
    inside = call.reader.bracketed()
    call.reader.end()
    result = call.account.router.run(call.session, f"SELECT {fold(name)}({inside})")
    result.columns[0] = type(result.columns[0])(name, result.columns[0].type)
    result.table = result.table.rename_columns([name])
    return rows([result.columns[0]], result.rows)


def wait(session: Session, amount: Any, unit: str = "SECONDS") -> str:
    """Wait in real time; the query may be cancelled."""
    seconds = float(amount) * {"MILLISECONDS": 0.001, "MINUTES": 60, "HOURS": 3600}.get(
        unit.upper(), 1
    )
    query = CURRENT.get()
    if query is not None and query.cancel.wait(seconds):
        from ..faults import cancelled

        raise cancelled()
    return f"waited {amount} {unit.lower()}"


def cancel(account: Account, session: Session, query_id: str) -> str:
    """Cancel one query."""
    query = account.queries.find(query_id)
    if query is None or query.finished.is_set():
        return f"Identified SQL statement is not currently executing: {query_id}"
    if not running.ends(account, session, query):
        raise not_authorized(f"query '{query_id}'")
    account.queries.stop(query)
    return f"query [{query_id}] terminated."


def cancel_all(account: Account, session: Session, number: Any) -> str:
    """Cancel what a session runs, other than the statement that asks."""
    current = CURRENT.get()
    found = [
        query
        for query in account.queries.all()
        if query is not current and not query.finished.is_set() and query.session.id == int(number)
    ]
    if not all(running.ends(account, session, query) for query in found):
        raise not_authorized(f"session '{number}'")
    for query in found:
        account.queries.stop(query)
    return f"{len(found)} cancelled."


def abort(account: Account, session: Session, number: Any) -> str:
    """Close a session."""
    other = account.sessions.get(int(number))
    if other is None:
        return f"Session {number} not found."
    if not running.aborts(account, session, other):
        raise not_authorized(f"session '{number}'")
    account.close_session(other)
    return f"Session {number} aborted."


Function = Callable[..., Any]
