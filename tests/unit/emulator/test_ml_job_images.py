"""ML jobs on images of the account, and what is kept of jobs and lineage.

These put images into a repository, end processes and start the emulator anew, which no account
lets a test do.
"""

from __future__ import annotations

import os
import signal
import sys
import zipfile

import pytest

from tests.waiting import until

jobs = pytest.importorskip("snowflake.ml.jobs")

from sf_ml_framework.emulator import Emulator

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as started:
        yield started


@pytest.fixture(scope="module")
def session(emulator):
    from snowflake.snowpark import Session

    made = Session.builder.configs(emulator.connection).create()
    made.sql("create database d").collect()
    made.sql(
        "create compute pool p min_nodes = 1 max_nodes = 4 instance_family = CPU_X64_XS"
    ).collect()
    yield made
    made.close()


def test_a_job_runs_with_the_python_and_variables_of_an_image(emulator, session, tmp_path):
    session.sql("create image repository images").collect()
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nVIA=own exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    emulator.add_image(
        "/d/public/images/runtime:1", project=tmp_path, python=str(python), env={"GIVEN": "yes"}
    )
    file = tmp_path / "payload.py"
    file.write_text("import os\n__return__ = [os.environ['VIA'], os.environ['GIVEN']]\n")

    job = jobs.submit_file(
        str(file),
        "P",
        stage_name="payload",
        session=session,
        runtime_environment="/d/public/images/runtime:1",
    )

    assert job.result() == ["own", "yes"]
    assert job._container_spec["image"] == "/d/public/images/runtime:1"


def test_requirements_are_installed_for_a_job_with_a_repository(session, tmp_path, monkeypatch):
    """From a directory, so that the test asks no index."""
    name = "tiny_thing-1.0"
    with zipfile.ZipFile(tmp_path / f"{name}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_thing.py", "VALUE = 7\n")
        wheel.writestr(
            f"{name}.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{name}.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{name}.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    file = tmp_path / "payload.py"
    file.write_text("import tiny_thing\n__return__ = tiny_thing.VALUE, tiny_thing.__file__\n")

    job = jobs.submit_file(
        str(file),
        "P",
        stage_name="payload",
        session=session,
        pip_requirements=["tiny-thing==1.0"],
        artifact_repositories=["snowflake.snowpark.pypi_shared_repository"],
    )
    value, where = job.result()

    assert value == 7
    assert "/opt/env/site-packages/" in where


def test_instances_end_when_the_first_is_killed(emulator, session, tmp_path):
    file = tmp_path / "payload.py"
    file.write_text("import time\nprint('here', flush=True)\ntime.sleep(120)\n")
    job = jobs.submit_file(
        str(file), "P", stage_name="payload", session=session, target_instances=2
    )
    until(lambda: "here" in job.get_logs())
    (entry,) = (e for e in emulator.account.catalog.all("SERVICE") if e.name == job.name)
    os.kill(entry.properties["instances"][0]["containers"]["main"]["pid"], signal.SIGKILL)
    until(lambda: job.status in {"FAILED", "DONE"})
    rows = session.sql(f"show service instances in service {job.id}").collect()

    assert job.status == "FAILED"
    assert [row["status"] for row in rows] == ["FAILED", "SUCCEEDED"]


def test_lineage_survives_a_restart(tmp_path):
    from snowflake.snowpark import Session

    statements = (
        "create database d",
        "create table a (x int)",
        "create table b (x int)",
        "update b set x = a.x from a where a.x = b.x",
    )
    with (
        Emulator(state=tmp_path / "state") as first,
        Session.builder.configs(first.connection).create() as opened,
    ):
        for sql in statements:
            opened.sql(sql).collect()
    with Emulator(state=tmp_path / "state") as second:
        place = {**second.connection, "database": "D", "schema": "PUBLIC"}
        with Session.builder.configs(place).create() as opened:
            found = opened.lineage.trace("D.PUBLIC.A", "table", direction="downstream").collect()

    assert ['"D.PUBLIC.B"' in row["TARGET_OBJECT"] for row in found] == [True]
