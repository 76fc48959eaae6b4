"""CREATE TABLE, SCHEMA and DATABASE .. CLONE, and FILE FORMAT, SEQUENCE and STAGE.

Source: Snowflake, "CREATE <object> … CLONE", "Cloning considerations": a table takes COPY GRANTS,
the objects in what is cloned keep their grants and owners, the schemas of a database among them;
what is cloned itself does not. "GRANT <privileges>" (future grants): those go along. "CREATE
DATABASE": the clone may be given a comment. Tasks, alerts and dynamic tables are suspended
("Clone dynamic tables": CLONED_AUTO_SUSPENDED); internal stages stay behind unless INCLUDE INTERNAL
STAGES is said, and cannot be cloned one by one; a temporary table becomes no permanent one.
"Object tagging": a clone has the tags that were cloned with it.

Models, datasets, image repositories and services are on no list of what can be cloned: here they
stay behind. AT and BEFORE are refused, and so is a schema with objects of kinds that are not known
here.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, already_exists, invalid, not_found, unsupported
from ..keeping import copies
from ..names import Path, join
from ..results import ResultSet, status
from ..tasks.definition import Task, new_id
from .databases import make_database, make_schema, options_of, remove_schema
from .databases import remove as remove_database

if TYPE_CHECKING:
    from ..account import Account
    from ..registry import Call

_CLONED = copies.SIMPLE | {"TASK", "ALERT", "DYNAMIC TABLE"}
CLONED = "CLONED_AUTO_SUSPENDED"
"""Why a dynamic table is suspended that came with a clone."""
_LEFT = {"MODEL", "DATASET", "IMAGE REPOSITORY", "IMAGE", "SERVICE"}
"""Kinds that stay behind."""


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
    old, new = str(source), str(target)

    def moved(name: Any) -> str:
        inside = str(name) == old or str(name).startswith(f"{old}.")
        return new + str(name)[len(old) :] if inside else str(name)

    grants = [
        [*row[:3], moved(row[3]), *row[4:]]
        for row in rows["grants"]
        if row[1] != "OWNERSHIP" and row[2] not in _LEFT
    ]
    # A tag that was cloned too is the clone's own.
    tags = [
        [moved(row[0]), row[1], moved(row[2]), *row[3:]]
        for row in rows["tag_references"]
        if row[1] not in _LEFT | {"MODULE"}  # MODULE: what Snowflake calls a tagged model
    ]
    copies.give(account, {"grants": grants, "tag_references": tags})


def _options(call: Call) -> tuple[bool, dict[str, Any]]:
    """Read what may stand after a schema's or database's CLONE.

    Returns:
        Whether stages come along, and properties of the clone itself.
    """
    stages, found = False, {}
    while not call.reader.done:
        if call.reader.accept("INCLUDE", "INTERNAL", "STAGES"):
            stages = True
        elif call.reader.accept(
            "IGNORE", "TABLES", "WITH", "INSUFFICIENT", "DATA", "RETENTION"
        ) or call.reader.accept("IGNORE", "HYBRID", "TABLES"):
            continue
        elif call.reader.peek().word in {"COMMENT", "DATA_RETENTION_TIME_IN_DAYS"}:
            found = options_of(call)
        else:
            call.reader.fail()
    return stages, found


def schema(call: Call) -> ResultSet | None:
    """Clone a schema and what is in it."""
    parts = _name(call)
    given = _source(call) if parts else None
    if parts is None or given is None:
        return None
    stages, options = _options(call)
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
    make_schema(call, path, options)
    _copy(call, source, path, stages=stages, whole=False)
    session.connection.use(path.database, path.name)
    return status(f"Schema {path.name} successfully created.")


def database(call: Call) -> ResultSet | None:
    """Clone a database, its schemas and what is in them."""
    parts = _name(call)
    given = _source(call) if parts else None
    if parts is None or given is None:
        return None
    stages, options = _options(call)
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
    make_database(call, path, options)
    public = Path(path.name, "", "PUBLIC")
    if Path(source.name, "", "PUBLIC") not in inside:
        remove_schema(account, session, public)
    for one in inside:
        target = Path(path.name, "", one.name)
        if target != public:
            make_schema(call, target, {})
        found = account.catalog.get("SCHEMA", one)
        made = account.catalog.get("SCHEMA", target)
        account.catalog.update(
            replace(made, owner=found.owner, comment=found.comment, properties=found.properties)
        )
        _copy(call, one, target, stages=stages, whole=True)
    future = copies.given(account, source, below=False)["grants"]
    future = [row for row in future if str(row[2]).startswith("FUTURE ")]
    _give(account, source, path, {"grants": future, "tag_references": []})
    session.connection.use(path.name, "PUBLIC")
    return status(f"Database {path.name} successfully created.")


def _copyable(account: Account, schemas: list[Path]) -> None:
    for one in schemas:
        kinds = (
            {row[0] for row in copies.entries(account, one.database, one.name)} - _CLONED - _LEFT
        )
        if kinds:
            raise unsupported(
                f"CLONE of schema {one}, which has objects of the kind {min(kinds)}, is not known "
                "to this emulator."
            )


def _copy(call: Call, source: Path, target: Path, *, stages: bool, whole: bool) -> None:
    """Copy what is in a schema; *whole*: with it its database is cloned, so it keeps its grants."""
    account = call.account
    connection = call.session.connection
    copies.copy_schema(connection, copies.contents(connection, source), source, target)
    rows = copies.given(account, source, below=True)
    if not whole:
        own = str(source)
        rows = {
            # What is granted on future objects is said on the schema, and goes along.
            "grants": [
                row
                for row in rows["grants"]
                if str(row[3]) != own or str(row[2]).startswith("FUTURE ")
            ],
            "tag_references": [row for row in rows["tag_references"] if str(row[2]) != own],
        }
    with account.catalog.transaction():
        for row in copies.entries(account, source.database, source.name):
            if row[0] in _LEFT or (row[0] == "STAGE" and not stages):
                continue
            _entry(account, row, source, target)
        _give(account, source, target, rows)


def _own_query(
    account: Account, facts: dict[str, Any], key: str, source: Path, target: Path
) -> None:
    """Let names that a definition's text has without a schema be of the schema of the clone."""
    from sqlglot import exp

    if not facts.get(key):
        return
    tree = account.router.parse(str(facts[key]))
    written = re.sub(r'[\s"]', "", str(facts["text"])).upper()
    for table in tree.find_all(exp.Table):
        if (table.catalog, table.db) != (source.database, source.name):
            continue
        if f".{table.name}".upper() not in written:
            table.set("catalog", exp.to_identifier(target.database, quoted=True))
            table.set("db", exp.to_identifier(target.name, quoted=True))
    facts[key] = tree.sql(dialect="snowflake")


def _entry(account: Account, row: list[Any], source: Path, target: Path) -> None:
    """Store the clone of one object."""
    kind, _, _, name, owner, _, comment, properties = row
    facts = json.loads(properties)
    if kind == "ALERT":
        facts |= {"state": "suspended", "due": None}
    if kind == "DYNAMIC TABLE":
        at = account.clock.now().isoformat()
        facts |= {"state": "SUSPENDED", "suspended_by": CLONED, "last_suspended_on": at}
        _own_query(account, facts, "query", source, target)
    if kind == "VIEW":
        _own_query(account, facts, "qualified", source, target)
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
