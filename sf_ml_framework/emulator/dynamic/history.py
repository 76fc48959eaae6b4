"""Every refresh of every dynamic table, kept with the account.

Source: Snowflake, "DYNAMIC_TABLE_REFRESH_HISTORY" (table function).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..catalog import Catalog
from ..names import Path

_TABLE = """
create table if not exists dynamic_refreshes (
    id integer primary key autoincrement,
    database text not null, schema text not null, name text not null,
    state text not null, code text not null, message text not null, query_id text not null,
    data_timestamp text not null, started text not null, ended text not null,
    action text not null, trigger text not null, statistics text not null,
    target_lag_seconds integer, warehouse text not null);
"""
_COLUMNS = (
    "database, schema, name, state, code, message, query_id, data_timestamp, started, ended, "
    "action, trigger, statistics, target_lag_seconds, warehouse"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """One refresh that has ended; ``action`` is empty when it failed."""

    path: Path
    state: str
    code: str
    message: str
    query_id: str
    data_timestamp: datetime
    started: datetime
    ended: datetime
    action: str
    trigger: str
    statistics: str
    target_lag_seconds: int | None
    warehouse: str


class History:
    """The refreshes, newest first."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        catalog.table(_TABLE)

    def add(self, refresh: Refresh) -> None:
        """Keep one refresh."""
        values = (
            *refresh.path,
            refresh.state,
            refresh.code,
            refresh.message,
            refresh.query_id,
            refresh.data_timestamp.isoformat(),
            refresh.started.isoformat(),
            refresh.ended.isoformat(),
            refresh.action,
            refresh.trigger,
            refresh.statistics,
            refresh.target_lag_seconds,
            refresh.warehouse,
        )
        marks = ", ".join("?" * len(values))
        self._catalog.execute(
            f"insert into dynamic_refreshes ({_COLUMNS}) values ({marks})", values
        )

    def all(self) -> list[Refresh]:
        """Return all refreshes, newest first."""
        found = self._catalog.execute(f"select {_COLUMNS} from dynamic_refreshes order by id desc")
        return [_refresh(row) for row in found]


def _refresh(row: Sequence[Any]) -> Refresh:
    return Refresh(
        path=Path(*row[:3]),
        state=row[3],
        code=row[4],
        message=row[5],
        query_id=row[6],
        data_timestamp=datetime.fromisoformat(row[7]),
        started=datetime.fromisoformat(row[8]),
        ended=datetime.fromisoformat(row[9]),
        action=row[10],
        trigger=row[11],
        statistics=row[12],
        target_lag_seconds=row[13],
        warehouse=row[14],
    )
