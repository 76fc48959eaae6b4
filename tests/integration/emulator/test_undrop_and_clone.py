"""UNDROP, CLONE, time travel and EXPLAIN."""

from __future__ import annotations

import json

import pytest
from snowflake.connector.errors import ProgrammingError


@pytest.fixture
def table(run):
    run(
        "create table t (id int autoincrement start 5 primary key, s varchar(10) not null, "
        "j variant) comment = 'kept'"
    )
    run("insert into t (s) values ('a'), ('b')")
    run("create or replace role reader")
    run("grant select on table t to role reader")
    yield "t"
    run("drop role if exists reader")


def granted(run, on):
    return {(one[1], one[5]) for one in run(f"show grants on {on}")}


def test_a_table_comes_back_with_rows_rules_and_grants(run, table):
    before = run("describe table t")
    run("drop table t")
    with pytest.raises(ProgrammingError, match="does not exist"):
        run("select * from t")

    assert run("undrop table t") == [("Table T successfully restored.",)]
    assert run("select id, s from t order by id") == [(5, "a"), (6, "b")]
    assert run("describe table t") == before
    assert run("show tables")[0][5] == "kept"
    assert ("SELECT", "READER") in granted(run, "table t")
    run("insert into t (s) values ('c')")
    assert run("select max(id) from t") == [(7,)]


def test_the_newest_of_a_name_comes_back_and_nothing_that_stands_is_replaced(run):
    for value in (1, 2):
        run("create table t (a int)")
        run(f"insert into t values ({value})")
        run("drop table t")
    run("undrop table t")
    assert run("select a from t") == [(2,)]
    with pytest.raises(ProgrammingError, match="already exists"):
        run("undrop table t")
    run("alter table t rename to second")
    run("undrop table t")
    assert run("select a from t") == [(1,)]
    run("drop table second")
    with pytest.raises(ProgrammingError, match="did not exist or was purged"):
        run("undrop table never")


def test_a_schema_comes_back_with_what_was_in_it(run, database, tmp_path):
    file = tmp_path / "f.csv"
    file.write_text("1\n")
    run("create schema s")
    run("create table x as select 1 as a")
    run("create view v2 as select 2 as b")
    run(f"create view v1 as select a, b from x, {database}.s.v2")
    run("create sequence sq start 3")
    run("create stage st")
    run(f"put file://{file} @st auto_compress = false")
    run("drop schema s")

    assert run("undrop schema s") == [("Schema S successfully restored.",)]
    assert run(f"select * from {database}.s.v1") == [(1, 2)]
    assert run(f"select {database}.s.sq.nextval") == [(3,)]
    assert run(f"list @{database}.s.st")[0][0] == "st/f.csv"


def test_a_database_comes_back(run, database, table):
    run("create schema s")
    run("create table s.x as select 1 as a")
    run(f"drop database {database}")

    assert run(f"undrop database {database}") == [(f"Database {database} successfully restored.",)]
    assert run(f"select * from {database}.s.x") == [(1,)]
    assert run(f"select count(*) from {database}.public.t") == [(2,)]
    assert ("SELECT", "READER") in granted(run, f"table {database}.public.t")


def test_what_would_come_back_in_part_is_refused(run, pool, database):
    run("create schema s")
    run("create image repository r")
    run("drop schema s")

    with pytest.raises(ProgrammingError, match="IMAGE REPOSITORY"):
        run("undrop schema s")


def test_only_its_owner_brings_a_table_back(run, table, database):
    run("drop table t")
    run(f"grant usage on database {database} to role reader")
    run(f"grant usage, create table on schema {database}.public to role reader")
    run("grant role reader to role accountadmin")
    run("use role reader")
    try:
        with pytest.raises(ProgrammingError, match="privileges"):
            run(f"undrop table {database}.public.t")
    finally:
        run("use role accountadmin")
    run("undrop table t")


