"""What was dropped, for a day: tables as copies in a database of their own.

Source: Snowflake, "Understanding & using Time Travel" (retention of a day, UNDROP), "DROP TABLE".
"""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..names import Path
from . import copies

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

KEPT = timedelta(days=1)
"""The retention of an account by default."""
DATABASE = "_KEPT"
_TABLE = """
create table if not exists dropped (
    id integer primary key autoincrement, kind text not null, database text not null,
    schema text not null, name text not null, at text not null, facts text not null);
"""


@dataclass(frozen=True, slots=True)
class Dropped:
    """One object that was dropped; ``facts`` is what brings it back."""

    id: int
    kind: str
    path: Path
    facts: dict[str, Any]


class Graveyard:
    """Keeps what is dropped; ``account.part(Graveyard)``."""

    def __init__(self, account: Account) -> None:
        self._account = account
        account.catalog.table(_TABLE)
        self._attached = False
        self._lock = threading.Lock()

    def attach(self) -> None:
        """Open the database of the copies: at its first use, since most servers need none."""
        with self._lock:
            if not self._attached:
                self._account.engine.attach(DATABASE)
                self._attached = True

    def keep(self, session: Session, kind: str, path: Path) -> None:
        """Copy a table, schema or database that is about to be dropped."""
        self.attach()
        self.sweep(session)
        facts = {
            "TABLE": self._table,
            "SCHEMA": self._schema,
            "DATABASE": self._database,
        }[kind](session, path)
        if facts is None:
            return
        self._account.catalog.execute(
            "insert into dropped (kind, database, schema, name, at, facts) "
            "values (?, ?, ?, ?, ?, ?)",
            (kind, *path, self._account.clock.now().isoformat(), json.dumps(facts)),
        )

    def newest(self, kind: str, path: Path) -> Dropped | None:
        """Return what was dropped last under a name, within the retention."""
        found = self._account.catalog.execute(
            "select id, facts from dropped where kind = ? and database = ? and schema = ? "
            "and name = ? and at > ? order by id desc limit 1",
            (kind, *path, (self._account.clock.now() - KEPT).isoformat()),
        )
        self.attach()
        return Dropped(found[0][0], kind, path, json.loads(found[0][1])) if found else None

    def forget(self, session: Session, one: Dropped) -> None:
        """Remove what came back, or was kept long enough; stages' files stay."""
        session.connection.raw(f'drop schema if exists "{DATABASE}"."{one.facts["at"]}" cascade')
        for schema in one.facts.get("schemas", []):
            place = f'"{DATABASE}"."{schema["facts"]["at"]}"'
            session.connection.raw(f"drop schema if exists {place} cascade")
        self._account.catalog.execute("delete from dropped where id = ?", (one.id,))

    def sweep(self, session: Session) -> None:
        """Remove what was dropped more than a day ago."""
        before = (self._account.clock.now() - KEPT).isoformat()
        with self._lock:
            for number, kind, database, schema, name, facts in self._account.catalog.execute(
                "select id, kind, database, schema, name, facts from dropped where at <= ?",
                (before,),
            ):
                one = Dropped(number, kind, Path(database, schema, name), json.loads(facts))
                self.forget(session, one)
                for stage in _stages(one.facts):
                    self._account.stages.bury(stage, forever=True)

    def _new_place(self, session: Session) -> Path:
        # Sessions that drop at once each need a name of their own.
        name = f"D_{uuid.uuid4().hex}"
        session.connection.raw(f'create schema "{DATABASE}"."{name}"')
        return Path(DATABASE, "", name)

    def _table(self, session: Session, path: Path) -> dict[str, Any] | None:
        schema = Path(path.database, "", path.schema)
        sql = copies.contents(session.connection, schema).tables.get(path.name)
        if sql is None:
            return None
        place = self._new_place(session)
        target = Path(DATABASE, place.name, path.name)
        # What a column counts with stays with the schema; here its rows alone are kept.
        session.connection.raw(
            f"create table {copies.place(target)} as select * from {copies.place(path)}"
        )
        entries = [
            row
            for row in copies.entries(self._account, path.database, path.schema)
            if row[0] == "TABLE" and row[3] == path.name
        ]
        rows = copies.given(self._account, path, below=False)
        return {"at": place.name, "sql": sql, "entries": entries, "rows": rows}

    def _schema(self, session: Session, path: Path) -> dict[str, Any]:
        found = copies.contents(session.connection, path)
        place = self._new_place(session)
        for name in found.tables:
            source = Path(path.database, path.name, name)
            session.connection.raw(
                f"create table {copies.place(Path(DATABASE, place.name, name))} "
                f"as select * from {copies.place(source)}"
            )
        entries = copies.entries(self._account, path.database, path.name)
        for row in entries:
            if row[0] == "STAGE":
                self._account.stages.bury(str(json.loads(row[7])["id"]))
        own = self._account.catalog.execute(
            "select kind, database, schema, name, owner, created_on, comment, properties "
            "from objects where kind = 'SCHEMA' and database = ? and name = ?",
            (path.database, path.name),
        )
        return {
            "at": place.name,
            "tables": found.tables,
            "views": found.views,
            "sequences": found.sequences,
            "entries": [list(row) for row in own] + entries,
            "rows": copies.given(self._account, path, below=True),
        }

    def _database(self, session: Session, path: Path) -> dict[str, Any]:
        place = self._new_place(session)
        inside = [
            {"name": entry.name, "facts": self._schema(session, entry.path)}
            for entry in self._account.catalog.all("SCHEMA", path.name)
        ]
        own = self._account.catalog.execute(
            "select kind, database, schema, name, owner, created_on, comment, properties "
            "from objects where (kind = 'DATABASE' and name = ?) "
            "or (kind = 'DATABASE ROLE' and database = ?)",
            (path.name, path.name),
        )
        return {
            "at": place.name,
            "schemas": inside,
            "entries": [list(row) for row in own],
            "rows": copies.given(self._account, path, below=True),
        }


def _stages(facts: dict[str, Any]) -> list[str]:
    found = [str(json.loads(row[7])["id"]) for row in facts["entries"] if row[0] == "STAGE"]
    for schema in facts.get("schemas", []):
        found += _stages(schema["facts"])
    return found
