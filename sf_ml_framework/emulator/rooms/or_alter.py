"""CREATE OR ALTER of tables, views, schemas, databases, warehouses and roles; TASK has its own.

Source: Snowflake, "CREATE OR ALTER <object>": what stands becomes what is written and keeps its
data, grants and tags; a property that is not written is unset; a column that is not written goes,
with its data; AS SELECT, LIKE and CLONE are not taken. For objects of other kinds it is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from ..duck import LENGTHS, WHERE
from ..faults import SnowflakeError, invalid, unsupported
from ..keeping import copies
from ..lexer import tokenize
from ..names import Path, always_quoted, join
from ..reader import Reader
from ..results import ResultSet, done, status
from . import keys

if TYPE_CHECKING:
    from ..account import Account
    from ..registry import Call

_PROBE = "_sf_new_definition"
_SETTABLE = ("SCHEMA", "DATABASE", "WAREHOUSE", "ROLE")


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("CREATE OR ALTER", refused)
    account.statement("CREATE OR ALTER [TRANSIENT] TABLE", table)
    account.statement("CREATE OR ALTER VIEW", view)
    for kind in _SETTABLE:
        account.statement(f"CREATE OR ALTER {kind}", settable)
    account.statement("TRUNCATE [TABLE] IF EXISTS", truncate)
    account.statement("ALTER TABLE [IF EXISTS]", swap)


def refused(call: Call) -> ResultSet:
    """Refuse what the engine would take for CREATE, and so lose what stands."""
    kind = " ".join(token.text.upper() for token in call.reader.tokens[3:5])
    raise unsupported(f"CREATE OR ALTER {kind} is not known to this emulator.")


def _without_alter(text: str) -> str:
    """Return ``CREATE OR ALTER x`` as ``CREATE x``."""
    tokens = tokenize(text)
    return f"CREATE {text[tokens[3].start :]}"


def table(call: Call) -> ResultSet:
    """Create a table, or bring the one that stands to the definition, with its rows."""
    account, session = call.account, call.session
    path = session.resolve(call.reader.name(), "CREATE TABLE")
    text = _without_alter(call.text)
    tree = account.router.parse(text)
    if not isinstance(tree, exp.Create) or tree.expression or tree.args.get("clone"):
        raise invalid("CREATE OR ALTER TABLE takes no AS SELECT and no CLONE")
    if tree.find(exp.LikeProperty):
        raise invalid("CREATE OR ALTER TABLE takes no LIKE")
    if ("TABLE", path) in session.temporary:
        raise unsupported("CREATE OR ALTER of a temporary table is not known to this emulator.")
    if account.catalog.find("TABLE", path) is None:
        return account.router.run(session, text)
    account.router.commit(session)
    definition = _definition(call, tree, path)
    _rebuild(call, path, definition)
    comment = tree.find(exp.SchemaCommentProperty)
    entry = account.catalog.get("TABLE", path)
    told = str(comment.this.this) if comment else ""
    account.catalog.update(replace(entry, comment=told))
    keys.keep(account, session, path, keys.stated(tree))
    return status(f"Table {path.name} successfully created.")


def _definition(call: Call, tree: exp.Create, path: Path) -> str:
    """Return the engine's statement for the new definition, made under another name."""
    connection = call.session.connection
    probe = Path(path.database, path.schema, _PROBE)
    made = tree.copy()
    named = made.find(exp.Table)
    if named is None:
        raise invalid("CREATE OR ALTER TABLE needs columns")
    for part, value in zip(("catalog", "db", "this"), probe, strict=True):
        named.set(part, exp.to_identifier(value, quoted=True))
    for comment in list(made.find_all(exp.SchemaCommentProperty)):
        comment.pop()
    connection.raw(f"drop table if exists {copies.place(probe)}")
    connection.run(keys.taken(made))
    schema = Path(path.database, "", path.schema)
    return copies.contents(connection, schema).tables[_PROBE]


