"""What Snowflake answers, as errors that say who must act and what to do."""

from __future__ import annotations

import pickle

import pytest

pytest.importorskip("snowflake.connector")

from snowflake.connector.errors import DatabaseError, OperationalError, ProgrammingError
from snowflake.snowpark.exceptions import SnowparkSQLException

from sf_ml_framework.errors import DataError, OperatorError, PlatformError
from sf_ml_framework.places.snowflake import errors
from sf_ml_framework.places.snowflake.missing_grant import grant_for


def refused(text, number, sql="SELECT 1", role="R", state="42501"):
    error = ProgrammingError(msg=text, errno=number, sqlstate=state, sfqid="q1")
    return errors.translated(error, sql=sql, role=role)


GRANTS = [
    (
        "Insufficient privileges to operate on schema 'ML'",
        "CREATE OR REPLACE TASK t AS SELECT 1",
        "GRANT CREATE TASK ON SCHEMA ML TO ROLE R;",
    ),
    (
        "Insufficient privileges to operate on account 'X'",
        "CREATE COMPUTE POOL p MIN_NODES = 1",
        "GRANT CREATE COMPUTE POOL ON ACCOUNT TO ROLE R;",
    ),
    (
        "Insufficient privileges to operate on account 'X'.\nYour primary role DEV must have"
        " CREATE DATABASE granted on ACCOUNT.",
        "CREATE DATABASE d",
        "GRANT CREATE DATABASE ON ACCOUNT TO ROLE DEV;",
    ),
    (
        "Insufficient privileges to operate on schema 'ML'",
        "EXECUTE JOB SERVICE IN COMPUTE POOL p",
        "GRANT CREATE SERVICE ON SCHEMA ML TO ROLE R;",
    ),
    (
        "Insufficient privileges to operate on compute pool 'P'",
        "EXECUTE JOB SERVICE IN COMPUTE POOL p",
        "GRANT USAGE ON COMPUTE POOL P TO ROLE R;",
    ),
    (
        "Insufficient privileges to operate on table 'T'",
        "INSERT INTO t VALUES (1)",
        "GRANT INSERT ON TABLE T TO ROLE R;",
    ),
    (
        "Insufficient privileges to operate on table 'T'",
        "merge into t using s on t.a = s.a when matched then update set b = s.b"
        " when not matched then insert (a) values (s.a)",
        "GRANT INSERT, UPDATE ON TABLE T TO ROLE R;",
    ),
    (
        "Insufficient privileges to operate on table 'T'",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN\n DELETE",
        "GRANT DELETE ON TABLE T TO ROLE R;",
    ),
    (
        "Insufficient privileges to operate on table 'T'",
        "select * from t",
        "GRANT SELECT ON TABLE T TO ROLE R;",
    ),
    (
        "Insufficient privileges to operate on stage 'S'",
        "PUT 'file:///f' '@S/'",
        "GRANT WRITE ON STAGE S TO ROLE R;",
    ),
    (
        "Insufficient privileges to operate on task 'T'",
        "ALTER TASK t RESUME",
        "GRANT OPERATE ON TASK T TO ROLE R;",
    ),
    (
        "Insufficient privileges to operate on task 'T'",
        "DROP TASK t",
        "GRANT OWNERSHIP ON TASK T TO ROLE R;",
    ),
    (
        "Cannot execute task, EXECUTE MANAGED TASK privilege must be granted to owner role",
        "EXECUTE TASK t",
        "GRANT EXECUTE MANAGED TASK ON ACCOUNT TO ROLE R;",
    ),
]


@pytest.mark.parametrize(("text", "sql", "grant"), GRANTS)
def test_a_missing_privilege_is_told_as_the_statement_that_grants_it(text, sql, grant):
    error = refused(f"SQL access control error:\n{text}", 3001, sql)

    assert isinstance(error, errors.AccessDeniedError)
    assert error.grant == grant == grant_for(text, sql, "R")
    assert grant in error.remedy


