"""A node whose connection is cut: the server is killed, and started again with what it kept."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest

from sf_ml_framework import connection
from sf_ml_framework.places.snowflake.session import Account
from tests.integration.snowflake.container_site import REPOSITORY, Site
from tests.integration.snowflake.test_connection_faults import separate_emulator

PIPELINE = """
CATALOG = DataCatalog([
    Dataset(name="made", columns=[Column(name="id", type="integer")]),
    Dataset(name="noted", kind="document"),
])
PROJECT = Project(name="small", catalog=CATALOG, pipeline=[
    NodeConfig(name="work", function=work, outputs=["made", "noted"], params={"rows": 3}),
])
"""
STEPS = """
import pandas as pd


def work(*, rows: int = 3, waits: bool = False):
    if waits:
        say()
        wait_for("go")
    return pd.DataFrame({"id": range(rows)}), {"rows": rows}
"""


@contextlib.contextmanager
def opened(flags):
    account = Account(connection.resolve(None, flags, {}))
    try:
        yield account
    finally:
        account.close()


@pytest.fixture
def start(tmp_path):
    """Return what starts the node in a process that outlives the server, as a container's does."""
    started = []

    def call(site, flags, *, run_id, inputs="{}"):
        keys = ("account", "user", "password", "host", "port", "protocol", "network_timeout")
        env = {f"SNOWFLAKE_{key.upper()}": flags[key] for key in (*keys, "login_timeout")}
        env |= {"SNOWFLAKE_ROLE": site.target.role, "SNOWFLAKE_WAREHOUSE": site.target.warehouse}
        env |= {"MLOPS_MODE": "snowflake", "MLOPS_RUN_ID": run_id, "PYTHONPATH": str(REPOSITORY)}
        env |= {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
        env |= {"SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true"}
        process = subprocess.Popen(
            [sys.executable, "src/utils/run_node.py", "--node", "work", "--inputs", inputs],
            cwd=site.root,
            env=env,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


def made(flags, folder, start):
    """Deploy the project and run its node once."""
    with opened(flags) as admin:
        site = Site(admin, folder)
        site.write(PIPELINE, STEPS)
        site.deploy()
        admin.execute(f"grant role {site.target.role} to user mlops")
    first = start(site, flags, run_id="first")
    assert first.wait(60) == 0, first.communicate()
    return site


def look(site, flags):
    """Return what stands of the data and of the second run."""
    with opened(flags) as account:
        site.admin = account
        account.execute("use warehouse compute_wh")
        rows, note = len(site.load("made")), site.load_document("noted")
        statuses = {name: each.status for name, each in site.records("second").items()}
        return rows, note, statuses


def test_a_cut_that_lasts_fails_the_node_and_the_old_versions_stand_whole(tmp_path, start):
    with separate_emulator(state=tmp_path / "state") as (server, flags):
        site = made(flags, tmp_path / "project", start)
        second = start(site, flags, run_id="second", inputs='{"rows": 9, "waits": true}')
        site.begun()
        server.kill()
        server.wait()

        site.go_on()
        errors = second.communicate(timeout=120)[1]

        assert second.returncode == 4, errors
        assert "the connection to Snowflake failed" in errors
        assert "what to do: check account, host, network and proxy, then run again" in errors
        assert "its end cannot be recorded" in errors
        with separate_emulator(port=flags["port"], state=tmp_path / "state"):
            assert look(site, flags) == (3, {"rows": 3}, {"work": "running"})
            third = start(site, flags, run_id="second", inputs='{"rows": 9}')
            assert third.wait(60) == 0, third.communicate()
            assert look(site, flags) == (9, {"rows": 9}, {"work": "succeeded"})


def test_after_a_cut_that_is_over_the_node_goes_on(tmp_path, start):
    with separate_emulator(state=tmp_path / "state") as (server, flags):
        site = made(flags, tmp_path / "project", start)
        second = start(site, flags, run_id="second", inputs='{"rows": 9, "waits": true}')
        site.begun()
        server.kill()
        server.wait()

        with separate_emulator(port=flags["port"], state=tmp_path / "state"):
            site.go_on()
            errors = second.communicate(timeout=120)[1]

            assert second.returncode == 0, errors
            assert look(site, flags) == (9, {"rows": 9}, {"work": "succeeded"})
