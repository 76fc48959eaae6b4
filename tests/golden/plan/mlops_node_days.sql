-- Compiled by `mlops compile` from src/p.py
-- and target dev of mlops.yml. Change those, not this file.
-- One row for each node and day: runs, failures, durations
CREATE OR REPLACE VIEW ML_DEV.ML.MLOPS_NODE_DAYS COPY GRANTS COMMENT = 'One row for each node and day: runs, failures, durations' AS
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
FROM ML_DEV.ML.MLOPS_NODE_RUNS AS n
JOIN ML_DEV.ML.MLOPS_RUNS AS r ON r.run_id = n.run_id
GROUP BY 1, 2, 3;
