"""For each kind of statement: it runs with exactly the needed grants, and with none of them away.

The table below is the promise; each line is a statement, what it needs, and what must stand.
Source of each line: Snowflake, the statement's page, "Access control requirements".
"""

from __future__ import annotations

import pytest
from snowflake.connector.errors import DatabaseError

from tests.integration.emulator.access_world import Case, World, check

TABLE = "create or replace table {s}.t (x int, y int)"
OTHER = "create or replace table {s}.o (x int primary key)"
VIEW = "create or replace view {s}.v as select x from {s}.t"
STAGE = "create or replace stage {s}.st"
TAG = "create or replace tag {s}.tg"

CASES = [
    Case("select", "select * from {s}.t", ("select on table {s}.t",), (TABLE,), rows=True),
    Case(
        "select from a view",
        "select * from {s}.v",
        ("select on view {s}.v",),
        (TABLE, VIEW),
        rows=True,
    ),
    Case(
        "join",
        "select * from {s}.t join {s}.o using (x)",
        ("select on table {s}.t", "select on table {s}.o"),
        (TABLE, OTHER),
        rows=True,
    ),
    Case(
        "subquery",
        "with a as (select * from {s}.t) select * from a where x in (select x from {s}.o)",
        ("select on table {s}.t", "select on table {s}.o"),
        (TABLE, OTHER),
        rows=True,
    ),
    Case(
        "insert",
        "insert into {s}.t values (1, 2)",
        ("insert on table {s}.t",),
        (TABLE,),
        rows=True,
    ),
    Case(
        "insert from a query",
        "insert into {s}.t (x) select x from {s}.o",
        ("insert on table {s}.t", "select on table {s}.o"),
        (TABLE, OTHER),
        rows=True,
    ),
    Case(
        "insert overwrite",
        "insert overwrite into {s}.t values (1, 2)",
        ("insert on table {s}.t", "delete on table {s}.t"),
        (TABLE,),
        rows=True,
    ),
    Case("update", "update {s}.t set x = 1", ("update on table {s}.t",), (TABLE,), rows=True),
    Case("delete", "delete from {s}.t", ("delete on table {s}.t",), (TABLE,), rows=True),
    Case("truncate", "truncate table {s}.t", ("truncate on table {s}.t",), (TABLE,)),
    Case(
        "merge",
        "merge into {s}.t using {s}.o on t.x = o.x when matched then update set y = 1 "
        "when not matched then insert (x) values (o.x)",
        (
            "select on table {s}.t",
            "update on table {s}.t",
            "insert on table {s}.t",
            "select on table {s}.o",
        ),
        (TABLE, OTHER),
        rows=True,
    ),
    Case("create table", "create table {s}.n (x int)", ("create table on schema {s}",)),
    Case(
        "create table as",
        "create table {s}.n as select x from {s}.t",
        ("create table on schema {s}", "select on table {s}.t"),
        (TABLE,),
        rows=True,
    ),
    Case(
        "clone",
        "create table {s}.n clone {s}.t",
        ("create table on schema {s}", "select on table {s}.t"),
        (TABLE,),
    ),
    Case(
        "foreign key",
        "create table {s}.n (x int references {s}.o (x))",
        ("create table on schema {s}", "references on table {s}.o"),
        (OTHER,),
    ),
    Case(
        "replace table",
        "create or replace table {s}.t (x int)",
        ("create table on schema {s}", "ownership on table {s}.t"),
        (TABLE,),
    ),
    Case(
        "create view",
        "create view {s}.n as select x from {s}.t",
        ("create view on schema {s}", "select on table {s}.t"),
        (TABLE,),
    ),
    Case("create temporary table", "create temporary table {s}.of_the_session (x int)", ()),
    Case(
        "alter table", "alter table {s}.t add column z int", ("ownership on table {s}.t",), (TABLE,)
    ),
    Case(
        "table option",
        "alter table {s}.t set change_tracking = true",
        ("ownership on table {s}.t",),
        (TABLE,),
    ),
    Case("comment", "comment on table {s}.t is 'c'", ("ownership on table {s}.t",), (TABLE,)),
    Case("drop table", "drop table {s}.t", ("ownership on table {s}.t",), (TABLE,)),
    Case("drop view", "drop view {s}.v", ("ownership on view {s}.v",), (TABLE, VIEW)),
    Case("describe table", "describe table {s}.t", ("references on table {s}.t",), (TABLE,)),
    Case("create stage", "create stage {s}.n", ("create stage on schema {s}",)),
    Case("temporary stage", "create temporary stage {s}.n", ("create stage on schema {s}",)),
    Case("list", "list @{s}.st", ("read on stage {s}.st",), (STAGE,)),
    Case("remove", "remove @{s}.st", ("write on stage {s}.st",), (STAGE,)),
    Case(
        "alter stage",
        "alter stage {s}.st set comment = 'c'",
        ("ownership on stage {s}.st",),
        (STAGE,),
    ),
    Case("drop stage", "drop stage {s}.st", ("ownership on stage {s}.st",), (STAGE,)),
    Case(
        "unload",
        "copy into @{s}.st from {s}.t",
        ("read, write on stage {s}.st", "select on table {s}.t"),
        (TABLE, STAGE),
        rows=True,
    ),
    Case(
        "load",
        "copy into {s}.t from @{s}.st",
        ("read on stage {s}.st", "insert on table {s}.t"),
        (TABLE, STAGE),
        rows=True,
    ),
    Case(
        "file format", "create file format {s}.n type = csv", ("create file format on schema {s}",)
    ),
    Case("sequence", "create sequence {s}.n", ("create sequence on schema {s}",)),
    Case(
        "next value",
        "select {s}.sq.nextval",
        ("usage on sequence {s}.sq",),
        ("create or replace sequence {s}.sq",),
    ),
    Case(
        "load by format",
        "copy into {s}.t from @{s}.st file_format = (format_name = '{s}.ff')",
        (
            "read on stage {s}.st",
            "insert on table {s}.t",
            "usage on file format {s}.ff",
        ),
        (TABLE, STAGE, "create or replace file format {s}.ff type = csv"),
        rows=True,
    ),
    Case("create tag", "create tag {s}.n", ("create tag on schema {s}",)),
    Case(
        "tag a table",
        "alter table {s}.t set tag {s}.tg = 'x'",
        ("apply on tag {s}.tg", "ownership on table {s}.t"),
        (TABLE, TAG),
    ),
    Case("drop tag", "drop tag {s}.tg", ("ownership on tag {s}.tg",), (TAG,)),
    Case("use schema", "use schema {s}", ()),
    Case("use database", "use database {d}", ("usage on database {d}",), place=False),
    Case("use warehouse", "use warehouse {w}", ("usage on warehouse {w}",), place=False),
    Case(
        "create schema",
        "create schema {d}.n",
        ("usage on database {d}", "create schema on database {d}"),
        place=False,
    ),
    Case(
        "alter schema",
        "alter schema {s} set comment = 'c'",
        ("usage on database {d}", "modify on schema {s}"),
        place=False,
    ),
    Case(
        "drop schema",
        "drop schema {s}_2",
        ("usage on database {d}", "ownership on schema {s}_2"),
        ("create or replace schema {s}_2",),
        place=False,
    ),
    Case(
        "create database",
        "create database {d}_2",
        ("create database on account",),
        after=("drop database {d}_2",),
        place=False,
    ),
    Case(
        "create warehouse",
        "create warehouse {w}_2 initially_suspended = true",
        ("create warehouse on account",),
        after=("drop warehouse {w}_2",),
        place=False,
    ),
    Case(
        "suspend",
        "alter warehouse {w} resume if suspended",
        ("operate on warehouse {w}",),
        place=False,
    ),
    Case(
        "resize",
        "alter warehouse {w} set auto_suspend = 120",
        ("modify on warehouse {w}",),
        place=False,
    ),
    Case(
        "drop warehouse",
        "drop warehouse {w}_2",
        ("ownership on warehouse {w}_2",),
        ("create or replace warehouse {w}_2 initially_suspended = true",),
        place=False,
    ),
    Case(
        "create role",
        "create role {r}_2",
        ("create role on account",),
        after=("drop role {r}_2",),
        place=False,
    ),
    Case(
        "drop role",
        "drop role {r}_2",
        ("ownership on role {r}_2",),
        ("create or replace role {r}_2",),
        place=False,
    ),
    Case(
        "grant role",
        "grant role {r}_2 to role sysadmin",
        ("ownership on role {r}_2",),
        ("create or replace role {r}_2",),
        after=("drop role {r}_2",),
        place=False,
    ),
    Case(
        "create user",
        "create user {r}_u",
        ("create user on account",),
        after=("drop user {r}_u",),
        place=False,
    ),
    Case(
        "drop user",
        "drop user {r}_u",
        ("ownership on user {r}_u",),
        ("create or replace user {r}_u",),
        place=False,
    ),
    Case(
        "alter user",
        "alter user {r}_u set comment = 'c'",
        ("ownership on user {r}_u",),
        ("create or replace user {r}_u",),
        after=("drop user {r}_u",),
        place=False,
    ),
    Case(
        "grant",
        "grant select on table {s}.t to role public",
        ("ownership on table {s}.t",),
        (TABLE,),
    ),
    Case(
        "grant on the account",
        "grant create database on account to role public",
        ("manage grants on account",),
        after=("revoke create database on account from role public",),
        place=False,
    ),
    Case(
        "future grants",
        "grant select on future tables in schema {s} to role public",
        ("manage grants on account",),
        after=("revoke select on future tables in schema {s} from role public",),
        place=False,
    ),
    Case(
        "database role",
        "create database role {d}.n",
        ("usage on database {d}", "create database role on database {d}"),
        place=False,
    ),
]


