"""Credits by the hour: warehouses, compute pools, serverless tasks.

Source: Snowflake, "WAREHOUSE_METERING_HISTORY", "METERING_HISTORY", "METERING_DAILY_HISTORY",
"SNOWPARK_CONTAINER_SERVICES_HISTORY", "SERVERLESS_TASK_HISTORY", "Understanding compute cost": a
warehouse is charged by the second from the start of a query until it suspends itself, a minute at
least; an X-Small takes one credit an hour, each size twice the one before. A pool is charged while
it is ACTIVE or IDLE: from the first service until AUTO_SUSPEND_SECS after the last, or until it was
suspended; here for MIN_NODES nodes. What a serverless task would cost is not known from outside;
here it is an X-Small's credits times 0.9.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..names import Path
from ..results import ResultSet, rows
from ..services.families import FAMILIES
from .kept import KeptQueries

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

Span = tuple[datetime, datetime]
HOUR = timedelta(hours=1)
_SIZES: tuple[str, ...] = ("XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE", "XXLARGE", "XXXLARGE")
_SIZES += ("X4LARGE", "X5LARGE", "X6LARGE")
_SERVERLESS = 0.9
_WAREHOUSES = ["START_TIME timestamp_ltz", "END_TIME timestamp_ltz", "WAREHOUSE_ID fixed"]
_WAREHOUSES += ["WAREHOUSE_NAME", "CREDITS_USED real", "CREDITS_USED_COMPUTE real"]
_WAREHOUSES += ["CREDITS_USED_CLOUD_SERVICES real"]
_ALL = ["SERVICE_TYPE", "START_TIME timestamp_ltz", "END_TIME timestamp_ltz", "ENTITY_ID fixed"]
_ALL += ["NAME", "CREDITS_USED_COMPUTE real", "CREDITS_USED_CLOUD_SERVICES real"]
_ALL += ["CREDITS_USED real", "BYTES fixed", "ROWS fixed", "FILES fixed"]
_DAILY = ["SERVICE_TYPE", "USAGE_DATE date", "CREDITS_USED_COMPUTE real"]
_DAILY += ["CREDITS_USED_CLOUD_SERVICES real", "CREDITS_USED real"]
_POOLS = ["START_TIME timestamp_ltz", "END_TIME timestamp_ltz", "COMPUTE_POOL_NAME"]
_POOLS += ["COMPUTE_POOL_ID fixed", "IS_EXCLUSIVE boolean", "APPLICATION_NAME"]
_POOLS += ["APPLICATION_ID fixed", "CREDITS_USED real"]
_TASKS = ["START_TIME timestamp_ltz", "END_TIME timestamp_ltz", "CREDITS_USED real", "TASK_ID"]
_TASKS += ["TASK_NAME", "SCHEMA_NAME", "DATABASE_NAME"]


def install(account: Account) -> None:
    """Register the views and functions."""
    usage = "SNOWFLAKE.ACCOUNT_USAGE."
    for name, call in (
        ("WAREHOUSE_METERING_HISTORY", warehouse_view),
        ("METERING_HISTORY", metering_view),
        ("METERING_DAILY_HISTORY", daily_view),
        ("SNOWPARK_CONTAINER_SERVICES_HISTORY", pool_view),
        ("SERVERLESS_TASK_HISTORY", task_view),
    ):
        account.view(usage + name, _bound(account, call))
    for name, call in (
        ("WAREHOUSE_METERING_HISTORY", warehouse_view),
        ("SERVERLESS_TASK_HISTORY", task_view),
    ):
        account.table_function(name, _function(account, call))


def _bound(account: Account, call: Any) -> Any:
    return lambda session, database: call(account)


def _function(account: Account, call: Any) -> Any:
    def run(session: Session, args: list[Any], named: dict[str, Any]) -> ResultSet:
        result: ResultSet = call(account)
        return result

    return run


def hourly(spans: Iterable[Span]) -> Iterator[tuple[datetime, float]]:
    """Yield for each hour how many seconds of it the spans cover, overlaps once."""
    covered: defaultdict[datetime, float] = defaultdict(float)
    for start, end in merged(spans):
        at = start
        while at < end:
            hour = at.replace(minute=0, second=0, microsecond=0)
            until = min(end, hour + HOUR)
            covered[hour] += (until - at).total_seconds()
            at = until
    yield from sorted(covered.items())


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans without overlaps, in order."""
    made: list[Span] = []
    for start, end in sorted(spans):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], end))
        else:
            made.append((start, end))
    return made


def warehouses(account: Account) -> Iterator[tuple[Entry, datetime, float]]:
    """Yield warehouse, hour and credits."""
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    now = account.clock.now()
    for query in account.queries.all():
        if query.computed and query.warehouse:
            spans[query.warehouse].append((query.started, query.ended or now))
    for row in account.part(KeptQueries).rows(computed=True):
        if row["WAREHOUSE_NAME"]:
            spans[row["WAREHOUSE_NAME"]].append((row["START_TIME"], row["END_TIME"]))
    for name, found in sorted(spans.items()):
        entry = account.catalog.find("WAREHOUSE", Path("", "", name))
        if entry is None:
            continue
        rest = timedelta(seconds=max(60, int(entry.properties.get("AUTO_SUSPEND") or 600)))
        rate = 2 ** _SIZES.index(str(entry.properties.get("WAREHOUSE_SIZE", "XSMALL")))
        for hour, seconds in hourly((start, min(now, end + rest)) for start, end in found):
            yield entry, hour, rate * seconds / 3600


