"""What goes wrong with a connection, and how it is told; each on a real socket."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sf_ml_framework import connection
from sf_ml_framework.errors import OperatorError, PlatformError
from sf_ml_framework.places.snowflake import errors
from sf_ml_framework.places.snowflake.session import Account
from tests.waiting import until


@contextlib.contextmanager
def separate_emulator(port=0, state=""):
    """An emulator in a process of its own, which can be killed; yields it and its flags."""
    command = [sys.executable, "-m", "sf_ml_framework.emulator", "--port", str(port)]
    command += ["--state", str(state)] if state else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, line
        yield process, flags_for(found[1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def flags_for(port, password="mlops"):
    return {
        "account": "emulator",
        "user": "mlops",
        "password": password,
        "role": "ACCOUNTADMIN",
        "warehouse": "COMPUTE_WH",
        "host": "127.0.0.1",
        "port": str(port),
        "protocol": "http",
        "network_timeout": "2",
        "login_timeout": "5",
    }


def opened(flags, **place):
    return Account(connection.resolve(None, flags, {}), **place)


@pytest.fixture
def role(make_account, database):
    """A role that may use database, schema and warehouse, and nothing else."""
    name = f"R_{database}"
    admin = make_account()
    for statement in (
        f"create role {name}",
        f"grant role {name} to user mlops",
        f"grant usage on database {database} to role {name}",
        f"grant usage on schema {database}.ml to role {name}",
        f"grant usage on warehouse compute_wh to role {name}",
    ):
        admin.execute(statement)
    yield name
    admin.execute(f"drop role {name}")


def test_a_missing_privilege_names_the_grant_and_the_grant_mends_it(make_account, database, role):
    admin, account = make_account(), make_account(role=role, database=database, schema="ML")
    statement = "create task t as select 1"

    with pytest.raises(errors.AccessDeniedError) as caught:
        account.execute(statement)
    admin.execute(f"use schema {database}.ml")
    admin.execute(caught.value.grant)

    assert caught.value.grant == f"GRANT CREATE TASK ON SCHEMA ML TO ROLE {role};"
    assert caught.value.grant in caught.value.remedy
    account.execute(statement)


def test_a_table_that_may_not_be_seen_names_the_grant(make_account, database, role):
    admin, account = make_account(), make_account(role=role, database=database, schema="ML")
    admin.execute(f"create table {database}.ml.t (a int)")

    with pytest.raises(
        errors.AbsentError, match=r"is not there, or role .* may not see it"
    ) as caught:
        account.rows(f"select * from {database}.ml.t")

    assert f"GRANT SELECT ON TABLE {database}.ML.T TO ROLE {role};" in caught.value.remedy


def test_a_missing_warehouse_is_told(make_account, database):
    account = make_account(warehouse="NO_SUCH_WH", database=database, schema="ML")
    account.execute("create table t (a int)")

    with pytest.raises(errors.RefusedError, match="no warehouse is there") as caught:
        account.rows("select * from t")

    assert caught.value.number == 606
    assert "GRANT USAGE ON WAREHOUSE" in caught.value.remedy


def test_a_session_that_is_over_is_opened_anew_where_it_was(make_account, database, emulator):
    account = make_account(database=database, schema="ML", query_tag="tag-7")
    account.rows("select 1")
    end_sessions(emulator)

    place = account.rows("select current_database() as d, current_schema() as s")

    assert place == [{"d": database, "s": "ML"}]
    tag = account.rows("show parameters like 'QUERY_TAG' in session")
    assert tag[0]["value"] == "tag-7"


def test_the_role_that_was_taken_is_taken_again(make_account, role, emulator):
    account = make_account()
    account.execute(f"use role {role}")
    end_sessions(emulator)

    assert account.rows("select current_role() as r") == [{"r": role}]


def test_snowpark_and_ibis_are_opened_anew_with_the_session(make_account, database, emulator):
    account = make_account(database=database, schema="ML")
    before = account.session, account.ibis()
    end_sessions(emulator)
    account.rows("select 1")

    assert account.session is not before[0]
    assert account.ibis() is not before[1]
    assert account.session.sql("select 5 as a").collect()[0][0] == 5


def test_nothing_is_repeated_inside_a_transaction(make_account, database, emulator):
    """Its first half is gone with the session: the second half alone would be wrong."""
    account = make_account(database=database, schema="ML")
    account.execute("create table t (a int)")
    account.execute("begin")
    account.execute("insert into t values (1)")
    end_sessions(emulator)

    with pytest.raises(OperatorError, match="no longer valid"):
        account.execute("insert into t values (2)")

    assert account.rows("select * from t") == []


def test_a_token_that_expires_in_the_middle_and_is_not_renewed_fails_cleanly(emulator, tmp_path):
    file = tmp_path / "token"
    file.write_text(emulator.account.tokens.issue(user="MLOPS", role="SYSADMIN", name="gone"))
    environ = {
        "SNOWFLAKE_RUNNING_INSIDE_SPCS": "true",
        "SNOWFLAKE_ACCOUNT": "emulator",
        "SNOWFLAKE_HOST": emulator.host,
        "SNOWFLAKE_PORT": str(emulator.port),
        "SNOWFLAKE_PROTOCOL": "http",
        "SNOWFLAKE_TOKEN_FILE": str(file),
    }
    account = Account(connection.resolve(None, {}, environ))
    account.rows("select 1")
    emulator.account.tokens.revoke(user="MLOPS", name="gone", kind="OAUTH")
    end_sessions(emulator)

    with pytest.raises(errors.SignInError, match="did not accept the token") as caught:
        account.rows("select 1")

    assert caught.value.remedy
    assert file.read_text() not in str(caught.value)


RUNS = (
    "select 1 from table(snowflake.information_schema.query_history())"
    " where execution_status = 'RUNNING' and query_text = ?"
)
"""Asks whether a statement runs now."""


def test_a_server_that_dies_in_the_middle_of_a_statement_is_a_platform_error():
    with separate_emulator() as (process, flags), ThreadPoolExecutor(1) as pool:
        account, other = opened(flags), opened(flags)
        asked = pool.submit(account.rows, "select system$wait(600)")
        try:
            until(lambda: other.rows(RUNS, ("select system$wait(600)",)), "it did not begin")
        finally:
            process.kill()

        with pytest.raises(PlatformError, match="connection to Snowflake failed") as caught:
            asked.result()
        account.close()
        other.close()

    assert isinstance(caught.value, errors.ConnectionLostError)


def test_work_goes_on_after_a_connection_was_lost_and_is_there_again(tmp_path):
    with separate_emulator(state=tmp_path / "s") as (process, flags):
        account = opened(flags)
        account.execute("create database d")
        process.kill()
        process.wait()
        with pytest.raises(PlatformError):
            account.rows("select 1")

        with separate_emulator(port=flags["port"], state=tmp_path / "s"):
            assert account.rows("show databases like 'D'")[0]["name"] == "D"
            account.close()


def test_an_address_that_fails_at_first_is_tried_again(emulator):
    """The client itself gives up after four; the fifth and the sixth are ours."""
    with failing_at_first(emulator.port, 6) as (port, accepted):
        account = opened(flags_for(port, emulator.password) | {"login_timeout": "30"})

        rows = account.rows("select 1 as a")
        account.close()

    assert rows == [{"a": 1}]
    assert len(accepted) > 6


@contextlib.contextmanager
def failing_at_first(port, failures):
    """A port that cuts its first connections and hands all others on; yields those it took."""
    accepted = []

    def carry(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                accepted.append(near)
                if len(accepted) <= failures:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", port))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], accepted
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for near in accepted:
            near.close()


def test_where_nobody_answers_it_is_told_with_what_to_check():
    with separate_emulator() as (_, flags):
        port = flags["port"]

    with pytest.raises(errors.ConnectionLostError) as caught:
        opened(flags_for(port)).rows("select 1")

    assert "check account, host, network" in caught.value.remedy


def test_a_long_statement_is_not_cancelled_by_the_networks_limit(make_account):
    """The connector takes network_timeout for both; ours is for the network alone."""
    account = make_account(network_timeout="1")

    assert account.rows("select system$wait(3) as a")


def test_what_was_turned_away_at_a_lock_is_sent_again_and_done_once(
    make_account, database, emulator
):
    holder = make_account(database=database, schema="ML")
    waiter = make_account(database=database, schema="ML")
    holder.execute("create table t (a int)")
    holder.execute("insert into t values (1)")
    holder.execute("begin")
    holder.execute("update t set a = 2")
    waiter.execute("alter session set lock_timeout = 1")
    session, record = waiter.connection.session_id, emulator.account.record
    before = record.added

    def turned_away():
        lines = record.since(before, "statement")
        return [each for each in lines if each["session"] == session and each["error"]]

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(waiter.execute, "update t set a = a + 10")
        try:
            refused = until(turned_away, "it was not turned away")
        finally:
            holder.execute("commit")
        done.result()

    assert "lock timeout" in refused[0]["error"]
    assert waiter.rows("select a from t") == [{"a": 12}]


def test_a_lock_that_is_never_given_up_is_told_in_the_end(make_account, database):
    holder = make_account(database=database, schema="ML")
    waiter = make_account(database=database, schema="ML")
    holder.execute("create table t (a int)")
    holder.execute("insert into t values (1)")
    holder.execute("begin")
    holder.execute("update t set a = 2")
    waiter.execute("alter session set lock_timeout = 0")

    with pytest.raises(errors.ServerFaultError, match="waited in vain"):
        waiter.execute("update t set a = a + 10")

    holder.execute("rollback")


def test_several_statements_in_one_are_refused(make_account, database):
    account = make_account(database=database, schema="ML")
    account.execute("create table t (a int)")

    with pytest.raises(errors.RefusedError, match="statement count"):
        account.execute("insert into t values (1); drop table t")

    assert account.rows("select * from t") == []


def test_threads_share_one_session(make_account):
    account = make_account()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: account.rows("select current_session() as s"), range(16)))

    assert len({row[0]["s"] for row in found}) == 1


def test_values_are_bound_and_never_read_as_statements(make_account, database):
    account = make_account(database=database, schema="ML")
    account.execute("create table t (a varchar, b int)")
    nasty = "x'); drop table t; --"

    account.execute("insert into t values (?, ?)", [nasty, 7])

    assert account.rows("select a, b from t where a = ?", [nasty]) == [{"a": nasty, "b": 7}]


@pytest.mark.parametrize("name", ["plain.txt", "a b.txt", "o'k (1).txt"])
def test_a_file_goes_to_a_stage_and_comes_back(make_account, database, tmp_path, name):
    account = make_account(database=database, schema="ML")
    account.execute("create stage s")
    file = tmp_path / name
    file.write_text("content")
    stage = f"@{database}.ML.S"

    account.upload(file, f"{stage}/runs/")
    account.upload(file, f"{stage}/renamed/other.txt")

    assert account.download(f"{stage}/runs/{name}", tmp_path / "back").read_text() == "content"
    renamed = account.download(f"{stage}/renamed/other.txt", tmp_path / "back")
    assert (renamed.name, renamed.read_text()) == ("other.txt", "content")


def test_an_upload_replaces_what_is_there(make_account, database, tmp_path):
    account = make_account(database=database, schema="ML")
    account.execute("create stage s")
    file = tmp_path / "f.txt"
    for text in ("one", "two"):
        file.write_text(text)
        account.upload(file, f"@{database}.ML.S/f.txt")

    back = account.download(f"@{database}.ML.S/f.txt", tmp_path / "back")

    assert back.read_text() == "two"


def test_a_file_that_is_not_there_is_told_on_both_sides(make_account, database, tmp_path):
    account = make_account(database=database, schema="ML")
    account.execute("create stage s")

    with pytest.raises(errors.DataError, match="is no file"):
        account.upload(tmp_path / "none", f"@{database}.ML.S/none")
    with pytest.raises(errors.DataError, match="there is no file"):
        account.download(f"@{database}.ML.S/none", tmp_path / "back")


def end_sessions(emulator):
    """End all sessions at once, as hours without a statement do."""
    for session in list(emulator.account.sessions.values()):
        emulator.account.close_session(session)
