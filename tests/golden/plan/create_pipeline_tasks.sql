-- Compiled by `mlops compile` from src/p.py
-- and target dev of mlops.yml. Change those, not this file.
--
-- Run it whole or part by part, as often as you like:
--   snow sql -f tasks/create_pipeline_tasks.sql
-- The image must be in the repository before the graph runs: mlops image push

-- 1. Once, by the account's administrator: roles, warehouse, database, and who may what
USE ROLE ACCOUNTADMIN;

CREATE ROLE IF NOT EXISTS MLOPS_DEPLOY_ROLE COMMENT = 'deploys pipelines';
CREATE ROLE IF NOT EXISTS MLOPS_ROLE COMMENT = 'owns the tasks of pipelines and runs their containers';
CREATE ROLE IF NOT EXISTS MLOPS_READ_ROLE COMMENT = 'looks at pipelines, their data and their runs';
CREATE WAREHOUSE IF NOT EXISTS MLOPS_WH WAREHOUSE_SIZE = 'XSMALL' AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE;
CREATE DATABASE IF NOT EXISTS ML_DEV;
CREATE SCHEMA IF NOT EXISTS ML_DEV.ML;
-- mlops.yml: targets.dev.deploy_role
GRANT ROLE MLOPS_DEPLOY_ROLE TO ROLE SYSADMIN;
-- mlops.yml: targets.dev.role
GRANT ROLE MLOPS_ROLE TO ROLE MLOPS_DEPLOY_ROLE;
-- mlops.yml: targets.dev.pools
GRANT CREATE COMPUTE POOL ON ACCOUNT TO ROLE MLOPS_DEPLOY_ROLE;
-- mlops.yml: targets.dev.image_repository
GRANT CREATE IMAGE REPOSITORY ON SCHEMA ML_DEV.ML TO ROLE MLOPS_DEPLOY_ROLE;
-- mlops.yml: targets.dev.tasks
GRANT EXECUTE TASK ON ACCOUNT TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.tasks.warehouse
GRANT USAGE ON WAREHOUSE TASK_WH TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.database
GRANT USAGE ON DATABASE ML_DEV TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.warehouse
GRANT USAGE ON WAREHOUSE MLOPS_WH TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.schema
GRANT USAGE ON SCHEMA ML_DEV.ML TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.tasks
GRANT CREATE TASK ON SCHEMA ML_DEV.ML TO ROLE MLOPS_ROLE;
GRANT CREATE SERVICE ON SCHEMA ML_DEV.ML TO ROLE MLOPS_ROLE;
-- src/c.py: table orders
GRANT CREATE TABLE ON SCHEMA ML_DEV.ML TO ROLE MLOPS_ROLE;
GRANT CREATE STAGE ON SCHEMA ML_DEV.ML TO ROLE MLOPS_ROLE;
GRANT CREATE VIEW ON SCHEMA ML_DEV.ML TO ROLE MLOPS_ROLE;
GRANT CREATE TAG ON SCHEMA ML_DEV.ML TO ROLE MLOPS_ROLE;
GRANT CREATE DYNAMIC TABLE ON SCHEMA ML_DEV.ML TO ROLE MLOPS_ROLE;
-- src/c.py: model model
GRANT CREATE MODEL ON SCHEMA ML_DEV.ML TO ROLE MLOPS_ROLE;
-- src/p.py: node load, secrets=api_key
GRANT USAGE ON DATABASE VAULT TO ROLE MLOPS_ROLE;
GRANT USAGE ON SCHEMA VAULT.KEYS TO ROLE MLOPS_ROLE;
GRANT READ ON SECRET VAULT.KEYS.SHOP TO ROLE MLOPS_ROLE;
-- src/p.py: node load, external_access=shop_eai
GRANT USAGE ON INTEGRATION SHOP_EAI TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.notifications.email_integration
GRANT USAGE ON INTEGRATION MAIL TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.notifications.webhook_integration
GRANT USAGE ON INTEGRATION SLACK TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.notifications.error_integration
GRANT USAGE ON INTEGRATION ERRORS_SNS TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.read_role (whatever is there)
GRANT USAGE ON DATABASE ML_DEV TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (whatever it asks)
GRANT USAGE ON WAREHOUSE MLOPS_WH TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (whatever is there)
GRANT USAGE ON SCHEMA ML_DEV.ML TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (data)
GRANT SELECT ON FUTURE TABLES IN SCHEMA ML_DEV.ML TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (features)
GRANT SELECT ON FUTURE VIEWS IN SCHEMA ML_DEV.ML TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (features that refresh)
GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA ML_DEV.ML TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (mlops tasks status)
GRANT MONITOR ON FUTURE TASKS IN SCHEMA ML_DEV.ML TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (mlops tasks logs)
GRANT MONITOR ON FUTURE SERVICES IN SCHEMA ML_DEV.ML TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.monitoring.views
GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE MLOPS_DEPLOY_ROLE;
-- mlops.yml: targets.dev.notifications.webhook_secret
GRANT READ ON SECRET VAULT.KEYS.HOOK TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.alerts
GRANT EXECUTE ALERT ON ACCOUNT TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.alerts.warehouse (none: serverless)
GRANT EXECUTE MANAGED ALERT ON ACCOUNT TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.alerts
GRANT CREATE ALERT ON SCHEMA ML_DEV.ML TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.read_role (mlops plan)
GRANT MONITOR ON FUTURE ALERTS IN SCHEMA ML_DEV.ML TO ROLE MLOPS_READ_ROLE;

