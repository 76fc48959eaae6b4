"""One node of a run that other processes share: what a container of a task graph does.

Every node of the graph is a process of its own, somewhere else, and all of them record under one
run. Whoever orchestrates them decides when the run has ended; here a node is run, or skipped
when its results still hold, which is what makes a retry after a mended node cheap.
"""

from __future__ import annotations

import time
from contextlib import chdir, closing
from functools import partial

import msgspec

from sf_ml_framework.run.attempts import Attempts
from sf_ml_framework.run.bindings import bind
from sf_ml_framework.run.git import GitStatus
from sf_ml_framework.run.inputs import check_present
from sf_ml_framework.run.interrupts import Stopped
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.records import NodeRun, RunRecord
from sf_ml_framework.run.run_record import begun, ended
from sf_ml_framework.run.step import Step


class Job(Attempts):
    """Runs single nodes of a shared run; other processes write to its journal at the same time."""

    def run(
        self,
        name: str,
        overrides: Overrides,
        *,
        run_id: str,
        command: str = "",
        force: bool = False,
        alone: bool = False,
    ) -> NodeRun:
        """Run the node *name*, or skip it, and return its record.

        Args:
            name: the node.
            overrides: what this run changes, of any node in it.
            run_id: the run that the node belongs to.
            command: what started the run, for its record.
            force: run the node whether or not its results hold.
            alone: the run is of this node and no other, so that it ends with it; else it is of
                all nodes, and whoever orchestrates them records its end.

        Raises:
            UsageError: the node, an override or the id cannot be.
            DataError: an input is not there.
            Stopped: the process was told to stop; the record says so.
        """
        self.check(name, run_id)
        names = [node.name for node in self.manifest.nodes]
        # Bound with its fellows: what one of them redirects is read there.
        bound = bind(self.manifest, [name] if alone else names, overrides)
        step = Step(run_id=run_id, node=self.manifest.node(name), bindings=bound[name])
        with chdir(self.root):
            run = self._join(run_id, tuple(bound), overrides, command)
            end = partial(self._end, run, time.monotonic(), alone=alone)
            try:
                check_present(self.manifest, {name: bound[name]}, self.place)
            except (Exception, Stopped, KeyboardInterrupt) as error:
                self.refuse(step, error, ended=end)
                raise
            return self.carry_out(step, commit=run.commit, force=force, ended=end)

    def _end(self, run: RunRecord, began: float, *, alone: bool) -> None:
        if alone:
            nodes = self.journal.node_runs(run.run_id)
            self.journal.finish_run(ended(run, nodes, time.monotonic() - began))
        self.cache.keep()

    def _join(
        self, run_id: str, selection: tuple[str, ...], overrides: Overrides, command: str
    ) -> RunRecord:
        """Return the run, recorded unless one of its nodes has done so; an ended one goes on."""
        known = self.known_run(run_id)
        if known is None:
            with closing(GitStatus(self.root)) as git:
                known = begun(
                    run_id,
                    self.manifest.project,
                    selection,
                    overrides,
                    command=command,
                    git=git,
                    settings=self.settings,
                )
        elif known.status == "running":
            return known
        run = msgspec.structs.replace(known, status="running")
        self.journal.start_run(run)
        return run
