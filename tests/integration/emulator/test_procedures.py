"""Procedures: through Snowpark, in plain SQL, anonymous, as the body of a task."""

from __future__ import annotations

import json
import threading

import pytest

from tests.integration.emulator.user_functions import python_function as function
from tests.waiting import until

snowpark = pytest.importorskip("snowflake.snowpark")
from snowflake.connector.errors import DatabaseError, ProgrammingError
from snowflake.snowpark import Session
from snowflake.snowpark import functions as F
from snowflake.snowpark import types as T


def in_python(name, arguments, returns, code, *, more="", handler="main"):
    more = f"packages = ('snowflake-snowpark-python') {more}"
    return function(
        name, arguments, returns, code, handler=handler, more=more, create="create procedure"
    )


def test_a_registered_procedure_works_on_tables(session):
    session.create_dataframe([[1], [2], [3]], schema=["a"]).write.save_as_table("t")

    def copied(session: Session, source: str, target: str, count: int) -> str:
        session.table(source).limit(count).write.save_as_table(target)
        return f"{session.table(target).count()} rows"

    procedure = session.sproc.register(copied, name="copied")

    assert procedure("t", "u", 2) == "2 rows"
    assert session.call("copied", "t", "v", 3) == "3 rows"
    assert session.table("v").count() == 3


def test_a_permanent_procedure_is_called_by_another_session(session, run):
    session.sql("create stage code").collect()

    @F.sproc(
        name="total",
        is_permanent=True,
        stage_location="@code",
        packages=["snowflake-snowpark-python"],
        session=session,
    )
    def total(session: Session, name: str) -> int:
        return session.table(name).select(F.sum("A")).collect()[0][0]

    run("create table t as select 1 as a union all select 41")

    assert run("call total('t')") == [(42,)]


def test_a_procedure_returns_a_table(session, run):
    run("create table t as select 1 as a, 'x' as b union all select 2, 'y'")

    def rows(session: Session, least: int):
        return session.table("t").filter(F.col("a") >= least)

    session.sproc.register(
        rows,
        name="rows_of",
        return_type=T.StructType(
            [T.StructField("a", T.LongType()), T.StructField("b", T.StringType())]
        ),
        input_types=[T.LongType()],
    )

    frame = session.call("rows_of", 2)

    assert [tuple(row) for row in frame.collect()] == [(2, "y")]


def test_an_anonymous_procedure_runs_once(session, run):
    run("create table t as select 5 as a")
    procedure = session.sproc.register(
        lambda session, x: session.sql("select a from t").collect()[0][0] + x,
        return_type=T.LongType(),
        input_types=[T.LongType()],
        anonymous=True,
    )

    assert procedure(2) == 7
    assert run("show user procedures like '%'") == []


def test_arguments_and_results_keep_their_types(run):
    code = """
    def main(session, a, b, c, d):
        return {"types": [type(x).__name__ for x in (a, b, c, d)], "d": d}
    """
    run(in_python("p", "a int, b float, c date, d variant", "variant", code))

    [(text,)] = run("call p(1, 2.5, '2026-01-02', parse_json('{\"k\": [1]}'))")

    assert json.loads(text) == {"types": ["int", "float", "date", "dict"], "d": {"k": [1]}}


def test_overloads_and_named_arguments(run):
    run(in_python("p", "a int", "varchar", "def main(session, a): return f'int {a}'"))
    run(in_python("p", "a varchar", "varchar", "def main(session, a): return f'text {a}'"))
    code = "def main(session, a, b): return f'{a} {b}'"
    run(in_python("q", "a int, b varchar default 'none'", "varchar", code))

    assert run("call p(1)") == [("int 1",)]
    assert run("call p('x')") == [("text x",)]
    assert run("call q(a => 4)") == [("4 none",)]
    with pytest.raises(ProgrammingError) as refused:
        run("call p(1, 2)")
    assert refused.value.errno == 1044


