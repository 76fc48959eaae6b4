"""The process that runs models: what it survives, and what survives it.

Models are written by hand here, and the server is restarted, so no account can run these.
"""

from __future__ import annotations

import pytest

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.emulator.faults import SnowflakeError

MANIFEST = """
manifest_version: '1.0'
methods:
- {name: RUN, type: FUNCTION, handler: functions.run.infer,
   inputs: [{name: A, type: DOUBLE}], outputs: [{type: OBJECT}]}
"""
HANDLER = """
import os
from _snowflake import vectorized

@vectorized(input=object)
def infer(frame):
    print("heard by nobody")
    value = frame.iloc[0, 0]
    if value == 1:
        os._exit(3)
    if value == 2:
        raise KeyError("two")
    if value == 3:
        return []
    return [{"pid": os.getpid(), "twice": a * 2} for a in frame.iloc[:, 0]]
"""


def _start(state):
    emulator = Emulator(state=state).start()
    session = emulator.account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
    return emulator, session


def _log(emulator, session):
    emulator.account.run(session, "create database d")
    emulator.account.run(session, "create stage s")
    folder = emulator.account.stages.locate(session, "@s/model").target
    (folder / "functions").mkdir(parents=True)
    (folder / "MANIFEST.yml").write_text(MANIFEST)
    (folder / "functions" / "run.py").write_text(HANDLER)
    emulator.account.run(session, "create model m with version v1 from @s/model")


@pytest.fixture
def run(tmp_path):
    emulator, session = _start(tmp_path)
    _log(emulator, session)
    yield lambda sql: emulator.account.run(session, sql).rows
    emulator.stop()


def test_a_model_that_prints_is_not_misread(run):
    assert run("select m!run(4.0):twice::int") == [(8,)]


@pytest.mark.parametrize(("value", "words"), [(1, "exit code 3"), (2, "two"), (3, "0 rows for 1")])
def test_a_model_that_fails_is_told_and_the_next_call_works(run, value, words):
    with pytest.raises(SnowflakeError, match=words):
        run(f"select m!run({value}.0)")

    assert run("select m!run(4.0):twice::int") == [(8,)]


def test_the_model_is_loaded_once(run):
    pids = {run("select m!run(4.0):pid::int")[0][0] for _ in range(3)}

    assert len(pids) == 1


def test_without_a_manifest_there_is_no_model(run):
    run("create stage empty")
    with pytest.raises(SnowflakeError, match=r"MANIFEST\.yml"):
        run("create model n with version v1 from @empty/model")


def test_models_and_their_files_survive_a_restart(tmp_path):
    first, session = _start(tmp_path)
    _log(first, session)
    first.account.run(session, "alter model m version v1 set alias = live")
    first.stop()

    second, session = _start(tmp_path)
    session.connection.use("D", "PUBLIC")
    try:
        found = second.account.run(session, "select model(m, live)!run(4.0):twice::int").rows
        listed = second.account.run(session, "list snow://model/m/versions/V1/").rows
    finally:
        second.stop()

    assert found == [(8,)]
    assert [row[0] for row in listed] == [
        "versions/V1/MANIFEST.yml",
        "versions/V1/functions/run.py",
    ]