-- 2. By the deploy role: compute pools, image repository, stage, tables, views
USE ROLE MLOPS_DEPLOY_ROLE;

CREATE COMPUTE POOL IF NOT EXISTS MLOPS_COMPUTE_POOL MIN_NODES = 1 MAX_NODES = 1 INSTANCE_FAMILY = CPU_X64_S AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE AUTO_SUSPEND_SECS = 300 COMMENT = 'nodes of size SMALL';
ALTER COMPUTE POOL MLOPS_COMPUTE_POOL SET MIN_NODES = 1 MAX_NODES = 1 AUTO_SUSPEND_SECS = 300 AUTO_RESUME = TRUE COMMENT = 'nodes of size SMALL';
CREATE COMPUTE POOL IF NOT EXISTS BIG MIN_NODES = 1 MAX_NODES = 4 INSTANCE_FAMILY = HIGHMEM_X64_M AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE AUTO_SUSPEND_SECS = 300 COMMENT = 'nodes of size LARGE';
ALTER COMPUTE POOL BIG SET MIN_NODES = 1 MAX_NODES = 4 AUTO_SUSPEND_SECS = 300 AUTO_RESUME = TRUE COMMENT = 'nodes of size LARGE';
CREATE IMAGE REPOSITORY IF NOT EXISTS ML_DEV.ML.MLOPS_IMAGES;
CREATE STAGE IF NOT EXISTS ML_DEV.ML.MLOPS_ARTIFACTS DIRECTORY = (ENABLE = TRUE) ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE') COMMENT = 'reports, documents and pictures of runs';
CREATE TABLE IF NOT EXISTS ML_DEV.ML.MLOPS_RUNS (
  "RUN_ID" VARCHAR NOT NULL,
  "PROJECT" VARCHAR NOT NULL,
  "STATUS" VARCHAR NOT NULL,
  "STARTED" VARCHAR NOT NULL,
  "SECONDS" FLOAT,
  "COMMAND" VARCHAR,
  "GIT_COMMIT" VARCHAR,
  "GIT_DIRTY" BOOLEAN,
  "RECORD" VARCHAR,
  PRIMARY KEY ("RUN_ID")
) COMMENT = 'One row for each run of a project';
CREATE TABLE IF NOT EXISTS ML_DEV.ML.MLOPS_NODE_RUNS (
  "RUN_ID" VARCHAR NOT NULL,
  "NODE" VARCHAR NOT NULL,
  "STATUS" VARCHAR NOT NULL,
  "REASON" VARCHAR,
  "DETAIL" VARCHAR,
  "ATTEMPT" NUMBER(38,0),
  "STARTED" VARCHAR NOT NULL,
  "SECONDS" FLOAT,
  "ROWS" NUMBER(38,0),
  "BYTES" NUMBER(38,0),
  "PEAK_MEMORY_BYTES" NUMBER(38,0),
  "KEY" VARCHAR,
  "ERROR" VARCHAR,
  "RECORD" VARCHAR,
  PRIMARY KEY ("RUN_ID", "NODE")
) COMMENT = 'One row for each node of a run, its last attempt';
CREATE TABLE IF NOT EXISTS ML_DEV.ML.MLOPS_DATASETS (
  "DATASET" VARCHAR NOT NULL,
  "VERSION" VARCHAR NOT NULL,
  "KIND" VARCHAR,
  "CONTENT" VARCHAR,
  "ROW_COUNT" NUMBER(38,0),
  "BYTES" NUMBER(38,0),
  "LOCATION" VARCHAR,
  "OBJECT_SIGNATURE" VARCHAR,
  "SAVED_AT" VARCHAR NOT NULL,
  "RUN_ID" VARCHAR,
  "NODE" VARCHAR,
  PRIMARY KEY ("DATASET", "VERSION")
) COMMENT = 'One row for each version of a dataset, as it was saved last';
CREATE TABLE IF NOT EXISTS ML_DEV.ML.MLOPS_METRICS (
  "RUN_ID" VARCHAR NOT NULL,
  "NODE" VARCHAR NOT NULL,
  "METRIC" VARCHAR NOT NULL,
  "VALUE_NUMBER" FLOAT,
  "VALUE_TEXT" VARCHAR,
  "AT" VARCHAR NOT NULL,
  PRIMARY KEY ("RUN_ID", "NODE", "METRIC")
) COMMENT = 'One row for each number or word that a node reported';
CREATE TABLE IF NOT EXISTS ML_DEV.ML.MLOPS_DEPLOYMENTS (
  "DEPLOYMENT" VARCHAR NOT NULL,
  "KIND" VARCHAR NOT NULL,
  "PROJECT" VARCHAR,
  "TARGET" VARCHAR,
  "STATUS" VARCHAR NOT NULL,
  "STARTED" VARCHAR NOT NULL,
  "ENDED" VARCHAR,
  "EXPIRES" VARCHAR,
  "USER_NAME" VARCHAR,
  "ROLE_NAME" VARCHAR,
  "CLIENT" VARCHAR,
  "GIT_COMMIT" VARCHAR,
  "FRAMEWORK" VARCHAR,
  "IMAGE" VARCHAR,
  "NOTE" VARCHAR,
  "SUMMARY" VARCHAR,
  "STATEMENTS" NUMBER(38,0),
  "DONE" NUMBER(38,0),
  "FAILURE" VARCHAR,
  "ROOT_WAS_STARTED" BOOLEAN,
  "OBSERVED_DIGEST" VARCHAR,
  "MANAGED" VARCHAR,
  "DESIRED" VARCHAR,
  PRIMARY KEY ("KIND", "DEPLOYMENT")
) COMMENT = 'One row for each deployment, with the state that it applied; the kind ''lock'' is the lock';
CREATE TABLE IF NOT EXISTS ML_DEV.ML.MLOPS_ALERTS (
  "ALERT" VARCHAR NOT NULL,
  "OCCASION" VARCHAR NOT NULL,
  "MESSAGE" VARCHAR,
  "TOLD_AT" VARCHAR NOT NULL,
  PRIMARY KEY ("ALERT", "OCCASION")
) COMMENT = 'One row for each occasion that somebody was told of, so that it is told once';
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
-- One row for each attempt of a task; up to 45 minutes late
CREATE OR REPLACE VIEW ML_DEV.ML.MLOPS_TASK_HISTORY COPY GRANTS COMMENT = 'One row for each attempt of a task; up to 45 minutes late' AS
SELECT graph_run_group_id AS run_id, name AS task, attempt_number AS attempt, state,
  scheduled_from, scheduled_time, query_start_time AS started, completed_time AS ended,
  DATEDIFF('millisecond', scheduled_time, query_start_time) / 1000 AS queued_seconds,
  DATEDIFF('millisecond', query_start_time, completed_time) / 1000 AS seconds,
  error_code, error_message, return_value, query_id
