"""Wait for what a test needs: a condition with a limit, never a time that is hoped to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
SECONDS = 120
"""Long enough for a machine that does other things; short of the time that a test has."""


def until(ask: Callable[[], Found], why: str = "it did not come", pause: float = 0.05) -> Found:
    """Ask until the answer is true, and return it.

    Raises:
        AssertionError: two minutes have passed.
    """
    end = time.monotonic() + SECONDS
    while not (found := ask()):
        assert time.monotonic() < end, why
        time.sleep(pause)
    return found
