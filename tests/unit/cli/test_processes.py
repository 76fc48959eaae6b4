"""Whether who holds the lock of deployments is dead: said only where it is known."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sf_ml_framework.cli.processes import client, is_dead

WRITES = "from sf_ml_framework.cli.processes import client; print(client(), flush=True); input()"
ON_LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process of this machine, and what it calls itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process, process.stdout.readline().strip()
    process.kill()
    process.communicate()


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_process_that_lives_is_not_dead_and_one_that_was_killed_is(other):
    process, written = other
    assert not is_dead(written)

    killed(process)

    assert is_dead(written)


def test_host_and_process_stand_first_for_a_person():
    assert client().startswith(f"{socket.gethostname()}:{os.getpid()}")
    assert not is_dead(client())


@ON_LINUX
@pytest.mark.parametrize("part", ["boot", "namespace"])
def test_a_process_of_another_boot_or_namespace_is_not_known_to_be_dead(other, part):
    """Two containers may share a host name, and know nothing of each other's processes."""
    process, written = other
    killed(process)
    parts = dict(
        zip(("boot", "namespace", "start"), written.rpartition(":")[2].split("."), strict=True)
    )
    elsewhere = written.replace(parts[part], parts[part].translate({48: "1", 49: "2"}) + "0")

    assert is_dead(written)
    assert elsewhere != written
    assert not is_dead(elsewhere)


@ON_LINUX
def test_a_process_that_only_has_the_number_of_another_is_no_proof_of_life():
    """Its number was given to a new one since."""
    begun = re.sub(r"\d+$", lambda found: str(int(found[0]) - 1), client())

    assert is_dead(begun)


def test_what_an_older_version_wrote_is_judged_by_host_and_process(other):
    process, _ = other
    old = f"{socket.gethostname()}:{process.pid}"
    assert not is_dead(old)

    killed(process)

    assert is_dead(old)
    assert not is_dead(f"elsewhere:{process.pid}")


@pytest.mark.parametrize("written", ["", ":", "laptop", "laptop:x", "laptop:1:x", "laptop:1:2.3"])
def test_what_cannot_be_read_is_not_known_to_be_dead(written):
    assert not is_dead(written.replace("laptop", socket.gethostname()))
