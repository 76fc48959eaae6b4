"""Views of users over what the account tells of itself, and who may read through them."""

from __future__ import annotations

import uuid

import pytest
from snowflake.connector import DictCursor
from snowflake.connector.errors import DatabaseError


@pytest.fixture
def late(snowflake_connection):
    if "connection_name" in snowflake_connection:
        pytest.skip("ACCOUNT_USAGE of an account is up to three hours late")


@pytest.fixture
def role(run, database):
    """A role that may make views in the test's schema, and no more."""
    name = f"R_{uuid.uuid4().hex[:8]}".upper()
    run(f"create role {name}")
    run(f"grant role {name} to role accountadmin")
    for privilege, on in (
        ("usage", f"database {database}"),
        ("usage, create view", f"schema {database}.public"),
        ("usage", "warehouse compute_wh"),
    ):
        run(f"grant {privilege} on {on} to role {name}")
    run("use secondary roles none")
    yield name
    run("use role accountadmin")
    run(f"drop role {name}")


POOLS = "snowflake.account_usage.snowpark_container_services_history"


def test_a_view_over_the_accounts_history_has_the_rows_of_the_moment_it_is_read(
    run, database, late
):
    run("create view told as select query_text as text from snowflake.account_usage.query_history")
    mark = f"select '{uuid.uuid4().hex}'"
    run(mark)

    assert run("select count(*) from told where text = %s", (mark,)) == [(1,)]


def test_a_view_may_read_such_a_view_and_a_function_of_the_information_schema(run, late):
    run("create task once schedule = '60 minute' as select 1")
    run("execute task once")
    run(
        "create view tasks as select name, state from table(information_schema.task_history()) "
        "where state <> 'SCHEDULED'"
    )
    run("create view names as select distinct t.name as n from tasks t")

    for _ in range(300):
        # Other tests' tasks are tasks of the account too.
        if found := run("select x.n from names as x where x.n = 'ONCE'"):
            break
        run("call system$wait(100, 'MILLISECONDS')")

    assert found == [("ONCE",)]


def test_whoever_makes_such_a_view_needs_the_role_that_shows_what_it_reads(run, role, database):
    run(f"use role {role}")
    sql = f"create view {database}.public.spent as select credits_used from {POOLS}"
    with pytest.raises(DatabaseError, match="ACCOUNT_USAGE"):
        run(sql)
    run("use role accountadmin")
    run(f"grant database role snowflake.usage_viewer to role {role}")
    run(f"use role {role}")
    run(sql)
    run(
        f"create view {database}.public.tasks as "
        "select name from snowflake.account_usage.task_history"
    )


def test_who_may_select_from_a_view_reads_with_its_owners_rights(run, role, database):
    """And loses it when the owner does."""
    reader = f"{role}_READER"
    run(f"create role {reader}")
    run(f"grant role {reader} to role accountadmin")
    run(f"grant usage on database {database} to role {reader}")
    run(f"grant usage on schema {database}.public to role {reader}")
    run(f"grant usage on warehouse compute_wh to role {reader}")
    run(f"grant database role snowflake.usage_viewer to role {role}")
    run(f"use role {role}")
    view = f"{database}.public.spent"
    run(f"create view {view} as select credits_used from {POOLS}")
    run(f"grant select on view {view} to role {reader}")
    run(f"use role {reader}")
    run(f"select * from {view}")
    with pytest.raises(DatabaseError, match="ACCOUNT_USAGE"):
        run(f"select * from {POOLS}")
    run("use role accountadmin")
    run(f"revoke database role snowflake.usage_viewer from role {role}")
    run(f"use role {reader}")
    with pytest.raises(DatabaseError, match="expansion of view 'SPENT'"):
        run(f"select * from {view}")
    run("use role accountadmin")
    run(f"drop role {reader}")


def test_the_view_of_pools_tells_what_each_is_and_whether_it_sleeps(connection, pool, late):
    (found,) = (
        connection.cursor(DictCursor)
        .execute("select * from snowflake.account_usage.compute_pools where name = %s", (pool,))
        .fetchall()
    )

    assert (found["MIN_NODES"], found["MAX_NODES"], found["IS_SUSPENDED"]) == (1, 3, False)
    assert found["INSTANCE_FAMILY"] == "CPU_X64_XS"
