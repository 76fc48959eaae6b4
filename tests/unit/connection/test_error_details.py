"""Errors that hold each other, and grants whose object the message names in part."""

from __future__ import annotations

import pytest

pytest.importorskip("snowflake.connector")

from snowflake.connector.errors import ProgrammingError
from snowflake.ml._internal.exceptions.exceptions import SnowflakeMLException
from snowflake.snowpark.exceptions import SnowparkSQLException

from sf_ml_framework.places.snowflake import errors
from sf_ml_framework.places.snowflake.missing_grant import grant_for


def test_an_error_that_the_ml_library_raises_from_its_own_is_followed_to_its_cause():
    """Its own holds the one that it raises: a ring."""
    inner = ProgrammingError(msg="Insufficient privileges to operate on schema 'ML'", errno=3001)
    snowpark = SnowparkSQLException("failed", conn_error=inner)
    told = SnowflakeMLException("1300", original_exception=RuntimeError("Create view failed"))
    told.__cause__ = snowpark
    raised = told.original_exception
    raised.__cause__ = told

    found = errors.translated(raised, sql="CREATE VIEW d.ml.v AS SELECT 1", role="R")

    assert isinstance(found, errors.AccessDeniedError)


def test_a_ring_without_a_cause_ends():
    told = SnowflakeMLException("1300", original_exception=RuntimeError("no"))
    raised = told.original_exception
    raised.__cause__ = told

    assert "no" in str(errors.translated(raised, sql="SELECT 1"))


SCHEMA = "Insufficient privileges to operate on schema 'ML'"
TABLE = "Insufficient privileges to operate on table 'T'"


@pytest.mark.parametrize(
    ("message", "sql", "on"),
    [
        (SCHEMA, 'CREATE TABLE "ML_DEV"."ML"."T" (a INT)', "SCHEMA ML_DEV.ML"),
        (SCHEMA, "create table ML_DEV.ML.T (a int)", "SCHEMA ML_DEV.ML"),
        (SCHEMA, 'create table "dev"."ML"."T" (a int)', 'SCHEMA "dev".ML'),
        (SCHEMA, "create table t (a int)", "SCHEMA ML"),
        (TABLE, 'MERGE INTO "D"."S"."T" AS t USING x ON a', "TABLE D.S.T"),
        (TABLE, "select * from D.S.T", "TABLE D.S.T"),
        (TABLE, "select * from D.S.TT, T", "TABLE T"),
        ("Insufficient privileges to operate on warehouse 'S'", "select d.s.t", "WAREHOUSE S"),
    ],
)
def test_a_grant_names_its_object_as_the_statement_does(message, sql, on):
    """Whoever grants is in another session, where a bare name means something else."""
    assert f" ON {on} TO ROLE R;" in grant_for(message, sql, "R")
