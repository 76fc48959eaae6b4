"""What a person who watches a target asks of its account: one statement for each question.

Of tasks Snowflake remembers seven days; runs and nodes are told from the framework's own tables,
and so for as long as these are kept; credits are up to three hours late.

Source: Snowflake, "TASK_HISTORY", "SNOWPARK_CONTAINER_SERVICES_HISTORY view".
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.errors import RefusedError
from sf_ml_framework.places.snowflake.graph_history import moment
from sf_ml_framework.plan import names, views

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.targets import Target

LONGEST = timedelta(days=7)
"""How far back TASK_HISTORY goes. Source: Snowflake, "TASK_HISTORY"."""

_ROWS = 10_000


class Watch:
    """Questions of one target; lives as long as its account.

    Args:
        account: whose role looks.
        target: where the graph stands.
        project: whose runs are meant.
    """

    def __init__(self, account: Account, target: Target, project: str) -> None:
        self._account, self._project = account, project
        self._place = f"{quoted(target.database)}.{quoted(target.schema)}"
        self._database = quoted(target.database)

    def tasks(self, root_id: str, since: timedelta) -> dict[str, dict[str, Any]]:
        """Return for each task that ran how often, how it ended last, how long it waited.

        At most seven days back; seconds are means over attempts.
        """
        minutes = int(min(since, LONGEST).total_seconds() // 60)
        rows = self._account.rows(
            "SELECT name, COUNT(*) AS attempts, COUNT_IF(state LIKE 'FAILED%') AS failed,"
            " MAX_BY(state, scheduled_time) AS last_state,"
            " MAX(query_start_time) AS last_started,"
            " AVG(DATEDIFF('millisecond', query_start_time, completed_time)) / 1000 AS seconds,"
            " AVG(DATEDIFF('millisecond', scheduled_time, query_start_time)) / 1000 AS queued,"
            " MAX(DATEDIFF('millisecond', scheduled_time, query_start_time)) / 1000 AS longest"
            f" FROM TABLE({self._database}.INFORMATION_SCHEMA.TASK_HISTORY(ROOT_TASK_ID => ?,"
            f" SCHEDULED_TIME_RANGE_START => DATEADD('minute', -{minutes}, CURRENT_TIMESTAMP()),"
            f" RESULT_LIMIT => {_ROWS})) WHERE state <> 'SCHEDULED' GROUP BY name",
            (root_id,),
        )
        return {
            str(row["name"]): {
                "attempts": int(row["attempts"]),
                "failed": int(row["failed"]),
                "last_state": str(row["last_state"]).lower(),
                "last_started": moment(row["last_started"]),
                "mean_seconds": _real(row["seconds"]),
                "mean_queued_seconds": _real(row["queued"]),
                "max_queued_seconds": _real(row["longest"]),
            }
            for row in rows
        }

    def runs(self, since: datetime) -> dict[str, Any]:
        """Return how many runs of the graph there were, and the last that succeeded."""
        (row,) = self._account.rows(
            "SELECT COUNT_IF(started >= ?) AS runs,"
            " COUNT_IF(started >= ? AND status = 'failed') AS failed,"
            " COUNT_IF(started >= ? AND status = 'succeeded') AS succeeded,"
            " AVG(IFF(started >= ? AND status = 'succeeded', seconds, NULL)) AS seconds,"
            " MAX(IFF(status = 'succeeded',"
            " DATEADD('second', seconds, started::TIMESTAMP_TZ), NULL)) AS last"
            f" FROM {self._place}.{names.RUNS} WHERE project = ? AND {names.of_graph('run_id')}",
            (*[since.isoformat()] * 4, self._project),
        )
        return {
            "runs": int(row["runs"]),
            "succeeded": int(row["succeeded"]),
            "failed": int(row["failed"]),
            "mean_seconds": _real(row["seconds"]),
            "last_success": moment(row["last"]),
        }

    def nodes(self, since: datetime) -> list[dict[str, Any]]:
        """Return one row for each node, slowest first: durations, failures, memory, by the day.

        ``days`` has the mean seconds of each day (UTC) on which the node succeeded.
        """
        days = self._account.rows(
            "SELECT n.node, LEFT(n.started, 10) AS day, COUNT(*) AS runs,"
            " COUNT_IF(n.status = 'succeeded') AS succeeded,"
            " COUNT_IF(n.status = 'failed') AS failed,"
            " COUNT_IF(n.status = 'skipped') AS skipped,"
            " SUM(IFF(n.status = 'succeeded', n.seconds, 0)) AS seconds,"
            " MAX(IFF(n.status = 'succeeded', n.seconds, NULL)) AS longest,"
            " MAX(n.peak_memory_bytes) AS memory"
            f" FROM {self._place}.{names.NODE_RUNS} AS n"
            f" JOIN {self._place}.{names.RUNS} AS r ON r.run_id = n.run_id"
            " WHERE r.project = ? AND n.started >= ? GROUP BY 1, 2 ORDER BY 1, 2",
            (self._project, since.isoformat()),
        )
        by_node: dict[str, list[dict[str, Any]]] = {}
        for day in days:
            by_node.setdefault(str(day["node"]), []).append(day)
        found = [_node(node, rows) for node, rows in by_node.items()]
        return sorted(found, key=lambda row: -(row["mean_seconds"] or 0))

    def credits(self, since: timedelta) -> dict[str, float] | None:
        """Return the credits of each pool that was billed; none where nobody may see the bill."""
        hours = int(since.total_seconds() // 3600) or 1
        try:
            rows = self._account.rows(
                f"SELECT pool, SUM(credits) AS credits FROM {self._place}.{views.POOL_HOURS}"
                f" WHERE hour >= DATEADD('hour', -{hours}, CURRENT_TIMESTAMP()) GROUP BY pool"
            )
        except RefusedError:
            return None
        return {str(row["pool"]): float(row["credits"] or 0) for row in rows}


def _node(node: str, days: list[dict[str, Any]]) -> dict[str, Any]:
    count = {
        key: sum(int(day[key]) for day in days)
        for key in ("runs", "succeeded", "failed", "skipped")
    }
    ended = count["succeeded"] + count["failed"]
    total = sum(float(day["seconds"]) for day in days)
    return {
        "node": node,
        **count,
        "failure_rate": count["failed"] / ended if ended else None,
        "mean_seconds": total / count["succeeded"] if count["succeeded"] else None,
        "max_seconds": max((float(d["longest"]) for d in days if d["longest"]), default=None),
        "max_memory_bytes": max((int(d["memory"]) for d in days if d["memory"]), default=None),
        "days": [
            {"day": str(d["day"]), "mean_seconds": float(d["seconds"]) / int(d["succeeded"])}
            for d in days
            if d["succeeded"]
        ],
    }


def _real(value: Any) -> float | None:
    return None if value is None else float(value)
