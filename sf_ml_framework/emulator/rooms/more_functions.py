"""Functions that the engine has not, or has with another meaning.

Source: Snowflake, the page of each function. What cannot be written for the engine is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp, parse_one

from ..faults import invalid, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..account import Account
    from ..session import Session

_DAY_OR_LESS = {"SECOND", "MINUTE", "HOUR", "DAY"}


def install(account: Account) -> None:
    """Register the rewrites."""
    account.rewrite(windows)
    account.rewrite(scalars)
    account.rewrite(time_travel)
    account.function("INVOKER_ROLE", lambda session: session.role)


def scalars(session: Session, tree: exp.Expr) -> exp.Expr:
    """Write each function of :data:`_WRITTEN` and :data:`_NAMED` for the engine."""

    def change(node: exp.Expr) -> exp.Expr:
        write = _WRITTEN.get(type(node))
        if write is None and isinstance(node, exp.Anonymous):
            write = _NAMED.get(str(node.this).upper())
        return node if write is None else write(node)

    return tree.transform(change, copy=False) if _used(tree) else tree


def _used(tree: exp.Expr) -> bool:
    return any(
        type(node) in _WRITTEN
        or (isinstance(node, exp.Anonymous) and str(node.this).upper() in _NAMED)
        for node in tree.walk()
    )


def _call(name: str, *values: exp.Expr | str) -> exp.Anonymous:
    given = [exp.Literal.string(v) if isinstance(v, str) else v for v in values]
    return exp.Anonymous(this=name, expressions=given)


def _duck(sql: str, **parts: exp.Expr | None) -> exp.Expr:
    """Return an expression in which ``:name`` stands for a part."""
    made = parse_one(sql, read="duckdb")

    def put(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Anonymous) and node.this == "json_object_of":
            node.set("this", "json_object")  # whose arguments the parser takes for pairs
        part = parts.get(node.name) if isinstance(node, exp.Placeholder) else None
        return node if part is None else exp.paren(part.copy())

    return exp.paren(made.transform(put))


def _width_bucket(node: exp.Expr) -> exp.Expr:
    """``WIDTH_BUCKET``: 0 below the range, one more than the buckets at its end and above."""
    given = node.args
    return _duck(
        "case when :x is null or :low is null or :high is null then null "
        "when :low >= :high then error('Invalid limits of WIDTH_BUCKET') "
        "when :x < :low then 0 when :x >= :high then :n + 1 "
        "else floor((:x - :low) * :n / (:high - :low))::bigint + 1 end",
        x=given["this"],
        low=given["min_value"],
        high=given["max_value"],
        n=given["num_buckets"],
    )


def _trim(node: exp.Expr) -> exp.Expr:
    """``TRIM``, ``LTRIM``, ``RTRIM`` of characters, which fakesnow drops."""
    if node.args.get("expression") is None:
        return node
    names = {"LEADING": "ltrim", "TRAILING": "rtrim"}
    name = names.get(str(node.args.get("position") or "").upper(), "trim")
    return _call(name, exp.cast(node.this.copy(), "VARCHAR"), node.expression.copy())


def _time_slice(node: exp.Expr) -> exp.Expr:
    """``TIME_SLICE``: slices begin at 1970-01-01, where the engine's begin at a Monday of 2000.

    A slice of weeks begins at the first day of the week there, which is the engine's way too.
    """
    unit = node.args["unit"].name.upper().rstrip("S")
    if unit not in _DAY_OR_LESS:
        return node
    start = _call(
        "time_bucket",
        exp.Interval(this=node.expression.copy(), unit=exp.var(unit)),
        exp.cast(node.this.copy(), "TIMESTAMP"),
        exp.cast(exp.Literal.string("1970-01-01"), "TIMESTAMP"),
    )
    kind = node.args.get("kind")
    if kind is None or kind.name.upper() == "START":
        return start
    length = exp.Interval(this=node.expression.copy(), unit=exp.var(unit))
    return exp.paren(exp.Add(this=start, expression=length))


def _try_cast(node: exp.Expr) -> exp.Expr:
    """``TRY_CAST`` and ``TRY_TO_TIMESTAMP``: fakesnow makes of a time a cast that fails."""
    if node.args["to"].this not in {exp.DataType.Type.TIMESTAMPNTZ, exp.DataType.Type.TIMESTAMP}:
        return node
    return _call("try", exp.cast(node.this.copy(), "TIMESTAMP"))


def _typeof(node: exp.Expr) -> exp.Expr:
    """``TYPEOF`` of a VARIANT: the name of what is inside, NULL for SQL's NULL."""
    return _duck(
        "case json_type(to_json(:v)) when 'NULL' then 'NULL_VALUE' when 'UBIGINT' then 'INTEGER' "
        "when 'BIGINT' then 'INTEGER' when 'HUGEINT' then 'INTEGER' when 'DOUBLE' then 'DOUBLE' "
        "else json_type(to_json(:v)) end",
        v=node.this,
    )


