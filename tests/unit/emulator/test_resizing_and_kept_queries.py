"""What takes time in a pool, and what a restart does not forget; both need the server itself."""

from __future__ import annotations

import contextlib

import pytest
import snowflake.connector

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.emulator.services import pooling


@pytest.fixture(scope="module")
def account():
    with Emulator() as emulator:
        yield emulator.account


@pytest.fixture
def run(account):
    session = account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
    yield lambda sql: account.run(session, sql).dicts()
    account.close_session(session)


def state(run, pool):
    return run(f"describe compute pool {pool}")[0]["state"]


@pytest.fixture
def slow(monkeypatch):
    """Machines take ten minutes to come, which no test waits for."""
    monkeypatch.setattr(pooling, "START_SECONDS", 600)


def pool(run, name, more=""):
    run(
        f"create compute pool {name} "
        f"min_nodes = 1 max_nodes = 2 instance_family = CPU_X64_XS {more}"
    )


@pytest.mark.parametrize(
    "change", ["min_nodes = 2", "max_nodes = 5", "min_nodes = 2 max_nodes = 3"]
)
def test_a_pool_whose_nodes_change_is_resizing_for_a_while(account, run, slow, change):
    name = "P" + "".join(letter for letter in change if letter.isalnum())
    pool(run, name)
    account.clock.advance(601)
    run(f"alter compute pool {name} set {change}")

    assert state(run, name) == "RESIZING"
    account.clock.advance(601)
    assert state(run, name) == "IDLE"


def test_a_pool_that_keeps_its_nodes_or_is_suspended_is_not_resizing(account, run, slow):
    pool(run, "steady")
    pool(run, "asleep", "initially_suspended = true")
    account.clock.advance(601)
    run("alter compute pool steady set max_nodes = 2 comment = 'same'")
    run("alter compute pool asleep set max_nodes = 4")

    assert (state(run, "steady"), state(run, "asleep")) == ("IDLE", "SUSPENDED")
    run("alter compute pool asleep resume")
    assert state(run, "asleep") == "STARTING"


@contextlib.contextmanager
def connected(state_folder):
    with (
        Emulator(state=state_folder) as emulator,
        contextlib.closing(snowflake.connector.connect(**emulator.connection)) as connection,
    ):
        yield connection.cursor(), emulator.account


def test_usage_views_survive_a_restart(tmp_path):
    with connected(tmp_path / "state") as (cursor, _):
        cursor.execute("create database d")
        cursor.execute("create table t as select 1 as x")
        cursor.execute("select count(*) from t").fetchall()
        cursor.execute("create secret s type = generic_string secret_string = 'hush'")
        with pytest.raises(snowflake.connector.errors.ProgrammingError):
            cursor.execute("select nothing from t")
    usage = "snowflake.account_usage"
    with connected(tmp_path / "state") as (cursor, _):
        found = cursor.execute(
            f"select query_text, execution_status, error_code, end_time >= start_time "
            f"from {usage}.query_history"
        ).fetchall()
        texts = {row[0]: row[1:] for row in found}
        own = cursor.execute(
            "select query_text from table(d.information_schema.query_history())"
        ).fetchall()
        metered = cursor.execute(
            f"select count(*), sum(credits_used) > 0 from {usage}.warehouse_metering_history"
        ).fetchone()

        assert texts["select count(*) from t"] == ("SUCCESS", None, True)
        assert texts["select nothing from t"][0] == "FAIL"
        assert "hush" not in str(found)
        assert ("select count(*) from t",) in own
        assert metered == (1, True)
        assert sum(row[0] == "create database d" for row in found) == 1


def test_a_years_queries_are_kept_and_no_more(tmp_path):
    with connected(tmp_path / "state") as (cursor, _):
        cursor.execute("select 'old'").fetchall()
    with connected(tmp_path / "state") as (_, account):
        account.catalog.execute("update query_log set ended = '2020-01-01T00:00:00+00:00'")
    with connected(tmp_path / "state") as (cursor, _):
        found = cursor.execute(
            "select query_text from snowflake.account_usage.query_history"
        ).fetchall()

        assert ("select 'old'",) not in found
