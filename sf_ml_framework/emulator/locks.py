"""Locks on tables, so that writers queue.

Source: Snowflake, "Transactions" (resource locking): UPDATE, DELETE and MERGE lock the table
until the transaction ends, INSERT and COPY run beside one another; LOCK_TIMEOUT bounds the wait; of
two transactions that wait for each other one is refused.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict

from .faults import SnowflakeError, cancelled


class TableLocks:
    """Shared and exclusive locks by key; an owner holds any number and releases all at once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._exclusive: dict[str, int] = {}
        self._shared: dict[str, set[int]] = defaultdict(set)
        self._waits: dict[int, set[int]] = {}

    def acquire(
        self,
        key: str,
        owner: int,
        *,
        exclusive: bool,
        timeout: float,
        stop: threading.Event | None = None,
    ) -> None:
        """Take the lock or wait for it.

        Raises:
            SnowflakeError: 000625 after *timeout* seconds, 000604 when *stop* was set, 000625
            when waiting
                would never end; nothing new is held then.
        """
        until = time.monotonic() + timeout
        with self._changed:
            try:
                while blockers := self._blockers(key, owner, exclusive=exclusive):
                    self._waits[owner] = blockers
                    if self._circle(owner):
                        raise _refused(key, "deadlock detected")
                    if stop is not None and stop.is_set():
                        raise cancelled()
                    left = until - time.monotonic()
                    if left <= 0:
                        raise _refused(key, "lock timeout")
                    self._changed.wait(min(left, 0.5))
            finally:
                self._waits.pop(owner, None)
            if exclusive:
                self._exclusive[key] = owner
            else:
                self._shared[key].add(owner)

    def release(self, owner: int) -> None:
        """Release everything that *owner* holds."""
        with self._changed:
            for key in [k for k, holder in self._exclusive.items() if holder == owner]:
                del self._exclusive[key]
            for key in list(self._shared):
                self._shared[key].discard(owner)
                if not self._shared[key]:
                    del self._shared[key]
            self._changed.notify_all()

    def _blockers(self, key: str, owner: int, *, exclusive: bool) -> set[int]:
        found = set()
        if (holder := self._exclusive.get(key)) is not None and holder != owner:
            found.add(holder)
        if exclusive:
            found |= self._shared.get(key, set()) - {owner}
        return found

    def _circle(self, owner: int) -> bool:
        seen: set[int] = set()
        ahead = set(self._waits.get(owner, ()))
        while ahead:
            one = ahead.pop()
            if one == owner:
                return True
            if one not in seen:
                seen.add(one)
                ahead |= self._waits.get(one, set())
        return False


def _refused(key: str, why: str) -> SnowflakeError:
    return SnowflakeError(
        f"Statement has been aborted because it is waiting on a lock for table '{key}': {why}.",
        number=625,
        state="57014",
    )