def _to_char(node: exp.Expr) -> exp.Expr:
    """``TO_CHAR`` with a format, which the engine drops; of numbers it is refused."""
    shape = node.args.get("format")
    if shape is None:
        return node
    if not isinstance(shape, exp.Literal) or not shape.is_string:
        raise unsupported("TO_CHAR takes its format as a constant in this emulator.")
    made = _strftime(str(shape.this))
    return _call("strftime", exp.cast(node.this.copy(), "TIMESTAMP"), made)


_DATES = {
    "YYYY": "%Y",
    "YY": "%y",
    "MMMM": "%B",
    "MON": "%b",
    "MM": "%m",
    "DD": "%d",
    "DY": "%a",
    "HH24": "%H",
    "HH12": "%I",
    "AM": "%p",
    "PM": "%p",
    "MI": "%M",
    "SS": "%S",
    "FF9": "%n",
    "FF6": "%f",
    "FF3": "%g",
    "FF": "%n",
}
_PART = re.compile("|".join(_DATES) + r'|"([^"]*)"|(.)', re.IGNORECASE | re.DOTALL)


def _strftime(shape: str) -> str:
    """Return a date format as the engine writes it. Source: "Date and time input and output"."""
    made = ""
    for part in _PART.finditer(shape):
        text = part[0].upper()
        if text in _DATES:
            made += _DATES[text]
        elif part[1] is not None or not (part[2].isalnum() or part[2] in "$,."):
            made += (part[1] or part[2]).replace("%", "%%")
        elif part[2] in "T.," and made.startswith("%"):
            made += part[2]
        else:
            raise unsupported(f"TO_CHAR with the format '{shape}' is not known to this emulator.")
    return made


def _logic(node: exp.Expr) -> exp.Expr:
    """``BOOLAND``, ``BOOLOR``, ``BOOLXOR``, ``BOOLNOT``: of truth values and of numbers."""
    if not node.args.get("round_input"):
        return node
    left = _duck("round(:v::double)::bigint <> 0", v=node.this)
    if isinstance(node, exp.Boolnot):
        return exp.paren(exp.not_(left))
    right = _duck("round(:v::double)::bigint <> 0", v=node.expression)
    if isinstance(node, exp.Booland):
        return exp.paren(exp.and_(left, right))
    if isinstance(node, exp.Boolor):
        return exp.paren(exp.or_(left, right))
    return exp.paren(exp.NEQ(this=left, expression=right))


def _object_insert(node: exp.Expr) -> exp.Expr:
    """``OBJECT_INSERT``: a key that stands is an error unless it is to be updated."""
    flag = node.args.get("update_flag")
    parts = {"o": node.this, "k": node.args["key"], "v": node.args["value"]}
    # Taken out first: a patch would join two objects of one key.
    put = (
        "case when :v is null then to_json(:o) else json_merge_patch("
        "json_merge_patch(to_json(:o), json_object_of(:k, null)), json_object_of(:k, :v)) end"
    )
    if isinstance(flag, exp.Boolean) and flag.this:
        return exp.ParseJSON(this=exp.cast(_duck(put, **parts), "VARCHAR"))
    guarded = (
        "case when list_contains(json_keys(to_json(:o)), :k) "
        f"then error('Duplicate field key ''' || :k || '''') else {put} end"
    )
    return exp.ParseJSON(this=exp.cast(_duck(guarded, **parts), "VARCHAR"))


def _keys(node: exp.Expr) -> tuple[exp.Expr, list[exp.Expr]]:
    whole, *keys = node.expressions
    if not keys or not all(isinstance(k, exp.Literal) and k.is_string for k in keys):
        raise unsupported(f"{node.name.upper()} takes names as constants in this emulator.")
    return whole, keys


def _object_delete(node: exp.Expr) -> exp.Expr:
    """``OBJECT_DELETE``: a patch with null takes a key out."""
    whole, keys = _keys(node)
    pairs = [part for key in keys for part in (key, exp.Null())]
    return _call("json_merge_patch", _call("to_json", whole), _call("json_object", *pairs))


def _object_pick(node: exp.Expr) -> exp.Expr:
    """``OBJECT_PICK``: the keys that stand, of those named."""
    whole, keys = _keys(node)
    empty: exp.Expr = exp.cast(exp.Literal.string("{}"), "JSON")
    for key in keys:
        one = _duck(
            "case when list_contains(json_keys(to_json(:o)), :k) "
            "then json_object_of(:k, json_extract(to_json(:o), '$.\"' || :k || '\"')) "
            "else '{}'::json end",
            o=whole,
            k=key,
        )
        empty = _call("json_merge_patch", empty, one)
    return empty


