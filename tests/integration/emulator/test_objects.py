"""Account objects: SHOW, DESCRIBE, warehouses, roles, tags, comments."""

from __future__ import annotations

import pytest
from snowflake.connector import DictCursor
from snowflake.connector.errors import ProgrammingError


@pytest.fixture
def show(connection):
    def call(sql):
        return connection.cursor(DictCursor).execute(sql).fetchall()

    return call


def test_show_filters_as_snowflake_does(run, show):
    for name in ("alpha", "beta", '"beta_low"', "gamma"):
        run(f"create table {name} (x int)")

    def names(rest):
        return [row["name"] for row in show(f"show tables {rest}")]

    assert names("like 'BET%'") == ["BETA", "beta_low"]
    assert names("starts with 'b'") == ["beta_low"]
    assert names("limit 2") == ["ALPHA", "BETA"]
    assert names("limit 1 from 'ALPHA'") == ["BETA"]
    assert names("like 'g_mma' in schema public") == ["GAMMA"]


def test_terse_shows_fewer_columns(show):
    """Source: Snowflake, "SHOW SCHEMAS", "SHOW DATABASES" (TERSE), behavior change 1022."""
    schema = show("show terse schemas like 'PUBLIC'")[0]
    database = show(f"show terse databases like '{schema['database_name']}'")[0]

    columns = ["created_on", "name", "kind", "database_name", "schema_name"]
    assert list(schema) == list(database) == columns
    assert (schema["kind"], schema["schema_name"]) == (None, None)
    assert [database[column] for column in columns[2:]] == ["STANDARD", None, None]


def test_describe_table_gives_types_and_keys(run):
    run("create table t (id int not null primary key, s varchar(10), n number(10,2), v variant)")

    found = [(row[0], row[1], row[3], row[5]) for row in run("describe table t")]

    assert found == [
        ("ID", "NUMBER(38,0)", "N", "Y"),
        ("S", "VARCHAR(10)", "Y", "N"),
        ("N", "NUMBER(10,2)", "Y", "N"),
        ("V", "VARIANT", "Y", "N"),
    ]


def test_a_view_keeps_its_comments_tags_and_text(run, show):
    run("create tag quality allowed_values 'good', 'bad'")
    text = "create view v (k comment 'the key') comment = 'mine' tag (quality = 'good') as select 1"
    run(text)

    (row,) = show("show views")
    assert (row["comment"], row["text"]) == ("mine", text)
    assert run("describe view v")[0][9] == "the key"
    assert run("select system$get_tag('quality', 'v', 'table')") == [("good",)]


def test_a_tag_takes_only_its_values_and_leaves_with_its_object(run):
    run("create table t (x int)")
    run("create tag quality allowed_values 'good'")
    with pytest.raises(ProgrammingError):
        run("alter table t set tag quality = 'other'")
    run("alter table t set tag quality = 'good'")
    references = (
        "select tag_name, tag_value from table(information_schema.tag_references('t', 'table'))"
    )
    before = run(references)
    run("drop table t")
    run("create table t (x int)")

    assert before == [("QUALITY", "good")]
    assert run(references) == []


def test_a_warehouse_is_created_altered_shown_and_dropped(run, show):
    run(
        "create warehouse if not exists w_test warehouse_size = 'medium' initially_suspended = true"
    )
    run("alter warehouse w_test resume")
    run("alter warehouse w_test set auto_suspend = 60 comment = 'c'")
    (row,) = show("show warehouses like 'W_TEST'")
    run("drop warehouse w_test")

    assert (row["state"], row["size"], row["auto_suspend"], row["comment"]) == (
        "STARTED",
        "Medium",
        60,
        "c",
    )
    assert show("show warehouses like 'W_TEST'") == []
    assert run("select current_warehouse()") == [(None,)]


def test_roles_inherit_and_grants_are_shown(run, show, database):
    run("create role r_low")
    run("create role r_high")
    run("grant role r_low to role r_high")
    run("grant role r_high to role accountadmin")
    run(f"grant usage, monitor on database {database} to role r_low")

    run("use role r_low")
    held = [
        (row["privilege"], row["granted_on"], row["name"])
        for row in show("show grants to role r_low")
    ]
    run("use role accountadmin")
    run("drop role r_low")
    run("drop role r_high")

    assert held == [("USAGE", "DATABASE", database), ("MONITOR", "DATABASE", database)]
    with pytest.raises(ProgrammingError):
        run("show grants to role r_low")


def test_schemas_become_current_and_go_with_their_content(run):
    run("create schema other")
    run("create table t (x int)")
    inside = run("select current_schema()")
    run("drop schema other")

    assert inside == [("OTHER",)]
    assert run("select current_schema()") == [(None,)]


def test_a_comment_is_kept(run, show):
    run("create table t (x int)")
    run("comment on table t is 'it''s mine'")

    assert show("show tables")[0]["comment"] == "it's mine"


def test_a_fresh_account_holds_what_a_fresh_account_holds(show):
    roles = {row["name"] for row in show("show roles")}

    assert roles >= {"ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN", "ORGADMIN", "PUBLIC"}
    assert show("show databases like 'SNOWFLAKE'")


def test_a_schema_may_be_followed_by_a_filter(run, show):
    run("create table alpha (x int)")
    run("create table beta (x int)")

    assert [row["name"] for row in show("show tables in public limit 1")] == ["ALPHA"]
    assert [row["name"] for row in show("show tables in public starts with 'B'")] == ["BETA"]
