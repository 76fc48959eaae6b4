"""One worker process, seen from the run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

import msgspec

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.run.inputs import Slot
from sf_ml_framework.run.logs import tail_of
from sf_ml_framework.run.messages import GRACE_SECONDS, Channel, Job, Warm
from sf_ml_framework.run.outcome import Failure
from sf_ml_framework.settings import LocalSettings

NEVER = float("inf")
START_SECONDS = 60.0
"""How long a worker may take to come up."""
REAP_SECONDS = 1.0
"""How long a worker whose socket is closed may take to end."""


def worker_command(
    root: Path, local: LocalSettings, *, target: str = "", flags: Mapping[str, str] | None = None
) -> list[str]:
    """Return the command that starts a worker for the project in *root*.

    Args:
        root: the project's folder.
        local: how data is kept on this machine.
        target: where data is in an account instead; empty: on this machine.
        flags: what the command line of the run said of the connection.
    """
    kept = msgspec.json.encode(local).decode()
    # Whoever picks a place stands above this room, and is known to it as a program alone.
    command = [sys.executable, "-m", "sf_ml_framework.container", "worker"]
    command += ["--project", str(root), "--local", kept]
    if target:
        said = msgspec.json.encode(dict(flags or {})).decode()
        command += ["--target", target, "--connection", said]
    return command


class WorkerProcess:
    """One worker: a process group of its own, so that Ctrl-C reaches the run alone.

    It may be started before it is known whether it is needed: starting takes longer than ending.

    Args:
        spawn: the command; ``--fd N`` is added to it.
        root: the project's folder, its working directory.

    Raises:
        OperatorError: the command cannot be started.
    """

    def __init__(self, spawn: Sequence[str], root: Path) -> None:
        self.ready = False
        self.node = ""
        """The node that it runs now; empty when it is idle."""
        self.held: set[Slot] = set()
        """Dataset and version of what its nodes made, which its memory may still hold."""
        self.timeout = NEVER
        """Seconds that the node may take."""
        self.deadline = NEVER
        self.timed_out = False
        self.stopping = False
        """Whether it was told to end."""
        self.kill_at = NEVER
        """When it must be killed, having been told to end."""
        self.trace = ""
        """Where the node was when it was told to end, if it could say so."""
        self.last_words: tuple[str, ...] = ()
        """The end of what it printed outside of nodes, known once it has ended."""
        self._reaped = False
        # Without a name, so that nobody has to remove it.
        self._printed = TemporaryFile()  # noqa: SIM115 -- closed by reap
        here, there = socket.socketpair()
        self.channel = Channel(here)
        with there:
            self.process = self._start(spawn, root, there.fileno())

    def _start(self, spawn: Sequence[str], root: Path, descriptor: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 -- the wiring's own command
                [*spawn, "--fd", str(descriptor)],
                stdin=subprocess.DEVNULL,
                stdout=self._printed,
                stderr=self._printed,
                cwd=root,
                env=_environment(),
                pass_fds=(descriptor,),
                process_group=0,
            )
        except OSError as error:
            self.channel.close()
            self._printed.close()
            raise OperatorError(
                f"a worker process cannot be started: {error}", remedy="mend that and run again"
            ) from error

    @property
    def idle(self) -> bool:
        """Whether it may be given a node."""
        return not self.node and not self.stopping

    def warm(self, module: str) -> None:
        """Let it import *module* meanwhile; no harm when it is gone."""
        with suppress(OSError):
            self.channel.send(Warm(module))

    def begin(self, job: Job) -> bool:
        """Let it run *job*; return False when it is gone and the job must go elsewhere."""
        try:
            self.channel.send(job)
        except OSError:
            return False
        self.node = job.node.name
        self.timeout = job.node.resources.timeout_seconds
        # The time of a node that comes with its worker begins when the worker is up.
        self.deadline = time.monotonic() + self.timeout + (0 if self.ready else START_SECONDS)
        return True

    def welcome(self) -> None:
        """Take note that it is up."""
        self.ready = True
        if self.node:
            self.deadline = time.monotonic() + self.timeout

    def finish(self, made: Iterable[Slot]) -> str:
        """Take note that its node ended and what it *made*; return the node."""
        node, self.node, self.deadline = self.node, "", NEVER
        self.held.update(made)
        return node

    def check(self, now: float) -> None:
        """Stop a node that is late, and kill a worker that does not end."""
        if now >= self.deadline:
            self.timed_out = True
            self.stop(now)
        if now >= self.kill_at:
            self.kill_at = NEVER
            self.kill()

    def stop(self, now: float, grace: float = GRACE_SECONDS) -> None:
        """Ask it to end, and see to it that it is killed after *grace* seconds."""
        self.stopping = True
        self.deadline = NEVER
        self.kill_at = now + grace
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                self.process.terminate()

    def kill(self) -> None:
        """End it and every process that it started, now."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def reap(self, seconds: float = REAP_SECONDS) -> int:
        """Wait for its end, help after *seconds*, and return its exit code (-N for signal N)."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        if not self._reaped:
            # Also when it ended by itself: what it started may not have.
            self.kill()
            self.process.wait()
            self.channel.close()
            self.last_words = tail_of(self._printed)
            self._printed.close()
            self._reaped = True
        return self.process.returncode

    def close(self) -> None:
        """End it now, whatever it does; no harm when it has ended."""
        if self.process.poll() is None:
            self.kill()
        self.reap()

    def why_ended(self, code: int) -> Failure:
        """Return, as the failure of its node, why it ended with *code*."""
        if not self.ready:
            return self._not_started(code)
        if self.timed_out:
            return Failure(
                error=f"node {self.node!r} was stopped after {self.timeout:g} s, its timeout",
                kind="timeout",
                trace=self.trace,
                remedy="raise timeout_minutes of its NodeConfig, or make it quicker",
            )
        if self.stopping:
            return Failure(error=f"node {self.node!r} was stopped", kind="stopped")
        if self.trace:
            return Failure(
                error=f"node {self.node!r} was told to end from outside of the run",
                kind="signal",
                trace=self.trace,
                remedy="run again",
            )
        if code >= 0:
            return Failure(
                error=f"node {self.node!r} ended its process with exit code {code}",
                kind="exit",
                remedy="return from the function, or raise an error that says what is wrong",
            )
        return self._ended_by_signal(-code)

    def _not_started(self, code: int) -> Failure:
        said = self.last_words[-1] if self.last_words else f"exit code {code}"
        return Failure(
            error=f"node {self.node!r} cannot run: a worker process did not start: {said}",
            kind="worker",
            trace="\n".join(self.last_words),
            remedy="mend that and run again",
            exit_code=OperatorError.exit_code,
            retryable=False,
        )

    def _ended_by_signal(self, number: int) -> Failure:
        known = {each.value: each.name for each in signal.Signals}
        remedy = "a library that it calls crashed; its log tells where"
        if number == signal.SIGKILL:
            remedy = (
                "someone killed it, or the system ran out of memory: give it less data,"
                " or run fewer nodes at once with --workers"
            )
        name = known.get(number, f"signal {number}")
        return Failure(
            error=f"node {self.node!r} was ended by {name}", kind="signal", remedy=remedy
        )


def _environment() -> dict[str, str]:
    """Return the environment of a worker: it must find the same house as this process.

    glibc raises by itself the size from which memory goes back to the system, and a worker that
    streams large batches then keeps gigabytes that it no longer uses. A size that is given stays.
    """
    house = Path(__file__).resolve().parents[2]
    environment = {"MALLOC_MMAP_THRESHOLD_": "131072", **os.environ}
    if house.name != "site-packages":
        # Put first there, site-packages would shadow the standard library.
        before = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(house), before)))
    return environment
