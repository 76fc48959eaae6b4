"""Table functions in FROM: the input in lists, one for each partition; the output as rows.

``FROM t, TABLE(f(a) OVER (PARTITION BY b ORDER BY c)) x`` becomes one derived table that has the
columns of *t* and, under names of their own, those of *x*; what the query says of *t* and *x* is
said of it instead. Rows of ``process`` stand beside their input row; rows of ``end_partition`` have
the partition's columns, and NULL in the others.

Source: Snowflake, "Tabular Java UDFs" and "Python UDTFs" (partitions, what end_partition's rows are
joined with).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from ..faults import unsupported
from . import calls
from .engine import packed

_INPUT = "_emulated_input"
_TABLE = "_emulated_table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A call: the engine's function, its arguments as text, what comes out, and OVER (..)."""

    function: str
    texts: list[exp.Expr]
    outputs: tuple[tuple[str, str], ...]
    window: exp.Window | None


def put_in_place(node: exp.TableFromRows, table: Table) -> None:
    """Replace the call in its query.

    Raises:
        SnowflakeError: it is joined to more than one table, or by a condition.
    """
    select = node.find_ancestor(exp.Select)
    join = node.parent
    if select is None:
        raise unsupported("a table function outside a SELECT.")
    own = node.args.get("alias")
    right = own.this.name if own is not None else ""
    named = [c.name for c in own.args.get("columns") or []] if own is not None else []
    outputs = [(named[i] if i < len(named) else n, k) for i, (n, k) in enumerate(table.outputs)]
    left: exp.Expr | None = None
    if isinstance(join, exp.Join):
        only = select.args.get("joins") == [join]
        if not only or join.args.get("on") or str(join.args.get("side") or ""):
            raise unsupported("a table function that is not joined to one table alone.")
        left = select.args["from_"].this
    left_name = left.alias_or_name if left is not None else ""
    source = _derived(left, table, outputs)
    for part in ("from_", "joins"):
        select.set(part, None)
    _renamed(select, left_name, right, [name for name, _ in outputs], lone=left is None)
    alias = left_name or right or _TABLE
    quoted = exp.to_identifier(alias, quoted=True)
    if left is not None and not isinstance(left.args.get("alias"), exp.TableAlias):
        quoted = exp.to_identifier(left_name or _TABLE, quoted=True)
    select.set("from_", exp.From(this=source.subquery(quoted)))


def _derived(left: exp.Expr | None, table: Table, outputs: list[tuple[str, str]]) -> exp.Select:
    texts = [_unqualified(one) for one in table.texts]
    window = table.window
    keys = [_unqualified(k) for k in (window.args.get("partition_by") or [])] if window else []
    keys = [key for key in keys if not isinstance(key, exp.Literal)]
    order = window.args.get("order") if window else None
    order = _unqualified(order) if order is not None else None
    rows: exp.Expr = exp.column(_INPUT)
    if order is not None:
        rows = exp.Order(this=rows, expressions=[one.copy() for one in order.expressions])
    list_ = packed(texts, order if isinstance(order, exp.Order) else None)
    made = exp.Anonymous(
        this=table.function, expressions=[exp.Anonymous(this="_json_text", expressions=[list_])]
    )
    grouped = exp.select(
        *(exp.alias_(key.copy(), f"_p{i}", quoted=True) for i, key in enumerate(keys)),
        exp.alias_(exp.Anonymous(this="list", expressions=[rows]), "_rows", quoted=True),
        exp.alias_(made, "_made", quoted=True),
    )
    one_row = exp.select(exp.alias_(exp.Literal.number(1), "_nothing", quoted=True))
    inside = exp.select("*").from_(left.copy()) if left is not None else one_row
    grouped = grouped.from_(inside.subquery(_INPUT)).group_by(*(key.copy() for key in keys))
    if not keys:
        grouped = grouped.having(exp.GT(this=exp.Count(this=exp.Star()), expression=_number(0)))
    return _spread(grouped, keys, outputs)


