"""What dynamic tables did: DYNAMIC_TABLE_REFRESH_HISTORY, _GRAPH_HISTORY and DYNAMIC_TABLES.

Source: Snowflake, "DYNAMIC_TABLE_REFRESH_HISTORY", "DYNAMIC_TABLE_GRAPH_HISTORY" (table functions),
"Dynamic table access control" (MONITOR or OPERATE), and the behaviour changes 1543, 2183 and 2254
for their columns.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..dynamic.definition import lag_seconds
from ..dynamic.history import Refresh
from ..dynamic.refresh import Refresher
from ..faults import invalid
from ..names import Path, parts_of
from ..results import ResultSet, rows
from .dynamic_tables import moment

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_REFRESHES = ["NAME", "SCHEMA_NAME", "DATABASE_NAME", "STATE", "STATE_CODE", "STATE_MESSAGE"]
_REFRESHES += ["QUERY_ID", "DATA_TIMESTAMP timestamp_ltz", "REFRESH_START_TIME timestamp_ltz"]
_REFRESHES += ["REFRESH_END_TIME timestamp_ltz", "COMPLETION_TARGET timestamp_ltz"]
_REFRESHES += ["QUALIFIED_NAME", "LAST_COMPLETED_DEPENDENCY object", "STATISTICS object"]
_REFRESHES += ["REFRESH_ACTION", "REFRESH_TRIGGER", "TARGET_LAG_SEC fixed"]
_REFRESHES += ["GRAPH_HISTORY_VALID_FROM timestamp_ntz", "INPUTS_WITH_CHANGED_DATA object"]
_REFRESHES += ["WAREHOUSE", "REINIT_REASON", "EXECUTE_AS_USER", "SECONDARY_ROLE_NAMES"]
_GRAPH = ["NAME", "SCHEMA_NAME", "DATABASE_NAME", "QUALIFIED_NAME", "INPUTS array"]
_GRAPH += ["TARGET_LAG_TYPE", "TARGET_LAG_SEC fixed", "QUERY_TEXT", "VALID_FROM timestamp_ltz"]
_GRAPH += ["VALID_TO timestamp_ltz", "SCHEDULING_STATE object", "ALTER_TRIGGER array"]
_KEPT = timedelta(days=7)


def install(account: Account) -> None:
    """Register the table functions."""
    account.table_function(
        "DYNAMIC_TABLE_REFRESH_HISTORY", lambda s, args, named: refreshes(account, s, named)
    )
    account.table_function(
        "DYNAMIC_TABLE_GRAPH_HISTORY", lambda s, args, named: graph(account, s, named)
    )


def refreshes(account: Account, session: Session, named: dict[str, Any]) -> ResultSet:
    """Return refreshes, newest first; filters come before the limit, which is 100 unless given."""
    known = {"DATA_TIMESTAMP_START", "DATA_TIMESTAMP_END", "RESULT_LIMIT", "NAME", "NAME_PREFIX"}
    if unknown := set(named) - known - {"ERROR_ONLY"}:
        raise invalid(f"invalid argument '{min(unknown)}' for DYNAMIC_TABLE_REFRESH_HISTORY")
    limit = int(named.get("RESULT_LIMIT", 100))
    if not 1 <= limit <= 10000:
        raise invalid(f"RESULT_LIMIT {limit} is not between 1 and 10000")
    oldest = account.clock.now() - _KEPT
    # Of a table that was dropped nobody holds MONITOR; its namesake has a history of its own.
    since = {entry.path: entry.created_on for entry in account.part(Refresher).all()}
    found = [
        one
        for one in account.part(Refresher).history.all()
        if one.path in since
        and one.data_timestamp >= max(since[one.path], oldest)
        and _sees(account, session, one.path)
        and _wanted(one, session, named)
    ]
    return rows(_REFRESHES, [_row(one) for one in found[:limit]])


def _wanted(one: Refresh, session: Session, named: dict[str, Any]) -> bool:
    if named.get("NAME") and one.path != session.resolve(parts_of(str(named["NAME"]))):
        return False
    prefix = str(named.get("NAME_PREFIX") or "").upper()
    if not ".".join(one.path).upper().startswith(prefix):
        return False
    if named.get("ERROR_ONLY") and one.state == "SUCCEEDED":
        return False
    start, end = _time(named, "DATA_TIMESTAMP_START"), _time(named, "DATA_TIMESTAMP_END")
    return (start is None or one.data_timestamp >= start) and (
        end is None or one.data_timestamp <= end
    )


def _time(named: dict[str, Any], key: str) -> datetime | None:
    value = named.get(key)
    if value is None:
        return None
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.astimezone()


def _row(one: Refresh) -> tuple[Any, ...]:
    lag = one.target_lag_seconds
    target = one.data_timestamp + timedelta(seconds=lag) if lag else None
    return (
        one.path.name,
        one.path.schema,
        one.path.database,
        one.state,
        one.code or "SUCCESS",
        one.message or None,
        one.query_id or None,
        one.data_timestamp,
        one.started,
        one.ended,
        target,
        str(one.path),
        None,
        one.statistics or None,
        one.action or None,
        one.trigger,
        lag,
        None,
        None,
        one.warehouse,
        None,
        None,
        None,
    )


def graph(account: Account, session: Session, named: dict[str, Any]) -> ResultSet:
    """Return every dynamic table as it is now, with what it reads."""
    refresher = account.part(Refresher)
    seen = [entry for entry in refresher.all() if _sees(account, session, entry.path)]
    return rows(_GRAPH, [_node(account, refresher, entry) for entry in seen])


def _sees(account: Account, session: Session, path: Path) -> bool:
    """Say whether the role may see a dynamic table's metadata."""
    return account.access.holds(session, "MONITOR|OPERATE", "DYNAMIC TABLE", path)


def _node(account: Account, refresher: Refresher, entry: Entry) -> tuple[Any, ...]:
    found = entry.properties
    seconds = lag_seconds(found["target_lag"])
    upper = {one.path for one in refresher.upstream(entry)}
    inputs = [
        {"name": str(path), "kind": "DYNAMIC_TABLE" if path in upper else "TABLE"}
        for path in refresher.tables(account.router.parse(str(found["query"])))
    ]
    state = {"state": found["state"]}
    if found["state"] != "ACTIVE":
        suspended = moment(found["last_suspended_on"])
        state.update(reason_code=found["suspended_by"], suspended_on=str(suspended))
    return (
        entry.name,
        entry.path.schema,
        entry.path.database,
        str(entry.path),
        json.dumps(inputs),
        "USER_DEFINED" if seconds else "DOWNSTREAM",
        seconds,
        found["text"],
        entry.created_on,
        None,
        json.dumps(state),
        json.dumps(["NONE"]),
    )
