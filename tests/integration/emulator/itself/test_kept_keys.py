"""Keys of a table are in the catalogue, which a state keeps."""

from __future__ import annotations

from snowflake.connector import connect

from sf_ml_framework.emulator import Emulator


def test_keys_survive_a_restart(tmp_path, monkeypatch):
    monkeypatch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    with Emulator(state=tmp_path) as first, connect(**first.connection) as opened:
        for sql in ("create database d", "create table d.public.t (id int primary key)"):
            opened.cursor().execute(sql)

    with Emulator(state=tmp_path) as second, connect(**second.connection) as opened:
        (row,) = opened.cursor().execute("describe table d.public.t").fetchall()

    assert (row[0], row[5]) == ("ID", "Y")
