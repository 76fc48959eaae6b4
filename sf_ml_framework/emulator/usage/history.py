"""The rows of QUERY_HISTORY.

Source: Snowflake, "QUERY_HISTORY" (the view, and the table functions of INFORMATION_SCHEMA).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, invalid
from ..lexer import tokenize
from ..names import Path
from ..queries import Query
from ..record import redacted
from ..results import ResultSet, rows
from .kept import KeptQueries

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

COLUMNS = ["QUERY_ID", "QUERY_TEXT", "DATABASE_NAME", "SCHEMA_NAME", "QUERY_TYPE"]
COLUMNS += ["SESSION_ID fixed", "USER_NAME", "ROLE_NAME", "WAREHOUSE_NAME", "WAREHOUSE_SIZE"]
COLUMNS += ["WAREHOUSE_TYPE", "QUERY_TAG", "EXECUTION_STATUS", "ERROR_CODE", "ERROR_MESSAGE"]
COLUMNS += ["START_TIME timestamp_ltz", "END_TIME timestamp_ltz", "TOTAL_ELAPSED_TIME fixed"]
COLUMNS += ["EXECUTION_TIME fixed", "COMPILATION_TIME fixed", "ROWS_PRODUCED fixed"]
COLUMNS += ["ROWS_INSERTED fixed", "BYTES_SCANNED fixed", "CREDITS_USED_CLOUD_SERVICES real"]
COLUMNS += ["IS_CLIENT_GENERATED_STATEMENT boolean"]
_NAMES = [column.split(" ")[0] for column in COLUMNS]
_TWO = {"CREATE", "DROP", "ALTER", "USE", "EXECUTE"}
_TYPES = {"WITH": "SELECT", "DESC": "DESCRIBE", "TRUNCATE": "TRUNCATE_TABLE", "COPY": "COPY"}
_TYPES |= {"PUT": "PUT_FILES", "GET": "GET_FILES", "LIST": "LIST_FILES", "LS": "LIST_FILES"}
_TYPES |= {"REMOVE": "REMOVE_FILES", "RM": "REMOVE_FILES", "BEGIN": "BEGIN_TRANSACTION"}
_TIMES = {"END_TIME_RANGE_START", "END_TIME_RANGE_END", "RESULT_LIMIT"}
_TIMES |= {"INCLUDE_CLIENT_GENERATED_STATEMENT"}
_BY = {
    "QUERY_HISTORY": "",
    "QUERY_HISTORY_BY_SESSION": "SESSION_ID",
    "QUERY_HISTORY_BY_USER": "USER_NAME",
    "QUERY_HISTORY_BY_WAREHOUSE": "WAREHOUSE_NAME",
}


def install(account: Account) -> None:
    """Register the view and the functions."""
    account.parts[KeptQueries] = KeptQueries(account)

    def view(session: Session, database: str) -> ResultSet:
        now = [told(account, query) for query in account.queries.all()]
        return _table([*account.part(KeptQueries).rows(), *now])

    account.view("SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY", view)
    for name, key in _BY.items():
        account.table_function(name, _function(account, name, key))


def _table(found: list[dict[str, Any]]) -> ResultSet:
    return rows(COLUMNS, [[row[name] for name in _NAMES] for row in found])


def query_type(text: str) -> str:
    """Return what kind of statement *text* is, such as ``CREATE_TABLE``."""
    try:
        words = [token.word for token in tokenize(text[:400])]
    except SnowflakeError:
        return "UNKNOWN"
    if not words:
        return "UNKNOWN"
    if words[0] in _TWO:
        skipped = {"OR", "REPLACE", "ALTER", "TEMPORARY", "TEMP", "TRANSIENT", "IF", "NOT"}
        rest = [word for word in words[1:8] if word and word not in skipped | {"EXISTS"}]
        return "_".join([words[0], *rest[:1]])
    return _TYPES.get(words[0], words[0] or "UNKNOWN")


def told(account: Account, query: Query) -> dict[str, Any]:
    """Return a query as a row."""
    elapsed = int(((query.ended or account.clock.now()) - query.started).total_seconds() * 1000)
    name = query.warehouse if query.computed else None
    warehouse = account.catalog.find("WAREHOUSE", Path("", "", name)) if name else None
    kind = query_type(query.text)
    result = query.result
    return {
        "QUERY_ID": query.id,
        "QUERY_TEXT": redacted(query.text),
        "DATABASE_NAME": query.database,
        "SCHEMA_NAME": query.schema,
        "QUERY_TYPE": kind,
        "SESSION_ID": query.session.id,
        "USER_NAME": query.session.user,
        "ROLE_NAME": query.role,
        "WAREHOUSE_NAME": query.warehouse,
        "WAREHOUSE_SIZE": _size(warehouse.properties) if warehouse else None,
        "WAREHOUSE_TYPE": "STANDARD" if warehouse else None,
        "QUERY_TAG": query.tag or "",
        "EXECUTION_STATUS": {"SUCCESS": "SUCCESS", "RUNNING": "RUNNING"}.get(query.status, "FAIL"),
        "ERROR_CODE": f"{query.error.number:06d}" if query.error else None,
        "ERROR_MESSAGE": query.error.message if query.error else None,
        "START_TIME": query.started,
        "END_TIME": query.ended,
        "TOTAL_ELAPSED_TIME": elapsed,
        "EXECUTION_TIME": elapsed,
        "COMPILATION_TIME": 0,
        "ROWS_PRODUCED": result.table.num_rows if result else None,
        "ROWS_INSERTED": result.affected if result and kind == "INSERT" else 0,
        "BYTES_SCANNED": 0,
        "CREDITS_USED_CLOUD_SERVICES": 0.0,
        "IS_CLIENT_GENERATED_STATEMENT": False,
    }


def _size(properties: dict[str, Any]) -> str:
    from ..rooms.warehouses import SIZES

    return SIZES[str(properties.get("WAREHOUSE_SIZE", "XSMALL"))]


def _function(account: Account, name: str, key: str) -> Any:
    def call(session: Session, args: list[Any], named: dict[str, Any]) -> ResultSet:
        allowed = _TIMES | ({key} if key else set())
        if unknown := set(named) - allowed:
            raise invalid(f"invalid argument '{min(unknown)}' for {name}")
        limit = int(named.get("RESULT_LIMIT", 100))
        if not 1 <= limit <= 10_000:
            raise invalid("RESULT_LIMIT must be from 1 to 10000")
        found = list(_asked(account, session, key, named))
        return _table(found[::-1][:limit])

    return call


def _asked(
    account: Account, session: Session, key: str, named: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    now = account.clock.now()
    start, end = (
        _moment(named.get("END_TIME_RANGE_START"), now),
        _moment(named.get("END_TIME_RANGE_END"), now),
    )
    own = {
        "SESSION_ID": session.id,
        "USER_NAME": session.user,
        "WAREHOUSE_NAME": session.warehouse,
    }
    wanted = named.get(key, own.get(key)) if key else None
    kept = account.part(KeptQueries).rows()
    for row in [*kept, *(told(account, query) for query in account.queries.all())]:
        ended = row["END_TIME"] or now
        if (start and ended < start) or (end and ended > end):
            continue
        if not visible(account, session, row):
            continue
        if not key or str(row[key]).upper() == str(wanted).upper():
            yield row


def visible(account: Account, session: Session, row: dict[str, Any]) -> bool:
    """Say whether the functions show a query: one's own, or with MONITOR on its warehouse.

    Source: Snowflake, "QUERY_HISTORY, QUERY_HISTORY_BY_*", usage notes.
    """
    if row["USER_NAME"] == session.user or account.access.globally(session, "MONITOR EXECUTION"):
        return True
    if row["WAREHOUSE_NAME"] is None:
        return False
    path = Path("", "", row["WAREHOUSE_NAME"])
    return account.access.holds(session, "MONITOR|OPERATE", "WAREHOUSE", path)


def _moment(given: Any, now: datetime) -> datetime | None:
    if given is None:
        return None
    found = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)
