"""Functions of users, registered through Snowpark and in plain SQL."""

from __future__ import annotations

import datetime
import decimal

import pytest

snowpark = pytest.importorskip("snowflake.snowpark")
from snowflake.connector.errors import ProgrammingError
from snowflake.snowpark import Session
from snowflake.snowpark import functions as F
from snowflake.snowpark import types as T

from tests.integration.emulator.user_functions import RUNTIME, python_function


def test_a_temporary_function_is_registered_and_called(session):
    add_one = session.udf.register(
        lambda x: x + 1, return_type=T.LongType(), input_types=[T.LongType()]
    )
    frame = session.create_dataframe([[1], [2]], schema=["a"])

    assert [row[0] for row in frame.select(add_one("a")).collect()] == [2, 3]


def test_a_permanent_function_outlives_its_session(place, run):
    run("create stage code")
    with Session.builder.configs(place).create() as session:

        @F.udf(name="doubled", is_permanent=True, stage_location="@code", session=session)
        def doubled(x: int) -> int:
            return x * 2

    assert run("select doubled(21)") == [(42,)]
    assert run("select doubled(2) + 1") == [(5,)]


def test_a_vectorized_function_gets_a_frame(session):
    @F.pandas_udf(
        name="summed",
        return_type=T.PandasSeriesType(T.DoubleType()),
        input_types=[T.PandasDataFrameType([T.DoubleType(), T.LongType()])],
        max_batch_size=2,
        session=session,
    )
    def summed(df):
        assert len(df) <= 2
        return df[0] + df[1]

    frame = session.create_dataframe([[0.5, 1], [1.5, 2], [2.5, 3]], schema=["a", "b"])

    assert [row[0] for row in frame.select(summed("a", "b")).collect()] == [1.5, 3.5, 5.5]


VALUES = [
    ("number", "42", "int", 42),
    ("number(10, 2)", "1.25", "Decimal", decimal.Decimal("1.25")),
    ("float", "0.1::float", "float", 0.1),
    ("boolean", "true", "bool", True),
    ("varchar", "'x''y'", "str", "x'y"),
    ("binary", "to_binary('c0de', 'hex')", "bytes", b"\xc0\xde"),
    ("date", "'2026-02-03'::date", "date", datetime.date(2026, 2, 3)),
    ("time", "'04:05:06'::time", "time", datetime.time(4, 5, 6)),
    (
        "timestamp_ntz",
        "'2026-02-03 04:05:06.789'::timestamp_ntz",
        "datetime",
        datetime.datetime(2026, 2, 3, 4, 5, 6, 789000),
    ),
    ("variant", "parse_json('{\"a\": [1, null]}')", "dict", '{"a":[1,null]}'),
    ("array", "array_construct(1, 2)", "list", "[1,2]"),
]


@pytest.mark.parametrize(
    ("kind", "given", "python", "expected"), VALUES, ids=[v[0] for v in VALUES]
)
def test_a_value_goes_through_python_as_its_type(run, kind, given, python, expected):
    code = f"""
    def main(x):
        if x is not None and type(x).__name__ != '{python}':
            raise TypeError(type(x).__name__)
        return x
    """
    run(python_function("same", f"x {kind}", kind, code))

    [(value, nothing)] = run(f"select same({given}), same(null)")

    if kind in {"variant", "array"}:
        value = value.replace(" ", "").replace("\n", "")
    assert (value, nothing) == (expected, None)


def test_a_strict_function_is_not_asked_about_null(run):
    run(python_function("f", "x int, y int", "int", "def main(x, y): return x + y", more="strict"))

    assert run("select f(1, 2), f(null, 2), f(1, null)") == [(3, None, None)]


def test_overloads_are_told_apart_by_their_types(run):
    run(python_function("f", "x int", "varchar", "def main(x): return f'number {x}'"))
    run(python_function("f", "x varchar", "varchar", "def main(x): return f'text {x}'"))
    run(python_function("f", "x int, y int", "varchar", "def main(x, y): return f'two {x + y}'"))
    run("create table t as select 7 as a, 'q' as b")

    assert run("select f(1), f('a'), f(1, 2)") == [("number 1", "text a", "two 3")]
    assert run("select f(a), f(b) from t") == [("number 7", "text q")]


