"""What stands behind a statement is refused, and nothing of it has been done then."""

from __future__ import annotations

import contextlib
import uuid

import pytest
from snowflake.connector import connect
from snowflake.connector.errors import ProgrammingError

from tests.waiting import until

MADE = """
create table t (x int, y varchar)
insert into t values (0, 'before')
create table u (x int, y varchar)
create table gone (x int)
drop table gone
create view v as select 1 as x
create stage st
copy into @st/made from t
create file format ff type = csv
create role R_{mark}
create role Q_{mark}
create user U_{mark} comment = 'made'
grant role Q_{mark} to user U_{mark}
grant monitor on database {here} to role Q_{mark}
create tag g1
alter table u set tag g1 = 'b'
create warehouse W_{mark}
create secret s1 type = generic_string secret_string = 'x'
create image repository ir
create network rule n1 type = host_port mode = egress value_list = ('a:1')
create network rule n2 type = host_port mode = egress value_list = ('a:1')
create external access integration E_{mark} allowed_network_rules = (n1) enabled = true
create alert a1 warehouse = compute_wh schedule = '60 minute' if (exists (select 1)) then select 1
create alert a2 warehouse = compute_wh schedule = '60 minute' if (exists (select 1)) then select 1
alter alert a2 resume
create dynamic table d1 target_lag = '1 hour' warehouse = compute_wh as select x from t
alter dynamic table d1 set comment = 'made'
create dynamic table d2 target_lag = '1 hour' warehouse = compute_wh as select x from t
create task k1 schedule = '60 minute' comment = 'made' when 'a' = 'a' as select 1
create task k2 after k1 as select 1
create task k3 schedule = '60 minute' as select 1
alter task k3 resume
create task k4 as select 1
create function f1(x int) returns int as 'x'
create procedure p1() returns int language sql as 'begin delete from t; return 1; end'
create sequence q1
create dataset ds1
create compute pool P_{mark} min_nodes = 1 max_nodes = 1 instance_family = CPU_X64_XS
create schema sc1
create database D_{mark}
create database role dr1
alter session set query_tag = 'made'
set y1 = 1
"""
STATEMENTS = """
drop table t
drop view v
drop stage st
drop file format ff
drop role R_{mark}
drop database role dr1
drop user U_{mark}
drop tag g1
drop warehouse W_{mark}
drop secret s1
drop image repository ir
drop network rule n2
drop integration E_{mark}
drop alert a1
drop dynamic table d1
drop task k2
drop function f1(int)
drop procedure p1()
drop sequence q1
drop dataset ds1
drop compute pool P_{mark}
drop schema sc1
drop database D_{mark}
create role R2_{mark}
create user U2_{mark}
create tag g2
create warehouse W2_{mark}
create schema sc2
create database D2_{mark}
create database role dr2
create stage st2
alter table t set comment = 'x'
alter table t rename to t9
alter table t add column z int
alter table t drop column y
alter table t set tag g1 = 'a'
alter table u unset tag g1
alter view v set comment = 'c'
alter stage st set comment = 'c'
alter stage st rename to st9
alter stage st refresh
alter role R_{mark} rename to R9_{mark}
alter role R_{mark} set comment = 'c'
alter user U_{mark} set comment = 'c'
alter user U_{mark} unset comment
alter user U_{mark} add programmatic access token p1
alter tag g1 set comment = 'c'
alter tag g1 rename to g9
alter tag g1 add allowed_values 'a'
alter warehouse W_{mark} suspend
alter warehouse W_{mark} set comment = 'c'
alter warehouse W_{mark} rename to W9_{mark}
alter secret s1 set comment = 'c'
alter network rule n1 set comment = 'c'
alter integration E_{mark} set comment = 'c'
alter external access integration E_{mark} set enabled = false
alter alert a2 suspend
alter alert a1 set comment = 'c'
alter alert a1 modify condition exists (select 2)
alter dynamic table d1 suspend
alter dynamic table d1 refresh
alter dynamic table d1 set comment = 'c'
alter dynamic table d1 rename to d9
alter dynamic table d1 swap with d2
alter dynamic table d1 unset comment
alter task k3 suspend
alter task k4 add after k1
alter task k1 set comment = 'c'
alter task k1 unset comment
alter task k1 remove when
alter function f1(int) set comment = 'c'
alter function f1(int) rename to f9
alter procedure p1() set comment = 'c'
alter compute pool P_{mark} suspend
alter compute pool P_{mark} set comment = 'c'
alter compute pool P_{mark} stop all
alter schema sc1 set comment = 'c'
alter database D_{mark} set comment = 'c'
alter session set query_tag = 'x'
alter session unset query_tag
use secondary roles none
use secondary roles all
grant usage on database {here} to role R_{mark}
grant select on all tables in schema public to role R_{mark}
grant usage on future schemas in database {here} to role R_{mark}
grant role R_{mark} to user U_{mark}
grant ownership on table t to role R_{mark}
revoke monitor on database {here} from role Q_{mark}
revoke role Q_{mark} from user U_{mark}
show tables
show grants
show grants on table t
show grants to role R_{mark}
show grants of role R_{mark}
show future grants in schema public
show tasks
show parameters
describe table t
describe stage st
describe task k1
describe user U_{mark}
describe warehouse W_{mark}
describe integration E_{mark}
list @st
remove @st
comment on table t is 'x'
truncate table t
set x = 1
unset y1
execute task k1
execute alert a1
call p1()
undrop table gone
copy into t from @st
copy into @st/x from t overwrite = true
create table t3 like t
create table t4 clone t
create or replace file format ff type = csv
execute immediate 'insert into u values (8, null)'
insert into t values (1, 'a')
update t set x = 1
"""
BEHIND = ("frobnicate", ")")
LISTED = (
    "tables",
    "views",
    "stages",
    "file formats",
    "tags",
    "secrets",
    "image repositories",
    "network rules",
    "alerts",
    "dynamic tables",
    "tasks",
    "user functions",
    "user procedures",
    "datasets",
    "schemas",
    "database roles",
)
"""The kinds that SHOW finds in a database."""
OF_THE_ACCOUNT = ("roles", "users", "warehouses", "databases", "compute pools", "integrations")
SHOWN = """
show grants on table t
show grants on table u
show grants on database {here}
show grants to user U_{mark}
show grants of role R_{mark}
show grants of role Q_{mark}
show grants to role R_{mark}
show grants to role Q_{mark}
show future grants in database {here}
show future grants in schema public
show parameters
show variables
list @st
describe table t
describe table u
describe user U_{mark}
describe integration E_{mark}
select * from t order by x, y
select * from u order by x, y
select system$get_tag('g1', 't', 'table'), system$get_tag('g1', 'u', 'table')
select current_schemas(), current_warehouse(), current_role(), current_secondary_roles()
select name, state from table(information_schema.task_history(task_name => 'K1'))
select name, state from table(information_schema.alert_history(alert_name => 'A1'))
"""
ACCOUNTS_OWN = """
integration if exists E_{mark}
compute pool if exists P_{mark}
warehouse if exists W_{mark}
warehouse if exists W2_{mark}
warehouse if exists W9_{mark}
user if exists U_{mark}
user if exists U2_{mark}
role if exists R_{mark}
role if exists R2_{mark}
role if exists R9_{mark}
role if exists Q_{mark}
database if exists D_{mark}
database if exists D2_{mark}
database if exists {here}
"""
"""What goes when a world ends; what none of them should have made as well."""
MOVING = {"updated_on", "active_nodes", "idle_nodes", "running", "queued", "session_id"}
MOVING |= {"available", "provisioning", "quiescing", "other"}
"""Columns that change by themselves."""