def test_an_unknown_procedure_is_named(run):
    with pytest.raises(ProgrammingError, match="Unknown user-defined function NOTHING") as refused:
        run("call nothing(1)")
    assert refused.value.errno == 2141


def test_an_error_in_the_code_has_its_traceback(run):
    code = """
    def main(session):
        session.sql("select * from nowhere").collect()
    """
    run(in_python("p", "", "int", code))

    with pytest.raises(ProgrammingError) as refused:
        run("call p()")

    assert refused.value.errno == 100357
    for words in ("Python Interpreter Error", "_udf_code.py", "NOWHERE", "with handler main"):
        assert words in refused.value.msg


def test_a_procedure_needs_snowpark_and_known_packages(run):
    text = in_python("p", "", "int", "def main(session): return 1")
    for packages, words in (("'numpy'", "snowflake-snowpark-python"), ("'nonesuch'", "nonesuch")):
        with pytest.raises(ProgrammingError, match=words):
            run(text.replace("'snowflake-snowpark-python'", packages))


def test_the_owners_rights_are_the_owners(run, database):
    run("create table secret as select 42 as a")
    code = "def main(session): return session.sql('select a from secret').collect()[0][0]"
    run(in_python("owned", "", "int", code, more="execute as owner"))
    run(in_python("called", "", "int", code, more="execute as caller"))
    who = "def main(session): return session.sql('select current_role()').collect()[0][0]"
    run(in_python("who", "", "varchar", who))
    asks = "def main(session): return session.sql('select $mine').collect()[0][0]"
    run(in_python("asks", "", "varchar", asks))
    role = f"R_{database}"
    run(f"create role {role}")
    run(f"grant role {role} to role accountadmin")
    for right in (f"database {database}", f"schema {database}.public", "warehouse compute_wh"):
        run(f"grant usage on {right} to role {role}")
    for name in ("owned", "called", "who", "asks"):
        run(f"grant usage on procedure {database}.public.{name}() to role {role}")
    run("use secondary roles none")
    run("use warehouse compute_wh")
    run(f"use role {role}")
    run("set mine = 'hidden'")

    with pytest.raises(ProgrammingError, match=r"(?i)mine"):
        run("call asks()")
    assert run("call owned()") == [(42,)]
    assert run("call who()") == [("ACCOUNTADMIN",)]
    assert run("select current_role()") == [(role,)]
    with pytest.raises(ProgrammingError, match="SECRET"):
        run("call called()")
    run("use role accountadmin")
    run(f"drop role {role}")


def test_an_owners_procedure_does_not_change_the_session(run):
    for name, text in (
        ("a", "alter session set timezone = 'UTC'"),
        ("b", "use schema public"),
        ("c", "set x = 1"),
    ):
        run(in_python(name, "", "int", f"def main(session): session.sql({text!r}).collect()"))
        with pytest.raises(ProgrammingError, match="Unsupported statement type"):
            run(f"call {name}()")


def test_a_callers_procedure_sees_the_session(run):
    run("set v = 'seen'")
    run("create temporary table mine as select 1 as a")
    code = """
    def main(session):
        session.sql("create temporary table theirs as select * from mine").collect()
        return session.sql("select $v").collect()[0][0]
    """
    run(in_python("p", "", "varchar", code, more="execute as caller"))

    assert run("call p()") == [("seen",)]
    assert run("select * from theirs") == [(1,)]


def test_a_procedure_is_part_of_the_transaction(run):
    run("create table t (a int)")
    code = "def main(session): session.sql('insert into t values (2)').collect()"
    run(in_python("p", "", "int", code, more="execute as caller"))
    run("begin")
    run("insert into t values (1)")
    run("call p()")
    assert run("select count(*) from t") == [(2,)]
    run("rollback")

    assert run("select count(*) from t") == [(0,)]


