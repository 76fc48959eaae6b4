"""What the foundation's statements need: one line for each privilege.

Source of each line: Snowflake, the page of the statement, section "Access control requirements",
and "Access control privileges".
"""

from __future__ import annotations

LINES: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("CREATE [TRANSIENT] DATABASE", "CREATE DATABASE", "ACCOUNT", {}),
    ("CREATE [TRANSIENT] SCHEMA", "CREATE SCHEMA", "DATABASE", {}),
    ("ALTER DATABASE", "OWNERSHIP", "DATABASE", {}),
    ("ALTER DATABASE", "MODIFY", "DATABASE", {"then": "SET|UNSET"}),
    ("DROP DATABASE", "OWNERSHIP", "DATABASE", {}),
    ("ALTER SCHEMA", "OWNERSHIP", "SCHEMA", {}),
    ("ALTER SCHEMA", "MODIFY", "SCHEMA", {"then": "SET|UNSET"}),
    ("DROP SCHEMA", "OWNERSHIP", "SCHEMA", {}),
    # A temporary table needs no CREATE TABLE. Source: "Access control privileges", schema.
    ("CREATE [LOCAL|GLOBAL] [TRANSIENT] TABLE", "CREATE TABLE", "SCHEMA", {"kind": "TABLE"}),
    ("CREATE [LOCAL|GLOBAL] TEMPORARY|TEMP|VOLATILE TABLE", "USAGE", "SCHEMA", {"kind": "TABLE"}),
    (
        "CREATE [SECURE] [TEMPORARY|TEMP] [RECURSIVE] VIEW",
        "CREATE VIEW",
        "SCHEMA",
        {"kind": "VIEW"},
    ),
    ("CREATE [TEMPORARY|TEMP] STAGE", "CREATE STAGE", "SCHEMA", {}),
    ("CREATE [TEMPORARY|TEMP] FILE FORMAT", "CREATE FILE FORMAT", "SCHEMA", {}),
    ("CREATE SEQUENCE", "CREATE SEQUENCE", "SCHEMA", {}),
    ("CREATE TAG", "CREATE TAG", "SCHEMA", {}),
    ("ALTER TABLE", "OWNERSHIP", "TABLE", {}),
    ("ALTER VIEW", "OWNERSHIP", "VIEW", {}),
    ("ALTER STAGE", "OWNERSHIP", "STAGE", {}),
    ("ALTER TAG", "OWNERSHIP", "TAG", {}),
    ("DROP TABLE", "OWNERSHIP", "TABLE", {}),
    ("DROP VIEW", "OWNERSHIP", "VIEW", {}),
    ("DROP STAGE", "OWNERSHIP", "STAGE", {}),
    ("DROP FILE FORMAT", "OWNERSHIP", "FILE FORMAT", {}),
    ("DROP SEQUENCE", "OWNERSHIP", "SEQUENCE", {}),
    ("DROP TAG", "OWNERSHIP", "TAG", {}),
    ("TRUNCATE [TABLE]", "TRUNCATE", "TABLE", {"kind": "TABLE"}),
    ("CREATE WAREHOUSE", "CREATE WAREHOUSE", "ACCOUNT", {}),
    ("ALTER WAREHOUSE", "OWNERSHIP", "WAREHOUSE", {}),
    ("ALTER WAREHOUSE", "MODIFY", "WAREHOUSE", {"then": "SET|UNSET"}),
    ("ALTER WAREHOUSE", "OPERATE", "WAREHOUSE", {"then": "SUSPEND|RESUME|ABORT"}),
    ("DROP WAREHOUSE", "OWNERSHIP", "WAREHOUSE", {}),
    ("CREATE ROLE", "CREATE ROLE", "ACCOUNT", {}),
    ("ALTER ROLE", "OWNERSHIP", "ROLE", {}),
    ("DROP ROLE", "OWNERSHIP", "ROLE", {}),
    ("CREATE DATABASE ROLE", "CREATE DATABASE ROLE", "DATABASE", {}),
    ("DROP DATABASE ROLE", "OWNERSHIP", "DATABASE ROLE", {}),
    ("CREATE USER", "CREATE USER", "ACCOUNT", {}),
    ("DROP USER", "OWNERSHIP", "USER", {}),
    ("USE WAREHOUSE", "USAGE", "WAREHOUSE", {"hidden": "yes"}),
    ("COPY INTO", "INSERT", "TABLE", {"kind": "TABLE"}),
)
"""Statement, privilege, on what, and the rest of :class:`.needs.Need`."""
