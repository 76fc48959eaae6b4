"""Make the engine understand what fakesnow does not: ``$1`` of VALUES, ASOF JOIN, HASH, division.

Source: Snowflake, "VALUES", "ASOF JOIN", "HASH", and the statements that Snowpark 1.56 sends.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlglot import exp

from ..faults import unsupported
from ..names import always_quoted
from ..router import table_parts

if TYPE_CHECKING:
    from ..account import Account
    from ..clock import Clock
    from ..session import Session

_ENGINE_WORDS = {
    "ANALYSE",
    "ANALYZE",
    "AT",
    "BOTH",
    "DEFERRABLE",
    "DO",
    "END",
    "FETCH",
    "INITIALLY",
}
_ENGINE_WORDS |= {"LEADING", "OFFSET", "ONLY", "PLACING", "PRIMARY", "REFERENCES", "SYMMETRIC"}
_ENGINE_WORDS |= {"ASYMMETRIC", "TRAILING", "VARIADIC", "SUMMARIZE", "LAMBDA"}
_LARGEST = "9223372036854775807"


def install(account: Account) -> None:
    """Register the rewrites."""
    account.rewrite(numbered_columns)
    account.rewrite(counted)
    account.rewrite(gathered)
    account.rewrite(wide)
    account.rewrite(engine_words)
    account.rewrite(set_columns)
    account.rewrite(default_nextval)
    account.rewrite(asof)
    account.rewrite(hashes)
    account.rewrite(slices)
    account.rewrite(division)
    account.rewrite(variant_text)
    account.rewrite(partial(account_time, account.clock))


def account_time(clock: Clock, session: Session, tree: exp.Expr) -> exp.Expr:
    """CURRENT_TIMESTAMP, SYSDATE and CURRENT_DATE follow the account's clock where it was moved.

    A column's DEFAULT does not: it is told once, and would stay at today's difference.
    """
    seconds = clock.ahead.total_seconds()
    if not seconds:
        return tree
    ahead = exp.Interval(this=exp.Literal.string(str(seconds)), unit=exp.var("SECOND"))
    for node in list(tree.find_all(exp.CurrentTimestamp, exp.CurrentDate)):
        if node.find_ancestor(exp.ColumnConstraint):
            continue
        now = node.copy() if isinstance(node, exp.CurrentTimestamp) else exp.CurrentTimestamp()
        moved: exp.Expr = exp.paren(exp.Add(this=now, expression=ahead.copy()))
        node.replace(moved if isinstance(node, exp.CurrentTimestamp) else exp.cast(moved, "date"))
    return tree


def counted(session: Session, tree: exp.Expr) -> exp.Expr:
    """COUNT_IF of no rows is 0, and not NULL as the engine's sum would be.

    Source: Snowflake, "COUNT_IF".
    """
    for node in list(tree.find_all(exp.CountIf)):
        if not isinstance(node.parent, exp.Window):
            made = exp.Coalesce(this=node.copy(), expressions=[exp.Literal.number(0)])
            node.replace(made)
    return tree


def gathered(session: Session, tree: exp.Expr) -> exp.Expr:
    """ARRAY_AGG of no rows is an empty array, LISTAGG an empty text.

    Source: Snowflake, "ARRAY_AGG", "LISTAGG" (usage notes).
    """
    for node in list(tree.find_all(exp.ArrayAgg, exp.GroupConcat)):
        whole: exp.Expr = node
        while isinstance(whole.parent, exp.WithinGroup | exp.Filter):
            whole = whole.parent
        if isinstance(whole.parent, exp.Window):
            continue
        text = isinstance(node, exp.GroupConcat)
        empty = exp.Literal.string("" if text else "[]")
        other: exp.Expr = empty if text else exp.ParseJSON(this=empty)
        whole.replace(exp.Coalesce(this=whole.copy(), expressions=[other]))
    return tree


def wide(session: Session, tree: exp.Expr) -> exp.Expr:
    """Whole numbers that are written out are of 64 bits here, where the engine takes 32.

    Source: Snowflake, "Numeric data types" (NUMBER).
    """
    for node in tree.find_all(exp.Mul, exp.Add, exp.Sub):
        left, right = node.this.unnest(), node.expression.unnest()
        if isinstance(left, exp.Literal) and left.is_int and _whole(right):
            left.replace(exp.cast(left.copy(), "BIGINT"))
    return tree


def _whole(node: exp.Expr) -> bool:
    while isinstance(node, exp.Mul | exp.Add | exp.Sub | exp.Paren | exp.Neg):
        if isinstance(node, exp.Binary) and not _whole(node.expression):
            return False
        node = node.this
    return isinstance(node, exp.Literal) and node.is_int


def engine_words(session: Session, tree: exp.Expr) -> exp.Expr:
    """Names that only the engine reserves get quotes.

    Source: Snowflake, "Reserved & limited keywords", on which these are not.
    """
    for node in tree.find_all(exp.Identifier):
        if not node.quoted and (word := node.name.upper()) in _ENGINE_WORDS:
            node.set("this", word)
            node.set("quoted", True)
    return tree


def set_columns(session: Session, tree: exp.Expr) -> exp.Expr:
    """``UPDATE t SET t.x = ..``: the engine takes the column alone. Source: Snowflake, "UPDATE"."""
    for pair in tree.expressions if isinstance(tree, exp.Update) else ():
        if isinstance(pair, exp.EQ) and isinstance(pair.this, exp.Column):
            pair.this.replace(exp.column(pair.this.this.copy()))
    return tree


def default_nextval(session: Session, tree: exp.Expr) -> exp.Expr:
    """``DEFAULT s.NEXTVAL`` of a column. Source: Snowflake, "CREATE TABLE" (DEFAULT)."""
    for node in tree.find_all(exp.DefaultColumnConstraint):
        column = node.this
        if isinstance(column, exp.Column) and column.name.upper() == "NEXTVAL" and column.table:
            named = [column.args.get(part) for part in ("catalog", "db", "table")]
            table = exp.Table(this=named[2], db=named[1], catalog=named[0])
            path = session.resolve(table_parts(table))
            name = ".".join(always_quoted(part) for part in path)
            node.set("this", exp.Anonymous(this="nextval", expressions=[exp.Literal.string(name)]))
    return tree


def numbered_columns(session: Session, tree: exp.Expr) -> exp.Expr:
    """``SELECT $1 FROM VALUES (..)``: the columns of VALUES are COLUMN1, COLUMN2, ..."""
    for node in list(tree.find_all(exp.Parameter)):
        number = node.this
        if isinstance(number, exp.Literal) and not number.is_string and number.this.isdigit():
            name = exp.to_identifier(f"COLUMN{number.this}", quoted=True)
            parent = node.parent
            if isinstance(parent, exp.Column) and parent.this is node:
                node.replace(name)
            else:
                node.replace(exp.column(name))
    return tree


def asof(session: Session, tree: exp.Expr) -> exp.Expr:
    """``ASOF JOIN .. MATCH_CONDITION`` is a left join; DuckDB takes the inequality in ON."""
    for join in tree.find_all(exp.Join):
        condition = join.args.get("match_condition")
        if condition is None:
            continue
        join.set("match_condition", None)
        join.set("side", "LEFT")
        on = join.args.get("on")
        if using := join.args.get("using"):
            left = join.find_ancestor(exp.Select)
            source = left.args["from_"].this if left else None
            pairs = [
                exp.EQ(
                    this=exp.column(
                        c.name, table=source.alias_or_name if source else None, quoted=True
                    ),
                    expression=exp.column(c.name, table=join.this.alias_or_name, quoted=True),
                )
                for c in using
            ]
            on = exp.and_(*pairs)
            join.set("using", None)
        join.set("on", exp.and_(on, condition) if on is not None else condition)
    return tree


def hashes(session: Session, tree: exp.Expr) -> exp.Expr:
    """``HASH(..)`` is a signed 64-bit number; its values are not Snowflake's."""

    def change(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Anonymous) and str(node.this).upper() == "HASH":
            return exp.cast(_hash(node.expressions), "BIGINT")
        return _hash_of_all(node) if isinstance(node, exp.HashAgg) else node

    return tree.transform(change, copy=False)


