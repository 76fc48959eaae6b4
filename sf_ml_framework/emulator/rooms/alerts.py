"""Alerts: statements, and what they show.

Source: Snowflake, "CREATE ALERT", "ALTER ALERT", "DROP ALERT", "EXECUTE ALERT", "SHOW ALERTS",
"DESCRIBE ALERT", "ALERT_HISTORY", "SCHEDULED_TIME", "LAST_SUCCESSFUL_SCHEDULED_TIME". Alerts on new
data (without SCHEDULE) are not there and are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..alerting.running import Alerts
from ..catalog import Entry
from ..faults import SnowflakeError, invalid, not_found, unsupported
from ..names import Path, fold
from ..reader import only
from ..registry import Call, Scope
from ..results import ResultSet, done, rows, status
from ..tasks import schedule
from . import tags
from .showing import gone, object_name

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

_COLUMNS = ["created_on timestamp_ltz", "name", "database_name", "schema_name", "owner"]
_COLUMNS += ["comment", "warehouse", "schedule", "state", "condition", "action"]
_COLUMNS += ["owner_role_type"]
_HISTORY = ["NAME", "DATABASE_NAME", "SCHEMA_NAME", "ACTION", "ACTION_QUERY_ID", "CONDITION"]
_HISTORY += ["CONDITION_QUERY_ID", "STATE", "SQL_ERROR_CODE fixed", "SQL_ERROR_MESSAGE"]
_HISTORY += ["SCHEDULED_TIME timestamp_ltz", "COMPLETED_TIME timestamp_ltz"]
_SETTINGS = {
    "WAREHOUSE",
    "SCHEDULE",
    "COMMENT",
    "SUSPEND_ALERT_AFTER_NUM_FAILURES",
    "CONFIG",
    "RUNBOOK",
    "TAG",
}
_TIMES = ("SCHEDULED_TIME", "LAST_SUCCESSFUL_SCHEDULED_TIME")


def install(account: Account) -> None:
    """Register the statements and functions."""
    account.parts[Alerts] = Alerts(account)
    account.statement("CREATE [OR REPLACE] ALERT [IF NOT EXISTS]", create)
    account.statement("ALTER ALERT [IF EXISTS]", alter)
    account.statement("DROP ALERT [IF EXISTS]", drop)
    account.statement("EXECUTE ALERT", execute)
    account.show("ALERTS", _COLUMNS, show)
    account.describe("ALERT", _COLUMNS, describe)
    account.table_function("ALERT_HISTORY", _history(account))
    account.view("SNOWFLAKE.ACCOUNT_USAGE.ALERT_HISTORY", lambda s, database: _table(account))
    # Registered last, a rewrite would come after that which puts functions' values in.
    account.registry.rewrites.insert(0, times)


def times(session: Session, tree: exp.Expr) -> exp.Expr:
    """Replace ``SNOWFLAKE.ALERT.SCHEDULED_TIME()`` and its like by the alert's times."""

    def change(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Dot) or not isinstance(node.expression, exp.Anonymous):
            return node
        name = str(node.expression.this).upper()
        if name not in _TIMES or node.this.sql().upper() != "SNOWFLAKE.ALERT":
            return node
        found = session.facts.get("alert")
        if found is None:
            raise invalid(f"SNOWFLAKE.ALERT.{name} can only be called from an alert.")
        scheduled, last = found
        first = datetime(1970, 1, 1, tzinfo=UTC).isoformat()
        moment = scheduled.isoformat() if name == _TIMES[0] else str(last or first)
        return exp.cast(exp.Literal.string(moment), "TIMESTAMPTZ")

    return tree.transform(change)


