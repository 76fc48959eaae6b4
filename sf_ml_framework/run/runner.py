"""Run a project or a part of it: one record, one lock, the loop that does it, and the end."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec

from sf_ml_framework.errors import FrameworkError
from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.run.bindings import Bindings, bind
from sf_ml_framework.run.cache import Cache
from sf_ml_framework.run.git import GitStatus
from sf_ml_framework.run.inputs import check_present, edges_of_run
from sf_ml_framework.run.interrupts import Interrupts
from sf_ml_framework.run.lock import Holder, RunLock
from sf_ml_framework.run.loop import RunLoop, Tools
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.ports import Journal, Observer, Place
from sf_ml_framework.run.process import WorkerProcess
from sf_ml_framework.run.records import NodeRun, RunRecord
from sf_ml_framework.run.resume import resume_command
from sf_ml_framework.run.run_record import DONE, begun, ended, new_run_id
from sf_ml_framework.run.schedule import Schedule


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run, and how."""

    selection: tuple[str, ...]
    """Nodes in the manifest's order, as ``graph.select`` returns them."""
    overrides: Overrides = Overrides()
    force: bool = False
    """Skip nothing."""
    keep_going: bool = True
    """After a failure, still begin what does not need the failed node."""
    wait: bool = False
    """Wait for another run in this folder, instead of refusing."""
    command: str = ""
    """The command line, as one could type it again."""
    program: str = "mlops run"
    """What a command that resumes begins with."""
    flags: tuple[str, ...] = ()
    """Options that a command that resumes must repeat, such as ``--data-format=parquet``."""


class Runner:
    """Runs nodes of one project on this machine; one run at a time in one folder.

    Args:
        manifest: the project.
        place: asked what stands where; it loads and saves nothing in this process.
        journal: gets the record of the run and of each node.
        cache: says what may be skipped.
        spawn: the command that starts a worker.
        observer: told of progress.
        root: the project's folder.
        workers: most nodes at once; 0 is one for each processor.
        settings: kept in the record of the run.
        retry_seconds: pause before a node's second attempt; each further one is twice as long.
        early: a worker that was started ahead, while the rest was imported; the first run uses
            and ends it.
    """

    def __init__(  # noqa: PLR0917 -- collaborators, each of its own type
        self,
        manifest: Manifest,
        place: Place,
        journal: Journal,
        cache: Cache,
        spawn: Sequence[str],
        observer: Observer,
        *,
        root: Path,
        workers: int = 0,
        settings: Mapping[str, Any] | None = None,
        retry_seconds: float = 0.5,
        early: WorkerProcess | None = None,
    ) -> None:
        self._early = early
        self.settings = dict(settings or {})
        self.tools = Tools(
            manifest=manifest,
            place=place,
            journal=journal,
            cache=cache,
            observer=observer,
            spawn=tuple(spawn),
            root=root,
            workers=workers or _processors(),
            retry_seconds=retry_seconds,
        )

    def run(self, request: RunRequest) -> RunRecord:
        """Run what *request* selects, and return the record of it.

        A node that fails is told in the record, not raised.

        Raises:
            UsageError: an override names nothing, or gives what cannot be.
            DataError: what no selected node makes is not there; nothing was begun.
            OperatorError: another run goes on in this folder, or a file of ours cannot be written.
        """
        early, self._early = self._early, None
        try:
            return self._run(request, early)
        finally:
            if early is not None:
                early.close()

    def _run(self, request: RunRequest, early: WorkerProcess | None) -> RunRecord:
        tools = self.tools
        bound = bind(tools.manifest, request.selection, request.overrides)
        schedule = Schedule(edges_of_run(tools.manifest, bound))
        run_id = new_run_id()
        holder = Holder(run_id=run_id, pid=os.getpid(), command=request.command)
        with (
            closing(GitStatus(tools.root)) as git,
            RunLock(tools.root, holder, wait=request.wait),
        ):
            tools.journal.cancel_dead()
            check_present(tools.manifest, bound, tools.place)
            with Interrupts() as interrupts:
                run = self._begin(run_id, request, git)
                loop = RunLoop(
                    tools,
                    run,
                    bound,
                    schedule,
                    interrupts,
                    force=request.force,
                    keep_going=request.keep_going,
                    early=early,
                )
                run = self._carry_out(run, loop)
            resume = self._resume(request, bound, loop.ended)
        tools.observer.run_finished(run, resume)
        return run

    def _carry_out(self, run: RunRecord, loop: RunLoop) -> RunRecord:
        began = time.monotonic()
        try:
            loop.run()
        except BaseException:
            # Another error now would only hide the one that matters.
            with suppress(FrameworkError):
                self._end(run, loop.ended, time.monotonic() - began)
            raise
        return self._end(run, loop.ended, time.monotonic() - began)

    def _begin(self, run_id: str, request: RunRequest, git: GitStatus) -> RunRecord:
        run = begun(
            run_id,
            self.tools.manifest.project,
            request.selection,
            request.overrides,
            command=request.command,
            git=git,
            settings=self.settings,
        )
        self.tools.journal.start_run(run)
        self.tools.observer.run_started(run)
        return run

    def _end(self, run: RunRecord, nodes: Mapping[str, NodeRun], seconds: float) -> RunRecord:
        run = ended(run, nodes.values(), seconds)
        self.tools.journal.finish_run(run)
        self.tools.cache.keep()
        return run

    def _resume(
        self, request: RunRequest, bound: Mapping[str, Bindings], nodes: Mapping[str, NodeRun]
    ) -> str:
        """Return the command that runs what did not succeed; empty when all did."""
        unfinished = [name for name in bound if nodes[name].status not in DONE]
        if not unfinished:
            return ""
        skippable = {
            name
            for name, node_run in nodes.items()
            if node_run.status in DONE and node_run.reason.kind != "not_cacheable"
        }
        return resume_command(
            self.tools.manifest,
            bound,
            request.overrides,
            unfinished=unfinished,
            skippable=() if request.force else skippable,
            program=request.program,
            flags=(*(["--force"] if request.force else []), *request.flags),
        )


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
