"""The usage views tell what really ran. ACCOUNT_USAGE is hours late in an account, so not there."""

from __future__ import annotations

import contextlib
import uuid

import pytest
import snowflake.connector
from snowflake.connector import DictCursor
from snowflake.connector.errors import DatabaseError

from tests.waiting import until


@pytest.fixture
def usage(connection, snowflake_connection):
    if "connection_name" in snowflake_connection:
        pytest.skip("ACCOUNT_USAGE of an account is up to three hours late")

    def call(view, where="true"):
        sql = f"select * from snowflake.account_usage.{view} where {where}"
        return connection.cursor(DictCursor).execute(sql).fetchall()

    return call


def test_the_query_history_tells_text_role_warehouse_tag_and_error(run, connection):
    mark = uuid.uuid4().hex
    run(f"alter session set query_tag = '{mark}'")
    run("create table t (x int)")
    run("insert into t values (1), (2)")
    with pytest.raises(DatabaseError):
        run("select nothing from t")

    found = (
        connection.cursor(DictCursor)
        .execute(
            "select * from table(information_schema.query_history_by_session(result_limit => 20)) "
            f"where query_tag = '{mark}' order by start_time"
        )
        .fetchall()
    )

    told = [(r["QUERY_TYPE"], r["EXECUTION_STATUS"], r["ERROR_CODE"]) for r in found][:3]
    assert told == [
        ("CREATE_TABLE", "SUCCESS", None),
        ("INSERT", "SUCCESS", None),
        ("SELECT", "FAIL", "000904"),
    ]
    insert = found[1]
    assert insert["ROWS_INSERTED"] == 2
    assert insert["ROLE_NAME"] == "ACCOUNTADMIN"
    assert insert["END_TIME"] >= insert["START_TIME"]


def test_what_reads_no_rows_takes_no_warehouse(run, usage):
    mark = uuid.uuid4().hex
    run(f"alter session set query_tag = '{mark}'")
    run("select 1")
    run("create table t (x int)")
    run("select * from t")
    found = {
        r["QUERY_TEXT"]: r["WAREHOUSE_SIZE"]
        for r in usage("query_history", f"query_tag = '{mark}'")
    }

    assert found["select 1"] is None
    assert found["select * from t"] == "X-Small"


def test_an_unknown_argument_of_a_history_is_refused(run):
    with pytest.raises(DatabaseError):
        run("select * from table(information_schema.query_history(limit => 3))")


def test_a_role_sees_only_its_users_queries(run, snowflake_connection, usage):
    mark = uuid.uuid4().hex[:8].upper()
    run(f"create user u_{mark} password = 'Long-enough-1' default_role = public")
    arguments = {**snowflake_connection, "user": f"U_{mark}", "password": "Long-enough-1"}
    arguments |= {"role": "PUBLIC"}
    run(f"select '{mark}'")
    with contextlib.closing(snowflake.connector.connect(**arguments)) as other:
        other.cursor().execute("use database snowflake")
        texts = other.cursor().execute(
            "select query_text from table(information_schema.query_history())"
        )
        seen = [row[0] for row in texts.fetchall()]
    run(f"drop user u_{mark}")

    assert "use database snowflake" in seen
    assert not any(mark in text for text in seen)


def test_logins_are_kept_the_refused_ones_too(run, snowflake_connection, usage):
    wrong = {**snowflake_connection, "password": "wrong", "user": "nobody_here"}
    with pytest.raises(DatabaseError):
        snowflake.connector.connect(**wrong)

    (refused,) = usage("login_history", "user_name = 'NOBODY_HERE'")[-1:]
    let_in = usage("login_history", "is_success = 'YES'")

    assert (refused["IS_SUCCESS"], refused["ERROR_CODE"]) == ("NO", 390100)
    assert let_in[-1]["REPORTED_CLIENT_TYPE"] == "PythonConnector"
    assert let_in[-1]["FIRST_AUTHENTICATION_FACTOR"] == "PASSWORD"


def test_a_warehouse_is_metered_for_what_it_ran(run, usage):
    mark = uuid.uuid4().hex[:8].upper()
    run(f"create warehouse w_{mark} warehouse_size = medium auto_suspend = 60")
    run("create table t (x int)")
    run("select * from t")

    (metered,) = usage("warehouse_metering_history", f"warehouse_name = 'W_{mark}'")
    (same,) = usage("metering_history", f"name = 'W_{mark}'")
    days = usage("metering_daily_history", "service_type = 'WAREHOUSE_METERING'")
    run(f"drop warehouse w_{mark}")

    assert 0 < metered["CREDITS_USED"] <= 4
    assert same["SERVICE_TYPE"] == "WAREHOUSE_METERING"
    assert days[0]["CREDITS_USED"] >= metered["CREDITS_USED"]


def test_grants_roles_and_users_are_there(run, usage):
    mark = uuid.uuid4().hex[:8].upper()
    run(f"create role r_{mark}")
    run(f"grant create database on account to role r_{mark}")
    granted = usage("grants_to_roles", f"grantee_name = 'R_{mark}'")
    made = usage("roles", f"name = 'R_{mark}'")
    holders = usage("grants_to_users", "role = 'ACCOUNTADMIN'")
    run(f"drop role r_{mark}")

    assert [(r["PRIVILEGE"], r["GRANTED_ON"]) for r in granted] == [("CREATE DATABASE", "ACCOUNT")]
    assert made[0]["OWNER"] == "ACCOUNTADMIN"
    assert {r["GRANTEE_NAME"] for r in holders} <= {r["NAME"] for r in usage("users")}


def test_a_compute_pool_is_listed(run, usage):
    mark = uuid.uuid4().hex[:8].upper()
    run(
        f"create compute pool p_{mark} min_nodes = 1 max_nodes = 2 "
        "instance_family = cpu_x64_xs initially_suspended = true"
    )
    (pool,) = usage("compute_pools", f"name = 'P_{mark}'")
    run(f"drop compute pool p_{mark}")

    assert (pool["IS_SUSPENDED"], pool["MAX_NODES"]) == (True, 2)
    assert usage("snowpark_container_services_history", f"compute_pool_name = 'P_{mark}'") == []


def test_a_pool_is_paid_while_it_waits_to_be_suspended_and_not_after(run, usage, pool, job):
    """It is IDLE then. Source: Snowflake, "Snowpark Container Services costs"."""
    run(job())

    def credits_used():
        where = f"compute_pool_name = '{pool}'"
        return sum(r["CREDITS_USED"] for r in usage("snowpark_container_services_history", where))

    first = credits_used()
    until(lambda: credits_used() > first, "it costs nothing more")
    run(f"alter compute pool {pool} suspend")

    suspended = credits_used()
    assert credits_used() == suspended