def _rebuild(call: Call, path: Path, definition: str) -> None:
    """Make the table anew in one transaction, with the rows of the columns that stay."""
    connection = call.session.connection
    probe = Path(path.database, path.schema, _PROBE)
    columns = {
        name: {
            row[0]
            for row in connection.raw(
                "select column_name from duckdb_columns() where database_name = ? "
                "and schema_name = ? and table_name = ?",
                [path.database, path.schema, name],
            )
        }
        for name in (path.name, _PROBE)
    }
    staying = ", ".join(always_quoted(c) for c in sorted(columns[path.name] & columns[_PROBE]))
    connection.begin()
    try:
        connection.raw(f"create temp table _sf_rows as select * from {copies.place(path)}")
        connection.raw(f"drop table {copies.place(path)}")
        connection.raw(f"create table {copies.place(path)} {copies.columns_of(definition)}")
        if staying:
            connection.raw(
                f"insert into {copies.place(path)} ({staying}) select {staying} "
                "from temp.main._sf_rows"
            )
        connection.raw("drop table temp.main._sf_rows")
        connection.raw(f"drop table {copies.place(probe)}")
    except SnowflakeError:
        connection.end(commit=False)
        connection.raw(f"drop table if exists {copies.place(probe)}")
        raise
    connection.end(commit=True)
    connection.raw(f"delete from {LENGTHS} where {WHERE}", list(path))
    connection.raw(f"update {LENGTHS} set ext_table_name = ? where {WHERE}", [path.name, *probe])


def view(call: Call) -> ResultSet:
    """Create a view, or give the one that stands another query; grants and tags stay."""
    account = call.account
    path = call.session.resolve(call.reader.name(), "CREATE VIEW")
    text = _without_alter(call.text)
    stood = account.catalog.find("VIEW", path)
    if stood is None:
        return account.router.run(call.session, text)
    kept = copies.given(account, path, below=False)
    result = account.router.run(call.session, f"CREATE OR REPLACE{text.removeprefix('CREATE')}")
    made = account.catalog.get("VIEW", path)
    account.catalog.update(replace(made, owner=stood.owner))
    copies.give(account, kept)
    return result


def settable(call: Call) -> ResultSet:
    """Create an object, or set the properties that are written and unset its comment if not."""
    kind = next(one for one in _SETTABLE if f"CREATE OR ALTER {one}".split()[-1] in call.flags)
    parts = call.reader.name()
    path = call.session.resolve_schema(parts) if kind == "SCHEMA" else Path("", "", parts[-1])
    account, session = call.account, call.session
    entry = account.catalog.find(kind, path)
    if entry is None:
        return account.router.run(session, _without_alter(call.text))
    rest = call.reader.rest()
    given = Reader(rest).properties() if rest else {}
    if rest:
        account.router.run(session, f"ALTER {kind} {join(parts)} SET {rest}")
    if "COMMENT" not in given and entry.comment:
        account.router.run(session, f"ALTER {kind} {join(parts)} UNSET COMMENT")
    for key in entry.properties:
        if kind != "ROLE" and key in _UNSET[kind] and key not in given:
            account.router.run(session, f"ALTER {kind} {join(parts)} UNSET {key}")
    return status(f"{kind.capitalize()} {path.name} successfully created.")


_UNSET = {
    "SCHEMA": {"DATA_RETENTION_TIME_IN_DAYS", "LOG_LEVEL", "TRACE_LEVEL"},
    "DATABASE": {"DATA_RETENTION_TIME_IN_DAYS", "LOG_LEVEL", "TRACE_LEVEL"},
    "WAREHOUSE": {"AUTO_SUSPEND", "STATEMENT_TIMEOUT_IN_SECONDS"},
}


def truncate(call: Call) -> ResultSet:
    """Remove a table's rows if it stands."""
    parts = call.reader.name()
    call.reader.end()
    path = call.session.resolve(parts)
    if (
        call.account.catalog.find("TABLE", path) is None
        and ("TABLE", path) not in call.session.temporary
    ):
        return done()
    return call.account.router.run(call.session, f"TRUNCATE TABLE {join(parts)}")


def swap(call: Call) -> ResultSet | None:
    """Run ``ALTER TABLE a SWAP WITH b``: two tables change their names, grants and all.

    Source: Snowflake, "ALTER TABLE" (SWAP WITH).
    """
    parts = call.reader.name()
    if not call.reader.accept("SWAP", "WITH"):
        return None
    other = call.session.resolve(call.reader.name())
    call.reader.end()
    account, session = call.account, call.session
    path = session.resolve(parts)
    for one in (path, other):
        account.catalog.get("TABLE", one)
        account.require(session, "OWNERSHIP", "TABLE", one)
    if path[:2] != other[:2]:
        raise unsupported("SWAP WITH a table of another schema is not known to this emulator.")
    account.router.commit(session)
    between = Path(path.database, path.schema, f"{_PROBE}_swap")
    steps = ((path, between), (other, path), (between, other))
    connection = session.connection
    connection.begin()
    try:
        for old, new in steps:
            renamed = f"rename to {always_quoted(new.name)}"
            connection.raw(f"alter table {copies.place(old)} {renamed}")
    except SnowflakeError:
        connection.end(commit=False)
        raise
    connection.end(commit=True)
    with account.catalog.transaction():
        for old, new in steps:
            account.catalog.rename("TABLE", old, new)
    return done()
