"""CREATE TABLE, SCHEMA and DATABASE .. CLONE, and FILE FORMAT, SEQUENCE and STAGE.

Source: Snowflake, "CREATE <object> … CLONE", "Cloning considerations": a table takes COPY GRANTS,
the objects in a schema or database keep their grants and owners, the schema itself does not; tasks
are suspended; internal stages stay behind unless INCLUDE INTERNAL STAGES is said, and cannot be
cloned one by one; a temporary table becomes no permanent one. AT and BEFORE are refused, and so is
a schema with objects of kinds that are not copied here.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, already_exists, invalid, not_found, unsupported
from ..keeping import copies
from ..names import Path, join
from ..results import ResultSet, status
from ..tasks.definition import Task, new_id
from .databases import make_database, make_schema, remove_schema
from .databases import remove as remove_database

if TYPE_CHECKING:
    from ..account import Account
    from ..registry import Call

_CLONED = copies.SIMPLE | {"TASK"}


def install(account: Account) -> None:
    """Register the statements; this room stands before those that make what is no clone."""
    account.statement("CREATE [OR REPLACE] [TRANSIENT] TABLE [IF NOT EXISTS]", table)
    account.statement("CREATE [OR REPLACE] TEMPORARY|TEMP TABLE [IF NOT EXISTS]", temporary)
    account.statement("CREATE [OR REPLACE] [TRANSIENT] SCHEMA [IF NOT EXISTS]", schema)
    account.statement("CREATE [OR REPLACE] [TRANSIENT] DATABASE [IF NOT EXISTS]", database)
    for kind in ("FILE FORMAT", "STAGE"):
        account.statement(f"CREATE [OR REPLACE] {kind} [IF NOT EXISTS]", part)


def _source(call: Call) -> tuple[str, ...] | None:
    """Pass CLONE and return the name after it; None when this is no clone."""
    if not call.reader.accept("CLONE"):
        return None
    parts = call.reader.name()
    if call.reader.peek().word in {"AT", "BEFORE"}:
        word = call.reader.peek().word
        raise unsupported(f"CLONE .. {word}: this emulator keeps no history of rows.")
    return parts


def _name(call: Call) -> tuple[str, ...] | None:
    """Read the name of what is made, or None when that is not what stands there."""
    try:
        return call.reader.name()
    except SnowflakeError:
        return None


def table(call: Call) -> ResultSet | None:
    """Clone a table with its rows, its columns' rules, comments and tags."""
    parts = _name(call)
    given = _source(call) if parts else None
    if parts is None or given is None:
        return None
    copied = call.reader.accept("COPY", "GRANTS")
    call.reader.end()
    account, session = call.account, call.session
    path, source = session.resolve(parts, "CREATE TABLE"), session.resolve(given)
    if ("TABLE", source) in session.temporary:
        raise invalid(
            f"Temp table cannot be cloned to a permanent table; clone {source.name} to a temporary "
            "table instead."
        )
    found = _table(call, source)
    if account.catalog.find("TABLE", path) is not None:
        if call.if_not_exists:
            return status(f"{path.name} already exists, statement succeeded.")
        if not call.or_replace:
            raise already_exists(path.name)
    account.router.commit(session)
    if call.or_replace:
        if path == source:
            raise invalid(f"Table {path.name} cannot be a clone of itself.")
        session.connection.raw(f"drop table if exists {copies.place(path)}")
    here = copies.contents(session.connection, Path(source.database, "", source.schema))
    copies.copy_table(session.connection, here.tables[source.name], source, path)
    result = status(f"Table {path.name} successfully created.")
    tree = account.router.parse(f"create or replace table {join(path)} clone {join(source)}")
    kept = copies.given(account, source, below=False)
    for observer in account.observers:
        observer(session, tree, result)
    made = account.catalog.get("TABLE", path)
    account.catalog.update(replace(made, comment=found.comment, properties=found.properties))
    _give(account, source, path, {**kept, "grants": kept["grants"] if copied else []})
    return result


def temporary(call: Call) -> ResultSet | None:
    """Clone a table into a temporary one: its columns and rows."""
    parts = _name(call)
    given = _source(call) if parts else None
    if parts is None or given is None:
        return None
    call.reader.end()
    words = "create or replace" if call.or_replace else "create"
    once = " if not exists" if call.if_not_exists else ""
    return call.account.router.run(
        call.session,
        f"{words} temporary table{once} {join(parts)} as select * from {join(given)}",
    )


def _table(call: Call, source: Path) -> Entry:
    found = call.account.catalog.find("TABLE", source)
    if found is None or call.account.catalog.find("DYNAMIC TABLE", source) is not None:
        raise not_found("TABLE", str(source))
    call.account.require(call.session, "SELECT", "TABLE", source)
    return found


def _give(account: Account, source: Path, target: Path, rows: dict[str, list[list[Any]]]) -> None:
    """Store the grants and tags of one object, or of all in it, for another of another name."""
    names = {"grants": 3, "tag_references": 2}
    old, new = str(source), str(target)
    moved: dict[str, list[list[Any]]] = {}
    for kind, found in rows.items():
        at = names[kind]
        moved[kind] = [
            [*row[:at], new + str(row[at])[len(old) :], *row[at + 1 :]]
            for row in found
            if not (kind == "grants" and row[1] == "OWNERSHIP")
        ]
    copies.give(account, moved)


