"""What stands behind a statement is refused, and nothing of it has been done then."""

from __future__ import annotations

import contextlib
import uuid

import pytest
from snowflake.connector import connect
from snowflake.connector.errors import ProgrammingError

MADE = """
create table t (x int, y varchar)
create table u (x int, y varchar)
create view v as select 1 as x
create stage st
create file format ff type = csv
create role R_{mark}
create user U_{mark}
create tag g1
create warehouse W_{mark}
create secret s1 type = generic_string secret_string = 'x'
create image repository ir
create network rule n1 type = host_port mode = egress value_list = ('a:1')
create external access integration E_{mark} allowed_network_rules = (n1) enabled = true
create alert a1 warehouse = compute_wh schedule = '1 minute' if (exists (select 1)) then select 1
create dynamic table d1 target_lag = '1 hour' warehouse = compute_wh as select x from t
create task k1 schedule = '60 minute' as select 1
create task k2 after k1 as select 1
create function f1(x int) returns int as 'x'
create procedure p1() returns int language sql as 'begin return 1; end'
create sequence q1
create dataset ds1
create compute pool P_{mark} min_nodes = 1 max_nodes = 1 instance_family = CPU_X64_XS
create schema sc1
create database D_{mark}
create database role dr1
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
drop network rule n1
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
create role r2
create user u2
create tag g2
create warehouse w2
create schema sc2
create database db2
create database role dr2
create stage st2
alter table t set comment = 'x'
alter table t rename to t9
alter table t add column z int
alter table t drop column y
alter table t set tag g1 = 'a'
alter table t unset tag g1
alter view v set comment = 'c'
alter stage st set comment = 'c'
alter stage st rename to st9
alter stage st refresh
alter role R_{mark} rename to r9
alter role R_{mark} set comment = 'c'
alter user U_{mark} set comment = 'c'
alter user U_{mark} unset comment
alter user U_{mark} add programmatic access token p1
alter tag g1 set comment = 'c'
alter tag g1 rename to g9
alter tag g1 add allowed_values 'a'
alter warehouse W_{mark} suspend
alter warehouse W_{mark} set comment = 'c'
alter warehouse W_{mark} rename to w9
alter secret s1 set comment = 'c'
alter network rule n1 set comment = 'c'
alter integration E_{mark} set comment = 'c'
alter external access integration E_{mark} set enabled = true
alter alert a1 suspend
alter alert a1 set comment = 'c'
alter alert a1 modify condition exists (select 1)
alter dynamic table d1 suspend
alter dynamic table d1 refresh
alter dynamic table d1 set comment = 'c'
alter task k1 suspend
alter task k2 add after k1
alter task k1 set comment = 'c'
alter task k1 unset comment
alter task k1 remove when
alter function f1(int) set comment = 'c'
alter function f1(int) rename to f9
alter procedure p1() set comment = 'c'
alter compute pool P_{mark} suspend
alter compute pool P_{mark} set comment = 'c'
alter compute pool P_{mark} stop all
alter schema sc1 rename to sc9
alter schema sc1 set comment = 'c'
alter database D_{mark} set comment = 'c'
alter session set query_tag = 'x'
alter session unset query_tag
use secondary roles all
grant usage on database {here} to role R_{mark}
grant select on all tables in schema public to role R_{mark}
grant usage on future schemas in database {here} to role R_{mark}
grant role R_{mark} to user U_{mark}
grant ownership on table t to role R_{mark}
revoke usage on database {here} from role R_{mark}
revoke role R_{mark} from user U_{mark}
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
unset x
execute task k1
execute alert a1
call p1()
undrop table t
copy into t from @st
copy into @st/x from t overwrite = true
create table t3 like t
create table t3 clone t
use secondary roles none
create or replace file format ff type = csv
execute immediate 'select 1'
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
    "tasks",
    "alerts",
    "user functions",
    "network rules",
)


@pytest.fixture(scope="module")
def world(snowflake_connection):
    """A session in a database of its own, with one object of each kind."""
    mark = uuid.uuid4().hex[:8].upper()
    here = f"T_{mark}"
    with contextlib.closing(connect(**snowflake_connection)) as connection:

        def run(sql):
            return connection.cursor().execute(sql.format(mark=mark, here=here)).fetchall()

        run("create database {here}")
        for sql in MADE.strip().splitlines():
            run(sql)
            run("use schema {here}.public")
        yield run
        for kind, name in (
            ("integration", "E_{mark}"),
            ("compute pool", "P_{mark}"),
            ("warehouse", "W_{mark}"),
            ("user", "U_{mark}"),
            ("role", "R_{mark}"),
            ("database", "D_{mark}"),
            ("database", "{here}"),
        ):
            run(f"drop {kind} if exists {name}")


def _names(run):
    """Return what there is, by name; comments with them."""
    found = []
    for kind in LISTED:
        answer = run(f'show {kind} in database {{here}} ->> select "name" from $1')
        found.append((kind, sorted(row[0] for row in answer)))
    for kind in ("roles", "users", "warehouses", "databases", "compute pools", "integrations"):
        answer = run(f"show {kind} like '%{{mark}}' ->> select \"name\" from $1")
        found.append((kind, sorted(row[0] for row in answer)))
    return found


@pytest.mark.parametrize("sql", STATEMENTS.strip().splitlines())
def test_what_stands_behind_a_statement_is_refused(world, sql):
    for more in BEHIND:
        with pytest.raises(ProgrammingError) as caught:
            world(f"{sql} {more}")
        assert caught.value.errno != 603


def test_nothing_of_what_was_refused_was_done(world):
    before = _names(world)
    for sql in STATEMENTS.strip().splitlines():
        with contextlib.suppress(ProgrammingError):
            world(f"{sql} frobnicate")

    assert _names(world) == before
