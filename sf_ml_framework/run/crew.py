"""The workers of one run: who is free, who answers, who is late, who died."""

from __future__ import annotations

import selectors
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from sf_ml_framework.run.inputs import Slot
from sf_ml_framework.run.interrupts import Interrupts
from sf_ml_framework.run.messages import GRACE_SECONDS, Ready
from sf_ml_framework.run.outcome import Failure, Outcome
from sf_ml_framework.run.process import WorkerProcess

Answer = tuple[str, Outcome | Failure]
"""A node, and what came of it."""


class Crew:
    """Starts workers when they are needed, at most *limit* at once.

    Args:
        spawn: the command that starts a worker.
        root: the project's folder.
        limit: most workers at once.
        interrupts: wakes who waits.
        early: a worker that was started ahead, used before any other.
    """

    def __init__(
        self,
        spawn: Sequence[str],
        root: Path,
        limit: int,
        interrupts: Interrupts,
        *,
        early: WorkerProcess | None = None,
    ) -> None:
        self._spawn = spawn
        self._root = root
        self._limit = limit
        self._interrupts = interrupts
        self._early = early
        self._workers: list[WorkerProcess] = []
        self._answers: list[Answer] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(interrupts, selectors.EVENT_READ)

    @property
    def busy(self) -> bool:
        """Whether a node is running."""
        return any(worker.node for worker in self._workers)

    def pick(self, wanted: Mapping[str, Collection[Slot]]) -> Iterator[tuple[str, WorkerProcess]]:
        """Yield for each node of *wanted*, as far as workers are free, the one to run it.

        Args:
            wanted: nodes, the most urgent first, each with the datasets that it reads. It goes to
                the worker that made them, if that is free.
        """
        left = list(wanted)
        for name in wanted:
            slots = set(wanted[name])
            best = max(self._idle(), key=lambda worker: len(worker.held & slots), default=None)
            if best and best.held & slots:
                left.remove(name)
                yield name, best
        for name in left:
            idle = self._idle()
            # One without memories: another node may soon want what the others hold.
            worker = min(idle, key=lambda worker: len(worker.held), default=None) or self._hire()
            if worker is None:
                return
            yield name, worker

    def wait(self, until: float) -> list[Answer]:
        """Return what nodes answered; waits for the first of them, at most *until* then."""
        times = [until, *(min(each.deadline, each.kill_at) for each in self._workers)]
        for key, _ in self._selector.select(max(0.0, min(times) - time.monotonic())):
            if key.data is None:
                self._interrupts.drain()
            else:
                self._read(key.data)
        now = time.monotonic()
        for worker in list(self._workers):
            self._check(worker, now)
        answers, self._answers = self._answers, []
        return answers

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Tell every worker that runs a node to end; each answers with a failure."""
        now = time.monotonic()
        for worker in self._workers:
            if worker.node:
                worker.stop(now, grace)

    def close(self) -> None:
        """End all workers: the idle ones by themselves, the others at once."""
        for worker in self._workers:
            self._selector.unregister(worker.channel)
            if worker.node:
                worker.kill()
            # A worker that reads the end of its socket tidies up and goes.
            worker.channel.close()
        for worker in self._workers:
            worker.reap(GRACE_SECONDS)
        self._workers = []
        self._selector.close()

    def _idle(self) -> list[WorkerProcess]:
        return [worker for worker in self._workers if worker.idle]

    def _hire(self) -> WorkerProcess | None:
        if len(self._workers) >= self._limit:
            return None
        worker, self._early = self._early or WorkerProcess(self._spawn, self._root), None
        self._workers.append(worker)
        self._selector.register(worker.channel, selectors.EVENT_READ, worker)
        return worker

    def _read(self, worker: WorkerProcess) -> bool:
        """Take in what *worker* says; return whether it said anything."""
        messages = worker.channel.receive(wait=False)
        if messages is None:
            self._ended(worker)
            return False
        for message in messages:
            if isinstance(message, Ready):
                worker.welcome()
            elif isinstance(message, Failure) and message.kind == "stopped":
                # Its end follows, and that decides what is told of the node.
                worker.trace = message.trace
            elif isinstance(message, Outcome | Failure):
                saved = message.outputs if isinstance(message, Outcome) else ()
                made = [(each.dataset, each.version) for each in saved]
                self._answers.append((worker.finish(made), message))
        return bool(messages)

    def _check(self, worker: WorkerProcess, now: float) -> None:
        worker.check(now)
        if worker.process.poll() is not None:
            # Its socket may be held open by a process that the node left behind.
            while worker in self._workers and self._read(worker):
                pass
            self._ended(worker)

    def _ended(self, worker: WorkerProcess) -> None:
        if worker not in self._workers:
            return
        self._workers.remove(worker)
        self._selector.unregister(worker.channel)
        code = worker.reap()
        if worker.node:
            self._answers.append((worker.node, worker.why_ended(code)))
