"""Copy tables, views and sequences from one schema to another, with what the catalogue has of them.

A clone here is a copy: it takes the time and space that the rows take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, unsupported
from ..names import Path, always_quoted

if TYPE_CHECKING:
    from ..account import Account
    from ..engine import Connection

_IDENT = r'(?:"(?:[^"]|"")*"|[^\s."(]+)'
_TABLE = re.compile(rf"CREATE TABLE\s+{_IDENT}(?:\.{_IDENT})*\s*\(", re.IGNORECASE)
_VIEW = re.compile(
    rf"CREATE VIEW\s+{_IDENT}(?:\.{_IDENT})*\s*(\((?:[^()]|\([^()]*\))*\))?\s*AS\s", re.IGNORECASE
)
_OF_THE_ACCOUNT = re.compile(r"\b_rows_\d+_\d+\b")
"""Is in what the engine keeps of a view that reads what the account tells of itself."""
SIMPLE = {"TABLE", "VIEW", "SEQUENCE", "FILE FORMAT", "TAG", "SECRET", "NETWORK RULE", "STAGE"}
"""Kinds of which all that there is stands in the engine, the catalogue and the stages' folders."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What the engine has in one schema: names with the statements that made them."""

    tables: dict[str, str]
    views: dict[str, str]
    sequences: dict[str, tuple[int, int]]
    """The next value, and the step."""


def contents(connection: Connection, schema: Path) -> Contents:
    """Return what the engine has in *schema*."""
    where = "database_name = ? and schema_name = ?"
    values = [schema.database, schema.name]
    tables = connection.raw(
        f"select table_name, sql from duckdb_tables() where {where} and not internal", values
    )
    views = connection.raw(
        f"select view_name, sql from duckdb_views() where {where} and not internal", values
    )
    sequences = connection.raw(
        "select sequence_name, coalesce(last_value + increment_by, start_value), increment_by "
        f"from duckdb_sequences() where {where}",
        values,
    )
    return Contents(dict(tables), dict(views), {name: (start, by) for name, start, by in sequences})


def place(path: Path) -> str:
    """Return the written name of a table, or of a schema's path without its name."""
    return ".".join(always_quoted(part) for part in path if part)


def columns_of(sql: str) -> str:
    """Return the part in brackets of a statement that makes a table."""
    made = _TABLE.match(sql)
    if made is None:
        raise unsupported("the table cannot be copied in this emulator.")
    return f"({sql[made.end() :]}"


def copy_table(connection: Connection, sql: str, source: Path, target: Path) -> None:
    """Make *target* as *sql* made *source*, and fill it with its rows."""
    connection.raw(f"create table {place(target)} {columns_of(sql)}")
    connection.raw(f"insert into {place(target)} select * from {place(source)}")
    connection.raw(
        "insert into _fs_global._fs_information_schema._fs_columns_ext "
        "select ?, ?, ?, ext_column_name, ext_character_maximum_length, "
        "ext_character_octet_length from _fs_global._fs_information_schema._fs_columns_ext "
        "where ext_table_catalog = ? and ext_table_schema = ? and ext_table_name = ? "
        "on conflict do nothing",
        [*target, *source],
    )


def copy_schema(connection: Connection, found: Contents, source: Path, target: Path) -> None:
    """Copy what *found* tells of the schema *source* into the schema *target*, which is empty.

    Names without a schema in views and defaults are of the new schema then, as on Snowflake.
    """
    here = (connection.database, connection.schema)
    connection.use(target.database, target.name)
    try:
        for name, (start, step) in found.sequences.items():
            made = place(Path(target.database, target.name, name))
            connection.raw(f"create sequence {made} start {start} increment by {step}")
        for name, sql in found.tables.items():
            copy_table(
                connection,
                sql,
                Path(source.database, source.name, name),
                Path(target.database, target.name, name),
            )
        _views(connection, found.views, source, target)
    finally:
        connection.use(*here)


def _views(connection: Connection, views: dict[str, str], source: Path, target: Path) -> None:
    """Make views, those that read others after them."""
    waiting = {
        name: _shell(connection, source, name) if _OF_THE_ACCOUNT.search(sql) else sql
        for name, sql in views.items()
    }
    while waiting:
        refused: SnowflakeError | None = None
        before = len(waiting)
        for name, sql in list(waiting.items()):
            made = _VIEW.match(sql)
            if made is None:
                raise unsupported(f"the view {name} cannot be copied in this emulator.")
            view = place(Path(target.database, target.name, name))
            try:
                connection.raw(f"create view {view} {made[1] or ''} as {sql[made.end() :]}")
            except SnowflakeError as error:
                refused = error
            else:
                del waiting[name]
        if refused is not None and len(waiting) == before:
            raise refused


def _shell(connection: Connection, source: Path, name: str) -> str:
    """Return a view with the columns of one whose rows are gone: a query reads it by its text."""
    columns = connection.raw(
        "select column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? order by column_index",
        [source.database, source.name, name],
    )
    listed = ", ".join(f"cast(null as {kind}) as {always_quoted(one)}" for one, kind in columns)
    return f"CREATE VIEW {always_quoted(name)} AS select {listed} where false"


def entries(account: Account, database: str, schema: str | None = None) -> list[list[Any]]:
    """Return the catalogue's rows of a schema's objects, or of a database's with its schemas."""
    where, values = "database = ?", [database]
    if schema is not None:
        where, values = "database = ? and schema = ?", [database, schema]
    found = account.catalog.execute(
        "select kind, database, schema, name, owner, created_on, comment, properties "
        f"from objects where {where} order by id",
        values,
    )
    return [list(row) for row in found]


def given(account: Account, path: Path, *, below: bool) -> dict[str, list[list[Any]]]:
    """Return the grants and tags of an object and, with *below*, of what is in it."""
    name = str(path)
    prefix = f"{name}."
    names = "{0} = ?"
    values: list[Any] = [name]
    if below:
        names, values = "({0} = ? or substr({0}, 1, ?) = ?)", [name, len(prefix), prefix]
    grants = account.catalog.execute(
        f"select * from grants where {names.format('on_name')}", values
    )
    tags = account.catalog.execute(
        f"select * from tag_references where {names.format('object')}", values
    )
    return {"grants": [list(r) for r in grants], "tag_references": [list(r) for r in tags]}


def give(account: Account, rows: dict[str, list[list[Any]]]) -> None:
    """Store grants and tags again."""
    for table, found in rows.items():
        for row in found:
            marks = ", ".join("?" * len(row))
            account.catalog.execute(f"insert or ignore into {table} values ({marks})", row)
