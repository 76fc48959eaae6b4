"""Databases and schemas.

Source: Snowflake, "CREATE DATABASE", "CREATE SCHEMA", "DROP ..", "ALTER ..", "SHOW DATABASES",
"SHOW SCHEMAS": a new database has PUBLIC, and becomes current; so does a new schema.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import duckdb

from ..catalog import Entry
from ..faults import SnowflakeError, already_exists, not_found, unsupported
from ..keeping.dropped import Graveyard
from ..names import Path, always_quoted
from ..registry import Call, Scope
from ..results import ResultSet, done, status
from ..seed import SHARED
from . import tags
from .showing import TERSE, gone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

_PROPERTIES = {
    "COMMENT",
    "DATA_RETENTION_TIME_IN_DAYS",
    "MAX_DATA_EXTENSION_TIME_IN_DAYS",
    "DEFAULT_DDL_COLLATION",
    "LOG_LEVEL",
    "TRACE_LEVEL",
    "TAG",
}

_DATABASES = [
    "created_on timestamp_ltz",
    "name",
    "is_default",
    "is_current",
    "origin",
    "owner",
    "comment",
]
_DATABASES += [
    "options",
    "retention_time",
    "kind",
    "budget",
    "owner_role_type",
    "object_visibility",
]
_SCHEMAS = [
    "created_on timestamp_ltz",
    "name",
    "is_default",
    "is_current",
    "database_name",
    "owner",
]
_SCHEMAS += [
    "comment",
    "options",
    "retention_time",
    "owner_role_type",
    "classification_profile_database",
]


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("CREATE [OR REPLACE] [TRANSIENT] DATABASE [IF NOT EXISTS]", create_database)
    account.statement("CREATE [OR REPLACE] [TRANSIENT] SCHEMA [IF NOT EXISTS]", create_schema)
    account.statement("DROP DATABASE [IF EXISTS]", drop_database)
    account.statement("DROP SCHEMA [IF EXISTS]", drop_schema)
    account.statement("ALTER DATABASE|SCHEMA [IF EXISTS]", alter)
    account.show("DATABASES", _DATABASES, show_databases, terse=TERSE)
    account.show("SCHEMAS", _SCHEMAS, show_schemas, terse=TERSE)
    account.describe("DATABASE", ["created_on timestamp_ltz", "name", "kind"], describe_database)
    account.describe("SCHEMA", ["created_on timestamp_ltz", "name", "kind"], describe_schema)


def options_of(call: Call) -> dict[str, Any]:
    """Read the properties of a database or schema to the end of the statement."""
    found = call.reader.properties("CLONE", "WITH", "FROM")
    managed = not call.reader.done and call.reader.accept("WITH", "MANAGED", "ACCESS")
    if managed:
        found.update(call.reader.properties())
    if not call.reader.done:
        raise unsupported(f"{call.reader.peek().text} is not known to this emulator here.")
    if unknown := set(found) - _PROPERTIES:
        raise SnowflakeError(
            f"SQL compilation error:\ninvalid property '{unknown.pop()}'",
            number=1420,
            state="22023",
        )
    return {**found, "managed": True} if managed else found


def create_database(call: Call) -> ResultSet:
    """Create a database with its PUBLIC schema and make it current."""
    name = call.reader.name()[0]
    options = options_of(call)
    path = Path("", "", name)
    account = call.account
    account.router.commit(call.session)
    if account.catalog.find("DATABASE", path):
        if call.if_not_exists:
            return status(f"{name} already exists, statement succeeded.")
        if not call.or_replace:
            raise already_exists(name)
        remove(account, call.session, name)
    make_database(call, path, options)
    call.session.connection.use(name, "PUBLIC")
    return status(f"Database {name} successfully created.")


def make_database(call: Call, path: Path, options: dict[str, Any]) -> None:
    """Create a database in engine and catalogue, with its PUBLIC schema."""
    call.account.engine.attach(path.name)
    _create(call, "DATABASE", path, options)
    make_schema(call, Path(path.name, "", "PUBLIC"), {})


def _create(call: Call, kind: str, path: Path, options: dict[str, Any]) -> None:
    tagged = options.pop("TAG", {})
    comment = str(options.pop("COMMENT", "") or "")
    entry = Entry(
        kind=kind,
        path=path,
        owner=call.session.role,
        created_on=call.account.clock.now(),
        comment=comment,
        properties={**options, "transient": "TRANSIENT" in call.flags},
    )
    call.account.catalog.create(entry)
    tags.attach(call.account, call.session, kind, path, tagged)


def make_schema(call: Call, path: Path, options: dict[str, Any]) -> None:
    """Create a schema in engine and catalogue."""
    where = f"{always_quoted(path.database)}.{always_quoted(path.name)}"
    call.session.connection.raw(f"create schema if not exists {where}")
    _create(call, "SCHEMA", path, options)


def create_schema(call: Call) -> ResultSet:
    """Create a schema and make it current."""
    path = call.session.resolve_schema(call.reader.name(), "CREATE SCHEMA")
    options = options_of(call)
    account = call.account
    account.router.commit(call.session)
    account.catalog.get("DATABASE", Path("", "", path.database))
    if path.name == "INFORMATION_SCHEMA" or account.catalog.find("SCHEMA", path):
        if call.if_not_exists:
            return status(f"{path.name} already exists, statement succeeded.")
        if not call.or_replace or path.name == "INFORMATION_SCHEMA":
            raise already_exists(path.name)
        remove_schema(account, call.session, path)
    make_schema(call, path, options)
    call.session.connection.use(path.database, path.name)
    return status(f"Schema {path.name} successfully created.")


def _cascade(call: Call) -> None:
    if not call.reader.accept("CASCADE"):
        call.reader.accept("RESTRICT")
    call.reader.end()


def drop_database(call: Call) -> ResultSet:
    """Drop a database and all that is in it."""
    name = call.reader.name()[0]
    _cascade(call)
    call.account.router.commit(call.session)
    if call.account.catalog.find("DATABASE", Path("", "", name)) is None:
        return gone(call, "DATABASE", name, name)
    if name == SHARED:
        raise SnowflakeError(
            f"SQL access control error:\nInsufficient privileges to operate on database '{name}'",
            number=3001,
            state="42501",
        )
    call.account.part(Graveyard).keep(call.session, "DATABASE", Path("", "", name))
    remove(call.account, call.session, name)
    return status(f"{name} successfully dropped.")


def remove(account: Account, session: Session, name: str) -> None:
    """Drop a database and all that is in it."""
    for other in list(account.sessions.values()):
        if other.database == name and not other.connection.in_transaction:
            # A session may have ended since it was listed.
            with contextlib.suppress(duckdb.ConnectionException):
                other.connection.use(None, None)
    stages = account.catalog.all("STAGE", name)
    account.catalog.drop_below(name)
    account.catalog.drop("DATABASE", Path("", "", name))
    for stage in stages:
        account.stages.drop(str(stage.properties.get("id")))
    account.engine.detach(name)


def drop_schema(call: Call) -> ResultSet:
    """Drop a schema and all that is in it."""
    path = call.session.resolve_schema(call.reader.name(), "DROP SCHEMA")
    _cascade(call)
    call.account.router.commit(call.session)
    if call.account.catalog.find("SCHEMA", path) is None:
        return gone(call, "SCHEMA", path.name, f"{path.database}.{path.name}")
    call.account.part(Graveyard).keep(call.session, "SCHEMA", path)
    remove_schema(call.account, call.session, path)
    return status(f"{path.name} successfully dropped.")


def remove_schema(account: Account, session: Session, path: Path) -> None:
    """Drop a schema and all that is in it."""
    for other in list(account.sessions.values()):
        if other.database == path.database and other.schema == path.name:
            other.connection.use(path.database, None)
    where = f"{always_quoted(path.database)}.{always_quoted(path.name)}"
    session.connection.raw(f"drop schema {where} cascade")
    for stage in account.catalog.all("STAGE", path.database, path.name):
        account.stages.drop(str(stage.properties.get("id")))
    account.catalog.drop_below(path.database, path.name)
    account.catalog.drop("SCHEMA", path)


def alter(call: Call) -> ResultSet:
    """Run ``ALTER DATABASE|SCHEMA name SET|UNSET ...``; renaming is not there."""
    kind = "DATABASE" if "DATABASE" in call.flags else "SCHEMA"
    parts = call.reader.name()
    path = Path("", "", parts[0]) if kind == "DATABASE" else call.session.resolve_schema(parts)
    entry = call.account.catalog.find(kind, path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found(kind, str(path))
    if tags.altered(call, kind, path):
        return done()
    if call.reader.accept("SET"):
        found = options_of(call)
        comment = found.pop("COMMENT", entry.comment)
        changed = replace(entry, comment=str(comment), properties={**entry.properties, **found})
        call.account.catalog.update(changed)
        return done()
    if call.reader.accept("UNSET"):
        key = call.reader.next().text.upper()
        left = {k: v for k, v in entry.properties.items() if k != key}
        comment = "" if key == "COMMENT" else entry.comment
        call.account.catalog.update(replace(entry, comment=comment, properties=left))
        return done()
    call.account.record.add("unknown", sql=call.text, session=call.session.id)
    raise unsupported(f"ALTER {kind} .. {call.reader.peek().text} is not known to this emulator.")


def show_databases(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the databases."""
    for entry in call.account.catalog.all("DATABASE"):
        shared = entry.name == SHARED
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "is_default": "N",
            "is_current": "Y" if entry.name == call.session.database else "N",
            "origin": "SNOWFLAKE.ACCOUNT_USAGE" if shared else "",
            "owner": entry.owner,
            "comment": entry.comment,
            "options": "TRANSIENT" if entry.properties.get("transient") else "",
            "retention_time": str(entry.properties.get("DATA_RETENTION_TIME_IN_DAYS", 1)),
            "kind": "APPLICATION" if shared else "STANDARD",
            "owner_role_type": "ROLE" if entry.owner else "",
        }


