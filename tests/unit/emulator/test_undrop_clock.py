"""UNDROP ends after a day of the account's clock, and survives a restart."""

from __future__ import annotations

import contextlib

import pytest
import snowflake.connector

from sf_ml_framework.emulator import Emulator


@contextlib.contextmanager
def runner(emulator):
    opened = snowflake.connector.connect(**emulator.connection)
    with contextlib.closing(opened) as connection:
        yield lambda sql: connection.cursor().execute(sql).fetchall()


def test_what_was_dropped_a_day_ago_is_gone(tmp_path):
    file = tmp_path / "f.txt"
    file.write_text("x")
    with Emulator() as emulator, runner(emulator) as run:
        run("create database d")
        run("create table t (a int)")
        run("create table u (a int)")
        run("create schema s")
        run("create stage st")
        run(f"put file://{file} @st")
        run("drop schema s")
        run("drop table d.public.t")
        emulator.account.clock.advance(23 * 3600)
        run("undrop table d.public.t")
        run("drop table d.public.t")
        emulator.account.clock.advance(25 * 3600)

        with pytest.raises(snowflake.connector.errors.ProgrammingError, match="was purged"):
            run("undrop table d.public.t")
        assert list(emulator.account.files.glob("stages/kept-*"))
        run("drop table d.public.u")  # which sweeps
        assert list(emulator.account.files.glob("stages/kept-*")) == []
        kept = "select name from dropped"
        assert emulator.account.catalog.execute(kept) == [("U",)]


def test_what_was_dropped_before_a_restart_comes_back(tmp_path):
    state = tmp_path / "state"
    with Emulator(state=state) as emulator, runner(emulator) as run:
        run("create database d")
        run("create table t as select 7 as a")
        run("drop database d")
    with Emulator(state=state) as emulator, runner(emulator) as run:
        run("undrop database d")

        assert run("select a from d.public.t") == [(7,)]
