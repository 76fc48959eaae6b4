"""One run at a time in one folder: a lock that the system takes back from whoever dies."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

import msgspec

from sf_ml_framework.errors import OperatorError

FILE = Path(".mlops") / "run.lock"

_LOGGER = logging.getLogger(__name__)


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock of a project."""

    run_id: str
    pid: int
    command: str


class RunLock:
    """The lock of the project in a folder; use it in a ``with`` statement.

    It is a lock of the system on a file that stays, so a process that is killed leaves nothing
    behind that a person must delete.
    """

    def __init__(self, root: Path, holder: Holder, *, wait: bool = False) -> None:
        self.file = root / FILE
        self.holder = holder
        self.wait = wait
        self._descriptor = -1

    def __enter__(self) -> RunLock:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o644)
            self._acquire()
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, msgspec.json.encode(self.holder), 0)
        except OSError as error:
            self._close()
            raise OperatorError(
                f"the project cannot be locked: {error}",
                remedy=f"give the user that runs the right to write in {self.file.parent}",
            ) from error
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # The file stays: whoever deleted it could delete one that another already holds.
        os.ftruncate(self._descriptor, 0)
        self._close()

    def _acquire(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = read_holder(self.file)
            if not self.wait:
                raise OperatorError(
                    f"another run is going on in this folder: {_described(other)}",
                    remedy="wait for it (`--wait` does), or end it",
                ) from None
            _LOGGER.warning("waiting for another run: %s", _described(other))
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_holder(file: Path) -> Holder | None:
    """Return who holds the lock *file*; none when nobody does or has not said so yet."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None


def _described(holder: Holder | None) -> str:
    if holder is None:
        return "it has just begun"
    return f"run {holder.run_id}, process {holder.pid}, `{holder.command}`"