def _kind(*types: str) -> Callable[[exp.Expr], exp.Expr]:
    names = ", ".join(f"'{name}'" for name in types)

    def write(node: exp.Expr) -> exp.Expr:
        return _duck(f"json_type(to_json(:v)) in ({names})", v=node.expressions[0])

    return write


def _as(cast: str, *types: str) -> Callable[[exp.Expr], exp.Expr]:
    names = ", ".join(f"'{name}'" for name in types)

    def write(node: exp.Expr) -> exp.Expr:
        return _duck(
            f"case when json_type(to_json(:v)) in ({names}) "
            f"then cast(json_extract_string(to_json(:v), '$') as {cast}) end",
            v=node.expressions[0],
        )

    return write


def _to_object(node: exp.Expr) -> exp.Expr:
    return _duck(
        "case when json_type(to_json(:v)) = 'OBJECT' or :v is null then to_json(:v) "
        "else error('Failed to cast variant value to OBJECT') end",
        v=node.expressions[0],
    )


def _refused(node: exp.Expr) -> exp.Expr:
    name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()  # type: ignore[attr-defined]
    raise unsupported(f"the function {name.upper()} is not known to this emulator.")


_INTEGERS = ("UBIGINT", "BIGINT", "HUGEINT")
_WRITTEN: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.WidthBucket: _width_bucket,
    exp.Trim: _trim,
    exp.TimeSlice: _time_slice,
    exp.Typeof: _typeof,
    exp.ToChar: _to_char,
    exp.Booland: _logic,
    exp.Boolor: _logic,
    exp.Boolnot: _logic,
    exp.Xor: _logic,
    exp.TryCast: _try_cast,
    exp.ObjectInsert: _object_insert,
    exp.Soundex: _refused,
    exp.Collate: _refused,
    exp.MD5NumberLower64: _refused,
    exp.MD5NumberUpper64: _refused,
}
_NAMED: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "OBJECT_DELETE": _object_delete,
    "OBJECT_PICK": _object_pick,
    "TO_OBJECT": _to_object,
    "IS_INTEGER": _kind(*_INTEGERS),
    "IS_DOUBLE": _kind(*_INTEGERS, "DOUBLE"),
    "IS_VARCHAR": _kind("VARCHAR"),
    "IS_CHAR": _kind("VARCHAR"),
    "IS_BOOLEAN": _kind("BOOLEAN"),
    "IS_ARRAY": _kind("ARRAY"),
    "IS_OBJECT": _kind("OBJECT"),
    "AS_INTEGER": _as("BIGINT", *_INTEGERS),
    "AS_DOUBLE": _as("DOUBLE", *_INTEGERS, "DOUBLE"),
    "AS_VARCHAR": _as("VARCHAR", "VARCHAR"),
    "AS_CHAR": _as("VARCHAR", "VARCHAR"),
    "AS_BOOLEAN": _as("BOOLEAN", "BOOLEAN"),
}


def windows(session: Session, tree: exp.Expr) -> exp.Expr:
    """``RATIO_TO_REPORT`` and ``CONDITIONAL_TRUE_EVENT`` as sums over their windows."""
    for window in list(tree.find_all(exp.Window)):
        inner = window.this
        name = str(inner.this).upper() if isinstance(inner, exp.Anonymous) else ""
        if name == "RATIO_TO_REPORT":
            if window.args.get("order") or window.args.get("spec"):
                raise invalid("RATIO_TO_REPORT takes neither ORDER BY nor a frame in its window")
            value = inner.expressions[0]
            window.set("this", exp.Sum(this=value.copy()))
            whole = _call("nullif", window.copy(), exp.Literal.number(0))
            ratio = exp.Div(this=exp.cast(value.copy(), "DOUBLE"), expression=whole)
            window.replace(exp.paren(ratio))
        elif name == "CONDITIONAL_TRUE_EVENT":
            if not window.args.get("order"):
                raise invalid("CONDITIONAL_TRUE_EVENT needs ORDER BY in its window")
            one = exp.If(this=inner.expressions[0].copy(), true=exp.Literal.number(1))
            counted = exp.Case(ifs=[one], default=exp.Literal.number(0))
            window.set("this", exp.Sum(this=counted))
            window.set(
                "spec",
                exp.WindowSpec(
                    kind="ROWS",
                    start="UNBOUNDED",
                    start_side="PRECEDING",
                    end="CURRENT ROW",
                ),
            )
        elif name == "CONDITIONAL_CHANGE_EVENT":
            raise unsupported(f"the function {name} is not known to this emulator.")
    return tree


def time_travel(session: Session, tree: exp.Expr) -> exp.Expr:
    """Refuse AT and BEFORE by name: no history of rows is kept here."""
    for table in tree.find_all(exp.Table):
        when = table.args.get("when")
        if when is not None:
            raise unsupported(
                f"{when.this} ({when.args['kind']} => ..): this emulator keeps no history of rows; "
                "UNDROP is there."
            )
    return tree
