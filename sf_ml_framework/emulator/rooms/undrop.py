"""UNDROP TABLE, SCHEMA and DATABASE.

Source: Snowflake, "UNDROP TABLE", "UNDROP SCHEMA", "UNDROP DATABASE": the newest one of a name
within its retention, which is a day here; an object that stands is in its way; its owner may. Not
there: what CREATE OR REPLACE took, objects of other kinds than :data:`..keeping.copies.SIMPLE` in a
schema, and the system's own numbers as names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..faults import SnowflakeError, already_exists, not_authorized, unsupported
from ..keeping import copies
from ..keeping.dropped import DATABASE, Dropped, Graveyard
from ..names import Path, parts_of
from ..results import ResultSet, status
from ..router import table_parts, target_of

if TYPE_CHECKING:
    from ..account import Account
    from ..registry import Call
    from ..session import Session


def install(account: Account) -> None:
    """Register the statement, and what keeps a table that is dropped."""
    account.parts[Graveyard] = Graveyard(account)
    account.statement("UNDROP TABLE|SCHEMA|DATABASE", undrop)
    account.rewrite(lambda session, tree: _kept(account, session, tree))


def _kept(account: Account, session: Session, tree: exp.Expr) -> exp.Expr:
    """Keep a table before DROP TABLE takes it; this stands after what renames temporary ones."""
    kind = str(tree.args.get("kind") or "").upper()
    if not isinstance(tree, exp.Drop) or kind != "TABLE":
        return tree
    target = target_of(tree)
    if target is None or (session.database is None and len(table_parts(target)) < 3):
        return tree
    parts = table_parts(target)
    if parts[0] == "temp" or (len(parts) == 1 and session.schema is None):
        return tree
    path = session.resolve(parts)
    if account.catalog.find("TABLE", path) is not None:
        account.router.commit(session)  # as DDL does
        account.part(Graveyard).keep(session, "TABLE", path)
    return tree


def undrop(call: Call) -> ResultSet:
    """Bring back what was dropped last under a name."""
    kind = next(iter(call.flags & {"TABLE", "SCHEMA", "DATABASE"}))
    parts = call.reader.name()
    call.reader.end()
    path = _path(call.session, kind, parts)
    account, session = call.account, call.session
    account.router.commit(session)
    _places(account, session, kind, path)
    if account.catalog.find(kind, path) is not None or (
        kind == "TABLE" and account.catalog.find("VIEW", path) is not None
    ):
        raise already_exists(path.name)
    found = account.part(Graveyard).newest(kind, path)
    if found is None:
        raise SnowflakeError(
            f"SQL compilation error:\n{kind.capitalize()} '{path.name}' did not exist or was "
            "purged.",
            number=2003,
            state="02000",
        )
    _owned(account, session, found)
    {"TABLE": _table, "SCHEMA": _schema, "DATABASE": _database}[kind](account, session, found)
    account.part(Graveyard).forget(session, found)
    return status(f"{kind.capitalize()} {path.name} successfully restored.")


def _path(session: Session, kind: str, parts: tuple[str, ...]) -> Path:
    if kind == "DATABASE":
        return Path("", "", parts[-1])
    return session.resolve_schema(parts) if kind == "SCHEMA" else session.resolve(parts)


def _places(account: Account, session: Session, kind: str, path: Path) -> None:
    """What it was in must stand, and the role may create there. Source: the pages' privileges."""
    if kind == "DATABASE":
        account.require(session, "CREATE DATABASE", "ACCOUNT", Path("", "", ""))
        return
    account.catalog.get("DATABASE", Path("", "", path.database))
    if kind == "SCHEMA":
        where = Path("", "", path.database)
        account.require(session, "CREATE SCHEMA", "DATABASE", where)
        return
    schema = Path(path.database, "", path.schema)
    account.catalog.get("SCHEMA", schema)
    account.require(session, "CREATE TABLE", "SCHEMA", schema)


def _owned(account: Account, session: Session, found: Dropped) -> None:
    held = account.access.active(session)
    owner = next(row[4] for row in found.facts["entries"] if row[0] == found.kind)
    if owner and not any(parts_of(name)[-1] == owner for kind, name in held if kind == "ROLE"):
        raise not_authorized(f"{found.kind.lower()} '{found.path.name}'")


def _entries(account: Account, facts: dict[str, Any]) -> None:
    """Store the catalogue's rows, grants and tags again."""
    with account.catalog.transaction():
        for row in facts["entries"]:
            account.catalog.execute(
                "insert or ignore into objects (kind, database, schema, name, owner, created_on, "
                "comment, properties) values (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            if row[0] == "STAGE":
                account.stages.unbury(row[7])
        copies.give(account, facts["rows"])


def _rows(session: Session, facts: dict[str, Any], name: str, target: Path, sql: str) -> None:
    """Make a table again and fill it with the rows that were kept."""
    copies.copy_table(session.connection, sql, Path(DATABASE, facts["at"], name), target)


def _table(account: Account, session: Session, found: Dropped) -> None:
    here = (session.database, session.schema)
    session.connection.use(found.path.database, found.path.schema)
    try:
        _rows(session, found.facts, found.path.name, found.path, found.facts["sql"])
    finally:
        session.connection.use(*here)
    _entries(account, found.facts)


def _simple(facts: dict[str, Any]) -> None:
    """Refuse to bring back a schema of which a part would be missing."""
    kinds = {row[0] for row in facts["entries"]} - copies.SIMPLE - {"SCHEMA", "DATABASE"}
    if kinds - {"DATABASE ROLE"}:
        raise unsupported(
            f"UNDROP of a schema that had objects of the kind {min(kinds)} is not known to this "
            "emulator."
        )


def _into(session: Session, facts: dict[str, Any], target: Path) -> None:
    session.connection.raw(f"create schema if not exists {copies.place(target)}")
    copies.copy_schema(
        session.connection,
        copies.Contents(
            facts["tables"],
            facts["views"],
            {k: (v[0], v[1]) for k, v in facts["sequences"].items()},
        ),
        Path(DATABASE, "", facts["at"]),
        target,
    )


def _schema(account: Account, session: Session, found: Dropped) -> None:
    _simple(found.facts)
    _into(session, found.facts, found.path)
    _entries(account, found.facts)
    session.connection.use(found.path.database, found.path.name)


def _database(account: Account, session: Session, found: Dropped) -> None:
    for schema in found.facts["schemas"]:
        _simple(schema["facts"])
    account.engine.attach(found.path.name)
    for schema in found.facts["schemas"]:
        _into(session, schema["facts"], Path(found.path.name, "", schema["name"]))
        _entries(account, schema["facts"])
    _entries(account, found.facts)
    session.connection.use(found.path.name, "PUBLIC")
