"""Ready views of what ran and what it took, compiled for a target like its tasks.

They stand in the target's schema, belong to the deploy role and read with its rights, so that who
may only look needs nothing of the database SNOWFLAKE. What they tell of nodes and runs is from the
framework's own tables, at once and for as long as these are kept; what they tell of tasks and pools
is from ACCOUNT_USAGE, which keeps a year and is late: 45 minutes for tasks, three hours for pools.
Days and hours are UTC; columns are described in docs/reference/monitoring.md.

Source: Snowflake, "CREATE VIEW" (COPY GRANTS), "TASK_HISTORY view", "SNOWPARK_CONTAINER_SERVICES_
HISTORY view", "SNOWFLAKE database roles" (both are USAGE_VIEWER's).
"""

from __future__ import annotations

from collections.abc import Iterator

from sf_ml_framework.plan import names, rates
from sf_ml_framework.plan.objects import View
from sf_ml_framework.plan.quoting import literal, name
from sf_ml_framework.targets import Target

FOLDER = "ops"
"""Where the files stand in a project."""

RUN_DAYS = "MLOPS_RUN_DAYS"
NODE_DAYS = "MLOPS_NODE_DAYS"
SLOWEST_NODES = "MLOPS_SLOWEST_NODES"
TASK_HISTORY = "MLOPS_TASK_HISTORY"
QUEUE_DAYS = "MLOPS_QUEUE_DAYS"
POOL_HOURS = "MLOPS_POOL_HOURS"

OF_THE_ACCOUNT = (TASK_HISTORY, QUEUE_DAYS, POOL_HOURS)
"""Views that read ACCOUNT_USAGE, and so need its database role."""

VIEWER = "SNOWFLAKE.USAGE_VIEWER"
"""Database role of Snowflake's that shows what these views read of ACCOUNT_USAGE."""


def monitoring_views(target: Target) -> tuple[View, ...]:
    """Return the views of *target*, each after those that it reads; none where it wants none."""
    wanted = target.monitoring.views
    if wanted == "none":
        return ()
    return tuple(
        View(name=names.within(target, short), body=body, comment=comment)
        for short, comment, body in _all(target)
        if wanted == "all" or short not in OF_THE_ACCOUNT
    )


def _all(target: Target) -> Iterator[tuple[str, str, str]]:
    """Yield name, comment and query of each view."""
    runs = name(names.within(target, names.RUNS))
    node_runs = name(names.within(target, names.NODE_RUNS))
    yield (
        RUN_DAYS,
        "One row for each project and day: runs, failures, durations",
        _RUN_DAYS.format(runs=runs),
    )
    yield (
        NODE_DAYS,
        "One row for each node and day: runs, failures, durations",
        _NODE_DAYS.format(runs=runs, node_runs=node_runs),
    )
    yield (
        SLOWEST_NODES,
        "One row for each node, slowest first: the last 30 days",
        _SLOWEST.format(runs=runs, node_runs=node_runs),
    )
    yield (
        TASK_HISTORY,
        "One row for each attempt of a task; up to 45 minutes late",
        _TASKS.format(database=literal(target.database), schema=literal(target.schema)),
    )
    yield (
        QUEUE_DAYS,
        "One row for each task and day: how long attempts waited to begin",
        _QUEUE.format(tasks=name(names.within(target, TASK_HISTORY))),
    )
    yield (
        POOL_HOURS,
        "One row for each compute pool and hour: credits, nodes; up to 3 hours late",
        _POOLS.format(pools=_pools(target)),
    )


def _pools(target: Target) -> str:
    """Return what is known of the target's pools as rows of SQL, each pool once.

    Of all sizes, not only those that nodes ask for now, so that what a pool cost before it left the
    code is still told.
    """
    rows = {}
    for pool in target.pools.values():
        rate = rates.credits_per_hour(pool.family, 1)
        known = "NULL" if rate is None else f"{rate:g}"
        rows[pool.name] = (
            f"    ({literal(pool.name)}, {literal(pool.family)}, {pool.max_nodes:d}, {known})"
        )
    return ",\n".join(rows.values())