@contextlib.contextmanager
def _made(arguments):
    """Yield what runs a statement in a database of its own, with objects of each kind."""
    mark = uuid.uuid4().hex[:8].upper()
    with contextlib.closing(connect(**arguments)) as connection:

        def run(sql):
            return connection.cursor().execute(sql.format(mark=mark, here=f"T_{mark}"))

        run("create database {here}")
        for sql in MADE.strip().splitlines():
            run(sql)
            run("use schema {here}.public")
        try:
            yield run
        finally:
            for name in ACCOUNTS_OWN.strip().splitlines():
                run(f"drop {name}")


@pytest.fixture(scope="module")
def world(snowflake_connection):
    with _made(snowflake_connection) as run:
        yield run


@pytest.fixture
def untouched(snowflake_connection):
    """A world in which no other test has run anything."""
    with _made(snowflake_connection) as run:
        pool = "show compute pools like 'P_{mark}' ->> select \"state\" from $1"
        until(lambda: run(pool).fetchall()[0][0] in {"IDLE", "ACTIVE"}, "the pool did not start")
        yield run


def _rows(cursor):
    names = [column.name for column in cursor.description]
    return [
        {name: value for name, value in zip(names, row, strict=True) if name not in MOVING}
        for row in cursor.fetchall()
        if "INFORMATION_SCHEMA" not in row
    ]


def _all_there_is(run):
    """Return what each question about a world answers: objects, rows, grants and the session."""
    asked = [f"show {kind} in database {{here}}" for kind in LISTED]
    asked += [f"show {kind} like '%{{mark}}'" for kind in OF_THE_ACCOUNT]
    return {sql: _rows(run(sql)) for sql in [*asked, *SHOWN.strip().splitlines()]}


@pytest.mark.parametrize("sql", STATEMENTS.strip().splitlines())
def test_what_stands_behind_a_statement_is_refused(world, sql):
    for more in BEHIND:
        with pytest.raises(ProgrammingError) as caught:
            world(f"{sql} {more}")
        assert caught.value.errno != 603


def test_nothing_of_what_was_refused_was_done(untouched):
    before = _all_there_is(untouched)
    for sql in STATEMENTS.strip().splitlines():
        with contextlib.suppress(ProgrammingError):
            untouched(f"{sql} frobnicate")

    assert _all_there_is(untouched) == before
    # No question tells of a sequence, and each value of it counts.
    assert untouched("select q1.nextval").fetchall() == [(1,)]
