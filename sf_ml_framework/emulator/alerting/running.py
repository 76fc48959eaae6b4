"""Run alerts: when they are due, with the rights of the role that owns them.

Source: Snowflake, "Setting up alerts based on data in Snowflake", "CREATE ALERT", "ALERT_HISTORY"
(the states), "EXECUTE ALERT": an alert that is suspended can be executed too.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, not_authorized
from ..names import Path
from ..tasks import schedule

if TYPE_CHECKING:
    from ..account import Account
    from ..queries import Query
    from ..session import Session

_TABLE = """
create table if not exists alert_history (
    id integer primary key autoincrement, name text not null, database text not null,
    schema text not null, condition text not null, action text not null, condition_query text,
    action_query text, state text not null, code integer, message text, scheduled text not null,
    completed text);
"""
EVERY = 1.0
"""How often, in seconds of the clock, it is looked for alerts that are due."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: str
    condition: str | None = None
    action: str | None = None
    error: SnowflakeError | None = None


class Alerts:
    """Runs the alerts of one account; ``account.part(Alerts)``."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._running = threading.RLock()  # an action may execute another alert
        account.catalog.table(_TABLE)
        account.every(EVERY, self.tick)

    def due(self, entry: Entry) -> datetime | None:
        """Return when a resumed alert is next to run."""
        found = entry.properties.get("due")
        return datetime.fromisoformat(str(found)) if found else None

    def resume(self, entry: Entry) -> None:
        """Start the schedule.

        Raises:
            SnowflakeError: the owner may not run alerts.
        """
        allowed(self._account, entry)
        if entry.properties["state"] == "started":
            return
        now = self._account.clock.now()
        base = entry.with_properties(state="started", resumed=now.isoformat())
        self._account.catalog.update(self._next(base, now))

    def suspend(self, entry: Entry) -> None:
        """Stop the schedule."""
        self._account.catalog.update(entry.with_properties(state="suspended", due=None))

    def _next(self, entry: Entry, now: datetime) -> Entry:
        plan = schedule.parse(str(entry.properties["schedule"]))
        base = datetime.fromisoformat(str(entry.properties.get("resumed") or now.isoformat()))
        due = plan.after(now, base)
        return entry.with_properties(due=due.isoformat() if due else None)

    def tick(self) -> None:
        """Run every alert that is due; one that was missed several times runs once."""
        now = self._account.clock.now()
        for entry in self._account.catalog.all("ALERT"):
            due = self.due(entry)
            if entry.properties["state"] != "started" or due is None or due > now:
                continue
            self._account.catalog.update(self._next(entry, now))
            self.run(entry, due)

    def run(self, entry: Entry, scheduled: datetime) -> None:
        """Look at the condition, take the action when it holds, and keep what came of it."""
        with self._running:
            outcome = self._outcome(entry, scheduled)
            now = self._account.clock.now()
            self._keep(entry, scheduled, now, outcome)
            current = self._account.catalog.find("ALERT", entry.path)
            if current is None:
                return
            if outcome.error is None:
                changed = current.with_properties(last=scheduled.isoformat(), failures=0)
            else:
                changed = _failed(current)
            self._account.catalog.update(changed)

    def _outcome(self, entry: Entry, scheduled: datetime) -> _Outcome:
        try:
            allowed(self._account, entry)
        except SnowflakeError as error:
            return _Outcome("FAILED", error=error)
        session = self._session(entry, scheduled)
        try:
            return self._both(session, entry)
        finally:
            self._account.close_session(session)

    def _both(self, session: Session, entry: Entry) -> _Outcome:
        asked = self._query(session, str(entry.properties["condition"]))
        if asked.error is not None:
            return _Outcome("CONDITION_FAILED", asked.id, error=asked.error)
        if asked.result is None or not asked.result.table.num_rows:
            return _Outcome("CONDITION_FALSE", asked.id)
        done = self._query(session, str(entry.properties["action"]))
        if done.error is not None:
            return _Outcome("ACTION_FAILED", asked.id, done.id, done.error)
        return _Outcome("TRIGGERED", asked.id, done.id)

    def _query(self, session: Session, sql: str) -> Query:
        router = self._account.router
        query = self._account.queries.inline(session, sql, lambda _: router.run(session, sql))
        session.query_ids.append(query.id)
        return query

    def _session(self, entry: Entry, scheduled: datetime) -> Session:
        warehouse = entry.properties.get("warehouse")
        session = self._account.internal_session(
            role=entry.owner,
            database=entry.path.database,
            schema=entry.path.schema,
            warehouse=warehouse or "SERVERLESS",
        )
        session.facts["serverless"] = warehouse is None
        session.facts["alert"] = (scheduled, entry.properties.get("last"))
        return session

    def _keep(
        self, entry: Entry, scheduled: datetime, completed: datetime, outcome: _Outcome
    ) -> None:
        self._account.catalog.execute(
            "insert into alert_history (name, database, schema, condition, action, "
            "condition_query, action_query, state, code, message, scheduled, completed) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.name,
                entry.path.database,
                entry.path.schema,
                entry.properties["condition"],
                entry.properties["action"],
                outcome.condition,
                outcome.action,
                outcome.state,
                outcome.error.number if outcome.error else None,
                outcome.error.message if outcome.error else None,
                scheduled.isoformat(),
                completed.isoformat(),
            ),
        )

    def history(self) -> list[tuple[Any, ...]]:
        """Return all runs, oldest first."""
        return self._account.catalog.execute("select * from alert_history order by id")


def _failed(entry: Entry) -> Entry:
    """Count a failure; after SUSPEND_ALERT_AFTER_NUM_FAILURES in a row the alert is suspended."""
    failures = int(entry.properties.get("failures", 0)) + 1
    limit = int(entry.properties.get("limit", 0))
    changed = entry.with_properties(failures=failures)
    if limit and failures >= limit:
        return changed.with_properties(state="suspended", due=None)
    return changed


def allowed(account: Account, entry: Entry) -> None:
    """Refuse an alert whose owner may not run it: EXECUTE ALERT, and MANAGED when serverless.

    Source: Snowflake, "CREATE ALERT", access control requirements.
    """
    holders = account.access.of_role(entry.owner)
    held = account.access.privileges(holders, "ACCOUNT", Path("", "", ""))
    wanted = ["EXECUTE ALERT"]
    if entry.properties.get("warehouse") is None:
        wanted.append("EXECUTE MANAGED ALERT")
    for privilege in wanted:
        if privilege not in held:
            raise not_authorized(
                f"account '{account.name}': role {entry.owner} needs {privilege} to run alert "
                f"'{entry.name}'"
            )
