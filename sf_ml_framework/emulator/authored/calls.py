"""Calls as they are written: which overload is meant, arguments and results as text.

Every value goes to a process, and comes back, as the text that SQL makes of it; what is not text
by itself (binary, semi-structured) goes through macros of the session.

Source: Snowflake, "Calling a UDF", "Overloading procedures and functions" (named arguments,
defaults, which overload is chosen).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from ..faults import SnowflakeError, not_found
from ..names import fold
from ..registry import OURS
from . import kinds
from .routine import Routine, Routines

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_MACROS = (
    "_plain_text(x) as x::varchar",
    "_hex_text(x) as hex(x)",
    "_json_text(x) as case when x is null then null else to_json(x)::varchar end",
    "_made_rows(x) as from_json(x, '[\"json\"]')",
    "_made_row(x) as (x->>'$.i')::bigint",
    "_made_value(x, n) as json_extract_string(x, '$.o[' || n || ']')",
    "_picked(x, n) as x[n]",
)
_FACT = "text macros"
_WRITTEN = re.compile(r'"[^"]*"|\'[^\']*\'|[^"\']+')
_JSON = {"VARIANT", "OBJECT", "ARRAY"}


def prepare(session: Session) -> None:
    """Make the session's macros, once; a rollback may have taken them back."""
    if session.facts.get(_FACT) != session.connection.rollbacks:
        for macro in _MACROS:
            session.connection.raw(f"create or replace temp macro {macro}")
        session.facts[_FACT] = session.connection.rollbacks


def as_text(value: exp.Expr, kind: str) -> exp.Expr:
    """Return SQL for *value*, made an argument of *kind*, as text."""
    base = kinds.plain(kind)
    if base in _JSON:
        return _macro("_json_text", value.copy())
    cast = exp.cast(value.copy(), exp.DataType.build(kind, dialect="snowflake"))
    return _macro("_hex_text" if base == "BINARY" else "_plain_text", cast)


def from_text(value: exp.Expr, kind: str) -> exp.Expr:
    """Return SQL for a result of *kind* that came as text."""
    base = kinds.plain(kind)
    if base in _JSON:
        return exp.ParseJSON(this=value)
    if base == "BINARY":
        return _macro("unhex", value)
    if base == "VARCHAR":
        return value
    return exp.cast(value, exp.DataType.build(kind, dialect="snowflake"))


def _macro(name: str, *values: exp.Expr) -> exp.Expr:
    made = exp.Anonymous(this=name, expressions=list(values))
    made.meta[OURS] = True
    return made


def name_of(node: exp.Expr) -> tuple[str, ...]:
    """Return the stored parts of a call's name: of ``d.s.f(x)``, or of ``f(x)``."""
    parts: list[str] = []
    while isinstance(node, exp.Dot):
        parts.insert(0, _part(node.expression))
        node = node.this
    return (_part(node), *parts)


def _part(node: exp.Expr) -> str:
    inner = node.this
    if isinstance(node, exp.Anonymous) and isinstance(inner, exp.Identifier):
        node, inner = inner, inner.this
    quoted = isinstance(node, exp.Identifier) and node.quoted
    return str(inner) if quoted else fold(str(inner))


def inner_call(node: exp.Expr) -> exp.Expr:
    """Return ``f(x)`` of ``d.s.f(x)``."""
    return node.expression if isinstance(node, exp.Dot) else node


def written(node: exp.Expr) -> str:
    """Return a call as Snowflake names its column: upper case but for what is quoted."""
    text = node.sql(dialect="snowflake")
    return "".join(p if p[0] in "\"'" else p.upper() for p in _WRITTEN.findall(text))


Typed = Callable[[Sequence[exp.Expr]], list[str]]
"""Returns the types of expressions; asked only when there are overloads to choose from."""


def whole(node: exp.Expr) -> exp.Expr:
    """Return ``d.s.f(x)`` for ``f(x)``."""
    while isinstance(node.parent, exp.Dot) and node.arg_key == "expression":
        node = node.parent
    return node


