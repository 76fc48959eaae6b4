"""Jobs of an account: what became of them, and what their containers printed.

Implements ``deploy/graph_ports.py::JobControl``.

Source: Snowflake, "GET_JOB_HISTORY" (30 days, dropped jobs too), "SYSTEM$GET_SERVICE_LOGS" (at most
100 kB, and nothing once the node is reclaimed), "SPCS_GET_LOGS", "Event table columns".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sf_ml_framework.deploy.graph_ports import Job
from sf_ml_framework.places.snowflake import standing
from sf_ml_framework.places.snowflake.errors import RefusedError
from sf_ml_framework.places.snowflake.graph_history import moment
from sf_ml_framework.places.snowflake.standing import qualified
from sf_ml_framework.plan.names import CONTAINER

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_COLUMNS = (
    "query_id, name, database_name, schema_name, created_time, completed_time, status, message,"
    " instance_statuses, compute_pool_name"
)
_JOBS = (
    "TABLE(SNOWFLAKE.SPCS.GET_JOB_HISTORY(CREATED_TIME_START => {since}, RESULT_LIMIT => 10000))"
)
_MONTH = "DATEADD('day', -30, CURRENT_TIMESTAMP())"
"""How long a job is remembered."""
_EVENTS = "SNOWFLAKE.TELEMETRY.EVENTS"
"""The event table of an account that has chosen none."""
_MOST = 100_000
_OVER = {"DONE", "FAILED", "CANCELLED", "INTERNAL_ERROR", "DELETED"}
"""States of a job that has ended. Source: "DESCRIBE SERVICE"."""


class SnowflakeJobs:
    """The jobs that one role may see; lives as long as its account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def of_queries(self, query_ids: Collection[str], since: str) -> Mapping[str, Job]:
        """Return by their statement the jobs that were made at *since* or later."""
        wanted = sorted(set(query_ids) - {""})
        if not wanted:
            return {}
        marks = ", ".join("?" * len(wanted))
        earlier = "DATEADD('minute', -1, ?::TIMESTAMP_TZ)"
        rows = self._account.rows(
            f"SELECT {_COLUMNS} FROM {_JOBS.format(since=earlier)} WHERE query_id IN ({marks})",
            (since, *wanted),
        )
        return {job.query_id: job for job in map(_job, rows)}

    def named(self, name: str) -> Job | None:
        """Return the newest job of that qualified name; none when there is none."""
        rows = self._account.rows(
            f"SELECT {_COLUMNS} FROM {_JOBS.format(since=_MONTH)}"
            " WHERE database_name = ? AND schema_name = ? AND name = ?"
            " ORDER BY created_time DESC LIMIT 1",
            name.split("."),
        )
        return _job(rows[0]) if rows else self._shown(name)

    def _shown(self, name: str) -> Job | None:
        """Return a job that the role may look at but does not own: the history has only its own.

        Source: "SHOW SERVICES" (jobs too, for who has any privilege on one).
        """
        database, schema, own = name.split(".")
        scope = f"IN SCHEMA {qualified(f'{database}.{schema}')}"
        row = standing.named(self._account, "SERVICES", own, scope)
        if row is None:
            return None
        return Job(
            name=name,
            query_id="",
            status=str(row["status"]),
            created=moment(row["created_on"]),
            ended=moment(row["updated_on"]) if row["status"] in _OVER else "",
            pool=str(row["compute_pool"]),
        )

    def start(self, statement: str) -> None:
        """Run the statement of an asynchronous job."""
        self._account.execute(statement)

    def cancel(self, name: str) -> None:
        """End a job that runs."""
        self._account.execute(f"CALL {qualified(name)}!SPCS_CANCEL_JOB()")

    def tail(self, job: Job, lines: int) -> Sequence[str]:
        """Return the last lines of a container that runs or has just ended; none when it is gone.

        A container that has not started has none either.
        """
        binds: list[Any] = [job.name, "0", CONTAINER, *([lines] if lines else [])]
        marks = ", ".join("?" * len(binds))
        try:
            rows = self._account.rows(f"SELECT SYSTEM$GET_SERVICE_LOGS({marks}) AS log", binds)
        except RefusedError:
            # Pending, dropped, or its node was reclaimed: the answers are not documented.
            return ()
        return str(rows[0]["log"] or "").splitlines() if rows else ()

    def kept(self, job: Job, lines: int) -> Sequence[str]:
        """Return what the account's event table has of a job's lines, the last of them.

        By the job's own function first, which takes MONITOR on the job alone; a job that was
        dropped has none any more, and then who may read the event table itself is told.
        """
        most = lines or _MOST
        try:
            rows = self._account.rows(
                f"SELECT log FROM TABLE({qualified(job.name)}!SPCS_GET_LOGS("
                "START_TIME => DATEADD('minute', -1, ?::TIMESTAMP_TZ)))"
                f" WHERE container_name = ? ORDER BY timestamp DESC LIMIT {int(most)}",
                (job.created, CONTAINER),
            )
        except RefusedError:
            rows = self._of_event_table(job, most)
        return [str(row["log"] or "") for row in reversed(rows)]

    def _of_event_table(self, job: Job, most: int) -> list[dict[str, Any]]:
        found = self._account.rows("SHOW PARAMETERS LIKE 'EVENT_TABLE' IN ACCOUNT")
        table = str(found[0]["value"] or "") if found else ""
        database, schema, name = job.name.split(".")
        try:
            return self._account.rows(
                "SELECT COALESCE(value:body::VARCHAR, value::VARCHAR) AS log"
                f" FROM {qualified(table or _EVENTS)}"
                " WHERE record_type = 'LOG' AND timestamp >= DATEADD('minute', -1,"
                " CONVERT_TIMEZONE('UTC', ?::TIMESTAMP_TZ)::TIMESTAMP_NTZ)"
                ' AND resource_attributes:"snow.database.name"::VARCHAR = ?'
                ' AND resource_attributes:"snow.schema.name"::VARCHAR = ?'
                ' AND resource_attributes:"snow.service.name"::VARCHAR = ?'
                f" ORDER BY timestamp DESC LIMIT {int(most)}",
                (job.created, database, schema, name),
            )
        except RefusedError:
            return []


def _job(row: Mapping[str, Any]) -> Job:
    return Job(
        name=f"{row['database_name']}.{row['schema_name']}.{row['name']}",
        query_id=str(row["query_id"] or ""),
        status=str(row["status"]),
        message=str(row["message"] or ""),
        created=moment(row["created_time"]),
        ended=moment(row["completed_time"]),
        pool=str(row["compute_pool_name"] or ""),
        exit_code=_exit_code(row["instance_statuses"]),
    )


def _exit_code(statuses: Any) -> int | None:
    """Return the code that the container ended with, from ``{"0": {"containers": …}}``."""
    found = json.loads(statuses) if isinstance(statuses, str) else statuses or {}
    if not isinstance(found, Mapping):
        return None
    containers = (found.get("0") or {}).get("containers") or {}
    code = (containers.get(CONTAINER) or {}).get("lastExitCode")
    return int(code) if code is not None else None
