"""What COPY refuses, and what the options of a file format change or are refused for."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import ProgrammingError


@pytest.fixture
def staged(run, tmp_path):
    """Return what puts a file of these lines onto the stage ``st``; ``t`` has three columns."""
    run("create table t (id int, name varchar, price float)")
    run("create stage st")

    def put(text: str, name: str = "rows.csv") -> None:
        file = tmp_path / name
        file.write_text(text)
        run(f"put file://{file} @st auto_compress = false overwrite = true")

    return put


def refused(run, sql: str) -> ProgrammingError:
    with pytest.raises(ProgrammingError) as caught:
        run(sql)
    return caught.value


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,alice\n", 2), ("1,alice,2.5,9\n", 4), ("1,alice,2.5\n2,bob\n", 2)],
)
def test_a_file_with_another_number_of_columns_is_refused(run, staged, text, number):
    staged(text)

    error = refused(run, "copy into t from @st")

    assert (error.errno, error.sqlstate) == (100080, "22000")
    assert f"columns in file ({number}) does not match that of the corresponding table (3)" in str(
        error.msg
    )
    assert run("select count(*) from t") == [(0,)]
    assert run("copy into t from @st on_error = skip_file")[0][1] == "LOAD_FAILED"


def test_a_refused_file_leaves_the_transaction_as_it_was(run, staged):
    staged("1,alice\n")
    run("begin")
    run("insert into t values (7, 'before', 1)")
    run("copy into t from @st on_error = skip_file")
    run("commit")

    assert run("select id from t") == [(7,)]


def test_the_difference_is_ignored_where_the_format_says_so(run, staged):
    staged('1,alice\n2,bob,2.5,9\n3,"c,d",1\n')

    run(
        "copy into t from @st file_format = (type = csv error_on_column_count_mismatch = false "
        "field_optionally_enclosed_by = '\"')"
    )

    assert run("select * from t order by id") == [
        (1, "alice", None),
        (2, "bob", 2.5),
        (3, "c,d", 1.0),
    ]


def test_the_columns_that_are_named_are_those_that_count(run, staged):
    staged('1,"a\nb"\n2,c\n')

    run(
        "copy into t (id, name) from @st file_format = (type = csv "
        "field_optionally_enclosed_by = '\"')"
    )

    assert run("select id, name, price from t order by id") == [(1, "a\nb", None), (2, "c", None)]


def test_a_transformation_takes_rows_of_any_length(run, staged):
    staged("1,alice\n2,bob,2.5,9\n")
    run("create file format ff type = csv")

    run("copy into t (id, price) from (select $1, $3 from @st)")

    assert run("select id, price from t order by id") == [(1, None), (2, 2.5)]
    asked = "select $1, $4 from @st (file_format => 'ff') order by 1"
    assert run(asked) == [("1", None), ("2", "9")]


def test_an_error_names_no_path_of_the_server(run, staged):
    staged('1,"a"b\n')
    options = "type = csv field_optionally_enclosed_by = '\"'"

    error = refused(run, f"copy into t from @st file_format = ({options})")

    assert "/tmp" not in str(error.msg)
    assert "stages/" not in str(error.msg)


@pytest.mark.parametrize(
    "query",
    [
        "select $1, $2, $3 from @st where $1 = '1'",
        "select $1, $2, $3 from @st order by 1",
        "select $1, $2, $3 from @st limit 1",
        "select top 1 $1, $2, $3 from @st",
        "select $1, $2, $3 from @st fetch first 1 rows only",
        "select max($1), max($2), max($3) from @st",
        "select $1, $2, $3 from @st group by 1, 2, 3",
        "select distinct $1, $2, $3 from @st having true",
    ],
)
def test_the_query_of_a_load_takes_columns_and_no_more(run, staged, query):
    staged("1,a,1\n2,b,2\n")

    refused(run, f"copy into t from ({query})")

    assert run("select count(*) from t") == [(0,)]


def test_json_is_unloaded_from_one_column_of_semi_structured_values(run, staged):
    run("insert into t values (1, 'a', 2)")

    refused(run, "copy into @st/q/ from (select id, name from t) file_format = (type = json)")
    refused(run, "copy into @st/q/ from (select name from t) file_format = (type = json)")
    run(
        "copy into @st/q/ from (select object_construct('a', id) from t) "
        "file_format = (type = json)"
    )

    assert len(run("list @st/q")) == 1
