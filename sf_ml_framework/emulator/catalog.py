"""The account's objects, in one SQLite store that survives a crash.

Tables, views and their rows are the engine's; what is kept here about them (owner, comment, time of
creation) may be missing, and then defaults hold.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any

from .faults import already_exists, not_found
from .names import Path

_SCHEMA = """
create table if not exists objects (
    id integer primary key autoincrement,
    kind text not null, database text not null, schema text not null, name text not null,
    owner text not null, created_on text not null, comment text not null, properties text not null,
    unique (kind, database, schema, name));
create table if not exists grants (
    created_on text not null, privilege text not null,
    on_kind text not null, on_name text not null,
    to_kind text not null, to_name text not null,
    grant_option integer not null, granted_by text not null,
    unique (privilege, on_kind, on_name, to_kind, to_name));
create table if not exists login_history (
    id integer primary key autoincrement, at text not null, user text not null, ip text not null,
    client text not null, version text not null, factor text not null, code integer,
    message text);
create table if not exists tag_references (
    tag text not null, kind text not null, object text not null, column_name text not null,
    value text not null, unique (tag, kind, object, column_name));
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object of the account. ``properties`` are the room's own, and must be JSON."""

    kind: str
    path: Path
    owner: str = ""
    created_on: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    comment: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    read: tuple[str, str, str] | None = field(default=None, compare=False, repr=False)
    """Owner, comment and properties as they were stored when this was read."""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.name

    def with_properties(self, **changes: Any) -> Entry:
        """Return a copy with some properties set."""
        return replace(self, properties={**self.properties, **changes})


_FIELDS = "id, kind, database, schema, name, owner, created_on, comment, properties"
_ONE = f"select {_FIELDS} from objects where kind = ? and database = ? and schema = ? and name = ?"
_WATCHED = re.compile(r"\b(objects|grants)\b")
_KEPT = 10_000
"""How many questions are remembered."""
Rows = list[tuple[Any, ...]]


def _entry(row: Sequence[Any]) -> Entry:
    # Each time anew: whoever gets it may change its properties.
    return Entry(
        id=row[0],
        kind=row[1],
        path=Path(row[2], row[3], row[4]),
        owner=row[5],
        created_on=datetime.fromisoformat(row[6]),
        comment=row[7],
        properties=json.loads(row[8]),
        read=(row[5], row[7], row[8]),
    )


def _merged(entry: Entry, stands: Entry) -> Entry:
    """Return what stands, with what is another in *entry* than when it was read."""
    if entry.read is None or entry.read == stands.read:
        return entry
    owner, comment, text = entry.read
    before, after = json.loads(text), json.loads(json.dumps(entry.properties))
    kept = {key: one for key, one in stands.properties.items() if key in after or key not in before}
    changed = {key: one for key, one in after.items() if key not in before or before[key] != one}
    return replace(
        stands,
        owner=stands.owner if entry.owner == owner else entry.owner,
        comment=stands.comment if entry.comment == comment else entry.comment,
        properties=kept | changed,
    )