def pools(account: Account) -> Iterator[tuple[Entry, datetime, float | None]]:
    """Yield compute pool, hour and credits; None where the family's price is not known."""
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    now = account.clock.now()
    for name, created, completed, deleted in account.catalog.execute(
        "select pool, created, completed, deleted from service_history"
    ):
        end = completed or deleted
        until = datetime.fromisoformat(end) if end else now
        spans[name].append((datetime.fromisoformat(created), until))
    for name, found in sorted(spans.items()):
        entry = account.catalog.find("COMPUTE POOL", Path("", "", name))
        if entry is None:
            continue
        family = FAMILIES.get(str(entry.properties.get("INSTANCE_FAMILY", "")))
        nodes = int(entry.properties.get("MIN_NODES", 1))
        awake = [(start, max(end, min(_awake_until(entry, end), now))) for start, end in found]
        for hour, seconds in hourly(awake):
            known = family is not None and family.credits is not None
            rate = family.credits if family is not None and known else None
            yield entry, hour, rate * nodes * seconds / 3600 if rate is not None else None


def _awake_until(entry: Entry, end: datetime) -> datetime:
    """Return until when a pool that does nothing from *end* on would be awake.

    Source: Snowflake, "Snowpark Container Services costs" (charges in the state IDLE).
    """
    rest = int(entry.properties.get("AUTO_SUSPEND_SECS", 3600))
    until = end + timedelta(seconds=rest) if rest else datetime.max.replace(tzinfo=end.tzinfo)
    since = datetime.fromisoformat(entry.properties["since"])
    if entry.properties.get("suspended") and since >= end:
        return min(until, since)
    return until


def tasks(account: Account) -> Iterator[tuple[tuple[str, str, str, str], datetime, float]]:
    """Yield serverless task (id, database, schema, name), hour and credits."""
    spans: defaultdict[tuple[str, str, str, str], list[Span]] = defaultdict(list)
    now = account.clock.now()
    if not account.catalog.execute("select 1 from sqlite_master where name = 'task_runs'"):
        return
    for task, database, schema, name, started, completed in account.catalog.execute(
        "select task_id, database, schema, name, started, completed from task_runs "
        "where started is not null"
    ):
        entry = account.catalog.find("TASK", Path(database, schema, name))
        parameters = entry.properties.get("parameters", {}) if entry else {}
        if "WAREHOUSE" in parameters:
            continue
        end = datetime.fromisoformat(completed) if completed else now
        spans[task, database, schema, name].append((datetime.fromisoformat(started), end))
    for key, found in sorted(spans.items()):
        for hour, seconds in hourly(found):
            yield key, hour, _SERVERLESS * seconds / 3600


def warehouse_view(account: Account) -> ResultSet:
    """Return credits of warehouses."""
    found = [
        (hour, hour + HOUR, entry.id, entry.name, credit, credit, 0.0)
        for entry, hour, credit in warehouses(account)
    ]
    return rows(_WAREHOUSES, found)


def pool_view(account: Account) -> ResultSet:
    """Return credits of compute pools."""
    found = [
        (hour, hour + HOUR, entry.name, entry.id, False, None, None, credit)
        for entry, hour, credit in pools(account)
    ]
    return rows(_POOLS, found)


def task_view(account: Account) -> ResultSet:
    """Return credits of serverless tasks."""
    found = [
        (hour, hour + HOUR, credit, task, name, schema, database)
        for (task, database, schema, name), hour, credit in tasks(account)
    ]
    return rows(_TASKS, found)


def _every(account: Account) -> Iterator[tuple[str, datetime, int | None, str, float | None]]:
    for entry, hour, credit in warehouses(account):
        yield "WAREHOUSE_METERING", hour, entry.id, entry.name, credit
    for entry, hour, known in pools(account):
        yield "SNOWPARK_CONTAINER_SERVICES", hour, entry.id, entry.name, known
    for key, hour, credit in tasks(account):
        yield "SERVERLESS_TASK", hour, None, key[3], credit


def metering_view(account: Account) -> ResultSet:
    """Return all credits by the hour."""
    found = [
        (kind, hour, hour + HOUR, entity, name, credit, 0.0, credit, 0, 0, 0)
        for kind, hour, entity, name, credit in _every(account)
    ]
    return rows(_ALL, found)


def daily_view(account: Account) -> ResultSet:
    """Return all credits by the day."""
    days: defaultdict[tuple[str, Any], float] = defaultdict(float)
    for kind, hour, _, _, credit in _every(account):
        days[kind, hour.date()] += credit or 0.0
    found = [(kind, day, credit, 0.0, credit) for (kind, day), credit in sorted(days.items())]
    return rows(_DAILY, found)