FROM SNOWFLAKE.ACCOUNT_USAGE.TASK_HISTORY
WHERE database_name = 'ML_DEV' AND schema_name = 'ML';
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
-- src/p.py: node load, compute_pool_size=SMALL
GRANT USAGE ON COMPUTE POOL MLOPS_COMPUTE_POOL TO ROLE MLOPS_ROLE;
-- src/p.py: node train, compute_pool_size=LARGE
GRANT USAGE ON COMPUTE POOL BIG TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.image_repository
GRANT READ ON IMAGE REPOSITORY ML_DEV.ML.MLOPS_IMAGES TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.stage
GRANT READ ON STAGE ML_DEV.ML.MLOPS_ARTIFACTS TO ROLE MLOPS_ROLE;
GRANT WRITE ON STAGE ML_DEV.ML.MLOPS_ARTIFACTS TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.schema (the record of runs)
GRANT SELECT ON TABLE ML_DEV.ML.MLOPS_RUNS TO ROLE MLOPS_ROLE;
GRANT INSERT ON TABLE ML_DEV.ML.MLOPS_RUNS TO ROLE MLOPS_ROLE;
GRANT UPDATE ON TABLE ML_DEV.ML.MLOPS_RUNS TO ROLE MLOPS_ROLE;
GRANT SELECT ON TABLE ML_DEV.ML.MLOPS_NODE_RUNS TO ROLE MLOPS_ROLE;
GRANT INSERT ON TABLE ML_DEV.ML.MLOPS_NODE_RUNS TO ROLE MLOPS_ROLE;
GRANT UPDATE ON TABLE ML_DEV.ML.MLOPS_NODE_RUNS TO ROLE MLOPS_ROLE;
GRANT SELECT ON TABLE ML_DEV.ML.MLOPS_DATASETS TO ROLE MLOPS_ROLE;
GRANT INSERT ON TABLE ML_DEV.ML.MLOPS_DATASETS TO ROLE MLOPS_ROLE;
GRANT UPDATE ON TABLE ML_DEV.ML.MLOPS_DATASETS TO ROLE MLOPS_ROLE;
GRANT SELECT ON TABLE ML_DEV.ML.MLOPS_METRICS TO ROLE MLOPS_ROLE;
GRANT INSERT ON TABLE ML_DEV.ML.MLOPS_METRICS TO ROLE MLOPS_ROLE;
GRANT UPDATE ON TABLE ML_DEV.ML.MLOPS_METRICS TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.read_role (mlops plan)
GRANT MONITOR ON COMPUTE POOL MLOPS_COMPUTE_POOL TO ROLE MLOPS_READ_ROLE;
GRANT MONITOR ON COMPUTE POOL BIG TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (mlops image ls)
GRANT READ ON IMAGE REPOSITORY ML_DEV.ML.MLOPS_IMAGES TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (mlops report)
GRANT READ ON STAGE ML_DEV.ML.MLOPS_ARTIFACTS TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (mlops history)
GRANT SELECT ON TABLE ML_DEV.ML.MLOPS_RUNS TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (mlops show)
GRANT SELECT ON TABLE ML_DEV.ML.MLOPS_NODE_RUNS TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (mlops why)
GRANT SELECT ON TABLE ML_DEV.ML.MLOPS_DATASETS TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (metrics of runs)
GRANT SELECT ON TABLE ML_DEV.ML.MLOPS_METRICS TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.read_role (mlops deployments)
GRANT SELECT ON TABLE ML_DEV.ML.MLOPS_DEPLOYMENTS TO ROLE MLOPS_READ_ROLE;
-- mlops.yml: targets.dev.alerts
GRANT SELECT ON TABLE ML_DEV.ML.MLOPS_ALERTS TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.notifications
GRANT INSERT ON TABLE ML_DEV.ML.MLOPS_ALERTS TO ROLE MLOPS_ROLE;
-- mlops.yml: targets.dev.alerts.credits_per_day
GRANT SELECT ON VIEW ML_DEV.ML.MLOPS_POOL_HOURS TO ROLE MLOPS_ROLE;

