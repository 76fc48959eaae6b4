-- Compiled by `mlops compile` from src/utils/pipeline.py
-- and target dev of mlops.yml. Change those, not this file.
-- One row for each node, slowest first: the last 30 days
CREATE OR REPLACE VIEW ML_DEV.ML.MLOPS_SLOWEST_NODES COPY GRANTS COMMENT = 'One row for each node, slowest first: the last 30 days' AS
SELECT r.project, n.node,
  RANK() OVER (PARTITION BY r.project ORDER BY SUM(n.seconds) DESC) AS place,
  COUNT(*) AS runs,
  SUM(n.seconds) AS total_seconds,
  SUM(n.seconds) / NULLIF(SUM(SUM(n.seconds)) OVER (PARTITION BY r.project), 0) AS share,
  AVG(n.seconds) AS mean_seconds,
  MAX(n.seconds) AS max_seconds,
  MAX_BY(n.run_id, n.seconds) AS slowest_run
FROM ML_DEV.ML.MLOPS_NODE_RUNS AS n
JOIN ML_DEV.ML.MLOPS_RUNS AS r ON r.run_id = n.run_id
WHERE n.status IN ('succeeded', 'failed')
  AND n.started::TIMESTAMP_TZ >= DATEADD('day', -30, CURRENT_TIMESTAMP())
GROUP BY 1, 2;
