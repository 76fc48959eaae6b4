"""Rules of CREATE TABLE, CREATE VIEW and ALTER TABLE, and ALTER TABLE .. DROP of several columns.

Source: Snowflake, "CREATE TABLE", "CREATE VIEW", "ALTER TABLE", "ALTER TABLE … ALTER COLUMN",
"Reserved & limited keywords", "Parameters" (DATA_RETENTION_TIME_IN_DAYS).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlglot import exp

from ..faults import SnowflakeError, invalid, invalid_identifier, unexpected
from ..names import Path, join, quoted
from ..parameters import RETENTION, check_retention
from ..results import ResultSet, done
from ..router import stored, table_parts, target_of
from .columns import LONGEST_TEXT, columns_of

if TYPE_CHECKING:
    from ..account import Account
    from ..registry import Call
    from ..session import Session

_RESERVED = frozenset(
    """
    ALL ALTER AND ANY AS BETWEEN BY CHECK COLUMN CONNECT CREATE CURRENT DELETE DISTINCT DROP ELSE
    EXISTS FOLLOWING FOR FROM GRANT GROUP HAVING ILIKE IN INCREMENT INSERT INTERSECT INTO IS LIKE
    MINUS NOT NULL OF ON OR ORDER QUALIFY REGEXP REVOKE RLIKE ROW ROWS SAMPLE SELECT SET SOME START
    TABLE TABLESAMPLE THEN TO TRIGGER UNION UNIQUE UPDATE VALUES WHENEVER WHERE WITH
    """.split()
)
_FAMILIES = {
    "VARCHAR": {"VARCHAR", "TEXT", "CHAR", "NCHAR", "NVARCHAR"},
    "NUMBER": {"INT", "BIGINT", "SMALLINT", "TINYINT", "DECIMAL"},
    "FLOAT": {"FLOAT", "DOUBLE"},
    "BOOLEAN": {"BOOLEAN"},
    "DATE": {"DATE"},
    "VARIANT": {"VARIANT"},
}


def install(account: Account) -> None:
    """Register the statement and the rules."""
    account.statement("ALTER TABLE [IF EXISTS]", drop_columns)
    account.rewrite(names)
    account.rewrite(made_of_a_query)
    account.rewrite(retention)
    account.rewrite(changed_type)
    account.observe(partial(comments, account))


def _column_name(node: exp.Expr) -> str:
    found = node if isinstance(node, exp.Identifier) else node.find(exp.Identifier)
    return stored(found) if found is not None else ""


def names(session: Session, tree: exp.Expr) -> exp.Expr:
    """A reserved word without quotes is no name of a table or column.

    Raises:
        SnowflakeError: 001003.
    """
    if not isinstance(tree, exp.Create) or str(tree.args.get("kind")) != "TABLE":
        return tree
    target = target_of(tree)
    given = [column.this for column in tree.find_all(exp.ColumnDef)]
    for one in [*given, *([target.this] if target is not None else [])]:
        if isinstance(one, exp.Identifier) and not one.quoted and one.name.upper() in _RESERVED:
            raise unexpected(one.name)
    return tree


def made_of_a_query(session: Session, tree: exp.Expr) -> exp.Expr:
    """The columns of CREATE .. AS have a name each, another one each, and are all or none listed.

    Raises:
        SnowflakeError: 002022, 002025, 002026.
    """
    if not isinstance(tree, exp.Create) or tree.expression is None:
        return tree
    query = tree.expression.unnest()
    while isinstance(query, exp.SetOperation):
        query = query.this.unnest()
    listed = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    listed = [one for one in listed if isinstance(one, exp.Identifier | exp.ColumnDef)]
    if not isinstance(query, exp.Select) or query.args.get("kind"):
        return tree
    star = any(one.is_star for one in query.expressions)
    if listed and not star and len(listed) != len(query.expressions):
        raise _refused("Invalid column definition list", 2026, "42601")
    seen: set[str] = set()
    for one in listed or query.expressions:
        if isinstance(one, exp.Func | exp.Binary | exp.Literal | exp.Subquery | exp.Case) and not (
            isinstance(one, exp.Cast | exp.JSONExtract | exp.Dot | exp.Explode)
        ):
            raise _refused("Missing column specification", 2022, "02000")
        name = one.alias if isinstance(one, exp.Alias) else ""
        if isinstance(one, exp.Alias):
            name = _column_name(one.args["alias"])
        elif isinstance(one, exp.Column) and not one.is_star:
            name = _column_name(one.this)
        elif isinstance(one, exp.Identifier | exp.ColumnDef):
            name = _column_name(one)
        if name and name in seen:
            raise _refused(f"duplicate column name '{name}'", 2025, "42S21")
        seen.add(name)
    return tree


def _refused(message: str, number: int, state: str) -> SnowflakeError:
    return SnowflakeError(f"SQL compilation error:\n{message}", number=number, state=state)


def retention(session: Session, tree: exp.Expr) -> exp.Expr:
    """DATA_RETENTION_TIME_IN_DAYS of a table is 0 to 90.

    Raises:
        SnowflakeError: 001008.
    """
    given = tree.args.get("properties") if isinstance(tree, exp.Create) else None
    for one in given.expressions if given else ():
        if type(one) is exp.Property and one.name.upper() == RETENTION:
            check_retention(one.args["value"].name)
    return tree


def changed_type(session: Session, tree: exp.Expr) -> exp.Expr:
    """A column keeps its kind of type; its text gets no shorter and its number keeps its scale.

    Raises:
        SnowflakeError: 002108, 040052.
    """
    target = target_of(tree) if isinstance(tree, exp.Alter) else None
    if target is None:
        return tree
    for action in tree.args.get("actions") or []:
        if not isinstance(action, exp.AlterColumn) or action.args.get("dtype") is None:
            continue
        wanted = _column_name(action.this)
        path = session.resolve(_parts(session, target))
        found = {column["name"]: column for column in columns_of(session, path)}
        if wanted in found:
            _check_type(wanted, str(found[wanted]["type"]), action.args["dtype"])
    return tree


def _parts(session: Session, table: exp.Table) -> tuple[str, ...]:
    """Return a table's name, also of a temporary one, which was renamed already."""
    parts = table_parts(table)
    named = (path for (_, path), mangled in session.temporary.items() if mangled == parts[-1])
    return next(named, parts)


