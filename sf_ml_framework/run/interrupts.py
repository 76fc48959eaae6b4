"""Ctrl-C, SIGTERM, SIGHUP: for a loop a thing to wait for, for a node an exception where it is."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


def heeded() -> list[int]:
    """Return the signals that ask this process to stop; under ``nohup`` one of them does not."""
    return [number for number in NAMES if signal.getsignal(number) is not signal.SIG_IGN]


class Stopped(BaseException):
    """The process was told to stop; raised in whatever a node is doing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"stopped by {name}")
        self.name = name


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise Stopped in the main thread when the process is told to stop, as long as it lasts."""
    before = raise_on_signals()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def raise_on_signals() -> dict[int, Any]:
    """Let the signals that end a process raise Stopped, and return what they did before.

    Outside the main thread, where Python delivers no signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}

    def handle(number: int, _frame: FrameType | None) -> None:
        raise Stopped(NAMES[signal.Signals(number)])

    _spare_children(handle)
    return {number: signal.signal(number, handle) for number in heeded()}


def _spare_children(handle: Callable[[int, FrameType | None], None]) -> None:
    """Let what this process forks be ended by signals as it would be without *handle*.

    A signal that reaches a child between its fork and its first step is noted by our handler and
    then forgotten by Python, and whoever waits for that child waits for ever. So signals are
    held back over a fork, and find in the child the system's own way to end.
    """
    masks: list[set[int | signal.Signals]] = []

    def hold() -> None:
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, NAMES))

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.pop())

    def release_child() -> None:
        for number in NAMES:
            if signal.getsignal(number) is handle:
                signal.signal(number, signal.SIG_DFL)
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=release_child)


class Interrupts:
    """Counts the signals that ask a run to stop, while it is entered.

    Becomes readable for a selector when one arrives, or when a child process ends. Outside the
    main thread, where Python delivers no signals, it counts none.
    """

    def __init__(self) -> None:
        self.count = 0
        self.name = ""
        self._inner, self._outer = socket.socketpair()
        self._before: dict[int, Any] = {}
        self._wakeup = -1

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._inner.setblocking(False)
            self._outer.setblocking(False)
            self._wakeup = signal.set_wakeup_fd(self._inner.fileno(), warn_on_full_buffer=False)
            for number in heeded():
                self._before[number] = signal.signal(number, self._count)
            # Without a handler the end of a child would not wake the loop.
            self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _ignore)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before:
            signal.set_wakeup_fd(self._wakeup)
        self._inner.close()
        self._outer.close()

    def fileno(self) -> int:
        """Return the descriptor, so that a selector can wait for it."""
        return self._outer.fileno()

    def drain(self) -> None:
        """Make it unreadable until the next signal."""
        try:
            while self._outer.recv(4096):
                pass
        except BlockingIOError:
            return

    def _count(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self.name = NAMES[signal.Signals(number)]


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass
