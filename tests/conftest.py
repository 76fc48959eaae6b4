"""What holds for every test: what is random is drawn alike, no time counts, no secret leaks."""

import os
import signal

import pytest
from hypothesis import settings

FEW_CORES = 4

pytest_plugins = ["tests.canaries"]

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")


def pytest_configure() -> None:
    """Listen to Ctrl-C and to the end of a terminal.

    In the background of a shell and under ``nohup`` a process is started deaf to them, and so are
    those that it starts, which many tests send these signals.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three workers on two cores: a third of a test's time is waiting for another process.

    A worker takes up to 1.3 GB, so where there are many cores each has one.
    """
    cores = os.cpu_count() or 1
    return max(1, cores * 3 // 2) if cores <= FEW_CORES else cores
