"""A local Snowflake in the background: started, found again, ended.

It is a program to us, as any server is: nothing of it is imported. What is known of the one that
runs stands in ``.mlops/emulator/server.json``; a process that died leaves a file that no longer
fits the process of that number, and is then as good as none.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from sf_ml_framework.cli.processes import birth
from sf_ml_framework.errors import OperatorError, to_install

MODULE = "sf_ml_framework.emulator"
PASSWORD_VARIABLE = "MLOPS_EMULATOR_PASSWORD"  # noqa: S105 - a variable's name
"""Hands the password to the server: other users of a machine can read a command line."""
STOP_SECONDS = 4.0
"""How long SIGTERM may take; with what follows the end comes within five seconds."""
_READY = re.compile(r"^emulator ready at (http://\S+) account=(\S+) user=(\S+)$", re.MULTILINE)
_ERROR = re.compile(r"(error: |([\w.]+\.)?\w+(Error|Exception)(: |$))")
_LOOK_SECONDS = 0.02


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server that was started; ``url`` is empty until it is ready."""

    pid: int
    born: str
    """What tells its process from a later one with the same number."""
    started: str
    """When, ISO 8601 with the zone."""
    state: str
    """Folder in which it keeps what is committed; empty: in memory alone."""
    log: str
    url: str = ""
    account: str = ""
    user: str = ""
    default_password: bool = True
    """Whether the password is the documented one, which may be shown."""

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return bool(self.born) and birth(self.pid) == self.born


class ServerFolder:
    """``.mlops/emulator`` of a project."""

    def __init__(self, state: Path) -> None:
        self.path = state / "emulator"
        self.file = self.path / "server.json"
        self.log = self.path / "server.log"
        self.kept = self.path / "state"

    def find(self) -> Server | None:
        """Return the server that runs, or starts; none when the file is of one that died."""
        try:
            found = msgspec.json.decode(self.file.read_bytes(), type=Server)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return found if found.alive else None

    def running(self) -> Server:
        """Return the server that runs.

        Raises:
            OperatorError: none does.
        """
        found = self.find()
        if found is None or not found.url:
            raise OperatorError(
                "no emulator of this project runs", remedy="start it: mlops emulator start"
            )
        return found

    def start(
        self,
        arguments: Sequence[str],
        *,
        kept: Path | None,
        password: str | None,
        timeout_seconds: float,
    ) -> Server:
        """Start a server with *arguments* and return when it answers.

        Raises:
            OperatorError: one runs already, or this one ended or was not ready in time; nothing
                is left running then.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock():
            if (other := self.find()) is not None:
                where = f" at {other.url}" if other.url else ""
                raise OperatorError(
                    f"an emulator of this project runs already{where} (process {other.pid})",
                    remedy="use it, or end it: mlops emulator stop",
                )
            if kept is not None:
                kept.mkdir(parents=True, exist_ok=True)
                arguments = [*arguments, "--state", str(kept)]
            server = self._spawn(arguments, kept, password)
            try:
                return self._wait(server, timeout_seconds)
            except BaseException:
                end(server)
                self.file.unlink(missing_ok=True)
                raise

    def stop(self) -> Server | None:
        """End the server and return it; none when there was none."""
        found = self.find()
        if found is not None:
            end(found)
        self.file.unlink(missing_ok=True)
        return found

    def forget(self) -> None:
        """Remove what a server kept here; none may run."""
        shutil.rmtree(self.kept, ignore_errors=True)

    def lines(self) -> list[str]:
        """Return what the server printed, oldest first; nothing before the first start."""
        try:
            return self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def _spawn(self, arguments: Sequence[str], kept: Path | None, password: str | None) -> Server:
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            process = subprocess.Popen(  # noqa: S603 - our own module, the interpreter that runs
                # -P: a file of the project must not stand in for a library's.
                [sys.executable, "-P", "-u", "-m", MODULE, *arguments],
                env=environment(password),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        server = Server(
            pid=process.pid,
            born=birth(process.pid),
            started=_now(),
            state=str(kept or ""),
            log=str(self.log),
            default_password=password is None,
        )
        # Before it is ready: whoever is killed while waiting leaves a server that can be stopped.
        self._write(server)
        return server

    def _wait(self, server: Server, timeout_seconds: float) -> Server:
        until = time.monotonic() + timeout_seconds
        while True:
            alive = server.alive
            if match := _READY.search("\n".join(self.lines())):
                ready = msgspec.structs.replace(
                    server, url=match[1], account=match[2], user=match[3]
                )
                self._write(ready)
                return ready
            if not alive:
                raise _ended(self.lines())
            if time.monotonic() > until:
                raise OperatorError(
                    f"the emulator was not ready after {timeout_seconds:g} seconds",
                    remedy="give it longer with --timeout; mlops emulator logs tells what it said",
                )
            time.sleep(_LOOK_SECONDS)

    def _write(self, server: Server) -> None:
        fresh = self.file.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(server)) + b"\n")
        fresh.replace(self.file)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one start at a time look whether a server runs."""
        with (self.path / "start.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def environment(password: str | None) -> dict[str, str]:
    """Return the variables of a process of the server's program."""
    import sf_ml_framework

    house = str(Path(sf_ml_framework.__file__).resolve().parents[1])
    inherited: Mapping[str, str] = os.environ
    paths = [house, *filter(None, inherited.get("PYTHONPATH", "").split(os.pathsep))]
    made = {**inherited, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
    if password is not None:
        made[PASSWORD_VARIABLE] = password
    return made


def end(server: Server) -> None:
    """End a server with all that it started: SIGTERM, and SIGKILL when that takes too long."""
    _send(server, signal.SIGTERM)
    if not _gone(server, STOP_SECONDS):
        _send(server, signal.SIGKILL)
        _gone(server, 0.9)


def _send(server: Server, number: signal.Signals) -> None:
    if not server.alive:
        return
    try:
        # It leads a group of its own: what it started without one ends with it.
        os.killpg(server.pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise OperatorError(
            f"process {server.pid} of the emulator is another user's",
            remedy="stop it as the user who started it",
        ) from error


def _gone(server: Server, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while server.alive:
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def _ended(lines: Sequence[str]) -> OperatorError:
    told = [line.strip() for line in lines if line.strip()]
    # Libraries may still talk after the line that matters.
    named = [line.removeprefix("error: ") for line in told if _ERROR.match(line)]
    last = (named or told or ["it said nothing"])[-1]
    remedy = "mlops emulator logs tells all that it said"
    if "ModuleNotFoundError" in last or "ImportError" in last:
        remedy = to_install("emulator")
    elif "Address already in use" in last or "address already in use" in last:
        remedy = "name another port, or --port 0 for a free one"
    return OperatorError(f"the emulator ended before it was ready: {last}", remedy=remedy)


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")
