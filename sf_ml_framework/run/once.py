"""Run one node in this process: what a container does, and `mlops exec` on a laptop."""

from __future__ import annotations

import os
import time
from contextlib import chdir, closing

import msgspec

from sf_ml_framework.run.attempts import Attempts
from sf_ml_framework.run.bindings import bind
from sf_ml_framework.run.git import GitStatus
from sf_ml_framework.run.inputs import check_present
from sf_ml_framework.run.lock import Holder, RunLock
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.records import NodeRun, RunRecord
from sf_ml_framework.run.run_record import begun, ended, new_run_id
from sf_ml_framework.run.step import Step


class Once(Attempts):
    """Runs single nodes of one project in this process.

    The caller chooses where output goes and what signals do; ``interrupts.stop_on_signals``
    lets them end a node cleanly. A timeout is for whoever watches this process.
    """

    def run(
        self, name: str, overrides: Overrides, *, run_id: str = "", command: str = ""
    ) -> NodeRun:
        """Run the node *name*, whether or not its results still hold, and return its record.

        Args:
            name: the node.
            overrides: what this run changes.
            run_id: under which to record; several nodes may share one. Empty: a new one.
            command: the command line, as one could type it again.

        Raises:
            UsageError: the node, an override or the id cannot be.
            DataError: an input is not there.
            OperatorError: another run goes on in this folder.
            Stopped: the process was told to stop; the record says so.
        """
        run_id = run_id or new_run_id()
        self.check(name, run_id)
        bound = bind(self.manifest, [name], overrides)
        step = Step(run_id=run_id, node=self.manifest.node(name), bindings=bound[name])
        holder = Holder(run_id=step.run_id, pid=os.getpid(), command=command)
        with RunLock(self.root, holder), chdir(self.root):
            self.journal.cancel_dead()
            check_present(self.manifest, bound, self.place)
            run = self._begin(step, overrides, command)
            began = time.monotonic()
            return self.carry_out(
                step,
                commit=run.commit,
                force=True,
                ended=lambda: self._finish(run, time.monotonic() - began),
            )

    def _begin(self, step: Step, overrides: Overrides, command: str) -> RunRecord:
        name = step.node.name
        with closing(GitStatus(self.root)) as git:
            run = begun(
                step.run_id,
                self.manifest.project,
                [name],
                overrides,
                command=command,
                git=git,
                settings=self.settings,
            )
        if (other := self.known_run(run.run_id)) is not None:
            # Each node of a task graph is a process of its own, under one run.
            before = tuple(each for each in other.selection if each != name)
            run = msgspec.structs.replace(other, status="running", selection=(*before, name))
        self.journal.start_run(run)
        return run

    def _finish(self, run: RunRecord, seconds: float) -> None:
        nodes = self.journal.node_runs(run.run_id)
        self.journal.finish_run(ended(run, nodes, run.seconds + seconds))
        self.cache.keep()
