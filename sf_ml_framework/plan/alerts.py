"""Alerts on a graph of tasks: a failure that nobody told of, a run that is late, a cost.

Each looks for occasions that are not in MLOPS_ALERTS, tells of all it finds in one message, and
records them there, in this order: a message that could not be sent is sent the next time. So each
occasion is told once, however late Snowflake tells of it.

Source: Snowflake, "CREATE ALERT", "Setting up alerts based on data in Snowflake", "TASK_HISTORY".
"""

from __future__ import annotations

from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.plan import names, sending, views
from sf_ml_framework.plan.objects import Alert
from sf_ml_framework.plan.quoting import dollar, literal, name
from sf_ml_framework.targets import Target

GRACE_MINUTES = 5
"""How long the finalizer of a failed run has to tell of it itself."""

WHAT = {
    "failure": "a run failed, and could not tell of it",
    "late": "no run has succeeded for too long",
    "cost": "the compute pools took more credits than they may in a day",
}
"""What each alert looks for."""


def alerts(manifest: Manifest, target: Target) -> tuple[Alert, ...]:
    """Return the alerts that *target* wants for the graph of *manifest*."""
    return tuple(_alert(manifest.project, target, kind) for kind in target.alerts.wanted)


def _alert(project: str, target: Target, kind: str) -> Alert:
    called = names.alert(project, kind)
    told = name(names.within(target, names.ALERTS))
    condition = (
        f"SELECT occasion, message FROM (\n{_occasions(project, target, kind)}\n)\n"
        f"WHERE occasion NOT IN (SELECT occasion FROM {told} WHERE alert = {literal(called)})"
    )
    minutes = target.alerts.every_minutes
    return Alert(
        name=names.within(target, called),
        schedule=f"{minutes} MINUTE",
        condition=condition,
        action=_action(project, target, called, condition),
        warehouse=target.alerts.warehouse,
        comment=f"{names.mark(project)}{WHAT[kind]}",
    )


def _action(project: str, target: Target, called: str, condition: str) -> str:
    block = _ACTION.format(
        found=name(names.within(target, f"{called}_FOUND")),
        told=name(names.within(target, names.ALERTS)),
        alert=literal(called),
        condition=condition,
        send=sending.statements(
            target.notifications, literal(f"{project} on {target.name}"), ":told"
        ),
    )
    # Quoted as a whole: clients that run a file cut it at each semicolon that is not in quotes.
    return f"EXECUTE IMMEDIATE {dollar(block, f'the alert {called}')}"


_ACTION = """
BEGIN
  CREATE OR REPLACE TEMPORARY TABLE {found} AS
{condition};
  LET told VARCHAR := (SELECT COALESCE(LISTAGG(message, '\\n') WITHIN GROUP (ORDER BY occasion), '')
    FROM {found});
{send}  INSERT INTO {told} (alert, occasion, message, told_at)
    SELECT {alert}, occasion, message, TO_VARCHAR(SYSDATE(), 'YYYY-MM-DD"T"HH24:MI:SS') || 'Z'
    FROM {found};
END;
"""


def _occasions(project: str, target: Target, kind: str) -> str:
    runs = name(names.within(target, names.RUNS))
    fields = {"project": literal(project), "runs": runs, "database": name(target.database)}
    match kind:
        case "failure":
            return _FAILURE.format(
                **fields,
                of_graph=names.of_graph("r.run_id"),
                node_runs=name(names.within(target, names.NODE_RUNS)),
                finalizer=literal(names.finalizer_task(project)),
                in_database=literal(target.database),
                in_schema=literal(target.schema),
                grace=GRACE_MINUTES,
            )
        case "late":
            return _LATE.format(
                **fields,
                of_graph=names.of_graph("run_id"),
                in_schema=literal(target.schema),
                table=literal(names.RUNS),
                minutes=target.alerts.late_after_minutes,
            )
        case _:
            return _COST.format(
                pools=name(names.within(target, views.POOL_HOURS)),
                most=f"{target.alerts.credits_per_day:g}",
            )


_FAILURE = """\
  SELECT occasion, MAX(message) AS message FROM (
    SELECT r.run_id AS occasion,
      'run ' || r.run_id || ' failed' || COALESCE(': ' || n.failed, '') AS message
    FROM {runs} AS r
    LEFT JOIN (SELECT run_id, LISTAGG(node, ', ') WITHIN GROUP (ORDER BY node) AS failed
      FROM {node_runs} WHERE status = 'failed' GROUP BY run_id) AS n ON n.run_id = r.run_id
    WHERE r.project = {project} AND r.status = 'failed' AND {of_graph}
      AND r.started::TIMESTAMP_TZ > DATEADD('day', -7, CURRENT_TIMESTAMP())
      AND DATEADD('second', r.seconds, r.started::TIMESTAMP_TZ)
        < DATEADD('minute', -{grace}, CURRENT_TIMESTAMP())
    UNION ALL
    SELECT graph_run_group_id,
      'the end of run ' || graph_run_group_id || ' failed: ' || COALESCE(error_message, '')
    FROM TABLE({database}.INFORMATION_SCHEMA.TASK_HISTORY(
      SCHEDULED_TIME_RANGE_START => DATEADD('day', -6, CURRENT_TIMESTAMP()),
      RESULT_LIMIT => 1000, TASK_NAME => {finalizer}, ERROR_ONLY => TRUE))
    WHERE database_name = {in_database} AND schema_name = {in_schema} AND state LIKE 'FAILED%'
  ) GROUP BY occasion"""

# Where no run has ever succeeded, the time counts from when the framework's tables were made.
_LATE = """\
  SELECT COALESCE(run_id, 'never') AS occasion,
    IFF(run_id IS NULL, 'no run has ever succeeded',
      'no run has succeeded since ' || TO_VARCHAR(CONVERT_TIMEZONE('UTC', since),
        'YYYY-MM-DD HH24:MI') || ' UTC, when run ' || run_id || ' did') AS message
  FROM (
    SELECT MAX_BY(run_id, ended) AS run_id, COALESCE(MAX(ended), MAX(made)) AS since
    FROM (
      SELECT run_id, DATEADD('second', seconds, started::TIMESTAMP_TZ) AS ended,
        NULL::TIMESTAMP_TZ AS made
      FROM {runs}
      WHERE project = {project} AND status = 'succeeded' AND {of_graph}
      UNION ALL
      SELECT NULL, NULL, created::TIMESTAMP_TZ FROM {database}.INFORMATION_SCHEMA.TABLES
      WHERE table_schema = {in_schema} AND table_name = {table}
    )
  )
  WHERE since < DATEADD('minute', -{minutes}, CURRENT_TIMESTAMP())"""

_COST = """\
  SELECT TO_VARCHAR(day, 'YYYY-MM-DD') AS occasion,
    'the compute pools took ' || ROUND(credits, 2) || ' credits on '
      || TO_VARCHAR(day, 'YYYY-MM-DD') || ' UTC, more than {most}' AS message
  FROM (
    SELECT DATE_TRUNC('day', CONVERT_TIMEZONE('UTC', hour))::DATE AS day, SUM(credits) AS credits
    FROM {pools} WHERE hour > DATEADD('day', -2, CURRENT_TIMESTAMP())
    GROUP BY 1
  )
  WHERE credits > {most}"""
