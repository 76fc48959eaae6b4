"""A container as a process of this machine: started, logged line by line, ended.

Source: Snowflake, "Working with services": SIGTERM, thirty seconds, SIGKILL; standard output and
error are the log.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path as FilePath
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from ..clock import Clock

GRACE_SECONDS = 30.0
LINE_BYTES = 64 * 1024
"""A longer line is cut into several."""
ROOT = "EMULATOR_CONTAINER_ROOT"
"""The variable that tells a container where its root directory stands."""
NOT_FOUND = 127
"""The exit code of a command that is not there, as of a shell."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    at: datetime
    stream: str
    text: str


class Log:
    """A container's lines, in a file of JSON lines."""

    def __init__(self, file: FilePath, clock: Clock | None = None) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()

    def add(self, stream: str, text: str) -> None:
        """Append one line."""
        if self._clock is None:
            raise RuntimeError("this log is read, not written")
        line = json.dumps([self._clock.now().isoformat(), stream, text])
        with self._lock, self._file.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def lines(self) -> Iterator[Line]:
        """Yield the lines, oldest first."""
        if not self._file.exists():
            return
        with self._file.open(encoding="utf-8") as file:
            for raw in file:
                try:
                    at, stream, text = json.loads(raw)
                except ValueError:
                    continue  # the server was killed while it wrote
                yield Line(datetime.fromisoformat(at), stream, text)


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, where, with which variables."""

    argv: tuple[str, ...]
    folder: str
    env: dict[str, str]
    given: bytes = b""
    """What it reads from standard input."""
    after: Callable[[], None] | None = None
    """Called once it has ended, however it did."""


class Process:
    """One run of a container."""

    def __init__(self, command: Command, log: Log) -> None:
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._readers: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stopped = False

    def start(self) -> int | None:
        """Start; return the process id, or None when it could not be."""
        with self._lock:
            if self._stopped:
                return None
            try:
                # In a session of its own, so that what it starts ends with it.
                process = subprocess.Popen(  # noqa: S603 - what the specification says
                    self._command.argv,
                    cwd=self._command.folder,
                    env=self._command.env,
                    stdin=subprocess.PIPE if self._command.given else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                self._log.add("stderr", f"cannot start {self._command.argv[:1]}: {error}")
                return None
            self._process = process
        self._give(process)
        for stream, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            reader = threading.Thread(target=self._read, args=(stream, pipe), daemon=True)
            reader.start()
            self._readers.append(reader)
        return process.pid

    def _give(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is None:
            return
        try:
            with process.stdin as pipe:
                pipe.write(self._command.given)
        except BrokenPipeError:
            return  # it ended before it read; its exit code tells

    def _read(self, stream: str, pipe: IO[bytes]) -> None:
        with pipe:
            while raw := pipe.readline(LINE_BYTES):
                self._log.add(stream, raw.decode("utf-8", "replace").rstrip("\r\n"))

    def wait(self) -> int:
        """Wait for the end; return the exit code, 128 + signal for a process that was killed."""
        if self._process is None:
            return NOT_FOUND
        code = self._process.wait()
        self._signal(signal.SIGKILL)  # what it left behind would keep the pipes open
        for reader in self._readers:
            reader.join(timeout=5)
        return 128 - code if code < 0 else code

    def stop(self, grace: float) -> None:
        """Ask the process to end, and kill it when it has not after *grace* seconds."""
        with self._lock:
            self._stopped = True
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        killer = threading.Timer(grace, self._signal, (signal.SIGKILL,))
        killer.daemon = True
        killer.start()

    def kill(self) -> None:
        """Kill the process now."""
        with self._lock:
            self._stopped = True
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def birth(pid: int) -> str:
    """Return what tells a process from a later one with the same id; empty when it is gone."""
    try:
        text = FilePath(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


def end_below(root: FilePath) -> None:
    """Kill what runs in containers below *root*: no server that lives has noted it.

    Their root is in their environment, which Linux shows; elsewhere none is found.
    """
    mark = f"\0{ROOT}={root}{os.sep}".encode()
    for folder in FilePath("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in b"\0" + (folder / "environ").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)


def end_orphan(pid: int, born: str) -> None:
    """Kill a process that a server left behind when it was killed itself."""
    if born and birth(pid) == born:
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