def _hash(values: list[exp.Expr]) -> exp.Expr:
    # 63 bits, then shifted to both signs, stay inside a BIGINT.
    whole = exp.Anonymous(this="hash", expressions=values)
    return exp.Paren(this=exp.Mod(this=whole, expression=exp.Literal.number(_LARGEST)))


def _hash_of_all(node: exp.HashAgg) -> exp.Expr:
    """``HASH_AGG(..)``: a sum, so that the order of the rows is nothing; 0 for no row.

    Source: Snowflake, "HASH_AGG".
    """
    values = [node.this, *node.expressions]
    if any(isinstance(value, exp.Star | exp.Distinct) for value in values):
        raise unsupported("HASH_AGG of * or DISTINCT is not known to this emulator; name columns.")
    added = exp.Sum(this=exp.cast(_hash(values), "INT128"))
    known = exp.Coalesce(this=added, expressions=[exp.Literal.number(0)])
    rest = exp.Paren(this=exp.Mod(this=known, expression=exp.Literal.number(_LARGEST)))
    return exp.cast(rest, "BIGINT")


def slices(session: Session, tree: exp.Expr) -> exp.Expr:
    """``ARRAY_SLICE`` of a JSON array, which the engine would take for its text.

    Source: Snowflake, "ARRAY_SLICE": from the first place, which is 0, up to but without the
    second; places below 0 count from the end.
    """
    for node in list(tree.find_all(exp.ArraySlice)):
        whole = exp.Anonymous(this="to_json", expressions=[node.this.copy()])
        items = exp.Anonymous(this="json_extract", expressions=[whole, exp.Literal.string("$[*]")])
        places = []
        for place, after in ((node.args["start"], 1), (node.args["end"], 0)):
            # The engine counts from 1 and takes the last place in; from the end it counts alike.
            below = exp.LT(this=place.copy(), expression=exp.Literal.number(0))
            shifted = exp.Paren(this=place.copy() + after)
            back = exp.Paren(this=place.copy() - (1 - after))
            places.append(exp.Case(ifs=[exp.If(this=below, true=back)], default=shifted))
        cut = exp.Anonymous(this="list_slice", expressions=[items, *places])
        node.replace(exp.Anonymous(this="to_json", expressions=[cut]))
    return tree


