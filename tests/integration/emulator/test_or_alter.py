"""CREATE OR ALTER, SWAP and TRUNCATE IF EXISTS: what stands keeps what it has."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import DatabaseError, ProgrammingError


@pytest.fixture
def role(run):
    run("create or replace role or_alter_reader")
    yield "or_alter_reader"
    run("drop role or_alter_reader")


def columns(run, table):
    return [(one[0], one[1], one[3]) for one in run(f"describe table {table}")]


def test_a_table_keeps_its_rows_grants_and_tags(run, role):
    run("create or alter table t (a int, b varchar(5)) comment = 'first'")
    run("insert into t values (1, 'x')")
    run(f"grant select on table t to role {role}")
    run("create tag kept")
    run("alter table t set tag kept = 'yes'")
    run("create or alter table t (a int, b varchar(9), c float, d int not null default 7)")

    assert columns(run, "t") == [
        ("A", "NUMBER(38,0)", "Y"),
        ("B", "VARCHAR(9)", "Y"),
        ("C", "FLOAT", "Y"),
        ("D", "NUMBER(38,0)", "N"),
    ]
    assert run("select * from t") == [(1, "x", None, 7)]
    assert run("show tables like 'T'")[0][5] == ""  # the comment was not written again
    assert role.upper() in {one[5] for one in run("show grants on table t")}
    assert run("select system$get_tag('kept', 't', 'table')") == [("yes",)]
    run("create or alter table t (b varchar(9))")
    assert run("select * from t") == [("x",)]


def test_what_its_rows_do_not_allow_leaves_a_table_as_it_was(run):
    run("create table t (a int)")
    run("insert into t values (1)")
    with pytest.raises(DatabaseError):
        run("create or alter table t (a int, b int not null)")
    with pytest.raises(DatabaseError):
        run("create or alter table t (a date)")

    assert run("select * from t") == [(1,)]
    assert len(run("show tables")) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "create or alter table t as select 1 as a",
        "create or alter table t clone u",
        "create or alter dynamic table t target_lag = '1 hour' warehouse = compute_wh "
        "as select a from u",
        "create or alter frobnicator t",
    ],
)
def test_other_forms_are_refused(run, sql):
    run("create table u as select 1 as a")

    with pytest.raises(ProgrammingError):
        run(sql)


def test_a_view_keeps_its_grants(run, role):
    run("create or alter view v as select 1 as a")
    run(f"grant select on view v to role {role}")
    run("create or alter view v as select 1 as a, 2 as b")

    assert run("select * from v") == [(1, 2)]
    assert role.upper() in {one[5] for one in run("show grants on view v")}


def test_properties_that_are_not_written_are_unset(run):
    run("create or alter schema s comment = 'x'")
    run("create table s.t (a int)")
    run("create or alter schema s")
    assert run("show schemas like 'S'")[0][6] == ""
    assert len(run("show tables in schema s")) == 1
    run("create or alter warehouse or_alter_w warehouse_size = 'SMALL' comment = 'x'")
    run("create or alter warehouse or_alter_w warehouse_size = 'MEDIUM'")
    try:
        found = run("show warehouses like 'OR_ALTER_W'")[0]
        assert "Medium" in found
        assert "x" not in found
    finally:
        run("drop warehouse or_alter_w")


def test_two_tables_change_their_names(run, role):
    run("create table a as select 1 as x")
    run("create table b as select 2 as y")
    run(f"grant select on table a to role {role}")
    run("alter table a swap with b")

    assert run("select y from a") == [(2,)]
    assert run("select x from b") == [(1,)]
    assert role.upper() in {one[5] for one in run("show grants on table b")}


def test_a_table_is_emptied_if_it_stands(run):
    run("create table a as select 1 as x")
    run("truncate table if exists a")
    run("truncate table if exists nowhere")

    assert run("select * from a") == []
