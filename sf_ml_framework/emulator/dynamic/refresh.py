"""Refresh dynamic tables: by hand, when due, upstream first; and remember each refresh.

A refresh runs the whole query; what INCREMENTAL changes is which rows are written and counted, so
the result is the same and the cost is not Snowflake's.

Source: Snowflake, "Understanding dynamic table initialization and refresh", "Set the target lag for
a dynamic table", "Suspend or resume dynamic tables" (five failures in a row suspend).
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlglot import exp

from ..catalog import Entry
from ..faults import SnowflakeError
from ..names import Path, always_quoted, parts_of
from ..queries import Query
from ..results import ResultSet, done
from . import modes
from .definition import lag_seconds, tables_of
from .history import History, Refresh

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

logger = logging.getLogger(__name__)
KIND = "DYNAMIC TABLE"
FAILURES_THAT_SUSPEND = 5
LOOK_SECONDS = 5
"""How often, on the account's clock, it is looked what is due."""
FACT = "dynamic table refresh"
"""Marks the sessions that may write into dynamic tables."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one refresh did to the rows."""

    action: str
    inserted: int
    deleted: int


class Refresher:
    """Refreshes the dynamic tables of an account; one refresh at a time."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.RLock()
        self.history = History(account.catalog)

    def all(self) -> list[Entry]:
        """Return the dynamic tables."""
        return self._account.catalog.all(KIND)

    def upstream(self, entry: Entry) -> list[Entry]:
        """Return the dynamic tables that this one reads, directly or through views."""
        return self.named(self._account.router.parse(str(entry.properties["query"])))

    def named(self, tree: exp.Expr) -> list[Entry]:
        """Return the dynamic tables that a query reads, directly or through views."""
        found = (self._account.catalog.find(KIND, path) for path in self.tables(tree))
        return [one for one in found if one is not None]

    def downstream(self, entry: Entry) -> list[Entry]:
        """Return the dynamic tables that read this one, at any distance."""
        found: dict[Path, Entry] = {}
        waiting = [entry]
        while waiting:
            one = waiting.pop()
            for other in self.all():
                if other.path not in found and one.path in self._reads(other):
                    found[other.path] = other
                    waiting.append(other)
        return list(found.values())

    def _reads(self, entry: Entry) -> list[Path]:
        return self.tables(self._account.router.parse(str(entry.properties["query"])))

    def tables(self, tree: exp.Expr) -> list[Path]:
        """Return the tables that a qualified query reads, with those behind its views."""
        found: dict[Path, None] = {}
        waiting = tables_of(tree)
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            view = self._account.catalog.find("VIEW", path)
            if view is None:
                found[path] = None
            elif query := view.properties.get("qualified"):
                waiting += tables_of(self._account.router.parse(str(query)))
        return list(found)

    # When.

    def run_due(self) -> None:
        """Refresh every active table whose lag is used up."""
        now = self._account.clock.now()
        for entry in self.all():
            current = self._account.catalog.find(KIND, entry.path)
            if current is not None and self._due(current, now):
                try:
                    self.refresh(current, trigger="SCHEDULED", at=now)
                except SnowflakeError as error:
                    logger.info("dynamic table %s did not refresh: %s", entry.path, error)

    def _due(self, entry: Entry, now: datetime) -> bool:
        found = entry.properties
        if found["state"] != "ACTIVE" or found.get("scheduler") == "DISABLE":
            return False
        # A DOWNSTREAM table is refreshed with whoever reads it.
        seconds = lag_seconds(found["target_lag"])
        if seconds is None:
            return False
        if not found["data_timestamp"]:
            return True
        return (now - datetime.fromisoformat(found["data_timestamp"])).total_seconds() >= seconds

    # What.

    def refresh(self, entry: Entry, *, trigger: str, at: datetime | None = None) -> Change:
        """Refresh the table after everything upstream of it.

        Raises:
            SnowflakeError: it or a table upstream failed; both are in the history.
        """
        moment = at or self._account.clock.now()
        with self._lock:
            entry = self._account.catalog.get(KIND, entry.path)
            for upper in self.upstream(entry):
                if upper.properties["state"] != "ACTIVE" and trigger == "SCHEDULED":
                    continue
                if upper.properties["data_timestamp"] == moment.isoformat():
                    continue
                try:
                    self.refresh(upper, trigger=trigger, at=moment)
                except SnowflakeError as error:
                    self._note(entry, "UPSTREAM_FAILED", trigger, moment, error=error)
                    raise
            return self._one(entry, trigger, moment)

    def _one(self, entry: Entry, trigger: str, moment: datetime) -> Change:
        made: list[Change] = []

        def work(query: Query) -> ResultSet:
            made.append(self._write(query.session, entry))
            return done()

        with self._session(entry) as session:
            text = f"ALTER DYNAMIC TABLE {entry.path} REFRESH"
            query = self._account.queries.inline(session, text, work)
        if query.error is not None:
            self._note(entry, "FAILED", trigger, moment, error=query.error, query=query)
            self._failed(entry, trigger)
            raise query.error
        self._note(entry, "SUCCEEDED", trigger, moment, change=made[0], query=query)
        self.succeeded(entry, moment)
        return made[0]

    @contextmanager
    def _session(self, entry: Entry) -> Iterator[Session]:
        session = self._account.internal_session(
            role=entry.owner,
            database=entry.path.database,
            schema=entry.path.schema,
            warehouse=str(entry.properties["warehouse"]),
        )
        session.facts[FACT] = str(entry.path)
        try:
            yield session
        finally:
            self._account.close_session(session)

    def succeeded(self, entry: Entry, moment: datetime) -> None:
        """Keep how far the data of the table is now."""
        current = self._account.catalog.get(KIND, entry.path)
        inputs = entry.properties["inputs"]
        self._account.catalog.update(
            current.with_properties(data_timestamp=moment.isoformat(), errors=0, inputs=inputs)
        )

    def _failed(self, entry: Entry, trigger: str) -> None:
        if trigger != "SCHEDULED":
            return
        current = self._account.catalog.get(KIND, entry.path)
        errors = int(current.properties["errors"]) + 1
        self._account.catalog.update(current.with_properties(errors=errors))
        if errors >= FAILURES_THAT_SUSPEND:
            self.suspend(current, "SUSPENDED_DUE_TO_ERRORS")

    def suspend(self, entry: Entry, reason: str) -> None:
        """Suspend the table and everything downstream of it."""
        now = self._account.clock.now().isoformat()
        for one in [entry, *self.downstream(entry)]:
            why = reason if one.path == entry.path else f"UPSTREAM_{reason.removeprefix('USER_')}"
            current = self._account.catalog.get(KIND, one.path)
            if current.properties["state"] == "ACTIVE":
                changed = {"state": "SUSPENDED", "suspended_by": why, "last_suspended_on": now}
                self._account.catalog.update(current.with_properties(**changed))

    def resume(self, entry: Entry) -> None:
        """Resume the table, and what was suspended because of it."""
        for one in [entry, *self.downstream(entry)]:
            current = self._account.catalog.get(KIND, one.path)
            by_itself = str(current.properties["suspended_by"]).startswith("UPSTREAM_")
            if one.path == entry.path or by_itself:
                changed = {"state": "ACTIVE", "suspended_by": "", "errors": 0}
                self._account.catalog.update(current.with_properties(**changed))

    def fingerprint(self, session: Session, tree: exp.Expr) -> dict[str, str]:
        """Return something for each table that is another when its rows are."""
        found = {}
        for path in self.tables(tree):
            where = ".".join(always_quoted(part) for part in path)
            # typeof, since a column that is renamed is a change too.
            counted = "count(*), sum(hash(t)), any_value(typeof(t))"
            rows = session.connection.raw(f"select {counted} from {where} t")
            found[str(path)] = str(rows[0])
        return found

    def _write(self, session: Session, entry: Entry) -> Change:
        found = entry.properties
        tree = self._account.router.parse(str(found["query"]))
        inputs = self.fingerprint(session, tree)
        same = inputs == found["inputs"] and not modes.changes_by_itself(tree)
        found["inputs"] = inputs
        if same and found["data_timestamp"]:
            return Change("NO_DATA", 0, 0)
        new = replace_name(entry.path, "NEW")
        source = select(found["columns"], str(found["query"]))
        self._account.router.execute(
            session, self._account.router.parse(f"CREATE TEMPORARY TABLE {new} AS {source}")
        )
        try:
            return self._swap(session, entry, session.temporary["TABLE", new])
        finally:
            run = partial(self._account.router.execute, session)
            run(self._account.router.parse(f"DROP TABLE {new}"))

    def _swap(self, session: Session, entry: Entry, scratch: str) -> Change:
        """Put the new rows in the place of the old ones in one transaction."""
        connection = session.connection
        table = ".".join(always_quoted(part) for part in entry.path)
        made = f"temp.main.{always_quoted(scratch)}"
        full = entry.properties["refresh_mode"] == "FULL"
        self._account.locks.acquire(str(entry.path), session.id, exclusive=True, timeout=60)
        try:
            counts = []
            for one, other in ((made, table), (table, made)):
                less = "" if full else f" except all select * from {other}"
                sql = f"select count(*) from (select * from {one}{less})"
                counts.append(int(connection.raw(sql)[0][0]))
            connection.begin()
            connection.raw(f"delete from {table}")
            connection.raw(f"insert into {table} select * from {made}")
            connection.end(commit=True)
        except SnowflakeError:
            connection.end(commit=False)
            raise
        finally:
            self._account.locks.release(session.id)
        first = not entry.properties["data_timestamp"]
        if not full and not any(counts) and not first:
            return Change("NO_DATA", 0, 0)
        return Change("FULL" if full else "INCREMENTAL", *counts)

    def _note(
        self,
        entry: Entry,
        state: str,
        trigger: str,
        moment: datetime,
        *,
        change: Change | None = None,
        error: SnowflakeError | None = None,
        query: Query | None = None,
    ) -> None:
        now = self._account.clock.now()
        self.history.add(
            Refresh(
                path=entry.path,
                state=state,
                code=f"{error.number:06d}" if error else "",
                message=error.message if error else "",
                query_id=query.id if query else "",
                data_timestamp=moment,
                started=query.started if query else now,
                ended=query.ended or now if query else now,
                action=change.action if change else "",
                trigger=trigger,
                statistics=statistics(change) if change else "",
                target_lag_seconds=lag_seconds(entry.properties["target_lag"]),
                warehouse=str(entry.properties["warehouse"]),
            )
        )

    def created(self, entry: Entry, rows: int, query: Query, moment: datetime) -> None:
        """Remember the refresh that filled a new table."""
        mode = entry.properties["refresh_mode"]
        self._note(
            entry, "SUCCEEDED", "CREATION", moment, change=Change(mode, rows, 0), query=query
        )


def statistics(change: Change) -> str:
    """Return the counts as the history and ALTER .. REFRESH show them."""
    return json.dumps(
        {
            "numInsertedRows": change.inserted,
            "numDeletedRows": change.deleted,
            "numCopiedRows": 0,
            "numAddedPartitions": int(change.inserted > 0),
            "numRemovedPartitions": int(change.deleted > 0),
        }
    )


def replace_name(path: Path, suffix: str) -> Path:
    """Return a name beside *path* that no client has."""
    return path._replace(name=f"{path.name}${suffix}$")


def select(columns: list[str], query: str) -> str:
    """Return the query with its columns named, and no others that it may have grown."""
    named = ", ".join(always_quoted(column) for column in columns)
    return f"SELECT {named} FROM ({query}) AS q ({named})"


def entry_of(account: Account, session: Session, name: str) -> Entry:
    """Return the dynamic table of a written name."""
    return account.catalog.get(KIND, session.resolve(parts_of(name)))


__all__ = ["FACT", "KIND", "Change", "Refresher", "entry_of", "select", "statistics"]
