"""What holds for every test: what is random is drawn alike, no time counts, no secret leaks."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

FEW_CORES = 4

pytest_plugins = ["tests.canaries"]

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")


def pytest_configure(config: pytest.Config) -> None:
    """Make what is around the tests alike everywhere."""
    _listen_to_signals()
    _leave_out_variables(config)


def _leave_out_variables(config: pytest.Config) -> None:
    """Take away the variables and files of whoever runs the tests that change what a command means.

    In a job of a CI service the default target is that of the branch, a connection that is named or
    stands at home would lead a test of the laptop to somebody's account, and in a hook of git every
    git works in the repository that is committed to.
    """
    account = bool(os.environ.get("MLOPS_TEST_CONNECTION"))
    for name in [*os.environ]:
        own = name.startswith("MLOPS_") and not name.startswith("MLOPS_TEST_")
        git = name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
        if name == "CI" or git or own or (name.startswith("SNOWFLAKE_") and not account):
            del os.environ[name]
    if not account:
        # Else each login asks for cloud metadata servers, by names that may take seconds to fail.
        os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"
        home = tempfile.TemporaryDirectory(prefix="snowflake-home-")
        config.add_cleanup(home.cleanup)
        os.environ["SNOWFLAKE_HOME"] = home.name


def _listen_to_signals() -> None:
    """Listen to Ctrl-C and to the end of a terminal.

    In the background of a shell and under ``nohup`` a process is started deaf to them, and so are
    those that it starts, which many tests send these signals.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what starts a process and waits for its first line; it ends with the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(command: list[str], line: str, **more: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == f"{line}\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three workers on two cores: a third of a test's time is waiting for another process.

    A worker takes up to 1.3 GB, so where there are many cores each has one.
    """
    cores = os.cpu_count() or 1
    return max(1, cores * 3 // 2) if cores <= FEW_CORES else cores