def test_a_clone_of_a_table_is_a_table_of_its_own(run, table):
    run("create table c clone t")
    run("insert into c (s) values ('x')")

    assert run("select count(*) from t") == [(2,)]
    assert run("describe table c")[1] == run("describe table t")[1]
    assert run("show tables like 'C'")[0][5] == "kept"
    assert ("SELECT", "READER") not in granted(run, "table c")
    run("create or replace table c clone t copy grants")
    assert run("select count(*) from c") == [(2,)]
    assert ("SELECT", "READER") in granted(run, "table c")
    assert "already exists" in run("create table if not exists c clone t")[0][0]
    with pytest.raises(ProgrammingError, match="already exists"):
        run("create table c clone t")


def test_a_temporary_table_becomes_no_permanent_one(run, table):
    run("create temporary table mine clone t")
    assert run("select count(*) from mine") == [(2,)]
    with pytest.raises(ProgrammingError, match="Temp table cannot be cloned"):
        run("create table theirs clone mine")


def test_a_clone_asks_for_select_on_its_source(run, table, database):
    run("create or replace role cloner")
    run("grant role cloner to role accountadmin")
    run(f"grant usage on database {database} to role cloner")
    run(f"grant usage, create table on schema {database}.public to role cloner")
    run("use role cloner")
    try:
        with pytest.raises(ProgrammingError, match="does not exist or not authorized"):
            run(f"create table {database}.public.c clone {database}.public.t")
    finally:
        run("use role accountadmin")
        run("drop role cloner")


def test_a_schema_is_cloned_with_its_grants_its_tasks_suspended_its_stages_left(run, table):
    run("create view v as select s from t")
    run("create stage st")
    run("create task k schedule = '5 minutes' as select 1")
    run("create task l after k as select 2")
    run("alter task k resume")
    run("create schema copy clone public")

    assert run("select s from copy.v order by 1") == [("a",), ("b",)]
    run("insert into copy.t (s) values ('c')")
    assert run("select count(*) from copy.v") == [(3,)]  # its own table, not the first
    assert run("select count(*) from public.t") == [(2,)]
    assert ("SELECT", "READER") in granted(run, "table copy.t")
    tasks = {one[1]: one for one in run("show tasks in schema copy")}
    assert tasks["K"][12] == "suspended"
    assert "COPY" in tasks["L"][11]
    assert run("show stages in schema copy") == []
    run("create or replace schema copy clone public include internal stages")
    assert len(run("show stages in schema copy")) == 1
    with pytest.raises(ProgrammingError, match="internal stage"):
        run("create stage other clone st")


def test_a_database_is_cloned(run, database, table):
    run("create schema s")
    run("create table x as select 1 as a")
    run(f"create database {database}_c clone {database}")
    try:
        assert run(f"select * from {database}_c.s.x") == [(1,)]
        assert run(f"select count(*) from {database}_c.public.t") == [(2,)]
    finally:
        run(f"drop database {database}_c")


@pytest.fixture
def copied(run, database):
    """The name of a clone of the test's database, which is dropped with its roles."""
    yield f"{database}_C"
    run("use role accountadmin")
    run(f"drop database if exists {database}_C")
    run("drop role if exists keeper")


def test_a_database_takes_a_comment_with_its_clone(run, database, copied):
    run(f"create database {copied} clone {database} include internal stages comment = 'a copy'")

    (row,) = run(f"show databases like '{copied}'")
    assert row[6] == "a copy"
    with pytest.raises(ProgrammingError, match="unexpected 'owner'"):
        run(f"create or replace database {copied} clone {database} owner = 'me'")