KINDS = [
    ("Object 'DB.S.T' does not exist or not authorized.", 2003, errors.AbsentError, "GRANT SELECT"),
    (
        "No active warehouse selected in the current session.",
        606,
        errors.RefusedError,
        "GRANT USAGE ON WAREHOUSE",
    ),
    (
        "Warehouse 'W' cannot be resumed because resource monitor 'M' has exceeded its quota.",
        90073,
        errors.RefusedError,
        "CREDIT_QUOTA",
    ),
    ("Object 'T' already exists.", 2002, errors.ExistsError, "drop it"),
    (
        "Failed to retrieve image '/d/s/r/i:t' from the image repository.",
        395092,
        errors.AbsentError,
        "push it",
    ),
    (
        "Compute pool 'P' is suspended and AUTO_RESUME is FALSE; resume it first.",
        392503,
        errors.RefusedError,
        "RESUME",
    ),
    ("Numeric value 'x' is not recognized", 100038, errors.UnfitValueError, "mend the data"),
    ("SQL execution internal error: incident 5", 603, errors.ServerFaultError, "run again"),
    ("SQL execution canceled", 604, errors.RefusedError, "run again"),
    (
        "Authentication token has expired. The user must authenticate again.",
        390114,
        errors.SignInError,
        "new token",
    ),
]


@pytest.mark.parametrize(("text", "number", "kind", "remedy"), KINDS)
def test_each_kind_of_refusal_has_its_error_and_remedy(text, number, kind, remedy):
    error = refused(text, number)

    assert type(error) is kind
    assert remedy in error.remedy
    assert text.split(".", maxsplit=1)[0] in str(error) or kind is errors.AbsentError


def test_who_must_act_follows_from_the_kind():
    """A refusal was not carried out; of a lost connection nobody knows."""
    assert issubclass(errors.AccessDeniedError, OperatorError)
    assert issubclass(errors.UnfitValueError, DataError)
    assert issubclass(errors.ConnectionLostError, PlatformError)
    assert issubclass(errors.ServerFaultError, PlatformError)


def test_a_network_that_fails_is_a_lost_connection():
    error = OperationalError(msg="Failed to execute request", errno=250003)

    assert isinstance(errors.translated(error, sql="SELECT 1"), errors.ConnectionLostError)
    assert isinstance(errors.translated(ConnectionResetError()), errors.ConnectionLostError)


@pytest.mark.parametrize(
    ("number", "text", "remedy"),
    [
        (390100, "Incorrect username or password was specified.", "check user and password"),
        (390144, "JWT token is invalid.", "RSA_PUBLIC_KEY"),
        (390189, "Role 'R' specified in the connect string is not granted", "GRANT ROLE"),
        (394400, "Programmatic access token is invalid.", "not revoked"),
        (394401, "Programmatic access token has expired.", "new token"),
        (390422, "Incoming request with IP 1.2.3.4 is not allowed", "policy"),
    ],
)
def test_a_failed_sign_in_says_what_to_check(number, text, remedy):
    error = errors.translated(DatabaseError(msg=text, errno=number))

    assert isinstance(error, errors.SignInError)
    assert error.number == number
    assert remedy in error.remedy


def test_what_snowpark_wraps_is_told_as_what_it_is():
    inner = ProgrammingError(
        msg="Object 'T' does not exist or not authorized.", errno=2003, sqlstate="42S02"
    )
    wrapped = SnowparkSQLException("failed", conn_error=inner)

    error = errors.translated(wrapped, sql="SELECT * FROM T", role="R")

    assert isinstance(error, errors.AbsentError)
    assert error.number == 2003


def test_the_head_of_a_statement_shows_none_of_its_values():
    error = refused("some new refusal", 1, "CREATE SECRET s SECRET_STRING = 'canary'")

    assert "canary" not in str(error)
    assert "CREATE SECRET s" in str(error)


def test_an_error_survives_the_border_of_a_process():
    error = refused("Object 'T' already exists.", 2002)

    back = pickle.loads(pickle.dumps(error))

    assert (str(back), back.remedy, back.number) == (str(error), error.remedy, 2002)