def _check_type(name: str, old: str, new: exp.DataType) -> None:
    family = old.partition("(")[0]
    kind = str(new.this.value if hasattr(new.this, "value") else new.this)
    wanted = next((one for one, known in _FAMILIES.items() if kind in known), None)
    if family not in _FAMILIES or wanted is None:
        return
    sizes = [int(one.name) for one in new.expressions if one.name.isdigit()]
    text = f"cannot change column {quoted(name)} from type {old} to {new.sql(dialect='snowflake')}"
    had = [int(one) for one in old.partition("(")[2].rstrip(")").split(",") if one]
    if wanted != family:
        raise _refused(text, 2108, "22000")
    if family == "VARCHAR":
        size = sizes[0] if sizes else 1 if kind in {"CHAR", "NCHAR"} else LONGEST_TEXT
        if size < had[0]:
            because = " because reducing the byte-length of a varchar is not supported."
            raise _refused(text + because, 40052, "22000")
    elif family == "NUMBER" and (sizes[1] if len(sizes) > 1 else 0) != had[1]:
        raise _refused(text + " because changing the scale is not supported.", 40052, "22000")


def drop_columns(call: Call) -> ResultSet | None:
    """Run ``ALTER TABLE .. DROP COLUMN a, b``: all of them, or none when one is not there."""
    parts = call.reader.name()
    reader = call.reader
    if not reader.accept("DROP"):
        return None
    reader.accept("COLUMN")
    once = reader.accept("IF", "EXISTS")
    if reader.peek().kind not in {"WORD", "QUOTED"} or reader.peek(1).text != ",":
        return None
    columns = [reader.name()[0]]
    while reader.accept(","):
        columns.append(reader.name()[0])
    reader.end()
    path: Path = call.session.resolve(parts)
    stands = {column["name"] for column in columns_of(call.session, path)}
    for name in columns:
        if name not in stands and not once:
            raise invalid_identifier(quoted(name))
    if stands <= set(columns):
        raise invalid(f"a table keeps one column at least: {path.name} would have none")
    for name in dict.fromkeys(columns):
        if name in stands:
            router = call.account.router
            text = f"ALTER TABLE {join(path)} DROP COLUMN {quoted(name)}"
            router.execute(call.session, router.parse(text))
    return done()


def comments(account: Account, session: Session, tree: exp.Expr, result: ResultSet) -> None:
    """Keep what ALTER TABLE .. ALTER COLUMN .. COMMENT says."""
    target = target_of(tree) if isinstance(tree, exp.Alter) else None
    for action in (tree.args.get("actions") or []) if target is not None else ():
        comment = action.args.get("comment") if isinstance(action, exp.AlterColumn) else None
        if target is None or comment is None:
            continue
        entry = account.catalog.find("TABLE", session.resolve(table_parts(target)))
        if entry is not None:
            told = {**entry.properties.get("column_comments", {})}
            told[_column_name(action.this)] = comment.name
            account.catalog.update(entry.with_properties(column_comments=told))
