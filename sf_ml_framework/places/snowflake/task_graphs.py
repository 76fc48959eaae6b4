"""What runs of a graph go on, and how the last one ended.

Source: Snowflake, "TASK_HISTORY" (table function; seven days), "CURRENT_TASK_GRAPHS", "EXECUTE
TASK" (RETRY LAST: the last run failed or was cancelled, the graph was not modified since, its first
attempt is at most 14 days old).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.plan.objects import LastRun, RunInFlight

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

FAILED = ("FAILED", "FAILED_AND_AUTO_SUSPENDED")
AUTO_SUSPENDED = "FAILED_AND_AUTO_SUSPENDED"
_CANCELLED = ("CANCELLED", "CANCELED")
"""The documentation spells it both ways."""

_RUNS = 1000
"""Rows of the history that are read: a run has one for each task, and the newest come first."""


def in_flight(account: Account, database: str, schema: str, root: str) -> tuple[RunInFlight, ...]:
    """Return the runs of the graph of *root* that go on; those only planned are none."""
    rows = account.rows(
        "SELECT graph_run_group_id, root_task_id, TO_VARCHAR(query_start_time) AS started "
        f"FROM TABLE({quoted(database)}.INFORMATION_SCHEMA.CURRENT_TASK_GRAPHS("
        "ROOT_TASK_NAME => ?)) WHERE database_name = ? AND schema_name = ? AND state = 'EXECUTING'",
        (root, database, schema),
    )
    running: dict[str, list[str]] = {}
    if rows:
        for row in account.rows(
            "SELECT graph_run_group_id, name "
            f"FROM TABLE({quoted(database)}.INFORMATION_SCHEMA.TASK_HISTORY("
            f"ROOT_TASK_ID => ?, RESULT_LIMIT => {_RUNS})) WHERE state = 'EXECUTING' ORDER BY name",
            (str(rows[0]["root_task_id"]),),
        ):
            running.setdefault(str(row["graph_run_group_id"]), []).append(str(row["name"]))
    return tuple(
        RunInFlight(
            run_id=str(row["graph_run_group_id"]),
            root=f"{database}.{schema}.{root}",
            started=str(row["started"] or ""),
            nodes=tuple(running.get(str(row["graph_run_group_id"]), ())),
        )
        for row in rows
    )


def last_run(
    account: Account, database: str, schema: str, root: Mapping[str, Any]
) -> LastRun | None:
    """Return how the newest run that ended did; none where none did in seven days.

    Args:
        account: whose role looks.
        database: of the graph.
        schema: of the graph.
        root: the root's row of SHOW TASKS.
    """
    rows = account.rows(
        "SELECT graph_run_group_id, attempt_number, TO_VARCHAR(MAX(completed_time)) AS ended, "
        "MAX(completed_time) AS finished, COUNT_IF(state = 'EXECUTING') AS running, "
        "COUNT_IF(state LIKE 'FAILED%') AS failed, "
        f"COUNT_IF(state = '{AUTO_SUSPENDED}') AS suspended, "
        "COUNT_IF(state IN ('CANCELLED', 'CANCELED')) AS cancelled, "
        "MIN(query_start_time) >= ?::TIMESTAMP_LTZ AS same_version "
        f"FROM TABLE({quoted(database)}.INFORMATION_SCHEMA.TASK_HISTORY("
        f"ROOT_TASK_ID => ?, RESULT_LIMIT => {_RUNS})) "
        "WHERE graph_run_group_id IS NOT NULL GROUP BY 1, 2 ORDER BY finished DESC NULLS LAST",
        (str(root["last_committed_on"] or "1970-01-01"), str(root["id"])),
    )
    ended = [row for row in rows if not row["running"] and row["finished"] is not None]
    if not ended:
        return None
    row = ended[0]
    status = "SUCCEEDED"
    if row["failed"]:
        status = AUTO_SUSPENDED if row["suspended"] else "FAILED"
    elif row["cancelled"]:
        status = "CANCELLED"
    return LastRun(
        run_id=str(row["graph_run_group_id"]),
        root=f"{database}.{schema}.{root['name']}",
        status=status,
        ended=str(row["ended"]),
        # A graph gets a new version each time that it is resumed or started by hand.
        retryable=status != "SUCCEEDED" and bool(row["same_version"]),
    )
