"""What SHOW tells of the kind of a table or view, and warehouses that wait to be resumed."""

from __future__ import annotations

import uuid

import pytest
from snowflake.connector import DictCursor
from snowflake.connector.errors import ProgrammingError


@pytest.fixture
def asleep(run):
    name = f"W_{uuid.uuid4().hex[:8]}".upper()
    run(f"create warehouse {name} auto_resume = false initially_suspended = true")
    yield name
    run(f"drop warehouse {name}")


def test_show_tells_transient_tables_and_secure_views(connection, run):
    run("create table kept (id int)")
    run("create transient table passing (id int)")
    run("create secure view hidden as select id from kept")
    run("create view open as select id from kept")

    cursor = connection.cursor(DictCursor)
    tables = {row["name"]: row["kind"] for row in cursor.execute("show tables").fetchall()}
    views = {row["name"]: row["is_secure"] for row in cursor.execute("show views").fetchall()}

    assert tables == {"KEPT": "TABLE", "PASSING": "TRANSIENT"}
    assert views == {"HIDDEN": "true", "OPEN": "false"}


def test_a_suspended_warehouse_that_does_not_resume_by_itself_computes_nothing(run, asleep):
    run("create table t (id int)")
    run(f"use warehouse {asleep}")
    with pytest.raises(ProgrammingError) as caught:
        run("select sum(id) from t")

    run(f"alter warehouse {asleep} resume")

    assert caught.value.errno == 606
    assert run("select sum(id) from t") == [(None,)]
