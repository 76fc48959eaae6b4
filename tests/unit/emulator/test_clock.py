"""The account's clock, and the work that goes by it."""

import threading

from sf_ml_framework.emulator.clock import Clock, Loops
from tests.waiting import until


def test_work_goes_on_at_once_when_the_clock_is_moved_ahead():
    clock, done = Clock(), threading.Event()
    loops = Loops(clock)
    loops.every(3600, done.set)

    def advanced():
        clock.advance(3601)  # again: the loop may begin to wait after the first time
        return done.wait(0.1)

    try:
        until(advanced)
    finally:
        loops.close()


def test_work_goes_on_when_the_clock_was_ahead_and_is_moved_back():
    """Else a clock that was wrong for a moment would stop schedules for as long as it was wrong."""
    clock, times = Clock(), threading.Semaphore(0)
    clock.advance(7200)
    loops = Loops(clock)
    loops.every(0.05, times.release)
    assert times.acquire(timeout=100)

    clock.advance(-7200)

    assert all(times.acquire(timeout=100) for _ in range(3))
    loops.close()
