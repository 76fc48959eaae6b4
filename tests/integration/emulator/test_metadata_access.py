"""What is told of objects to a role that may use their schema and has no privilege on them."""

from __future__ import annotations

import contextlib

import pytest
from snowflake.connector.errors import DatabaseError

from tests.integration.emulator.access_world import World

MADE = """
create table {s}.t (x int, secret_column int)
create view {s}.vv as select secret_column from {s}.t
create tag {s}.tg
alter table {s}.t set tag {s}.tg = 'told'
create task {s}.tk as select 1
create task {s}.child after {s}.tk as select 1
create dynamic table {s}.dt target_lag = '1 hour' warehouse = {w} as select x from {s}.t
create stage {s}.st
create network rule {s}.nr type = host_port mode = egress value_list = ('a:1')
create external access integration E_{d} allowed_network_rules = ({s}.nr) enabled = true
"""
ASKED = {
    "show columns in table {s}.t": "select on table {s}.t",
    "show columns in view {s}.vv": "select on view {s}.vv",
    "show columns in schema {s}": "select on table {s}.t",
    "show columns like 'SECRET_COLUMN' in account": "select on table {s}.t",
    "select name from table({d}.information_schema.task_dependents(task_name => '{s}.tk'))": (
        "monitor on task {s}.tk"
    ),
    "select name from table({d}.information_schema.dynamic_table_refresh_history())": (
        "monitor on dynamic table {s}.dt"
    ),
    "select name from table({d}.information_schema.dynamic_table_graph_history())": (
        "monitor on dynamic table {s}.dt"
    ),
    "select system$get_tag('{s}.tg', '{s}.t', 'table')": "select on table {s}.t",
    "select tag_value from table({d}.information_schema.tag_references('{s}.t', 'table'))": (
        "select on table {s}.t"
    ),
    "show integrations like 'E_{d}'": "usage on integration E_{d}",
    "show external access integrations like 'E_{d}'": "usage on integration E_{d}",
    "select get_presigned_url(@{s}.st, 'x.csv')": "read on stage {s}.st",
    "select get_presigned_url('@{s}.st', 'x.csv') from {s}.o": "read on stage {s}.st",
}
"""A question, and a grant that lets the role ask it."""


@pytest.fixture(scope="module")
def world(snowflake_connection):
    with contextlib.closing(World(snowflake_connection)) as made:
        made.do(*MADE.strip().splitlines())
        made.do("create table {s}.o (x int)", "insert into {s}.o values (1)")
        for grant in ("usage on database {d}", "usage on schema {s}", "usage on warehouse {w}"):
            made.give(grant)
        made.give("select on table {s}.o")
        made.reset()
        yield made
        made.do("drop integration E_{d}")


def told(world, sql):
    """Return what the role is told, without what stands there for all to see."""
    try:
        found = world.low.cursor().execute(sql.format(**world.names)).fetchall()
    except DatabaseError as error:
        assert error.errno in {2003, 3001}, error
        return []
    return [row for row in found if "O" not in row and "INFORMATION_SCHEMA" not in row]


@pytest.mark.parametrize("sql", ASKED)
def test_nothing_is_told_of_an_object_without_a_privilege_on_it(world, sql):
    before = told(world, sql)
    world.give(ASKED[sql])
    after = told(world, sql)
    world.take(ASKED[sql])

    assert before == []
    assert after != []
