"""One deployment at a time in a schema: hold its lock, and notice when it is lost."""

from __future__ import annotations

import logging
from time import monotonic
from types import TracebackType

from sf_ml_framework.deploy.faults import LockedError, LockLostError
from sf_ml_framework.deploy.ports import History
from sf_ml_framework.deploy.records import Holder
from sf_ml_framework.errors import FrameworkError

SECONDS = 900
"""After so long without a sign of life a deployment is taken for dead; a statement of a plan is
over in seconds, and each is a sign of life."""

_LOGGER = logging.getLogger(__name__)


class DeploymentLock:
    """The lock of a schema; use it in a ``with`` statement.

    Args:
        history: keeps the lock.
        wanted: who wants it.
        seconds: how long it is ours without being renewed.
        dead: deployment whose holder is known to be dead; its lock is taken away.
    """

    def __init__(
        self, history: History, wanted: Holder, *, seconds: int = SECONDS, dead: str = ""
    ) -> None:
        self._history = history
        self._wanted = wanted
        self._seconds = seconds
        self._dead = dead
        self._renewed = 0.0

    def __enter__(self) -> DeploymentLock:
        """Take it.

        Raises:
            LockedError: another deployment has it.
        """
        if self._dead:
            self._history.release(self._dead)
        holder = self._history.take(self._wanted, self._seconds)
        if holder.deployment != self._wanted.deployment:
            raise LockedError(holder)
        self._renewed = monotonic()
        return self

    def renew(self) -> None:
        """Hold on to it; asks the account only when a third of the time is over.

        Raises:
            LockLostError: it is ours no longer.
        """
        if monotonic() - self._renewed < self._seconds / 3:
            return
        if not self._history.renew(self._wanted, self._seconds):
            raise LockLostError(self._history.holder())
        self._renewed = monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._history.release(self._wanted.deployment)
        except FrameworkError as fault:
            # What went wrong before is the thing to tell; the lock runs out by itself.
            if error is None:
                raise
            _LOGGER.warning("the lock could not be given back: %s", fault)