def _spread(
    grouped: exp.Select, keys: list[exp.Expr], outputs: list[tuple[str, str]]
) -> exp.Select:
    """Return rows from the lists."""
    one = exp.column("_one", quoted=True)
    made = exp.Anonymous(this="_made_rows", expressions=[exp.column("_made", quoted=True)])
    lines = exp.select(
        "*", exp.alias_(exp.Anonymous(this="unnest", expressions=[made]), "_one", quoted=True)
    ).from_(grouped.subquery("_grouped"))
    at = exp.Anonymous(this="_made_row", expressions=[one.copy()])
    rows = exp.Anonymous(this="_picked", expressions=[exp.column("_rows", quoted=True), at])
    columns = [
        exp.alias_(
            calls.from_text(
                exp.Anonymous(this="_made_value", expressions=[one.copy(), _number(i)]), kind
            ),
            f"_o{i}",
            quoted=True,
        )
        for i, (_, kind) in enumerate(outputs)
    ]
    wide = exp.select(
        exp.Anonymous(this="unnest", expressions=[rows]),
        *(exp.column(f"_p{i}", quoted=True) for i in range(len(keys))),
        *columns,
    ).from_(lines.subquery("_lines"))
    if not keys:
        return wide
    hidden = [exp.to_identifier(f"_p{i}", quoted=True) for i in range(len(keys))]
    kept = [
        exp.alias_(exp.column(f"_p{i}", quoted=True), key.this.copy())
        for i, key in enumerate(keys)
        if isinstance(key, exp.Column)
    ]
    star = exp.Star(except_=hidden, replace=kept) if kept else exp.Star(except_=hidden)
    return exp.select(star).from_(wide.subquery("_wide"))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _unqualified(node: exp.Expr) -> exp.Expr:
    """Return *node* with columns named alone: its input is one table."""

    def change(one: exp.Expr) -> exp.Expr:
        return exp.Column(this=one.this.copy()) if isinstance(one, exp.Column) else one

    return node.copy().transform(change)


def _renamed(select: exp.Select, left: str, right: str, names: list[str], *, lone: bool) -> None:
    """Say of the derived table what the query says of the two."""
    inner = [exp.to_identifier(f"_o{i}", quoted=True) for i in range(len(names))]
    hidden = inner + ([exp.to_identifier("_nothing", quoted=True)] if lone else [])
    known = {name.upper(): one for name, one in zip(names, inner, strict=True)}

    def outputs() -> list[exp.Expr]:
        pairs = zip(names, inner, strict=True)
        return [exp.alias_(exp.Column(this=i.copy()), n, quoted=True) for n, i in pairs]

    def star() -> list[exp.Expr]:
        return [] if lone else [exp.Star(except_=[one.copy() for one in hidden])]

    made: list[exp.Expr] = []
    for one in select.expressions:
        table = one.table.upper() if isinstance(one, exp.Column) else ""
        is_star = isinstance(one, exp.Star) or isinstance(getattr(one, "this", None), exp.Star)
        if not is_star or isinstance(one, exp.Count):
            made.append(one)
        elif table and right and table == right.upper():
            made += outputs()
        elif table:
            made += star()
        else:
            made += [*star(), *outputs()]
    select.set("expressions", made)
    _columns(select, (left.upper(), right.upper()), known)


def _columns(select: exp.Select, sides: tuple[str, str], known: dict[str, exp.Identifier]) -> None:
    """Name every column of the query as the derived table has it."""
    for column in list(select.find_all(exp.Column)):
        if isinstance(column.this, exp.Star) or column.name.startswith("_o"):
            continue
        of = column.table.upper()
        mine = (of == sides[1] if of else True) and column.name.upper() in known
        if not mine:
            if of and of not in sides:
                continue
            column.set("table", None)
            column.set("db", None)
            column.set("catalog", None)
            continue
        new: exp.Expr = exp.Column(this=known[column.name.upper()].copy())
        if column.parent is select and column.arg_key == "expressions":
            name = column.name if column.this.quoted else column.name.upper()
            new = exp.alias_(new, name, quoted=True)
        column.replace(new)