def show_schemas(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the schemas of a database or the account."""
    catalog = call.account.catalog
    bases = [scope.database] if scope.database else [e.name for e in catalog.all("DATABASE")]
    for database in bases:
        entries = catalog.all("SCHEMA", database)
        for entry in [
            *entries,
            Entry(kind="SCHEMA", path=Path(database, "", "INFORMATION_SCHEMA")),
        ]:
            current = (database, entry.name) == (call.session.database, call.session.schema)
            builtin = entry.name == "INFORMATION_SCHEMA"
            yield {
                "created_on": entry.created_on if not builtin else call.account.clock.now(),
                "name": entry.name,
                "is_default": "N",
                "is_current": "Y" if current else "N",
                "database_name": database,
                "owner": entry.owner,
                "comment": "Views describing the contents of schemas in this database"
                if builtin
                else entry.comment,
                "options": "TRANSIENT" if entry.properties.get("transient") else "",
                "retention_time": "1",
                "owner_role_type": "ROLE" if entry.owner else "",
            }


def describe_database(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield the schemas of a database."""
    call.account.catalog.get("DATABASE", Path("", "", parts[0]))
    for entry in call.account.catalog.all("SCHEMA", parts[0]):
        yield {"created_on": entry.created_on, "name": entry.name, "kind": "SCHEMA"}


def describe_schema(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield the tables and views of a schema."""
    path = call.session.resolve_schema(parts)
    call.account.catalog.get("SCHEMA", path)
    found = call.session.connection.raw(
        "select table_name, table_type from system.information_schema.tables "
        "where table_catalog = ? and table_schema = ? order by 1",
        [path.database, path.name],
    )
    for name, kind in found:
        yield {
            "created_on": call.account.clock.now(),
            "name": name,
            "kind": "VIEW" if kind == "VIEW" else "TABLE",
        }
