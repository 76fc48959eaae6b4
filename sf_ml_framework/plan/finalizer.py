"""The finalizer's body: SQL alone, so that a run is closed even when no container ever started.

It runs when nothing of the run is running or queued, whether the run succeeded or not. It sets the
run's status from TASK_HISTORY, records the nodes that ended without a word (no image, no room,
killed), and tells whoever is to be told. It sets columns alone; they win over the records.

Source: Snowflake, "Create a sequence of tasks with a task graph" (finalizer task), "TASK_HISTORY",
"SYSTEM$TASK_RUNTIME_INFO", "SYSTEM$SEND_EMAIL".
"""

from __future__ import annotations

from sf_ml_framework.plan import names, sending
from sf_ml_framework.plan.quoting import dollar, literal, name
from sf_ml_framework.targets import Target

DAYS = 7
"""How far back TASK_HISTORY goes. Source: Snowflake, "TASK_HISTORY"."""

_FORMAT = "'YYYY-MM-DD\"T\"HH24:MI:SS.FF6'"
"""As records hold a time, without the zone."""


def statement(project: str, target: Target) -> str:
    """Return the block that ends a run of *project* in *target*."""
    block = _BLOCK.format(
        runs=name(names.within(target, names.RUNS)),
        node_runs=name(names.within(target, names.NODE_RUNS)),
        ended=name(names.within(target, "MLOPS_ENDED")),
        database=name(target.database),
        project=literal(project),
        root=literal(names.root_task(project)),
        finalizer=literal(names.finalizer_task(project)),
        days=DAYS,
        format=_FORMAT,
    )
    text = f"\n{block}{_notice(project, target)}  RETURN status;\nEND;\n"
    # Quoted as a whole: clients that run a file cut it at each semicolon that is not in quotes.
    return f"EXECUTE IMMEDIATE {dollar(text, f'the end of a run of {project!r}')}"


def _notice(project: str, target: Target) -> str:
    """Return the statements that tell of the end; nothing where nobody is to be told."""
    told = target.notifications
    if not told.tells:
        return ""
    call = sending.statements(
        told,
        f"{literal(f'{project} on {target.name}: ')} || :status",
        "'Run ' || :run || ' ended: ' || :status || '\\n' || :failures",
    ) + _TOLD.format(
        alerts=name(names.within(target, names.ALERTS)),
        alert=literal(names.alert(project, "failure")),
        project=literal(project),
        format=_FORMAT,
    )
    if told.when == "always":
        return call
    return f"  IF (status <> 'succeeded') THEN\n{call}  END IF;\n"


# So that the alert on failures does not tell of it again.
_TOLD = """\
  INSERT INTO {alerts} (alert, occasion, message, told_at)
    SELECT {alert}, :run, {project} || ': ' || :status, TO_VARCHAR(SYSDATE(), {format}) || '+00:00';
"""


# A container that is stopped because its time is over knows of the stop alone, and the task why.
# A task that was retried counts as it ended last; root and finalizer are no nodes.
_BLOCK = """\
BEGIN
  LET run VARCHAR := (SELECT SYSTEM$TASK_RUNTIME_INFO('CURRENT_TASK_GRAPH_RUN_GROUP_ID'));
  LET root VARCHAR := (SELECT SYSTEM$TASK_RUNTIME_INFO('CURRENT_ROOT_TASK_UUID'));
  LET now VARCHAR := (SELECT TO_VARCHAR(SYSDATE(), {format}) || '+00:00');
  CREATE OR REPLACE TEMPORARY TABLE {ended} AS
    SELECT LOWER(SUBSTR(name, 6)) AS node, state, COALESCE(error_message, '') AS error,
      TO_VARCHAR(CONVERT_TIMEZONE('UTC', query_start_time), {format}) || '+00:00' AS began
    FROM TABLE({database}.INFORMATION_SCHEMA.TASK_HISTORY(
      ROOT_TASK_ID => :root,
      SCHEDULED_TIME_RANGE_START => DATEADD('day', -{days}, CURRENT_TIMESTAMP()),
      RESULT_LIMIT => 10000))
    WHERE graph_run_group_id = :run AND name NOT IN ({root}, {finalizer})
    QUALIFY ROW_NUMBER() OVER (PARTITION BY name ORDER BY attempt_number DESC) = 1;
  LET status VARCHAR := (
    SELECT CASE WHEN COUNT_IF(state LIKE 'FAILED%') > 0 THEN 'failed'
      WHEN COUNT_IF(state LIKE 'CANCEL%') > 0 THEN 'cancelled' ELSE 'succeeded' END
    FROM {ended});
  LET failures VARCHAR := (
    SELECT COALESCE(LISTAGG(node || ': ' || error, '\\n') WITHIN GROUP (ORDER BY node), '')
    FROM {ended} WHERE state LIKE 'FAILED%');
  INSERT INTO {runs} (run_id, project, status, started, seconds, git_dirty, record)
    SELECT :run, {project}, :status, began, 0, FALSE, TO_JSON(OBJECT_CONSTRUCT(
      'run_id', :run, 'project', {project}, 'status', :status, 'started', began))
    FROM (SELECT COALESCE(MIN(began), :now) AS began FROM {ended})
    WHERE NOT EXISTS (SELECT 1 FROM {runs} WHERE run_id = :run);
  INSERT INTO {node_runs}
      (run_id, node, status, reason, detail, attempt, started, seconds, error, record)
    SELECT :run, node, 'failed', 'not_started', '', 1, COALESCE(began, :now), 0, error,
      TO_JSON(OBJECT_CONSTRUCT('run_id', :run, 'node', node, 'status', 'failed', 'reason',
        OBJECT_CONSTRUCT('kind', 'not_started'), 'started', COALESCE(began, :now),
        'error', error, 'exit_code', 4))
    FROM {ended} WHERE state LIKE 'FAILED%'
      AND node NOT IN (SELECT node FROM {node_runs} WHERE run_id = :run);
  MERGE INTO {node_runs} AS recorded USING {ended} AS ended
    ON recorded.run_id = :run AND recorded.node = ended.node
    WHEN MATCHED AND ended.state NOT IN ('SCHEDULED', 'EXECUTING') AND (recorded.status = 'running'
      OR (recorded.status = 'cancelled' AND ended.state LIKE 'FAILED%'
        AND ended.error ILIKE '%time%out%'))
    THEN UPDATE SET status = IFF(ended.state LIKE 'CANCEL%', 'cancelled', 'failed'),
      error = IFF(ended.error = '', 'the container ended without a word', ended.error);
  UPDATE {runs} SET status = :status,
      seconds = DATEDIFF('millisecond', started::TIMESTAMP_TZ, :now::TIMESTAMP_TZ) / 1000
    WHERE run_id = :run;
  CALL SYSTEM$SET_RETURN_VALUE(:status);
"""
