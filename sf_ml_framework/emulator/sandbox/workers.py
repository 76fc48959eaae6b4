"""Start worker processes, speak with them, and end them when time is up or nobody waits.

A function or model keeps its process as long as there is room for it; each call of a procedure has
a fresh one, forked from one that has imported Snowpark.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..faults import SnowflakeError
from .worker import FORKS

KEPT = 6
"""How many processes stay between calls."""
_STOP_SECONDS = 2
_POLL_SECONDS = 0.05
_HIDDEN = ("SNOWFLAKE_", "MLOPS_", "AWS_", "AZURE_", "GOOGLE_")
"""Variables of the server's own surroundings that no author's code is to see."""
_SNOWPARK = ["snowflake.snowpark"]
_IDLE = 3
"""How many processes wait for procedures."""

Watch = Callable[[], None]
"""Called while a worker is waited for; it raises when waiting is to end."""


class Worker:
    """One process; one request at a time."""

    def __init__(self) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(_HIDDEN)}
        environment |= {"TQDM_DISABLE": "1", "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sf_ml_framework.emulator.sandbox.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # what it starts ends with it
        )
        self._read = b""
        self._warming = False

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def warm(self, modules: list[str]) -> None:
        """Let it import *modules* while nobody waits."""
        with contextlib.suppress(OSError):
            self._write({"do": "warm", "modules": modules}, b"")
            self._warming = True

    def ask(self, request: dict[str, Any], payload: bytes, watch: Watch) -> bytes:
        """Return the data of the answer.

        Raises:
            SnowflakeError: 100357, the code failed or its process ended; or what *watch* raised,
                and then the process is gone.
        """
        try:
            if self._warming:
                self._warming = False
                self._answer(watch)
            self._write(request, payload)
            answer, data = self._answer(watch)
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
            self.kill()
            code = self._process.returncode
            raise failed(f"the process that ran the code ended with exit code {code}") from None
        except BaseException:
            self.kill()
            raise
        if not answer["ok"]:
            raise failed(str(answer["error"]))
        return data

    def _write(self, request: dict[str, Any], payload: bytes) -> None:
        if self._process.stdin is None:  # pragma: no cover - it is a pipe
            raise RuntimeError("the worker has no pipes")
        head = json.dumps({**request, "bytes": len(payload)}).encode() + b"\n"
        self._process.stdin.write(head + payload)
        self._process.stdin.flush()

    def _answer(self, watch: Watch) -> tuple[dict[str, Any], bytes]:
        while b"\n" not in self._read:
            self._fill(watch)
        line, _, self._read = self._read.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        size = int(answer["bytes"])
        while len(self._read) < size:
            self._fill(watch)
        data, self._read = self._read[:size], self._read[size:]
        return answer, data

    def _fill(self, watch: Watch) -> None:
        if self._process.stdout is None:  # pragma: no cover - it is a pipe
            raise RuntimeError("the worker has no pipes")
        at = self._process.stdout.fileno()
        while not select.select([at], [], [], _POLL_SECONDS)[0]:
            watch()
        found = os.read(at, 1 << 20)
        if not found:
            raise BrokenPipeError
        self._read += found

    def close(self) -> None:
        """Let the process end by itself, and end it when it does not."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        if self._process.stdout:
            self._process.stdout.close()

    def kill(self) -> None:
        """End the process, and what it started, now."""
        # After a wait the group's number may be another's: poll says whether it is still ours.
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    worker: Worker | None = None


class Workers:
    """The processes of one account; ``account.part(Workers)``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: OrderedDict[str, _Slot] = OrderedDict()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._closed = False

    @contextmanager
    def kept(self, key: str) -> Iterator[Worker]:
        """Give the process of *key*, which has loaded what *key* ran before; one at a time."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            self._shrink()
        with slot.lock:
            if slot.worker is None or not slot.worker.alive:
                slot.worker = self._started()
            yield slot.worker

    def _shrink(self) -> None:
        """Close what was used least recently; ``_lock`` is held."""
        for key in list(self._slots)[: max(0, len(self._slots) - KEPT)]:
            slot = self._slots[key]
            if slot.lock.acquire(blocking=False):
                del self._slots[key]
                worker, slot.worker = slot.worker, None
                if worker is not None:
                    threading.Thread(target=worker.close, daemon=True).start()
                slot.lock.release()

    @contextmanager
    def fresh(self) -> Iterator[Worker]:
        """Give a process in which a procedure finds nothing of those before it."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None or not worker.alive:
            worker = self._started()
            worker.warm(_SNOWPARK)
        with self._lock:
            self._busy.add(worker)
        try:
            yield worker
        finally:
            with self._lock:
                self._busy.discard(worker)
                again = FORKS and worker.alive and len(self._idle) < _IDLE and not self._closed
                if again:
                    self._idle.append(worker)
            if not again:
                worker.close()

    def prepare(self) -> None:
        """Have a process ready for the next procedure."""
        with self._lock:
            if self._idle or self._busy or self._closed:
                return
            worker = Worker()
            worker.warm(_SNOWPARK)
            self._idle.append(worker)

    def _started(self) -> Worker:
        if self._closed:
            raise failed("the server is closing")
        return Worker()

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._closed = True
            found = [slot.worker for slot in self._slots.values()] + [*self._idle, *self._busy]
            self._slots.clear()
            self._idle.clear()
        for worker in found:
            if worker is not None:
                worker.kill()


def failed(text: str) -> SnowflakeError:
    """Return 100357, an error of the author's code."""
    return SnowflakeError(f"Python Interpreter Error:\n{text}", number=100357, state="P0000")
