"""The command: the ready line, SIGTERM, and what survives kill -9."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from snowflake.connector import connect


@contextlib.contextmanager
def emulator(*arguments):
    command = [sys.executable, "-m", "sf_ml_framework.emulator", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        match = re.fullmatch(
            r"emulator ready at http://127\.0\.0\.1:(\d+) account=emulator user=(\w+)\n", line
        )
        assert match, line
        yield (
            process,
            {
                "account": "emulator",
                "user": match[2],
                "password": "mlops",
                "host": "127.0.0.1",
                "port": int(match[1]),
                "protocol": "http",
                "network_timeout": 30,
                "login_timeout": 20,
            },
        )
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_sigterm_ends_it_within_five_seconds_whatever_runs():
    # A machine that does other things may take longer, but hardly three times.
    for _ in range(3):
        with emulator() as (process, place):
            connection = connect(**place)
            connection.cursor().execute_async("select system$wait(60)")
            connection.cursor().execute_async("begin loop null; end loop; end")
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=60)
            took = time.monotonic() - started
        if took < 5:
            break

    assert code == 0
    assert took < 5


def test_it_listens_on_loopback_alone():
    """An address of this machine other than loopback does not answer."""
    with emulator() as (_, place), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        # Nothing is sent: it only says which address of this machine would be used.
        with contextlib.suppress(OSError):
            asked.connect(("198.51.100.1", 9))
        other = asked.getsockname()[0]
        if other.startswith("127.") or other == "0.0.0.0":
            pytest.skip("this machine has no other address")
        with pytest.raises(OSError), socket.create_connection((other, place["port"]), 10):
            pass


def test_what_is_committed_survives_kill_nine(tmp_path):
    state = str(tmp_path / "state")
    file = tmp_path / "f.txt"
    file.write_text("kept")
    with emulator("--state", state) as (process, place), connect(**place) as connection:
        cursor = connection.cursor()
        for sql in (
            'create database "Mixed-Case"',
            "create database d",
            "create table t (s varchar(10), v variant) comment = 'c'",
            "insert into t select 'x', parse_json('{\"a\": 1}')",
            "create view v as select s from t",
            "create stage st",
            f"put file://{file} @st auto_compress = false",
            "create role r",
            "grant usage on database d to role r",
            "create tag tg",
            "alter table t set tag tg = 'v'",
            "create user u password = 'p'",
            "begin",
            "insert into t select 'lost', null",
        ):
            cursor.execute(sql)
        process.kill()
        process.wait()

    with (
        emulator("--state", state) as (_, place),
        connect(**place, database="D", schema="PUBLIC") as connection,
    ):
        run = connection.cursor().execute

        assert run("select s, v:a::int from v join t using (s)").fetchall() == [("x", 1)]
        assert run("list @st").fetchall()[0][0] == "st/f.txt"
        assert run("describe table t").fetchall()[0][1] == "VARCHAR(10)"
        assert run("show grants to role r").fetchall()[0][1] == "USAGE"
        assert run("select system$get_tag('tg', 't', 'table')").fetchone() == ("v",)
        assert run("show databases like 'Mixed-Case'").fetchall()
        assert run("show users like 'U'").fetchall()
        assert run("show tables").fetchall()[0][5] == "c"


def test_the_user_is_named_on_the_command_line():
    with emulator("--user", "someone") as (_, place), connect(**place) as connection:
        assert connection.cursor().execute("select current_user()").fetchone() == ("SOMEONE",)


def test_the_record_names_what_was_not_known(tmp_path):
    record = tmp_path / "record.jsonl"
    with (
        emulator("--record", str(record)) as (_, place),
        connect(**place) as connection,
        pytest.raises(Exception, match="frobnicator"),
    ):
        connection.cursor().execute("create frobnicator x")

    assert '"unknown"' in record.read_text()
