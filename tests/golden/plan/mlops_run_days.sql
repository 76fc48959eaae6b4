-- Compiled by `mlops compile` from src/p.py
-- and target dev of mlops.yml. Change those, not this file.
-- One row for each project and day: runs, failures, durations
CREATE OR REPLACE VIEW ML_DEV.ML.MLOPS_RUN_DAYS COPY GRANTS COMMENT = 'One row for each project and day: runs, failures, durations' AS
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
FROM ML_DEV.ML.MLOPS_RUNS
GROUP BY 1, 2;