class Catalog:
    """Objects by kind and path; thread-safe, each call is one transaction."""

    def __init__(self, file: FilePath | None) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            str(file) if file else ":memory:", check_same_thread=False, isolation_level=None
        )
        self._db.execute("pragma journal_mode = wal")
        self._depth = 0
        self._version = 0
        self._read: dict[tuple[str, tuple[Any, ...]], Rows] = {}
        """What was read of objects and grants, committed: most statements ask for the same."""
        self.created: list[Callable[[Entry], None]] = []
        """What must follow every new object, in the same transaction."""
        self.table(_SCHEMA)

    @property
    def version(self) -> int:
        """A number that is another after every change of an object or a grant."""
        return self._version

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the SQLite connection; all or nothing, may be nested."""
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("rollback")
                    self._changed()
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("commit")

    def table(self, ddl: str) -> None:
        """Run ``create table if not exists`` statements of a room."""
        with self._lock:
            self._db.executescript(ddl)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement on the store and return its rows."""
        with self._lock:
            found = self._db.execute(sql, tuple(values)).fetchall()
            if not sql.startswith("select") and _WATCHED.search(sql):
                self._changed()
            return found

    def _changed(self) -> None:
        self._version += 1
        self._read.clear()

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> Rows:
        """Return rows of objects or grants; asked again, they are remembered.

        Many threads ask before each statement, and each would wait for the others.
        """
        try:
            return self._read[sql, values]
        except KeyError:
            pass
        with self._lock:
            found = self._db.execute(sql, values).fetchall()
            # What a transaction has not committed is nobody else's.
            if self._depth == 0:
                if len(self._read) >= _KEPT:
                    self._read.clear()
                self._read[sql, values] = found
            return found

    def find(self, kind: str, path: Path) -> Entry | None:
        """Return the object, or None."""
        found = self.read(_ONE, (kind, *path))
        return _entry(found[0]) if found else None

    def get(self, kind: str, path: Path) -> Entry:
        """Return the object or raise 002003."""
        found = self.find(kind, path)
        if found is None:
            raise not_found(kind, str(path))
        return found

    def all(self, kind: str, database: str | None = None, schema: str | None = None) -> list[Entry]:
        """Return the objects of a kind, by name."""
        where, values = ["kind = ?"], [kind]
        for column, value in (("database", database), ("schema", schema)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        return self._select(" and ".join(where), values)

    def _select(self, where: str, values: Sequence[Any]) -> list[Entry]:
        sql = f"select {_FIELDS} from objects where {where} order by database, schema, name"
        return [_entry(row) for row in self.execute(sql, values)]

    def create(self, entry: Entry, *, replace: bool = False, if_absent: bool = False) -> bool:
        """Store a new object; False when it stood already and *if_absent* allows that."""
        with self.transaction():
            if self.find(entry.kind, entry.path) is not None:
                if if_absent:
                    return False
                if not replace:
                    raise already_exists(str(entry.path))
                self.drop(entry.kind, entry.path)
            self.execute(
                "insert into objects (kind, database, schema, name, owner, created_on, comment, "
                "properties) values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    entry.kind,
                    *entry.path,
                    entry.owner,
                    entry.created_on.isoformat(),
                    entry.comment,
                    json.dumps(entry.properties),
                ),
            )
            for follow in self.created:
                follow(entry)
        return True

    def update(self, entry: Entry) -> None:
        """Store what was changed of an object since it was read, if it still stands.

        Another session, or a container that tells its status, may have changed the rest meanwhile.
        """
        with self.transaction():
            if (stands := self.find(entry.kind, entry.path)) is None:
                return
            entry = _merged(entry, stands)
            self.execute(
                "update objects set owner = ?, comment = ?, properties = ? "
                "where kind = ? and database = ? and schema = ? and name = ?",
                (entry.owner, entry.comment, json.dumps(entry.properties), entry.kind, *entry.path),
            )

    def drop(self, kind: str, path: Path) -> bool:
        """Remove the object, its grants and tags; False when there was none."""
        with self.transaction():
            if self.find(kind, path) is None:
                return False
            self.execute(
                "delete from objects where kind = ? and database = ? and schema = ? and name = ?",
                (kind, *path),
            )
            self.forget(kind, path)
        return True

    def forget(self, kind: str, path: Path) -> None:
        """Remove grants on and tags of an object; a role or user loses what it was granted."""
        self.execute("delete from grants where on_kind = ? and on_name = ?", (kind, str(path)))
        self.execute("delete from grants where to_kind = ? and to_name = ?", (kind, str(path)))
        self.execute("delete from tag_references where kind = ? and object = ?", (kind, str(path)))

    def drop_below(self, database: str, schema: str | None = None) -> list[Entry]:
        """Remove everything in a database or schema and return what it was."""
        where, values = "database = ?", [database]
        if schema is not None:
            where, values = "database = ? and schema = ?", [database, schema]
        with self.transaction():
            gone = self._select(where, values)
            for entry in gone:
                self.drop(entry.kind, entry.path)
        return gone

    def rename(self, kind: str, path: Path, new: Path) -> None:
        """Give the object a new path; its grants and tags follow."""
        with self.transaction():
            if self.find(kind, new) is not None:
                raise already_exists(str(new))
            self.get(kind, path)
            self.execute(
                "update objects set database = ?, schema = ?, name = ? "
                "where kind = ? and database = ? and schema = ? and name = ?",
                (*new, kind, *path),
            )
            self.follow(kind, path, new)

    def follow(self, kind: str, path: Path, new: Path) -> None:
        """Move grants and tags from one path to another."""
        old, now = str(path), str(new)
        for sql in (
            "update or replace grants set on_name = ? where on_kind = ? and on_name = ?",
            "update or replace grants set to_name = ? where to_kind = ? and to_name = ?",
            "update or replace tag_references set object = ? where kind = ? and object = ?",
        ):
            self.execute(sql, (now, kind, old))

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            self._db.close()