def test_arguments_have_names_and_defaults(run):
    code = "def main(a, b, c): return f'{a}{b}{c}'"
    run(python_function("f", "a int, b int default 2, c varchar default 'z'", "varchar", code))

    assert run("select f(1), f(1, 9), f(c => 'c', a => 5)") == [("12z", "19z", "52c")]


def test_too_many_arguments_are_refused(run):
    run(python_function("f", "x int", "int", "def main(x): return x"))

    with pytest.raises(ProgrammingError) as refused:
        run("select f(1, 2)")

    assert refused.value.errno == 1044


def test_what_the_code_raises_is_told_with_its_traceback(run):
    code = """
    def inner(x):
        return 1 // x
    def main(x):
        return inner(x)
    """
    run(python_function("f", "x int", "int", code))

    with pytest.raises(ProgrammingError) as refused:
        run("select f(0)")

    assert refused.value.errno == 100357
    for words in (
        "Python Interpreter Error:",
        'File "_udf_code.py", line 5, in main',
        'File "_udf_code.py", line 3, in inner',
        "ZeroDivisionError",
        "in function F with handler main",
    ):
        assert words in refused.value.msg
    assert "site-packages" not in refused.value.msg
    assert run("select f(1)") == [(1,)]


def test_a_package_that_is_not_there_is_refused(run):
    for packages in ("'no-such-package'", "'pandas==0.0.1'"):
        with pytest.raises(ProgrammingError, match="specified packages") as refused:
            code = "def main(x): return x"
            run(python_function("f", "x int", "int", code, more=f"packages = ({packages})"))

        assert refused.value.errno == 100357


def test_a_package_that_is_there_is_imported(run):
    code = """
    import numpy as np
    def main(x):
        return float(np.sqrt(x))
    """
    run(python_function("f", "x float", "float", code, more="packages = ('numpy')"))

    assert run("select f(16::float)") == [(4.0,)]


def test_code_and_data_are_imported_from_a_stage(session, run, tmp_path):
    (tmp_path / "tools.py").write_text(
        "def shout(x):\n    return x.upper() + end()\n"
        "def end():\n    import sys, os\n"
        "    folder = sys._xoptions['snowflake_import_directory']\n"
        "    return open(os.path.join(folder, 'end.txt')).read()\n"
    )
    (tmp_path / "end.txt").write_text("!")
    session.sql("create stage code").collect()
    for name in ("tools.py", "end.txt"):
        session.file.put(str(tmp_path / name), "@code", auto_compress=False)
    run(
        f"create function shout(x varchar) returns varchar language python "
        f"runtime_version = '{RUNTIME}' imports = ('@code/tools.py', '@code/end.txt') "
        "handler = 'tools.shout'"
    )

    assert run("select shout('a')") == [("A!",)]
    (tmp_path / "end.txt").write_text("?")
    session.file.put(str(tmp_path / "end.txt"), "@code", auto_compress=False, overwrite=True)
    assert run("select shout('a')") == [("A?",)]


def test_an_import_that_is_not_there_is_refused(run):
    run("create stage code")
    with pytest.raises(ProgrammingError, match=r"Remote file '@code/x\.py' was not found"):
        run(
            f"create function f(x int) returns int language python runtime_version = '{RUNTIME}' "
            "imports = ('@code/x.py') handler = 'x.f'"
        )


def test_a_function_in_sql_is_its_body(run):
    run("create function area(r float) returns float as $$ pi() * r * r $$")
    run("create function twice(r float) returns float as 'area(r) * 2'")
    run("create table t as select 1 as id union all select 2")
    run("create function biggest() returns int as $$ select max(id) from t $$")
    run(
        "create function upto(n int) returns table (id int) as $$ select id from t where id <= n $$"
    )

    assert run("select round(area(2), 2), round(twice(1), 2), biggest()") == [(12.57, 6.28, 2)]
    assert run("select id from table(upto(1))") == [(1,)]


