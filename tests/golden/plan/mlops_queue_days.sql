-- Compiled by `mlops compile` from src/p.py
-- and target dev of mlops.yml. Change those, not this file.
-- One row for each task and day: how long attempts waited to begin
CREATE OR REPLACE VIEW ML_DEV.ML.MLOPS_QUEUE_DAYS COPY GRANTS COMMENT = 'One row for each task and day: how long attempts waited to begin' AS
SELECT task, DATE_TRUNC('day', CONVERT_TIMEZONE('UTC', scheduled_time))::DATE AS day,
  COUNT(*) AS attempts,
  AVG(queued_seconds) AS mean_seconds,
  MEDIAN(queued_seconds) AS median_seconds,
  MAX(queued_seconds) AS max_seconds
FROM ML_DEV.ML.MLOPS_TASK_HISTORY
WHERE started IS NOT NULL
GROUP BY 1, 2;