def division(session: Session, tree: exp.Expr) -> exp.Expr:
    """``a / 0`` is error 100051, where DuckDB says infinity."""

    def change(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Div) or _not_zero(node.expression):
            return node
        divisor = node.expression
        zero = exp.EQ(this=divisor.copy(), expression=exp.Literal.number(0))
        failing = exp.Anonymous(this="error", expressions=[exp.Literal.string("Division by zero")])
        guarded = exp.Case(ifs=[exp.If(this=zero, true=failing)], default=divisor.copy())
        node.set("expression", exp.Paren(this=guarded))
        return node

    return tree.transform(change, copy=False)


def _not_zero(node: exp.Expr) -> bool:
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    if isinstance(node, exp.Literal):
        try:
            return not node.is_string and float(node.this) != 0
        except ValueError:
            return False
    return isinstance(node, exp.Nullif)


_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Like, exp.ILike)


def variant_text(session: Session, tree: exp.Expr) -> exp.Expr:
    """``v:a = 'x'`` compares text; the engine would read the literal as JSON and fail.

    Source: Snowflake, "Querying semi-structured data" (VARIANT is cast to the other side's type).
    """
    for node in tree.find_all(*_COMPARED):
        others = [node.expression] if node.expression else node.expressions
        sides = [node.this, *others]
        if not any(isinstance(side, exp.Literal) and side.is_string for side in sides):
            continue
        for side in sides:
            if _inside_variant(side):
                side.replace(exp.cast(side.copy(), "VARCHAR"))
    return tree


def _inside_variant(node: exp.Expr) -> bool:
    if isinstance(node, exp.JSONExtract):
        return bool(node.args.get("variant_extract"))
    key = node.expressions[0] if isinstance(node, exp.Bracket) and node.expressions else None
    return isinstance(key, exp.Literal) and bool(key.is_string)