def _options(call: Call) -> bool:
    """Read what may stand after a schema's or database's CLONE; say whether stages come along."""
    stages = False
    while not call.reader.done:
        if call.reader.accept("INCLUDE", "INTERNAL", "STAGES"):
            stages = True
        elif not call.reader.accept(
            "IGNORE", "TABLES", "WITH", "INSUFFICIENT", "DATA", "RETENTION"
        ) and not call.reader.accept("IGNORE", "HYBRID", "TABLES"):
            call.reader.fail()
    return stages


def schema(call: Call) -> ResultSet | None:
    """Clone a schema and what is in it."""
    parts = _name(call)
    given = _source(call) if parts else None
    if parts is None or given is None:
        return None
    stages = _options(call)
    account, session = call.account, call.session
    path, source = session.resolve_schema(parts), session.resolve_schema(given)
    account.catalog.get("SCHEMA", source)
    account.require(session, "USAGE", "SCHEMA", source)
    account.catalog.get("DATABASE", Path("", "", path.database))
    _copyable(account, [source])
    if account.catalog.find("SCHEMA", path) is not None:
        if call.if_not_exists:
            return status(f"{path.name} already exists, statement succeeded.")
        if not call.or_replace or path == source:
            raise already_exists(path.name)
    account.router.commit(session)
    if call.or_replace and account.catalog.find("SCHEMA", path) is not None:
        remove_schema(account, session, path)
    make_schema(call, path, {})
    _copy(call, source, path, stages=stages)
    session.connection.use(path.database, path.name)
    return status(f"Schema {path.name} successfully created.")


def database(call: Call) -> ResultSet | None:
    """Clone a database, its schemas and what is in them."""
    parts = _name(call)
    given = _source(call) if parts else None
    if parts is None or given is None:
        return None
    stages = _options(call)
    account, session = call.account, call.session
    path, source = Path("", "", parts[0]), Path("", "", given[0])
    account.catalog.get("DATABASE", source)
    account.require(session, "USAGE", "DATABASE", source)
    inside = [entry.path for entry in account.catalog.all("SCHEMA", source.name)]
    _copyable(account, inside)
    if account.catalog.find("DATABASE", path) is not None:
        if call.if_not_exists:
            return status(f"{path.name} already exists, statement succeeded.")
        if not call.or_replace or path == source:
            raise already_exists(path.name)
    account.router.commit(session)
    if call.or_replace and account.catalog.find("DATABASE", path) is not None:
        remove_database(account, session, path.name)
    make_database(call, path, {})
    for one in inside:
        target = Path(path.name, "", one.name)
        if account.catalog.find("SCHEMA", target) is None:
            make_schema(call, target, {})
        _copy(call, one, target, stages=stages)
    session.connection.use(path.name, "PUBLIC")
    return status(f"Database {path.name} successfully created.")


def _copyable(account: Account, schemas: list[Path]) -> None:
    for one in schemas:
        kinds = {row[0] for row in copies.entries(account, one.database, one.name)} - _CLONED
        if kinds:
            raise unsupported(
                f"CLONE of schema {one}, which has objects of the kind {min(kinds)}, is not known "
                "to this emulator."
            )


def _copy(call: Call, source: Path, target: Path, *, stages: bool) -> None:
    account = call.account
    connection = call.session.connection
    copies.copy_schema(connection, copies.contents(connection, source), source, target)
    rows = copies.given(account, source, below=True)
    own = str(source)
    # What was granted on the schema itself is not granted on its clone.
    rows = {
        kind: [row for row in found if str(row[3 if kind == "grants" else 2]) != own]
        for kind, found in rows.items()
    }
    with account.catalog.transaction():
        for row in copies.entries(account, source.database, source.name):
            if row[0] == "STAGE" and not stages:
                continue
            _entry(account, row, target)
        _give(account, source, target, rows)


def _entry(account: Account, row: list[Any], target: Path) -> None:
    """Store the clone of one object."""
    kind, _, _, name, owner, _, comment, properties = row
    facts = json.loads(properties)
    path = Path(target.database, target.name, name)
    if kind == "STAGE":
        old, facts["id"] = facts["id"], account.stages.new_id()
        if (folder := account.stages.by_id(old)).is_dir():
            shutil.copytree(folder, account.stages.by_id(facts["id"]))
    now = account.clock.now()
    made = Entry(
        kind=kind, path=path, owner=owner, created_on=now, comment=comment, properties=facts
    )
    if kind == "TASK":
        task = replace(
            Task.of(made),
            path=path,
            id=new_id(),
            created_on=now,
            state="suspended",
            committed=None,
            suspended=None,
            reason=None,
            version=0,
            due=None,
        )
        moved = tuple(Path(target.database, target.name, one.name) for one in task.after)
        made = replace(task, after=moved).entry()
    account.catalog.create(made)


def part(call: Call) -> ResultSet | None:
    """Clone a file format; an internal stage cannot be."""
    kind = next(iter(call.flags & {"FILE FORMAT", "STAGE"}), "") or " ".join(
        sorted(call.flags & {"FILE", "FORMAT"})
    )
    parts = _name(call)
    given = _source(call) if parts else None
    if parts is None or given is None:
        return None
    call.reader.end()
    if kind == "STAGE":
        raise unsupported("cloning an internal stage; clone its schema INCLUDE INTERNAL STAGES.")
    path, source = call.session.resolve(parts), call.session.resolve(given)
    found = call.account.catalog.get("FILE FORMAT", source)
    call.account.require(call.session, "USAGE", "FILE FORMAT", source)
    made = replace(found, path=path, owner=call.session.role, created_on=call.account.clock.now())
    if not call.account.catalog.create(made, replace=call.or_replace, if_absent=call.if_not_exists):
        return status(f"{path.name} already exists, statement succeeded.")
    return status(f"File format {path.name} successfully created.")