def test_procedures_call_functions_and_procedures(run):
    run("create function plus(x int) returns int as 'x + 1'")
    run(in_python("inner_one", "x int", "int", "def main(session, x): return x * 10"))
    code = """
    def main(session, x):
        return session.call("inner_one", session.sql(f"select plus({x})").collect()[0][0])
    """
    run(in_python("outer_one", "x int", "int", code))

    assert run("call outer_one(3)") == [(40,)]


def test_a_procedure_is_cancelled(connection, run):
    run(in_python("p", "", "int", "def main(session):\n    while True: pass"))
    cursor = connection.cursor()
    cursor.execute_async("call p()")
    query = cursor.sfqid
    until(lambda: connection.is_still_running(connection.get_query_status(query)))
    run(f"select system$cancel_query('{query}')")

    with pytest.raises((ProgrammingError, DatabaseError)):
        cursor.get_results_from_sfqid(query)
        cursor.fetchall()


def test_a_procedure_has_a_time_limit(run):
    run(in_python("p", "", "int", "def main(session):\n    while True: pass"))
    run("alter session set statement_timeout_in_seconds = 1")

    with pytest.raises(ProgrammingError, match="timeout of 1 second"):
        run("call p()")


def test_several_procedures_run_at_once(place, run):
    import snowflake.connector

    run("create table t (a int)")
    code = "def main(session, x): session.sql(f'insert into t values ({x})').collect(); return x"
    run(in_python("p", "x int", "int", code))
    found = []

    def one(x):
        with snowflake.connector.connect(**place) as own:
            found.append(own.cursor().execute(f"call p({x})").fetchone()[0])

    threads = [threading.Thread(target=one, args=(x,)) for x in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [0, 1, 2]
    assert run("select count(*) from t") == [(3,)]


def test_a_procedure_in_sql(run):
    run("create table t (a int)")
    run(
        """create procedure fill(n int) returns varchar language sql as
        begin
            for i in 1 to n do
                insert into t values (:i);
            end for;
            return 'filled ' || n;
        end"""
    )
    run(
        """create procedure all_of() returns table (a int) language sql as
        $$ begin
            let r resultset := (select a from t order by a);
            return table(r);
        end $$"""
    )

    assert run("call fill(3)") == [("filled 3",)]
    assert run("call all_of()") == [(1,), (2,), (3,)]


def test_procedures_are_shown_described_altered_and_dropped(run):
    run(in_python("p", "x int", "int", "def main(session, x): return x"))
    run("alter procedure p(int) set comment = 'told'")
    run("alter procedure p(int) execute as caller")

    [row] = run("show procedures like 'p'")
    assert (row[1], row[8], row[9]) == ("P", "P(NUMBER) RETURN NUMBER(38,0)", "told")
    described = run("describe procedure p(number)")
    assert described[:2] == [("signature", "(X NUMBER)"), ("returns", "NUMBER(38,0)")]
    assert dict(described)["execute as"] == "CALLER"
    run("drop procedure p(int)")
    assert run("show procedures like 'p'") == []
    run("drop procedure if exists p(int)")


def test_a_task_calls_a_procedure_with_its_context(run):
    code = """
    def first(session):
        from snowflake.core.task.context import TaskContext
        TaskContext(session).set_return_value("hello")
        return "done"

    def second(session):
        from snowflake.core.task.context import TaskContext
        value = TaskContext(session).get_predecessor_return_value("FIRST_TASK")
        session.sql(f"insert into told values ('{value}')").collect()
    """
    run("create table told (what varchar)")
    for name in ("first", "second"):
        more = "execute as caller"
        run(in_python(f"{name}_step", "", "varchar", code, more=more, handler=name))
    run("create task first_task schedule = '60 minutes' as call first_step()")
    run("create task second_task after first_task as call second_step()")
    run("alter task second_task resume")
    run("execute task first_task")
    until(lambda: run("select * from told"))

    assert run("select what from told") == [("hello",)]