def chosen(
    account: Account, session: Session, kind: str, node: exp.Expr, typed: Typed
) -> tuple[Routine, list[exp.Expr]] | None:
    """Return the overload that a call means, and its arguments in order; None without that name.

    Raises:
        SnowflakeError: no overload takes such arguments, or more than one does.
    """
    parts, given = name_of(node), list(inner_call(node).expressions)
    known = account.part(Routines).named(session, kind, parts)
    if not known:
        return None
    fitting = [(one, args) for one in known if (args := arranged(account, one, given)) is not None]
    if len(fitting) > 1:
        fitting = _closest(fitting, typed)
    if not fitting:
        types = ", ".join(typed([_value(one) for one in given]))
        raise SnowflakeError(
            f"SQL compilation error: error line 1 at position 0\nInvalid argument types for "
            f"function '{parts[-1]}': ({types})",
            number=1044,
            state="42P13",
        )
    routine, arguments = fitting[0]
    if not routine.temporary and not inner_call(node).meta.get("owned"):
        account.require(session, "USAGE", kind, routine.stored)
    return routine, arguments


def _value(node: exp.Expr) -> exp.Expr:
    return node.expression if isinstance(node, exp.Kwarg | exp.PropertyEQ) else node


def arranged(account: Account, routine: Routine, given: list[exp.Expr]) -> list[exp.Expr] | None:
    """Return the arguments in order, defaults filled in; None when they do not fit."""
    names = [argument.name for argument in routine.arguments]
    found: dict[str, exp.Expr] = {}
    for index, one in enumerate(given):
        if isinstance(one, exp.Kwarg | exp.PropertyEQ):
            name = fold(str(one.this.name))
        elif index >= len(names):
            return None
        else:
            name = names[index]
        if name not in names or name in found:
            return None
        found[name] = _value(one)
    for argument in routine.arguments:
        if argument.name not in found:
            if argument.default is None:
                return None
            parsed = account.router.parse(f"SELECT {argument.default}")
            found[argument.name] = parsed.expressions[0]
    return [found[name] for name in names]


def _closest(
    fitting: list[tuple[Routine, list[exp.Expr]]], typed: Typed
) -> list[tuple[Routine, list[exp.Expr]]]:
    costs = []
    for routine, arguments in fitting:
        types = zip(typed(arguments), routine.types, strict=True)
        each = [kinds.cost(given, wanted) for given, wanted in types]
        if None not in each:
            total = sum(one for one in each if one is not None)
            costs.append((total, (routine, arguments)))
    if not costs:
        return []
    least = min(total for total, _ in costs)
    best = [one for total, one in costs if total == least]
    if len(best) > 1:
        names = " ".join(f"{one.path.name}({', '.join(one.types)})" for one, _ in best)
        raise SnowflakeError(
            f"SQL compilation error:\nambiguous call of overloaded function: {names}",
            number=2020,
            state="42601",
        )
    return best


def types_of(account: Account, session: Session, around: exp.Select | None) -> Typed:
    """Return what tells the types of expressions that stand in the query *around*."""

    def typed(values: Sequence[exp.Expr]) -> list[str]:
        if not values:
            return []
        query = exp.select(*(exp.alias_(v.copy(), f"c{i}") for i, v in enumerate(values)))
        if around is not None:
            for part in ("with_", "from_", "joins"):
                found = around.args.get(part)
                copied = [one.copy() for one in found] if isinstance(found, list) else None
                query.set(part, copied or (found.copy() if found else None))
        tree: exp.Expr = query
        for rewrite in account.registry.rewrites:
            tree = rewrite(session, tree)
        if not isinstance(tree, exp.Query):  # pragma: no cover - a query stays one
            raise not_found("FUNCTION", str(values[0]))
        return [kinds.of_column(one) for one in session.connection.run(tree.limit(0)).columns]

    return typed
