"""A worker: a process that runs one node after another, and goes when the run goes.

It reads jobs from a socket and answers each. A second thread holds the reading end, so that the
worker notices within a moment when the run that started it is gone, whatever a node is doing.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.run.execute import attempt
from sf_ml_framework.run.interrupts import Stopped, raise_on_signals
from sf_ml_framework.run.logs import Capture
from sf_ml_framework.run.messages import GRACE_SECONDS, Channel, Job, Message, Ready, Warm
from sf_ml_framework.run.outcome import Failure, Outcome, failure_of
from sf_ml_framework.run.ports import Place
from sf_ml_framework.run.trace import author_trace

_LARGE = 256 * 2**20


def serve(descriptor: int, open_place: Callable[[], Place], root: Path) -> int:
    """Run the jobs that come over the inherited socket *descriptor* until it is closed.

    Args:
        descriptor: one end of a socket pair; the run holds the other.
        open_place: called once, before the first job.
        root: the project's folder; every node begins with it as working directory.

    Returns:
        The exit code of the process.
    """
    end = socket.socket(fileno=descriptor)
    end.set_inheritable(False)
    channel = Channel(end)
    return _Worker(channel, open_place, root).serve()


class _Worker:
    def __init__(self, channel: Channel, open_place: Callable[[], Place], root: Path) -> None:
        self.channel = channel
        self.open_place = open_place
        self.root = root
        self.place: Place | None = None
        self.jobs: SimpleQueue[Message | None] = SimpleQueue()
        self.capture = Capture()
        self.busy = False

    def serve(self) -> int:
        faulthandler.enable(all_threads=False)
        raise_on_signals()
        threading.Thread(target=self._listen, name="run", daemon=True).start()
        try:
            self.channel.send(Ready())
            while isinstance(job := self.jobs.get(), Job | Warm):
                self.busy = True
                self._answer(job) if isinstance(job, Job) else self._warm(job)
                self.busy = False
        except (Stopped, OSError):
            # Told to stop, or the run is gone: there is no one left to tell.
            pass
        finally:
            # From here on a second signal would only break what is being tidied.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            if self.place is not None:
                self.place.close()
            self.capture.flush()
        return 0

    def _warm(self, warm: Warm) -> None:
        # A fault of the module is told by whoever compiles the project, or by the node that
        # needs it.
        with suppress(Exception, SystemExit):
            importlib.import_module(warm.module)

    def _answer(self, job: Job) -> None:
        try:
            self._tidy(job)
            result = self._run(job)
        except Stopped as error:
            self.capture.flush()
            self.channel.send(Failure(error="stopped", kind="stopped", trace=author_trace(error)))
            raise
        except OSError as error:
            result = failure_of(OperatorError(f"node {job.node.name!r} cannot begin: {error}"))
        except Exception as error:  # noqa: BLE001 -- errors are data from here on
            result = failure_of(error)
        self.capture.flush()
        self.channel.send(result)
        if isinstance(result, Failure) or result.peak_memory_bytes > _LARGE:
            # Errors hold their frames in circles, and frames hold data. What is left is libraries:
            # with them out of sight, the next look takes a millisecond and not a tenth of a second.
            gc.collect()
            gc.freeze()

    def _tidy(self, job: Job) -> None:
        """Undo what the node before may have changed."""
        os.chdir(self.root)
        raise_on_signals()
        self.capture.begin(Path(job.log))

    def _run(self, job: Job) -> Outcome | Failure:
        if self.place is None:
            try:
                self.place = self.open_place()
            except Exception as error:  # noqa: BLE001 -- errors are data from here on
                return failure_of(error)
        datasets = {dataset.name: dataset for dataset in job.datasets}
        place = self.place.for_node(run_id=job.run_id, node=job.node.name, commit=job.commit)
        return attempt(job.node, job.bindings, datasets, place)

    def _listen(self) -> None:
        """Hand on what arrives; when the run is gone, see to it that this process goes too."""
        while (messages := self.channel.receive()) is not None:
            for message in messages:
                self.jobs.put(message)
        self.jobs.put(None)
        if self.busy:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        # The node is in code that no signal interrupts, or left threads behind.
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