-- 3. By the run role: the graph of tasks, its alerts, and its start
USE ROLE MLOPS_ROLE;

-- Nothing in a graph can be changed while its root is started
ALTER TASK IF EXISTS ML_DEV.ML.TASK_SHOP SUSPEND;
-- a run failed, and could not tell of it
CREATE OR REPLACE ALERT ML_DEV.ML.ALERT_SHOP_FAILURE
  SCHEDULE = '15 MINUTE' COMMENT = 'mlops shop: a run failed, and could not tell of it'
  IF (EXISTS (
SELECT occasion, message FROM (
  SELECT occasion, MAX(message) AS message FROM (
    SELECT r.run_id AS occasion,
      'run ' || r.run_id || ' failed' || COALESCE(': ' || n.failed, '') AS message
    FROM ML_DEV.ML.MLOPS_RUNS AS r
    LEFT JOIN (SELECT run_id, LISTAGG(node, ', ') WITHIN GROUP (ORDER BY node) AS failed
      FROM ML_DEV.ML.MLOPS_NODE_RUNS WHERE status = 'failed' GROUP BY run_id) AS n ON n.run_id = r.run_id
    WHERE r.project = 'shop' AND r.status = 'failed' AND LENGTH(r.run_id) = 36
      AND r.started::TIMESTAMP_TZ > DATEADD('day', -7, CURRENT_TIMESTAMP())
      AND DATEADD('second', r.seconds, r.started::TIMESTAMP_TZ)
        < DATEADD('minute', -5, CURRENT_TIMESTAMP())
    UNION ALL
    SELECT graph_run_group_id,
      'the end of run ' || graph_run_group_id || ' failed: ' || COALESCE(error_message, '')
    FROM TABLE(ML_DEV.INFORMATION_SCHEMA.TASK_HISTORY(
      SCHEDULED_TIME_RANGE_START => DATEADD('day', -6, CURRENT_TIMESTAMP()),
      RESULT_LIMIT => 1000, TASK_NAME => 'TASK_SHOP_FINALIZE', ERROR_ONLY => TRUE))
    WHERE database_name = 'ML_DEV' AND schema_name = 'ML' AND state LIKE 'FAILED%'
  ) GROUP BY occasion
)
WHERE occasion NOT IN (SELECT occasion FROM ML_DEV.ML.MLOPS_ALERTS WHERE alert = 'ALERT_SHOP_FAILURE')
))
  THEN
EXECUTE IMMEDIATE $$
BEGIN
  CREATE OR REPLACE TEMPORARY TABLE ML_DEV.ML.ALERT_SHOP_FAILURE_FOUND AS
