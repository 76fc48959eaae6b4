"""What ran of a graph of tasks, from Snowflake's own history.

Source: Snowflake, "TASK_HISTORY" (seven days; at most 10,000 rows; the newest first),
"CURRENT_TASK_GRAPHS". A run is known by its GRAPH_RUN_GROUP_ID, which its retries share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sf_ml_framework.deploy.graph_ports import CANCELLED, Flights, GraphRun, Status, TaskRun
from sf_ml_framework.identifiers import quoted

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_ROWS = 10_000
_RECENT_MINUTES = 60
"""A run that was asked for just now is not older, whatever waited before it began."""


class GraphHistory:
    """The history of the graphs of one schema; each question is one statement.

    Args:
        account: whose role looks.
        database: of the graphs.
        schema: of the graphs, unqualified.
    """

    def __init__(self, account: Account, database: str, schema: str) -> None:
        self._account = account
        self._database, self._schema = database, schema

    def flights(self, root: str) -> Flights:
        """Return the runs of *root* that go on, and when the next is due."""
        rows = self._account.rows(
            "SELECT state, graph_run_group_id, config, scheduled_time"
            f" FROM TABLE({self._function('CURRENT_TASK_GRAPHS')}(ROOT_TASK_NAME => ?))"
            " WHERE database_name = ? AND schema_name = ?",
            (root, self._database, self._schema),
        )
        going = {
            str(row["graph_run_group_id"]): str(row["config"] or "")
            for row in rows
            if row["state"] == "EXECUTING" and row["graph_run_group_id"]
        }
        due = sorted(moment(row["scheduled_time"]) for row in rows if row["state"] == "SCHEDULED")
        return Flights(going=going, next_run=due[0] if due else "")

    def runs(self, root_id: str, limit: int) -> Sequence[GraphRun]:
        """Return at most *limit* runs of the graph with that root, newest first."""
        rows = self._account.rows(
            "SELECT graph_run_group_id AS run_id, last_attempt,"
            " MIN(query_start_time) AS began, MAX(completed_time) AS ended,"
            " MAX(config) AS config, MAX_BY(scheduled_from, attempt_number) AS came_from,"
            " COUNT_IF(latest AND state IN ('SCHEDULED', 'EXECUTING')) AS going,"
            " COUNT_IF(latest AND state LIKE 'FAILED%') AS failed,"
            " COUNT_IF(latest AND state IN ('CANCELLED', 'CANCELED')) AS cancelled,"
            " COUNT_IF(latest AND state = 'SKIPPED') AS skipped,"
            " COUNT_IF(latest AND state = 'SUCCEEDED') AS succeeded"
            " FROM (SELECT *, attempt_number = last_attempt AS latest FROM (SELECT *,"
            " MAX(attempt_number) OVER (PARTITION BY graph_run_group_id) AS last_attempt"
            f" FROM TABLE({self._task_history()}) WHERE graph_run_group_id IS NOT NULL))"
            # A run that is only due is none yet.
            " GROUP BY 1, 2 HAVING COUNT_IF(state <> 'SCHEDULED') > 0"
            f" ORDER BY MIN(scheduled_time) DESC, 1 LIMIT {int(limit)}",
            (root_id,),
        )
        return [_graph_run(row) for row in rows]

    def task_runs(self, root_id: str, run_id: str) -> Mapping[str, TaskRun]:
        """Return for each task that ran in a run its last attempt."""
        rows = self._account.rows(
            "SELECT name, attempt_number, state, query_id, query_start_time, completed_time,"
            f" error_message, return_value FROM TABLE({self._task_history()})"
            " WHERE graph_run_group_id = ?"
            " QUALIFY ROW_NUMBER() OVER (PARTITION BY name"
            " ORDER BY attempt_number DESC, scheduled_time DESC) = 1"
            " ORDER BY query_start_time NULLS LAST, name",
            (root_id, run_id),
        )
        return {
            str(row["name"]): TaskRun(
                task=str(row["name"]),
                attempt=int(row["attempt_number"]),
                state=str(row["state"]),
                query_id=str(row["query_id"] or ""),
                started=moment(row["query_start_time"]),
                ended=moment(row["completed_time"]),
                error=str(row["error_message"] or ""),
                return_value=str(row["return_value"] or ""),
            )
            for row in rows
        }

    def find(self, root_id: str, marker: str) -> str:
        """Return the run whose configuration holds *marker*; empty when there is none yet."""
        rows = self._account.rows(
            f"SELECT graph_run_group_id AS run_id FROM TABLE({self._task_history(recent=True)})"
            " WHERE graph_run_group_id IS NOT NULL AND CONTAINS(config, ?) LIMIT 1",
            (root_id, marker),
        )
        return str(rows[0]["run_id"]) if rows else ""

    def _task_history(self, *, recent: bool = False) -> str:
        since = f"DATEADD('minute', -{_RECENT_MINUTES}, CURRENT_TIMESTAMP())"
        begin = f", SCHEDULED_TIME_RANGE_START => {since}" if recent else ""
        return (
            f"{self._function('TASK_HISTORY')}(ROOT_TASK_ID => ?{begin}, RESULT_LIMIT => {_ROWS})"
        )

    def _function(self, name: str) -> str:
        return f"{quoted(self._database)}.INFORMATION_SCHEMA.{name}"


def moment(value: Any) -> str:
    """Return a time of the account in UTC, ISO 8601; empty where there is none."""
    if not isinstance(value, datetime):
        return str(value or "")
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds")


def _graph_run(row: Mapping[str, Any]) -> GraphRun:
    began, ended = moment(row["began"]), moment(row["ended"])
    status = _status(row)
    whole = began and ended and status != "running"
    return GraphRun(
        run_id=str(row["run_id"]),
        attempt=int(row["last_attempt"]),
        status=status,
        came_from=str(row["came_from"] or ""),
        started=began,
        ended=ended if status != "running" else "",
        seconds=(row["ended"] - row["began"]).total_seconds() if whole else 0.0,
        config=str(row["config"] or ""),
    )


def _status(row: Mapping[str, Any]) -> Status:
    if row["going"]:
        return "running"
    if row["failed"]:
        return "failed"
    if row["cancelled"]:
        return "cancelled"
    return "succeeded" if row["succeeded"] else "skipped"


def was_cancelled(state: str) -> bool:
    """Return whether a state of TASK_HISTORY says that somebody cancelled it."""
    return state in CANCELLED
