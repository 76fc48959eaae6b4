"""What one user may do with what another one runs."""

from __future__ import annotations

import contextlib
import uuid

import pytest
from snowflake.connector import connect
from snowflake.connector.constants import QueryStatus
from snowflake.connector.errors import ProgrammingError

from tests.integration.emulator.test_login import pair
from tests.waiting import until

LONG = "select system$wait(60)"


@pytest.fixture
def bob(place, run, database):
    """Another user's cursor; his role may use the database and nothing else."""
    name = f"BOB_{uuid.uuid4().hex[:8]}".upper()
    private, public = pair()
    run(f"create role {name}")
    run(f"create user {name} type = service default_role = {name} rsa_public_key = '{public}'")
    run(f"grant role {name} to user {name}")
    run(f"grant usage on database {database} to role {name}")
    run(f"grant usage on schema {database}.public to role {name}")
    key = {"user": name, "password": None, "private_key": private, "role": name}
    with contextlib.closing(connect(**{**place, **key})) as opened:
        opened.cursor().execute("use secondary roles none")
        yield opened.cursor()
    run(f"drop user {name}")
    run(f"drop role {name}")


@pytest.fixture
def long(connection):
    """The id of a query that runs until it is cancelled, in a warehouse of its own session."""
    cursor = connection.cursor()
    cursor.execute("use warehouse compute_wh")
    cursor.execute_async(LONG)
    yield cursor.sfqid
    with contextlib.suppress(ProgrammingError):
        connection.cursor().execute(f"select system$cancel_query('{cursor.sfqid}')")


def test_a_result_is_for_the_user_who_ran_the_query(connection, bob):
    cursor = connection.cursor()
    cursor.execute("select 'secret' as s")
    asked = f"select * from table(result_scan('{cursor.sfqid}'))"
    assert connection.cursor().execute(asked).fetchall() == [("secret",)]

    for sql in (asked, f"describe result '{cursor.sfqid}'"):
        with pytest.raises(ProgrammingError):
            bob.execute(sql)
    assert bob.connection.get_query_status(cursor.sfqid) == QueryStatus.NO_DATA


def test_the_role_of_an_administrator_does_not_open_another_users_results(bob, run):
    bob.execute("select 'secret' as s")

    with pytest.raises(ProgrammingError):
        run(f"select * from table(result_scan('{bob.sfqid}'))")


def test_a_query_is_cancelled_by_its_user_or_who_operates_its_warehouse(
    place, connection, bob, long
):
    status = lambda: connection.get_query_status(long)  # noqa: E731
    until(lambda: status() == QueryStatus.RUNNING, "it did not start")
    role = bob.execute("select current_role()").fetchone()[0]
    session = connection.session_id
    for sql in (
        f"select system$cancel_query('{long}')",
        f"select system$cancel_all_queries({session})",
        f"select system$abort_session({session})",
    ):
        with pytest.raises(ProgrammingError):
            bob.execute(sql)
    assert status() == QueryStatus.RUNNING

    # The first session waits for its query.
    with contextlib.closing(connect(**place)) as other:
        other.cursor().execute(f"grant operate on warehouse compute_wh to role {role}")
        bob.execute(f"select system$cancel_query('{long}')")
        other.cursor().execute(f"revoke operate on warehouse compute_wh from role {role}")
    until(lambda: status() != QueryStatus.RUNNING, "it was not cancelled")