_RUN_DAYS = """\
SELECT project, DATE_TRUNC('day', CONVERT_TIMEZONE('UTC', started::TIMESTAMP_TZ))::DATE AS day,
  COUNT(*) AS runs,
  COUNT_IF(status = 'succeeded') AS succeeded,
  COUNT_IF(status = 'failed') AS failed,
  COUNT_IF(status = 'cancelled') AS cancelled,
  COUNT_IF(status = 'running') AS running,
  COUNT_IF(status = 'failed') / NULLIF(COUNT_IF(status IN ('succeeded', 'failed')), 0)
    AS failure_rate,
  AVG(IFF(status = 'succeeded', seconds, NULL)) AS mean_seconds,
  MAX(IFF(status = 'succeeded', seconds, NULL)) AS max_seconds
FROM {runs}
GROUP BY 1, 2"""

_NODE_DAYS = """\
SELECT r.project, n.node,
  DATE_TRUNC('day', CONVERT_TIMEZONE('UTC', n.started::TIMESTAMP_TZ))::DATE AS day,
  COUNT(*) AS runs,
  COUNT_IF(n.status = 'succeeded') AS succeeded,
  COUNT_IF(n.status = 'failed') AS failed,
  COUNT_IF(n.status = 'skipped') AS skipped,
  COUNT_IF(n.status = 'failed') / NULLIF(COUNT_IF(n.status IN ('succeeded', 'failed')), 0)
    AS failure_rate,
  AVG(IFF(n.status = 'succeeded', n.seconds, NULL)) AS mean_seconds,
  MEDIAN(IFF(n.status = 'succeeded', n.seconds, NULL)) AS median_seconds,
  MAX(IFF(n.status = 'succeeded', n.seconds, NULL)) AS max_seconds,
  MAX(n.attempt) AS max_attempts,
  MAX(n.peak_memory_bytes) AS max_memory_bytes
FROM {node_runs} AS n
JOIN {runs} AS r ON r.run_id = n.run_id
GROUP BY 1, 2, 3"""

_SLOWEST = """\
SELECT r.project, n.node,
  RANK() OVER (PARTITION BY r.project ORDER BY SUM(n.seconds) DESC) AS place,
  COUNT(*) AS runs,
  SUM(n.seconds) AS total_seconds,
  SUM(n.seconds) / NULLIF(SUM(SUM(n.seconds)) OVER (PARTITION BY r.project), 0) AS share,
  AVG(n.seconds) AS mean_seconds,
  MAX(n.seconds) AS max_seconds,
  MAX_BY(n.run_id, n.seconds) AS slowest_run
FROM {node_runs} AS n
JOIN {runs} AS r ON r.run_id = n.run_id
WHERE n.status IN ('succeeded', 'failed')
  AND n.started::TIMESTAMP_TZ >= DATEADD('day', -30, CURRENT_TIMESTAMP())
GROUP BY 1, 2"""

_TASKS = """\
SELECT graph_run_group_id AS run_id, name AS task, attempt_number AS attempt, state,
  scheduled_from, scheduled_time, query_start_time AS started, completed_time AS ended,
  DATEDIFF('millisecond', scheduled_time, query_start_time) / 1000 AS queued_seconds,
  DATEDIFF('millisecond', query_start_time, completed_time) / 1000 AS seconds,
  error_code, error_message, return_value, query_id
FROM SNOWFLAKE.ACCOUNT_USAGE.TASK_HISTORY
WHERE database_name = {database} AND schema_name = {schema}"""

_QUEUE = """\
SELECT task, DATE_TRUNC('day', CONVERT_TIMEZONE('UTC', scheduled_time))::DATE AS day,
  COUNT(*) AS attempts,
  AVG(queued_seconds) AS mean_seconds,
  MEDIAN(queued_seconds) AS median_seconds,
  MAX(queued_seconds) AS max_seconds
FROM {tasks}
WHERE started IS NOT NULL
GROUP BY 1, 2"""

_POOLS = """\
SELECT p.pool, p.family, h.start_time AS hour, h.credits_used AS credits,
  h.credits_used / p.rate AS node_hours,
  h.credits_used / p.rate / p.max_nodes AS use_of_limit
FROM SNOWFLAKE.ACCOUNT_USAGE.SNOWPARK_CONTAINER_SERVICES_HISTORY AS h
JOIN (
  SELECT column1 AS pool, column2 AS family, column3 AS max_nodes, column4 AS rate FROM VALUES
{pools}
) AS p ON p.pool = h.compute_pool_name"""
