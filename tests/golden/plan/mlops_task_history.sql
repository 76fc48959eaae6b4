-- Compiled by `mlops compile` from src/p.py
-- and target dev of mlops.yml. Change those, not this file.
-- One row for each attempt of a task; up to 45 minutes late
CREATE OR REPLACE VIEW ML_DEV.ML.MLOPS_TASK_HISTORY COPY GRANTS COMMENT = 'One row for each attempt of a task; up to 45 minutes late' AS
SELECT graph_run_group_id AS run_id, name AS task, attempt_number AS attempt, state,
  scheduled_from, scheduled_time, query_start_time AS started, completed_time AS ended,
  DATEDIFF('millisecond', scheduled_time, query_start_time) / 1000 AS queued_seconds,
  DATEDIFF('millisecond', query_start_time, completed_time) / 1000 AS seconds,
  error_code, error_message, return_value, query_id
FROM SNOWFLAKE.ACCOUNT_USAGE.TASK_HISTORY
WHERE database_name = 'ML_DEV' AND schema_name = 'ML';