def create(call: Call) -> ResultSet:
    """Create an alert, suspended."""
    path = object_name(call, "ALERT")
    reader = call.reader
    found = reader.properties("IF")
    only(found, _SETTINGS, "ALERT")
    condition = _condition(call)
    reader.expect("THEN")
    action = _action(call)
    made = call.account.catalog.create(
        Entry(
            kind="ALERT",
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=str(found.get("COMMENT", "")),
            properties={
                **_checked(call, found),
                "condition": condition,
                "action": action,
                "state": "suspended",
            },
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    tags.attach(call.account, call.session, "ALERT", path, found.get("TAG", {}))
    return status(f"Alert {path.name} successfully created.")


def _checked(call: Call, found: dict[str, Any]) -> dict[str, Any]:
    if "SCHEDULE" not in found:
        raise unsupported("an alert on new data (without SCHEDULE) is not known to this emulator.")
    schedule.parse(str(found["SCHEDULE"]))
    limit = found.get("SUSPEND_ALERT_AFTER_NUM_FAILURES", 0)
    if type(limit) is not int or limit < 0:
        raise invalid(f"invalid value '{limit}' for 'SUSPEND_ALERT_AFTER_NUM_FAILURES'")
    return {
        "schedule": str(found["SCHEDULE"]),
        "warehouse": _warehouse(call, found.get("WAREHOUSE")),
        "limit": limit,
    }


def _warehouse(call: Call, written: Any) -> str | None:
    if written is None:
        return None
    path = Path("", "", fold(str(written)))
    call.account.catalog.get("WAREHOUSE", path)
    return path.name


def _condition(call: Call) -> str:
    """Read ``IF (EXISTS (query))``."""
    call.reader.expect("IF", "(", "EXISTS")
    query = call.reader.bracketed().strip()
    call.reader.expect(")")
    first = query.split(None, 1)[0].upper() if query else ""
    if first not in {"SELECT", "SHOW", "CALL", "WITH"}:
        raise SnowflakeError(
            f"SQL compilation error:\nsyntax error: '{first}' cannot be the condition of an alert.",
            number=1003,
            state="42000",
        )
    return query


def _action(call: Call) -> str:
    action = call.reader.rest().strip()
    if not action:
        call.reader.fail()
    return action


def alter(call: Call) -> ResultSet:
    """Resume, suspend or change an alert."""
    reader, catalog = call.reader, call.account.catalog
    path = call.session.resolve(reader.name(), "ALTER ALERT")
    entry = catalog.find("ALERT", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("ALERT", str(path))
    alerts = call.account.part(Alerts)
    if tags.altered(call, "ALERT", path):
        return done()
    if reader.accept("RESUME"):
        reader.end()
        alerts.resume(entry)
    elif reader.accept("SUSPEND"):
        reader.end()
        alerts.suspend(entry)
    elif reader.accept("MODIFY", "CONDITION", "EXISTS"):
        reader.expect("(")
        reader.at -= 1
        condition = reader.bracketed().strip()
        reader.end()
        catalog.update(entry.with_properties(condition=condition))
    elif reader.accept("MODIFY", "ACTION"):
        catalog.update(entry.with_properties(action=_action(call)))
    else:
        _set(call, entry)
    return done()


def _set(call: Call, entry: Entry) -> None:
    if call.reader.accept("UNSET"):
        key = call.reader.next().word
        call.reader.end()
        if key == "COMMENT":
            call.account.catalog.update(replace(entry, comment=""))
        elif key == "WAREHOUSE":
            call.account.catalog.update(entry.with_properties(warehouse=None))
        else:
            raise invalid(f"invalid property '{key}' for 'ALERT'")
        return
    call.reader.expect("SET")
    found = call.reader.properties()
    only(found, _SETTINGS, "ALERT")
    merged = {
        "SCHEDULE": entry.properties["schedule"],
        "WAREHOUSE": entry.properties["warehouse"],
        "SUSPEND_ALERT_AFTER_NUM_FAILURES": entry.properties["limit"],
        **found,
    }
    changed = entry.with_properties(**_checked(call, merged))
    call.account.catalog.update(replace(changed, comment=str(found.get("COMMENT", entry.comment))))


def drop(call: Call) -> ResultSet:
    """Drop an alert."""
    path = call.session.resolve(call.reader.last_name(), "DROP ALERT")
    if not call.account.catalog.drop("ALERT", path):
        return gone(call, "ALERT", path.name, str(path))
    return status(f"{path.name} successfully dropped.")


def execute(call: Call) -> ResultSet:
    """Run an alert now, whatever its schedule."""
    path = call.session.resolve(call.reader.name(), "EXECUTE ALERT")
    call.reader.end()
    entry = call.account.catalog.get("ALERT", path)
    call.account.part(Alerts).run(entry, call.account.clock.now())
    return status(f"Alert {path.name} is scheduled to run immediately.")


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the alerts."""
    for entry in call.account.catalog.all("ALERT", scope.database, scope.schema):
        yield _row(entry)


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield an alert."""
    yield _row(call.account.catalog.get("ALERT", call.session.resolve(parts)))


def _row(entry: Entry) -> dict[str, Any]:
    found = entry.properties
    return {
        "created_on": entry.created_on,
        "name": entry.name,
        "database_name": entry.path.database,
        "schema_name": entry.path.schema,
        "owner": entry.owner,
        "comment": entry.comment,
        "warehouse": found["warehouse"],
        "schedule": found["schedule"],
        "state": found["state"],
        "condition": found["condition"],
        "action": found["action"],
        "owner_role_type": "ROLE",
    }


def _told(row: tuple[Any, ...]) -> tuple[Any, ...]:
    _, name, database, schema, condition, action, asked, acted, state, code, message, *at = row
    scheduled, completed = (datetime.fromisoformat(moment) for moment in at)
    return (
        *(name, database, schema, action, acted, condition),
        *(asked, state, code, message, scheduled, completed),
    )


def _table(account: Account) -> ResultSet:
    return rows(_HISTORY, [_told(row) for row in account.part(Alerts).history()])


def _history(account: Account) -> Any:
    def call(session: Session, args: list[Any], named: dict[str, Any]) -> ResultSet:
        allowed = {"RESULT_LIMIT", "ALERT_NAME"}
        allowed |= {"SCHEDULED_TIME_RANGE_START", "SCHEDULED_TIME_RANGE_END"}
        if unknown := set(named) - allowed:
            raise invalid(f"invalid argument '{min(unknown)}' for ALERT_HISTORY")
        wanted = fold(str(named["ALERT_NAME"])) if "ALERT_NAME" in named else None
        start, end = (_moment(named.get(f"SCHEDULED_TIME_RANGE_{k}")) for k in ("START", "END"))
        found = [
            told
            for row in account.part(Alerts).history()
            if (wanted is None or row[1] == wanted) and _may(account, session, row)
            for told in [_told(row)]
            if (start is None or told[10] >= start) and (end is None or told[10] <= end)
        ]
        return rows(_HISTORY, found[::-1][: int(named.get("RESULT_LIMIT", 100))])

    return call


def _moment(given: Any) -> datetime | None:
    if given is None:
        return None
    found = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _may(account: Account, session: Session, row: tuple[Any, ...]) -> bool:
    return account.access.sees(session, "ALERT", Path(row[2], row[3], row[1]))
