"""Queries of earlier servers: with a state directory, what ran is told after a restart too.

A query is written within a second of its end, so that statements do not wait for the disk; what
was killed within that second is not told.

Source: Snowflake, "QUERY_HISTORY view" (a year is kept).
"""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..queries import Query

if TYPE_CHECKING:
    from ..account import Account

KEPT_DAYS = 365
WRITE_SECONDS = 1
_TIMES = ("START_TIME", "END_TIME")


class KeptQueries:
    """The rows of QUERY_HISTORY that are no longer in memory; ``account.part(KeptQueries)``."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._waiting: list[tuple[str, dict[str, Any], bool]] = []
        self._lock = threading.Lock()
        account.catalog.table(
            "create table if not exists query_log (id text primary key, ended text not null, "
            "computed integer not null, row text not null)"
        )
        if account.durable:
            since = (account.clock.now() - timedelta(days=KEPT_DAYS)).isoformat()
            account.catalog.execute("delete from query_log where ended < ?", (since,))
            account.queries.on_end.append(self._remember)
            account.every(WRITE_SECONDS, self.write)
            account.on_close(self.write)

    def _remember(self, query: Query) -> None:
        from .history import told

        # Now, because a result may be given up as soon as its client has it.
        row = told(self._account, query)
        with self._lock:
            self._waiting.append((query.id, row, query.computed))

    def write(self) -> None:
        """Write what has ended since the last time."""
        with self._lock:
            found, self._waiting = self._waiting, []
        if not found:
            return
        values = [
            (one, row["END_TIME"].isoformat(), int(computed), json.dumps(row, default=_text))
            for one, row, computed in found
        ]
        with self._account.catalog.transaction() as connection:
            connection.executemany("insert or replace into query_log values (?, ?, ?, ?)", values)

    def rows(self, *, computed: bool = False) -> list[dict[str, Any]]:
        """Return the rows that memory has not, oldest first; with *computed* only charged ones."""
        in_memory = {query.id for query in self._account.queries.all()}
        found = self._account.catalog.execute(
            "select id, row from query_log where computed >= ? order by ended", (int(computed),)
        )
        return [_row(text) for one, text in found if one not in in_memory]


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _row(text: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(text)
    return {**row, **{key: datetime.fromisoformat(row[key]) for key in _TIMES}}
