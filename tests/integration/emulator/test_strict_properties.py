"""Properties, options and values that Snowflake does not know; the lengths of texts."""

from __future__ import annotations

import pytest
from snowflake.connector import connect
from snowflake.connector.errors import ProgrammingError


@pytest.fixture
def standing(run):
    run("create table t (x int)")
    run("create stage st")


@pytest.mark.parametrize(
    "sql",
    [
        "create stage s2 colour = 'red'",
        "create stage s2 directory = (colour = true)",
        "create stage s2 encryption = (type = 'red')",
        "create stage s2 file_format = (type = csv colour = 'red')",
        "alter stage st set colour = 'red'",
        "create file format f type = csv colour = 'red'",
        "create file format f type = json field_delimiter = ','",
        "create file format f type = csv skip_header = 'x'",
        "create role r_x colour = 'red'",
        "create view v colour = 'red' as select 1 as x",
        "create table t2 (x int) colour = 'red'",
        "create sequence s colour = 1",
        "copy into t from @st colour = 'red'",
        "copy into t from @st file_format = (type = csv colour = 'red')",
        "copy into t from @st on_error = red",
        "copy into t from @st match_by_column_name = red",
        "copy into @st/x from t colour = 'red'",
        "list @st pattern = '('",
        "copy into t from @st pattern = '('",
        "alter session set timezone = 'Nowhere/Land'",
        "alter session set statement_timeout_in_seconds = 'soon'",
        "alter session set autocommit = maybe",
        "alter session set week_start = 9",
        "alter session set binary_output_format = 'red'",
        "create task k schedule = '1 minute' timezone = 'Nowhere/Land' as select 1",
    ],
)
def test_what_is_no_property_or_value_is_invalid(refused, standing, sql):
    assert refused(sql).errno == 1008


def test_a_session_parameter_has_its_type(run):
    run("alter session set autocommit = 'false', json_indent = '0', timezone = 'UTC'")

    shown = {row[0]: row[1] for row in run("show parameters")}
    assert (shown["AUTOCOMMIT"], shown["JSON_INDENT"]) == ("false", "0")
    assert shown["TIMEZONE"] == "UTC"


@pytest.mark.parametrize(
    "sql", ["select system$wait(60)", "begin loop null; end loop; end"], ids=["wait", "loop"]
)
def test_a_statement_ends_with_its_time_limit(run, sql):
    """Source: Snowflake, "Parameters" (STATEMENT_TIMEOUT_IN_SECONDS)."""
    run("alter session set statement_timeout_in_seconds = 1")

    with pytest.raises(ProgrammingError, match=r"timeout of 1 second") as caught:
        run(sql)

    assert caught.value.errno == 630


def test_a_value_that_is_out_of_range_or_no_date_is_told_as_such(run):
    for sql, number in (
        ("select '2024-13-01'::date", 100040),
        ("select '2024-13-01 00:00:00'::timestamp", 100035),
        ("select to_number('x')", 100038),
        ("select 12345::number(3, 0)", 100039),
    ):
        with pytest.raises(ProgrammingError) as caught:
            run(sql)
        assert caught.value.errno == number, sql


def test_a_file_that_fails_keeps_the_others_of_its_statement_out(run, tmp_path):
    """ON_ERROR = ABORT_STATEMENT, the default, loads nothing. Source: "COPY INTO <table>"."""
    run("create table numbers (x int)")
    run("create stage files")
    for name, text in (("a.csv", "1\n2\n"), ("b.csv", "3\nthree\n")):
        (tmp_path / name).write_text(text)
        run(f"put file://{tmp_path / name} @files auto_compress = false")

    with pytest.raises(ProgrammingError):
        run("copy into numbers from @files file_format = (type = csv)")
    before = run("select count(*) from numbers")
    run("copy into numbers from @files file_format = (type = csv) on_error = skip_file")

    assert before == [(0,)]
    assert run("select x from numbers order by x") == [(1,), (2,)]


def test_a_temporary_table_is_shown_with_its_time(run, connection):
    run("create temporary table passing as select 1 as x")

    ((made,),) = run("show tables like 'PASSING' ->> select \"created_on\" from $1")
    assert made.year > 2000