def test_a_view_calls_functions_for_every_session(run, session, database):
    run(python_function("f", "x int", "int", "def main(x): return x + 1"))
    run("create table t as select 1 as a")
    run("create view v (b) as select f(a) from t")
    run(f"create schema {database}.elsewhere")

    assert [row["B"] for row in session.table("public.v").collect()] == [2]
    session.sql(f"use schema {database}.elsewhere").collect()
    made = session.sql("select w.b from public.v as w where w.b > 1").collect()
    assert [tuple(row) for row in made] == [(2,)]


def test_a_view_with_functions_asks_for_rights_on_the_view_alone(run, database):
    run(python_function("f", "x int", "int", "def main(x): return x + 1"))
    run("create table t as select 1 as a")
    run("create view v as select f(a) as b from t")
    role = f"R_{database}"
    run(f"create role {role}")
    run(f"grant role {role} to role accountadmin")
    for right in (f"database {database}", f"schema {database}.public", "warehouse compute_wh"):
        run(f"grant usage on {right} to role {role}")
    run("use secondary roles none")
    run("use warehouse compute_wh")
    run(f"use role {role}")
    with pytest.raises(ProgrammingError):
        run("select * from v")
    run("use role accountadmin")
    run(f"grant select on view {database}.public.v to role {role}")
    run(f"use role {role}")

    assert run("select * from v") == [(2,)]
    run("use role accountadmin")
    run(f"drop role {role}")


def test_functions_are_shown_described_and_dropped(run):
    run(
        python_function(
            "f", "x int, y varchar", "int", "def main(x, y): return x", more="comment = 'c'"
        )
    )

    [row] = run("show user functions like 'f'")
    assert (row[1], row[8]) == ("F", "F(NUMBER, VARCHAR) RETURN NUMBER(38,0)")
    described = dict(run("describe function f(int, string)"))
    assert described["signature"] == "(X NUMBER, Y VARCHAR)"
    assert (described["language"], described["handler"]) == ("PYTHON", "main")
    with pytest.raises(ProgrammingError, match="does not exist"):
        run("drop function f(int)")
    run("drop function f(int, varchar)")
    assert run("show user functions like 'f'") == []
    with pytest.raises(ProgrammingError) as refused:
        run("select f(1, 'a')")
    assert refused.value.errno == 2140


def test_a_function_is_not_made_twice_unless_replaced(run):
    code = "def main(x): return 1"
    run(python_function("f", "x int", "int", code))
    with pytest.raises(ProgrammingError, match="already exists"):
        run(python_function("f", "x int", "int", code))
    changed = "def main(x): return 2"
    run(python_function("f", "x int", "int", changed, create="create or replace function"))

    assert run("select f(0)") == [(2,)]


def test_another_role_needs_usage_on_a_function(run, database):
    run(python_function("f", "x int", "int", "def main(x): return x"))
    role = f"R_{database}"
    run(f"create role {role}")
    run(f"grant role {role} to role accountadmin")
    run(f"grant usage on database {database} to role {role}")
    run(f"grant usage on schema {database}.public to role {role}")
    run("use secondary roles none")
    run(f"use role {role}")
    with pytest.raises(ProgrammingError):
        run("select f(1)")
    run("use role accountadmin")
    run(f"grant usage on function {database}.public.f(int) to role {role}")
    run(f"use role {role}")

    assert run("select f(1)") == [(1,)]
    run("use role accountadmin")
    run(f"drop role {role}")


def test_a_function_that_takes_too_long_is_stopped(run):
    run(python_function("f", "x int", "int", "def main(x):\n    while True: pass"))
    run("alter session set statement_timeout_in_seconds = 1")

    with pytest.raises(ProgrammingError, match="timeout of 1 second"):
        run("select f(1)")


def test_the_end_of_its_process_is_an_error_of_the_function(run):
    code = """
    import os
    def main(x):
        if x == 0:
            os._exit(7)
        return x
    """
    run(python_function("f", "x int", "int", code))
    with pytest.raises(ProgrammingError, match="exit code 7"):
        run("select f(0)")

    assert run("select f(3)") == [(3,)]


def test_a_rollback_leaves_functions_callable(run):
    run(python_function("f", "x int", "int", "def main(x): return x"))
    run("create table t (a int)")
    run("begin")
    run("insert into t values (1)")
    assert run("select f(a) from t") == [(1,)]
    run("rollback")

    assert run("select f(4)") == [(4,)]