SELECT occasion, message FROM (
  SELECT occasion, MAX(message) AS message FROM (
    SELECT r.run_id AS occasion,
      'run ' || r.run_id || ' failed' || COALESCE(': ' || n.failed, '') AS message
    FROM ML_DEV.ML.MLOPS_RUNS AS r
    LEFT JOIN (SELECT run_id, LISTAGG(node, ', ') WITHIN GROUP (ORDER BY node) AS failed
      FROM ML_DEV.ML.MLOPS_NODE_RUNS WHERE status = 'failed' GROUP BY run_id) AS n ON n.run_id = r.run_id
    WHERE r.project = 'shop' AND r.status = 'failed' AND LENGTH(r.run_id) = 36
      AND r.started::TIMESTAMP_TZ > DATEADD('day', -7, CURRENT_TIMESTAMP())
      AND DATEADD('second', r.seconds, r.started::TIMESTAMP_TZ)
        < DATEADD('minute', -5, CURRENT_TIMESTAMP())
    UNION ALL
    SELECT graph_run_group_id,
      'the end of run ' || graph_run_group_id || ' failed: ' || COALESCE(error_message, '')
    FROM TABLE(ML_DEV.INFORMATION_SCHEMA.TASK_HISTORY(
      SCHEDULED_TIME_RANGE_START => DATEADD('day', -6, CURRENT_TIMESTAMP()),
      RESULT_LIMIT => 1000, TASK_NAME => 'TASK_SHOP_FINALIZE', ERROR_ONLY => TRUE))
    WHERE database_name = 'ML_DEV' AND schema_name = 'ML' AND state LIKE 'FAILED%'
  ) GROUP BY occasion
)
WHERE occasion NOT IN (SELECT occasion FROM ML_DEV.ML.MLOPS_ALERTS WHERE alert = 'ALERT_SHOP_FAILURE');
  LET told VARCHAR := (SELECT COALESCE(LISTAGG(message, '\n') WITHIN GROUP (ORDER BY occasion), '')
    FROM ML_DEV.ML.ALERT_SHOP_FAILURE_FOUND);
  CALL SYSTEM$SEND_EMAIL(
    'MAIL',
    'a@example.com,b@example.com',
    'shop on dev',
    :told);
  LET plain VARCHAR := TRANSLATE('shop on dev' || '. ' || :told, '\\"\n\r\t', '/''   ');
  CALL SYSTEM$SEND_SNOWFLAKE_NOTIFICATION(
    SNOWFLAKE.NOTIFICATION.TEXT_PLAIN(
      SNOWFLAKE.NOTIFICATION.SANITIZE_WEBHOOK_CONTENT(:plain)),
    SNOWFLAKE.NOTIFICATION.INTEGRATION('SLACK'));
  INSERT INTO ML_DEV.ML.MLOPS_ALERTS (alert, occasion, message, told_at)
    SELECT 'ALERT_SHOP_FAILURE', occasion, message, TO_VARCHAR(SYSDATE(), 'YYYY-MM-DD"T"HH24:MI:SS') || 'Z'
    FROM ML_DEV.ML.ALERT_SHOP_FAILURE_FOUND;
END;
$$;
ALTER ALERT ML_DEV.ML.ALERT_SHOP_FAILURE RESUME;
-- no run has succeeded for too long
CREATE OR REPLACE ALERT ML_DEV.ML.ALERT_SHOP_LATE
  SCHEDULE = '15 MINUTE' COMMENT = 'mlops shop: no run has succeeded for too long'
  IF (EXISTS (
SELECT occasion, message FROM (
  SELECT COALESCE(run_id, 'never') AS occasion,
    IFF(run_id IS NULL, 'no run has ever succeeded',
      'no run has succeeded since ' || TO_VARCHAR(CONVERT_TIMEZONE('UTC', since),
        'YYYY-MM-DD HH24:MI') || ' UTC, when run ' || run_id || ' did') AS message
  FROM (
    SELECT MAX_BY(run_id, ended) AS run_id, COALESCE(MAX(ended), MAX(made)) AS since
    FROM (
      SELECT run_id, DATEADD('second', seconds, started::TIMESTAMP_TZ) AS ended,
        NULL::TIMESTAMP_TZ AS made
      FROM ML_DEV.ML.MLOPS_RUNS
      WHERE project = 'shop' AND status = 'succeeded' AND LENGTH(run_id) = 36
      UNION ALL
      SELECT NULL, NULL, created::TIMESTAMP_TZ FROM ML_DEV.INFORMATION_SCHEMA.TABLES
      WHERE table_schema = 'ML' AND table_name = 'MLOPS_RUNS'
    )
  )
  WHERE since < DATEADD('minute', -1500, CURRENT_TIMESTAMP())
)
WHERE occasion NOT IN (SELECT occasion FROM ML_DEV.ML.MLOPS_ALERTS WHERE alert = 'ALERT_SHOP_LATE')
))
  THEN
EXECUTE IMMEDIATE $$
BEGIN
  CREATE OR REPLACE TEMPORARY TABLE ML_DEV.ML.ALERT_SHOP_LATE_FOUND AS
