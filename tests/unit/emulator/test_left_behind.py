"""Processes of containers whose server was killed, perhaps before it had noted them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sf_ml_framework.emulator.services.processes import end_below

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are found by /proc, which Linux has"
)


@pytest.fixture
def sleeper(started):
    """Return what starts a process whose container has the given root."""

    def start(root):
        environ = {**os.environ, "EMULATOR_CONTAINER_ROOT": str(root)}
        command = [sys.executable, "-c", "print('here', flush=True); input()"]
        return started(command, "here", env=environ, stdin=subprocess.PIPE)

    return start


def test_what_runs_below_the_folder_is_ended_and_nothing_else(sleeper, tmp_path):
    mine = sleeper(tmp_path / "services" / "J" / "0")
    others = [sleeper(tmp_path / "services-2" / "J"), sleeper(tmp_path / "elsewhere")]

    end_below(tmp_path / "services")

    assert mine.wait(60) == -9
    assert [one.poll() for one in others] == [None, None]