@pytest.fixture(scope="module")
def world(snowflake_connection):
    made = World(snowflake_connection)
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_statement_runs_with_its_grants_and_fails_without_any(world, case):
    check(world, case)


def test_a_view_reads_with_the_rights_of_its_owner(world):
    """Neither the table's schema nor the table is the reader's business."""
    world.do("create or replace schema {s}", "create or replace schema {s}_hidden")
    world.do(
        "use warehouse {w}",
        "create table {s}_hidden.t (x int)",
        "insert into {s}_hidden.t values (1)",
    )
    world.do("create view {s}.v as select x from {s}_hidden.t")
    for grant in ("usage on database {d}", "usage on schema {s}", "usage on warehouse {w}"):
        world.give(grant)
    world.give("select on view {s}.v")
    world.reset()

    world.attempt("select * from {s}.v")
    with pytest.raises(DatabaseError, match="does not exist or not authorized"):
        world.attempt("select * from {s}_hidden.t")


def test_a_view_fails_when_its_owner_loses_the_table(world):
    world.do("create or replace schema {s}", "create table {s}.t (x int)")
    for grant in ("usage on database {d}", "usage on schema {s}", "usage on warehouse {w}"):
        world.give(grant)
    world.give("select on table {s}.t")
    world.give("create view on schema {s}")
    world.reset()
    world.attempt("create view {s}.v as select x from {s}.t")

    world.take("select on table {s}.t")
    with pytest.raises(DatabaseError) as refused:
        world.attempt("select * from {s}.v")
    assert refused.value.errno == 2037


def test_the_messages_are_snowflakes(world):
    """Seen but not allowed is 003001; not seen is 002003, as if it were not there."""
    world.do("create or replace schema {s}", "create table {s}.t (x int)")
    for grant in ("usage on database {d}", "usage on schema {s}", "usage on warehouse {w}"):
        world.give(grant)
    world.reset()

    with pytest.raises(DatabaseError) as unseen:
        world.attempt("select * from {s}.t")
    world.give("insert on table {s}.t")
    with pytest.raises(DatabaseError) as seen:
        world.attempt("select * from {s}.t")

    assert (unseen.value.errno, unseen.value.sqlstate) == (2003, "42S02")
    assert (seen.value.errno, seen.value.sqlstate) == (3001, "42501")
    assert "Insufficient privileges to operate on table 'T'" in seen.value.msg
