"""Functions with their documented results, where the engine underneath has others or none."""

from __future__ import annotations

import datetime

import pytest
from snowflake.connector.errors import ProgrammingError

NULL = None


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("width_bucket(-1, 0, 10, 5)", 0),
        ("width_bucket(0, 0, 10, 5)", 1),
        ("width_bucket(9.99, 0, 10, 5)", 5),
        ("width_bucket(10, 0, 10, 5)", 6),
        ("width_bucket(null, 0, 10, 5)", NULL),
        ("ltrim('xxa', 'x')", "a"),
        ("rtrim('axx', 'x')", "a"),
        ("trim('xax', 'x')", "a"),
        ("trim(' a ')", "a"),
        ("typeof(parse_json('1'))", "INTEGER"),
        ("typeof(parse_json('[]'))", "ARRAY"),
        ("typeof(parse_json('null'))", "NULL_VALUE"),
        ("to_char('2026-01-02 03:04:05'::timestamp_ntz, 'YYYYMMDD_HH24MISS')", "20260102_030405"),
        ("to_varchar('2026-01-02'::date, 'DD.MM.YY')", "02.01.26"),
        ("time_slice('2026-01-06'::timestamp_ntz, 7, 'day')", datetime.datetime(2026, 1, 1)),
        (
            "time_slice('2026-01-06'::timestamp_ntz, 7, 'day', 'END')",
            datetime.datetime(2026, 1, 8),
        ),
        ("object_insert(parse_json('{\"a\": 1}'), 'b', 2):b", "2"),
        ("object_insert(parse_json('{\"a\": 1}'), 'a', 2, true):a", "2"),
        ("object_delete(parse_json('{\"a\": 1, \"b\": 2}'), 'a'):a", NULL),
        ("object_pick(parse_json('{\"a\": 1, \"b\": 2}'), 'b'):b", "2"),
        ("as_integer(parse_json('1'))", 1),
        ("as_integer(parse_json('\"1\"'))", NULL),
        ("is_object(parse_json('{}'))", True),
        ("boolxor(true, true)", False),
        ("booland(1, 0)", False),
        ("try_to_timestamp_ntz('x')", NULL),
        ("try_cast('2026-01-01' as timestamp_ntz)", datetime.datetime(2026, 1, 1)),
        ("invoker_role()", "ACCOUNTADMIN"),
        ("conditional_true_event(true) over (order by 1)", 1),
    ],
)
def test_a_function_gives_the_documented_value(run, expression, value):
    assert run(f"select {expression}") == [(value,)]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("object_insert(parse_json('{\"a\": 1}'), 'a', 2)", "Duplicate field key"),
        ("to_object(parse_json('[1]'))", "OBJECT"),
        (
            "ratio_to_report(1) over (order by 1 rows between 1 preceding and current row)",
            "RATIO_TO_REPORT",
        ),
    ],
)
def test_a_function_refuses_what_is_documented(run, expression, words):
    with pytest.raises(ProgrammingError, match=words):
        run(f"select {expression}")


def test_shares_of_a_whole(run):
    run("create table parts (k int, v float) as select * from values (1, 1), (1, 3), (2, null)")

    assert run("select ratio_to_report(v) over (partition by k) from parts order by k, v") == [
        (0.25,),
        (0.75,),
        (None,),
    ]


@pytest.fixture
def documents(run):
    run("create table documents (id int, j variant)")
    for number, text in enumerate(['{"a": [1, {"b": "x"}]}', '{"a": []}', '{"c": {"d": 1}}'], 1):
        run(f"insert into documents select {number}, parse_json('{text}')")
    run("insert into documents (id) values (4)")


def test_a_value_is_flattened(run, documents):
    assert run(
        "select d.id, f.index, f.key, f.path, f.value, f.seq is not null "
        "from documents d, lateral flatten(input => d.j:a) f order by 1, 2"
    ) == [(1, 0, NULL, "[0]", "1", True), (1, 1, NULL, "[1]", '{"b":"x"}', True)]
    assert run(
        "select id, f.key, f.path, f.value from documents, "
        "table(flatten(input => j, path => 'c')) f"
    ) == [(3, "d", "c.d", "1")]


def test_outer_keeps_what_has_nothing_to_flatten(run, documents):
    found = run(
        "select id, f.value from documents, lateral flatten(input => j:a, outer => true) f "
        "order by 1, 2"
    )

    assert found == [(1, "1"), (1, '{"b":"x"}'), (2, NULL), (3, NULL), (4, NULL)]


def test_a_mode_takes_objects_or_arrays_alone(run, documents):
    sql = "select id from documents, lateral flatten(input => j, mode => '{}') order by 1"

    assert run(sql.format("OBJECT")) == [(1,), (2,), (3,)]
    assert run(sql.format("ARRAY")) == []
    with pytest.raises(ProgrammingError, match="MODE"):
        run(sql.format("NONE"))


def test_flatten_needs_no_current_database(snowflake_connection):
    import contextlib

    import snowflake.connector

    with contextlib.closing(snowflake.connector.connect(**snowflake_connection)) as connection:
        found = connection.cursor().execute(
            "select value::int from table(flatten(input => parse_json('[1, 2]'))) order by 1"
        )
        assert found.fetchall() == [(1,), (2,)]


def test_a_view_may_flatten(run, documents):
    run(
        "create view flat as select id, f.value:b::varchar as b "
        "from documents, lateral flatten(j:a) f where f.index = 1"
    )

    assert run("select * from flat") == [(1, "x")]


def test_columns_without_an_alias_are_called_as_they_were_written(connection, run):
    run("create table t (a int, v variant)")
    cursor = connection.cursor()
    cursor.execute("select count(*), 1 + 1, upper('x'), v:k.z, a, a as b from t group by all")

    assert [one[0] for one in cursor.description] == [
        "COUNT(*)",
        "1 + 1",
        "UPPER('X')",
        "V:K.Z",
        "A",
        "B",
    ]


def test_counting_what_holds_of_no_rows_gives_zero(run):
    counted = run("select count_if(v > 1), count(*) from (select 1 as v where false)")
    grouped = run(
        "select g, count_if(v > 1) from values (1, 2), (1, 0), (2, 0) t(g, v) group by g order by g"
    )

    assert counted == [(0, 0)]
    assert grouped == [(1, 1), (2, 0)]
