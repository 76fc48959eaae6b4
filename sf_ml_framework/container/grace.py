"""The time that a container has between being told to stop and being killed.

Python looks for signals between two of its own instructions. A node that is in one long call of a
library, or that catches everything, would not end within the platform's thirty seconds, and its
record would say for ever that it runs. A thread of its own waits for that case.

Source: Snowflake, "Working with services" (SIGTERM, thirty seconds, SIGKILL).
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable

from sf_ml_framework.run.interrupts import NAMES

_LOGGER = logging.getLogger("mlops")

SECONDS = 15.0
"""How long a node may take to stop by itself; what is left of thirty is for the last words."""


class Grace:
    """Ends this process when it was told to stop and has not, while it is entered.

    Outside the main thread, where Python delivers no signals, it does nothing.

    Args:
        last_words: called in a thread of its own with why the process ends, before it ends.
        seconds: how long after the signal.
    """

    def __init__(self, last_words: Callable[[str], None], *, seconds: float = SECONDS) -> None:
        self._last_words = last_words
        self._seconds = seconds
        self._over = threading.Event()
        self._ends: tuple[socket.socket, socket.socket] | None = None
        self._before = -1
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Grace:
        if threading.current_thread() is not threading.main_thread():
            return self
        read, write = socket.socketpair()
        write.setblocking(False)
        self._ends = read, write
        # Written where the signal arrives, whatever the main thread is doing.
        self._before = signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, args=(read,), name="grace", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._ends is None or self._thread is None:
            return
        read, write = self._ends
        signal.set_wakeup_fd(self._before)
        write.close()
        self._thread.join()
        read.close()

    def _watch(self, read: socket.socket) -> None:
        while (received := read.recv(1)) and received[0] not in NAMES:
            continue
        if not received or self._over.wait(self._seconds):
            return
        name = NAMES[signal.Signals(received[0])]
        _LOGGER.warning("stopped by %s, and the node does not end by itself", name)
        try:
            self._last_words(f"stopped by {name}")
        except Exception as error:  # noqa: BLE001 -- the process ends whatever they say
            _LOGGER.warning("that it was stopped cannot be recorded: %s", error)
        if not self._over.is_set():
            logging.shutdown()
            os._exit(128 + received[0])
