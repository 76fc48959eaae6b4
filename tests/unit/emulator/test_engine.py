"""The seam to fakesnow: what we use of its private parts still behaves."""

from __future__ import annotations

from importlib.metadata import version

import pytest
import sqlglot

from sf_ml_framework.emulator.engine import Engine
from sf_ml_framework.emulator.faults import SnowflakeError


@pytest.fixture
def connection():
    engine = Engine(None)
    engine.attach("D")
    opened = engine.connect()
    opened.raw('create schema "D"."PUBLIC"')
    opened.use("D", "PUBLIC")
    yield opened
    opened.close()
    engine.close()


def run(connection, sql):
    return connection.run(sqlglot.parse_one(sql, read="snowflake"))


def test_the_pinned_version_is_the_one_that_was_read():
    assert version("fakesnow") == "0.12.1"


def test_column_names_come_from_the_result(connection):
    """A DESCRIBE of the same statement gives the wrong case, which broke the Feature Store."""
    result = run(connection, 'select "owner" as "OWNER" from (select 1 as "owner")')

    assert [column.name for column in result.columns] == ["OWNER"]


def test_types_come_from_the_result(connection):
    sql = "select 1 as i, 1.25 as n, 'x' as s, parse_json('[1]') as v, null as z"

    kinds = [(c.type, c.precision, c.scale) for c in run(connection, sql).columns]

    assert kinds[1] == ("fixed", 3, 2)
    assert [kind for kind, _, _ in kinds] == ["fixed", "fixed", "text", "variant", "text"]


def test_a_table_with_columns_as_select_may_use_ignore_nulls(connection):
    """fakesnow describes that select in the wrong dialect; training sets are saved like this."""
    run(connection, "create table s as select 1 as k, 5 as x")
    run(
        connection,
        "create table t (k int, last_x int) as "
        "select k, last_value(x) ignore nulls over (partition by k order by k) from s",
    )

    assert run(connection, "select * from t").rows == [(1, 5)]


def test_what_was_changed_is_counted(connection):
    run(connection, "create table t (x int)")

    assert run(connection, "insert into t values (1), (2)").affected == 2
    assert run(connection, "update t set x = 3 where x = 1").affected == 1
    assert run(connection, "delete from t").affected == 2


def test_the_engines_refusals_have_snowflakes_numbers(connection):
    with pytest.raises(SnowflakeError) as caught:
        run(connection, "select * from nothing")

    assert (caught.value.number, caught.value.state) == (2003, "42S02")


def test_what_the_parser_trips_over_is_a_syntax_error():
    """Not a fault of the server: sqlglot has a ValueError for a name without a letter."""
    from sf_ml_framework.emulator import Emulator

    with Emulator() as emulator:
        session = emulator.account.internal_session(role="ACCOUNTADMIN")
        with pytest.raises(SnowflakeError) as refused:
            emulator.account.run(session, "select * from table(f('' => 3))")

    assert refused.value.number == 1003


@pytest.mark.parametrize(
    "arguments",
    ["result_limit => ''", "result_limit => null", "created_time_start => 'x'"],
)
def test_arguments_of_the_job_history_that_are_none_are_refused(arguments):
    from sf_ml_framework.emulator import Emulator

    with Emulator() as emulator:
        session = emulator.account.internal_session(role="ACCOUNTADMIN")
        with pytest.raises(SnowflakeError) as refused:
            emulator.account.run(
                session, f"select * from table(snowflake.spcs.get_job_history({arguments}))"
            )

    assert refused.value.number == 1008


def test_what_memory_does_not_hold_waits_beside_the_files(tmp_path, monkeypatch):
    """By default DuckDB writes into the folder that the server was started in."""
    here, files = tmp_path / "here", tmp_path / "files"
    here.mkdir()
    (files / "spill").mkdir(parents=True)
    (files / "spill" / "left.tmp").touch()
    monkeypatch.chdir(here)
    engine = Engine(None, files)
    engine.attach("D")
    opened = engine.connect()
    opened.raw("set memory_limit = '150MB'")

    opened.raw('create table "D"."main"."T" as select md5(range::varchar) a from range(5000000)')

    assert any((files / "spill").iterdir())
    assert not (files / "spill" / "left.tmp").exists()
    assert not any(here.iterdir())
    opened.close()
    engine.close()


def test_a_session_that_has_ended_can_be_interrupted(tmp_path):
    """A server that is stopped interrupts all sessions; one may be ending just then."""
    engine = Engine(None, tmp_path)
    opened = engine.connect()
    opened.close()

    opened.interrupt()

    engine.close()
