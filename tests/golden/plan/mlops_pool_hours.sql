-- Compiled by `mlops compile` from src/p.py
-- and target dev of mlops.yml. Change those, not this file.
-- One row for each compute pool and hour: credits, nodes; up to 3 hours late
CREATE OR REPLACE VIEW ML_DEV.ML.MLOPS_POOL_HOURS COPY GRANTS COMMENT = 'One row for each compute pool and hour: credits, nodes; up to 3 hours late' AS
SELECT p.pool, p.family, h.start_time AS hour, h.credits_used AS credits,
  h.credits_used / p.rate AS node_hours,
  h.credits_used / p.rate / p.max_nodes AS use_of_limit
FROM SNOWFLAKE.ACCOUNT_USAGE.SNOWPARK_CONTAINER_SERVICES_HISTORY AS h
JOIN (
  SELECT column1 AS pool, column2 AS family, column3 AS max_nodes, column4 AS rate FROM VALUES
    ('MLOPS_COMPUTE_POOL_XSMALL', 'CPU_X64_XS', 1, 0.06),
    ('MLOPS_COMPUTE_POOL', 'CPU_X64_S', 1, 0.11),
    ('MLOPS_COMPUTE_POOL_MEDIUM', 'CPU_X64_M', 1, 0.22),
    ('BIG', 'HIGHMEM_X64_M', 4, 1.11),
    ('MLOPS_COMPUTE_POOL_XLARGE', 'CPU_X64_L', 1, 0.83)
) AS p ON p.pool = h.compute_pool_name;