SELECT occasion, message FROM (
  SELECT COALESCE(run_id, 'never') AS occasion,
    IFF(run_id IS NULL, 'no run has ever succeeded',
      'no run has succeeded since ' || TO_VARCHAR(CONVERT_TIMEZONE('UTC', since),
        'YYYY-MM-DD HH24:MI') || ' UTC, when run ' || run_id || ' did') AS message
  FROM (
    SELECT MAX_BY(run_id, ended) AS run_id, COALESCE(MAX(ended), MAX(made)) AS since
    FROM (
      SELECT run_id, DATEADD('second', seconds, started::TIMESTAMP_TZ) AS ended,
        NULL::TIMESTAMP_TZ AS made
      FROM ML_DEV.ML.MLOPS_RUNS
      WHERE project = 'shop' AND status = 'succeeded' AND LENGTH(run_id) = 36
      UNION ALL
      SELECT NULL, NULL, created::TIMESTAMP_TZ FROM ML_DEV.INFORMATION_SCHEMA.TABLES
      WHERE table_schema = 'ML' AND table_name = 'MLOPS_RUNS'
    )
  )
  WHERE since < DATEADD('minute', -1500, CURRENT_TIMESTAMP())
)
WHERE occasion NOT IN (SELECT occasion FROM ML_DEV.ML.MLOPS_ALERTS WHERE alert = 'ALERT_SHOP_LATE');
  LET told VARCHAR := (SELECT COALESCE(LISTAGG(message, '\n') WITHIN GROUP (ORDER BY occasion), '')
    FROM ML_DEV.ML.ALERT_SHOP_LATE_FOUND);
  CALL SYSTEM$SEND_EMAIL(
    'MAIL',
    'a@example.com,b@example.com',
    'shop on dev',
    :told);
  LET plain VARCHAR := TRANSLATE('shop on dev' || '. ' || :told, '\\"\n\r\t', '/''   ');
  CALL SYSTEM$SEND_SNOWFLAKE_NOTIFICATION(
    SNOWFLAKE.NOTIFICATION.TEXT_PLAIN(
      SNOWFLAKE.NOTIFICATION.SANITIZE_WEBHOOK_CONTENT(:plain)),
    SNOWFLAKE.NOTIFICATION.INTEGRATION('SLACK'));
  INSERT INTO ML_DEV.ML.MLOPS_ALERTS (alert, occasion, message, told_at)
    SELECT 'ALERT_SHOP_LATE', occasion, message, TO_VARCHAR(SYSDATE(), 'YYYY-MM-DD"T"HH24:MI:SS') || 'Z'
    FROM ML_DEV.ML.ALERT_SHOP_LATE_FOUND;
END;
$$;
ALTER ALERT ML_DEV.ML.ALERT_SHOP_LATE RESUME;
-- the compute pools took more credits than they may in a day
CREATE OR REPLACE ALERT ML_DEV.ML.ALERT_SHOP_COST
  SCHEDULE = '15 MINUTE' COMMENT = 'mlops shop: the compute pools took more credits than they may in a day'
  IF (EXISTS (
SELECT occasion, message FROM (
  SELECT TO_VARCHAR(day, 'YYYY-MM-DD') AS occasion,
    'the compute pools took ' || ROUND(credits, 2) || ' credits on '
      || TO_VARCHAR(day, 'YYYY-MM-DD') || ' UTC, more than 2.5' AS message
  FROM (
    SELECT DATE_TRUNC('day', CONVERT_TIMEZONE('UTC', hour))::DATE AS day, SUM(credits) AS credits
    FROM ML_DEV.ML.MLOPS_POOL_HOURS WHERE hour > DATEADD('day', -2, CURRENT_TIMESTAMP())
    GROUP BY 1
  )
  WHERE credits > 2.5
)
WHERE occasion NOT IN (SELECT occasion FROM ML_DEV.ML.MLOPS_ALERTS WHERE alert = 'ALERT_SHOP_COST')
))
  THEN
EXECUTE IMMEDIATE $$
BEGIN
  CREATE OR REPLACE TEMPORARY TABLE ML_DEV.ML.ALERT_SHOP_COST_FOUND AS
SELECT occasion, message FROM (
  SELECT TO_VARCHAR(day, 'YYYY-MM-DD') AS occasion,
    'the compute pools took ' || ROUND(credits, 2) || ' credits on '
      || TO_VARCHAR(day, 'YYYY-MM-DD') || ' UTC, more than 2.5' AS message
  FROM (
    SELECT DATE_TRUNC('day', CONVERT_TIMEZONE('UTC', hour))::DATE AS day, SUM(credits) AS credits
    FROM ML_DEV.ML.MLOPS_POOL_HOURS WHERE hour > DATEADD('day', -2, CURRENT_TIMESTAMP())
    GROUP BY 1
  )
  WHERE credits > 2.5
)
WHERE occasion NOT IN (SELECT occasion FROM ML_DEV.ML.MLOPS_ALERTS WHERE alert = 'ALERT_SHOP_COST');
  LET told VARCHAR := (SELECT COALESCE(LISTAGG(message, '\n') WITHIN GROUP (ORDER BY occasion), '')
    FROM ML_DEV.ML.ALERT_SHOP_COST_FOUND);
  CALL SYSTEM$SEND_EMAIL(
    'MAIL',
    'a@example.com,b@example.com',
    'shop on dev',
    :told);
  LET plain VARCHAR := TRANSLATE('shop on dev' || '. ' || :told, '\\"\n\r\t', '/''   ');
  CALL SYSTEM$SEND_SNOWFLAKE_NOTIFICATION(
    SNOWFLAKE.NOTIFICATION.TEXT_PLAIN(
      SNOWFLAKE.NOTIFICATION.SANITIZE_WEBHOOK_CONTENT(:plain)),
    SNOWFLAKE.NOTIFICATION.INTEGRATION('SLACK'));
  INSERT INTO ML_DEV.ML.MLOPS_ALERTS (alert, occasion, message, told_at)
    SELECT 'ALERT_SHOP_COST', occasion, message, TO_VARCHAR(SYSDATE(), 'YYYY-MM-DD"T"HH24:MI:SS') || 'Z'
    FROM ML_DEV.ML.ALERT_SHOP_COST_FOUND;
