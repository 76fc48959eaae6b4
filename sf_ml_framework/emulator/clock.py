"""The account's clock: real by default, moved by hand in tests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

logger = logging.getLogger(__name__)


class Clock:
    """Time as the account sees it, in UTC: real time plus what was advanced."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._changed = threading.Condition()

    def now(self) -> datetime:
        """Return the account's time, aware, UTC."""
        return datetime.now(UTC) + self._ahead

    @property
    def ahead(self) -> timedelta:
        """How far the account's time is ahead of the real one."""
        return self._ahead

    def advance(self, seconds: float) -> datetime:
        """Move the clock forward and wake whoever waits on it; return the new time."""
        with self._changed:
            self._ahead += timedelta(seconds=seconds)
            self._changed.notify_all()
        return self.now()

    def pause(self, seconds: float, stop: threading.Event) -> bool:
        """Block until so many seconds have passed; False when *stop* was set first.

        A clock that is moved back in the meantime makes nobody wait for longer.
        """
        end, ahead = self.now() + timedelta(seconds=seconds), self._ahead
        while not stop.is_set():
            end, ahead = end + min(timedelta(), self._ahead - ahead), self._ahead
            left = (end - self.now()).total_seconds()
            if left <= 0:
                return True
            with self._changed:
                # A stop cannot notify this condition, so look again now and then.
                self._changed.wait(min(left, 0.25))
        return False


class Loops:
    """Background work on a :class:`Clock`, one thread each, all ended by :meth:`close`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def every(self, seconds: float, work: Callable[[], None]) -> None:
        """Run *work* each time *seconds* of the clock have passed, never twice at once."""

        def loop() -> None:
            while self._clock.pause(seconds, self._stop):
                try:
                    work()
                except Exception:
                    # A loop that dies in silence would look like a Snowflake that stopped.
                    logger.exception("background work %s failed", work)

        thread = threading.Thread(target=loop, name=f"every {seconds}s", daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Stop every loop and wait for the turn it is in, at most two seconds each."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=2)
