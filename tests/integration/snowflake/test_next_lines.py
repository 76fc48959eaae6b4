"""What is told to be typed after a command of a target acts on that target, by that connection."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from sf_ml_framework.cli.app import main
from tests.integration.snowflake.called import environ_of
from tests.integration.snowflake.container_site import REPOSITORY

PIPELINE = """
PROJECT = Project(name="small", catalog=DataCatalog([]), pipeline=[
    NodeConfig(name="generate", function=generate),
])
"""
STEPS = """
def generate(*, day: str = "") -> None:
    say()
    time.sleep(600)
"""
WHERE = ("--target", "dev", "--role", "ACCOUNTADMIN")
SAID = "--target dev --role ACCOUNTADMIN"


@pytest.fixture(scope="module")
def site(stand):
    return stand(PIPELINE, STEPS)


@pytest.fixture
def call(site, connection_flags, monkeypatch, capsys):
    """Return what calls a command in the project, and gives all that it said."""
    for name, value in environ_of(connection_flags).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(site.root)
    monkeypatch.syspath_prepend(str(site.root))

    def called(*words):
        capsys.readouterr()
        code = main([*words, *WHERE], program="mlops")
        return code, "".join(capsys.readouterr())

    return called


def test_a_node_that_did_not_run(call):
    code, told = call("tasks", "logs", "generate")

    assert code != 0
    assert f"`mlops tasks status {SAID}`" in told


def test_a_root_without_a_schedule(call):
    assert f"`mlops tasks run {SAID}`" in call("tasks", "resume")[1]


def test_a_run_that_goes_on_when_its_queue_is_stopped(site, call):
    days = ("--from", "2026-01-01", "--to", "2026-01-02")
    queue = subprocess.Popen(
        [sys.executable, "-m", "sf_ml_framework", "backfill", "--param", "day", *days, *WHERE],
        cwd=site.root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    site.begun()
    queue.send_signal(signal.SIGINT)
    _, told = queue.communicate(timeout=60)

    assert queue.returncode == 130
    assert f"tasks cancel {SAID}\n" in told
    _, told = call("tasks", "suspend")
    assert f"tasks cancel {site.run_id()} {SAID}`" in told
    assert call("tasks", "cancel")[0] == 0
    site.ended()