def test_a_text_that_is_too_long_for_its_column_is_refused(run, tmp_path):
    """Source: Snowflake, "String & binary data types" (VARCHAR)."""
    run("create table short (id int, name varchar(3), free varchar)")
    run("insert into short values (1, 'abc', 'as long as it likes')")
    run("create stage files")
    (tmp_path / "a.csv").write_text("2,ab,x\n3,abcd,x\n")
    run(f"put file://{tmp_path / 'a.csv'} @files auto_compress = false")

    for sql in (
        "insert into short values (2, 'ok', 'x'), (3, 'abcd', 'x')",
        "insert into short select 2, 'äöüß', 'x'",
        "update short set name = 'abcd'",
        "merge into short using (select 1 as id) s on short.id = s.id "
        "when matched then update set name = 'abcd'",
        "copy into short from @files file_format = (type = csv)",
    ):
        with pytest.raises(ProgrammingError, match="is too long and would be truncated") as caught:
            run(sql)
        assert caught.value.errno == 100078, sql

    assert run("select id, name from short") == [(1, "abc")]
    run("alter table short rename to shorter")
    run("create temporary table short (id int, name varchar(5))")
    run("insert into short values (1, 'abcde')")
    with pytest.raises(ProgrammingError, match="too long"):
        run("insert into shorter values (2, 'abcde', '')")


@pytest.mark.parametrize("again", ["drop table short", "select 1"])
def test_a_new_table_of_the_name_has_lengths_of_its_own(run, again):
    run("create table short (name varchar(3), other varchar(3))")
    run(again)
    run("create or replace table short (name varchar, other varchar(5))")
    run("insert into short values ('as long as it likes', 'abcde')")

    with pytest.raises(ProgrammingError, match="too long"):
        run("insert into short values ('x', 'abcdef')")
    assert [row[1] for row in run("describe table short")] == ["VARCHAR(16777216)", "VARCHAR(5)"]


def test_a_table_that_stands_keeps_its_lengths(run):
    run("create table kept (name varchar(10))")
    run("create table if not exists kept (name varchar(3), other varchar(2))")
    run("insert into kept values ('abcdef')")

    with pytest.raises(ProgrammingError, match="already exists"):
        run("create table kept (name varchar(3))")
    with pytest.raises(ProgrammingError):
        run("create or replace table kept as select 1/0 as name")

    run("insert into kept values ('ghijkl')")
    with pytest.raises(ProgrammingError, match="too long"):
        run("insert into kept values ('abcdefghijk')")
    run("create table alike like kept")
    assert run("describe table alike")[0][1] == "VARCHAR(10)"


def test_texts_of_temporary_tables_have_a_length_too(run, place):
    """Of each session its own, and where it hides a table none of that one's."""
    run("create table seen (name varchar(2))")
    run("create temporary table seen (name varchar(4), other varchar, code varchar(3))")
    run("insert into seen values ('abcd', 'as long as it likes', 'abc')")
    with connect(**place) as other:
        other.cursor().execute("create temporary table seen (name varchar(9))")
        other.cursor().execute("insert into seen values ('abcdefghi')")
    run("alter table seen add column more varchar(1)")

    for sql in (
        "insert into seen values ('abcde', '', '', '')",
        "insert into seen values ('', '', '', 'ab')",
        "update seen set code = 'abcd'",
    ):
        with pytest.raises(ProgrammingError, match="is too long and would be truncated"):
            run(sql)

    lengths = ["VARCHAR(4)", "VARCHAR(16777216)", "VARCHAR(3)", "VARCHAR(1)"]
    assert [row[1] for row in run("describe table seen")] == lengths
    run("create temporary table alike like seen")
    assert [row[1] for row in run("describe table alike")] == lengths
    run("create or replace temporary table seen (name varchar)")
    run("insert into seen values ('abcde')")
    run("drop table seen")
    with pytest.raises(ProgrammingError, match="too long"):
        run("insert into seen values ('abc')")