END;
$$;
ALTER ALERT ML_DEV.ML.ALERT_SHOP_COST RESUME;
-- start of a run
CREATE OR ALTER TASK ML_DEV.ML.TASK_SHOP
  WAREHOUSE = TASK_WH
  SCHEDULE = 'USING CRON 0 3 * * * Europe/Berlin'
  CONFIG = '{"a":"it''s","b":1}'
  OVERLAP_POLICY = NO_OVERLAP
  SUSPEND_TASK_AFTER_NUM_FAILURES = 10
  TASK_AUTO_RETRY_ATTEMPTS = 2
  ERROR_INTEGRATION = ERRORS_SNS
  USER_TASK_TIMEOUT_MS = 24000000
  COMMENT = 'mlops shop: start of a run'
AS
SELECT 1;
-- node load
CREATE OR ALTER TASK ML_DEV.ML.TASK_LOAD
  WAREHOUSE = TASK_WH
  USER_TASK_TIMEOUT_MS = 600000
  COMMENT = 'mlops shop: node load'
  AFTER ML_DEV.ML.TASK_SHOP
AS
EXECUTE JOB SERVICE
  IN COMPUTE POOL MLOPS_COMPUTE_POOL
  QUERY_WAREHOUSE = MLOPS_WH
  COMMENT = 'node=load'
  EXTERNAL_ACCESS_INTEGRATIONS = (SHOP_EAI)
  FROM SPECIFICATION $$
spec:
  containers:
    - name: main
      image: /ml_dev/ml/mlops_images/mlops_framework:4f2a91c
      args:
        - --node
        - load
      env:
        REGION: eu
        MLOPS_MODE: snowflake
        MLOPS_TARGET: dev
        MLOPS_TASK: TASK_LOAD
        PYTHONUNBUFFERED: "1"
        SNOWFLAKE_WAREHOUSE: MLOPS_WH
      resources:
        requests:
          memory: 2Gi
          cpu: 1
        limits:
          memory: 2Gi
          cpu: 1
      secrets:
        - snowflakeSecret: VAULT.KEYS.SHOP
          directoryPath: /secrets/api_key
  logExporters:
    eventTableConfig:
      logLevel: INFO
  platformMonitor:
    metricConfig:
      groups:
        - system
        - system_limits
        - status
$$;
-- node train
CREATE OR ALTER TASK ML_DEV.ML.TASK_TRAIN
  WAREHOUSE = TASK_WH
  USER_TASK_TIMEOUT_MS = 7200000
  COMMENT = 'mlops shop: node train'
  AFTER ML_DEV.ML.TASK_LOAD
AS
EXECUTE JOB SERVICE
  IN COMPUTE POOL BIG
  QUERY_WAREHOUSE = MLOPS_WH
  COMMENT = 'node=train'
  FROM SPECIFICATION $$
spec:
  containers:
    - name: main
      image: /ml_dev/ml/mlops_images/mlops_framework:4f2a91c
      args:
        - --node
        - train
      env:
        REGION: eu
        MLOPS_MODE: snowflake
        MLOPS_TARGET: dev
        MLOPS_TASK: TASK_TRAIN
        PYTHONUNBUFFERED: "1"
        SNOWFLAKE_WAREHOUSE: MLOPS_WH
      resources:
        requests:
          memory: 1500M
          cpu: 2500m
        limits:
          memory: 1500M
          cpu: 2500m
  logExporters:
    eventTableConfig:
      logLevel: INFO
  platformMonitor:
    metricConfig:
      groups:
        - system
        - system_limits
        - status
$$;
-- end of a run
CREATE OR ALTER TASK ML_DEV.ML.TASK_SHOP_FINALIZE
  WAREHOUSE = TASK_WH
  USER_TASK_TIMEOUT_MS = 600000
  COMMENT = 'mlops shop: end of a run'
  FINALIZE = ML_DEV.ML.TASK_SHOP