def test_a_cloned_database_has_the_grants_of_its_schemas_and_none_of_its_own(
    run, table, database, copied
):
    run("create role keeper")
    run("grant role keeper to role sysadmin")
    run("create schema s")
    run(f"grant usage on database {database} to role reader")
    run("grant usage on schema s to role reader")
    run("grant select on future tables in schema s to role reader")
    run("grant ownership on schema s to role keeper copy current grants")
    run(f"create database {copied} clone {database}")

    assert ("USAGE", "READER") in granted(run, f"schema {copied}.s")
    assert ("USAGE", "READER") not in granted(run, f"database {copied}")
    schemas = {row[1]: row[5] for row in run(f"show schemas in database {copied}")}
    assert schemas["S"] == "KEEPER"
    run(f"create table {copied}.s.made (a int)")
    assert ("SELECT", "READER") in granted(run, f"table {copied}.s.made")


def test_image_repositories_stay_behind(run, database, copied):
    run("create image repository r")
    run(f"create database {copied} clone {database}")

    assert run(f"show image repositories in database {copied}") == []
    assert len(run(f"show image repositories in database {database}")) == 1


def test_dynamic_tables_and_alerts_of_a_clone_are_suspended(run, table, database, copied):
    run("create dynamic table near target_lag = '1 hour' warehouse = compute_wh as select s from t")
    run(
        f"create dynamic table far target_lag = '1 hour' warehouse = compute_wh"
        f" as select s from {database}.public.t"
    )
    run("create alert a schedule = '5 minutes' if (exists (select 1)) then select 1")
    run("alter alert a resume")
    run(f"create database {copied} clone {database}")
    run(f"insert into {copied}.public.t (s) values ('c')")
    for name in ("near", "far"):
        run(f"alter dynamic table {copied}.public.{name} refresh")

    assert run(f"select count(*) from {copied}.public.near") == [(3,)]
    # A name that is written whole stays what it was: here the first database's table.
    assert run(f"select count(*) from {copied}.public.far") == [(2,)]
    shown = run(f"show dynamic tables in database {copied}")
    assert {row[15] for row in shown} == {"SUSPENDED"}
    (alert,) = run(f"show alerts in database {copied}")
    assert "suspended" in alert


def test_a_view_of_what_the_account_tells_is_cloned_and_comes_back(run, table, database, copied):
    run(
        "create view told as select name, t.s from t join"
        f" table({database}.information_schema.task_history()) h on h.name = t.s"
    )
    run("create view plain as select query_id from snowflake.account_usage.query_history")
    run(f"create database {copied} clone {database}")

    assert run(f"select count(*) from {copied}.public.told") == [(0,)]
    assert run(f"select count(*) > 0 from {copied}.public.plain") == [(True,)]
    assert [row[0] for row in run(f"describe view {copied}.public.told")] == ["NAME", "S"]
    run(f"drop database {copied}")
    run(f"undrop database {copied}")
    assert run(f"select count(*) from {copied}.public.told") == [(0,)]


def test_what_is_tagged_in_a_clone_has_the_tag_of_the_clone(run, table, database, copied):
    run("create tag grade")
    run("alter table t set tag grade = 'high'")
    run(f"create database {copied} clone {database}")
    run(f"drop tag {database}.public.grade")

    asked = f"select system$get_tag('{copied}.public.grade', '{copied}.public.t', 'table')"
    assert run(asked) == [("high",)]


def test_a_plan_is_explained_and_nothing_runs(connection, run, table):
    cursor = connection.cursor()
    found = cursor.execute("explain select s, count(*) from t where id > 5 group by s").fetchall()

    assert [one[0] for one in cursor.description][:4] == [
        "step",
        "id",
        "parentOperators",
        "operation",
    ]
    assert found[0][3] == "Result"
    assert {"TableScan", "Aggregate"} <= {one[3] for one in found}
    plan = json.loads(run("explain using json select * from t")[0][0])
    assert plan["Operations"][0][0]["operation"] == "Result"
    assert "->TableScan" in run("explain using text select * from t")[0][0]
    run("explain delete from t")
    assert run("select count(*) from t") == [(2,)]
    with pytest.raises(ProgrammingError, match="NOWHERE"):
        run("explain select * from nowhere")