AS
EXECUTE IMMEDIATE $$
BEGIN
  LET run VARCHAR := (SELECT SYSTEM$TASK_RUNTIME_INFO('CURRENT_TASK_GRAPH_RUN_GROUP_ID'));
  LET root VARCHAR := (SELECT SYSTEM$TASK_RUNTIME_INFO('CURRENT_ROOT_TASK_UUID'));
  LET now VARCHAR := (SELECT TO_VARCHAR(SYSDATE(), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00');
  CREATE OR REPLACE TEMPORARY TABLE ML_DEV.ML.MLOPS_ENDED AS
    SELECT LOWER(SUBSTR(name, 6)) AS node, state, COALESCE(error_message, '') AS error,
      TO_VARCHAR(CONVERT_TIMEZONE('UTC', query_start_time), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00' AS began
    FROM TABLE(ML_DEV.INFORMATION_SCHEMA.TASK_HISTORY(
      ROOT_TASK_ID => :root,
      SCHEDULED_TIME_RANGE_START => DATEADD('day', -7, CURRENT_TIMESTAMP()),
      RESULT_LIMIT => 10000))
    WHERE graph_run_group_id = :run AND name NOT IN ('TASK_SHOP', 'TASK_SHOP_FINALIZE')
    QUALIFY ROW_NUMBER() OVER (PARTITION BY name ORDER BY attempt_number DESC) = 1;
  LET status VARCHAR := (
    SELECT CASE WHEN COUNT_IF(state LIKE 'FAILED%') > 0 THEN 'failed'
      WHEN COUNT_IF(state LIKE 'CANCEL%') > 0 THEN 'cancelled' ELSE 'succeeded' END
    FROM ML_DEV.ML.MLOPS_ENDED);
  LET failures VARCHAR := (
    SELECT COALESCE(LISTAGG(node || ': ' || error, '\n') WITHIN GROUP (ORDER BY node), '')
    FROM ML_DEV.ML.MLOPS_ENDED WHERE state LIKE 'FAILED%');
  INSERT INTO ML_DEV.ML.MLOPS_RUNS (run_id, project, status, started, seconds, git_dirty, record)
    SELECT :run, 'shop', :status, began, 0, FALSE, TO_JSON(OBJECT_CONSTRUCT(
      'run_id', :run, 'project', 'shop', 'status', :status, 'started', began))
    FROM (SELECT COALESCE(MIN(began), :now) AS began FROM ML_DEV.ML.MLOPS_ENDED)
    WHERE NOT EXISTS (SELECT 1 FROM ML_DEV.ML.MLOPS_RUNS WHERE run_id = :run);
  INSERT INTO ML_DEV.ML.MLOPS_NODE_RUNS
      (run_id, node, status, reason, detail, attempt, started, seconds, error, record)
    SELECT :run, node, 'failed', 'not_started', '', 1, COALESCE(began, :now), 0, error,
      TO_JSON(OBJECT_CONSTRUCT('run_id', :run, 'node', node, 'status', 'failed', 'reason',
        OBJECT_CONSTRUCT('kind', 'not_started'), 'started', COALESCE(began, :now),
        'error', error, 'exit_code', 4))
    FROM ML_DEV.ML.MLOPS_ENDED WHERE state LIKE 'FAILED%'
      AND node NOT IN (SELECT node FROM ML_DEV.ML.MLOPS_NODE_RUNS WHERE run_id = :run);
  MERGE INTO ML_DEV.ML.MLOPS_NODE_RUNS AS recorded USING ML_DEV.ML.MLOPS_ENDED AS ended
    ON recorded.run_id = :run AND recorded.node = ended.node
    WHEN MATCHED AND ended.state NOT IN ('SCHEDULED', 'EXECUTING') AND (recorded.status = 'running'
      OR (recorded.status = 'cancelled' AND ended.state LIKE 'FAILED%'
        AND ended.error ILIKE '%time%out%'))
    THEN UPDATE SET status = IFF(ended.state LIKE 'CANCEL%', 'cancelled', 'failed'),
      error = IFF(ended.error = '', 'the container ended without a word', ended.error);
  UPDATE ML_DEV.ML.MLOPS_RUNS SET status = :status,
      seconds = DATEDIFF('millisecond', started::TIMESTAMP_TZ, :now::TIMESTAMP_TZ) / 1000
    WHERE run_id = :run;
  CALL SYSTEM$SET_RETURN_VALUE(:status);
  IF (status <> 'succeeded') THEN
  CALL SYSTEM$SEND_EMAIL(
    'MAIL',
    'a@example.com,b@example.com',
    'shop on dev: ' || :status,
    'Run ' || :run || ' ended: ' || :status || '\n' || :failures);
  LET plain VARCHAR := TRANSLATE('shop on dev: ' || :status || '. ' || 'Run ' || :run || ' ended: ' || :status || '\n' || :failures, '\\"\n\r\t', '/''   ');
  CALL SYSTEM$SEND_SNOWFLAKE_NOTIFICATION(
    SNOWFLAKE.NOTIFICATION.TEXT_PLAIN(
      SNOWFLAKE.NOTIFICATION.SANITIZE_WEBHOOK_CONTENT(:plain)),
    SNOWFLAKE.NOTIFICATION.INTEGRATION('SLACK'));
  INSERT INTO ML_DEV.ML.MLOPS_ALERTS (alert, occasion, message, told_at)
    SELECT 'ALERT_SHOP_FAILURE', :run, 'shop' || ': ' || :status, TO_VARCHAR(SYSDATE(), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00';
  END IF;
  RETURN status;
END;
$$;
-- Children first, the root last
ALTER TASK ML_DEV.ML.TASK_LOAD RESUME;
ALTER TASK ML_DEV.ML.TASK_TRAIN RESUME;
ALTER TASK ML_DEV.ML.TASK_SHOP_FINALIZE RESUME;
ALTER TASK ML_DEV.ML.TASK_SHOP RESUME;
