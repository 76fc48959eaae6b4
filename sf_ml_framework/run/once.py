"""Run one node in this process: what a container does, and `mlops exec` on a laptop."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import msgspec

from sf_ml_framework.errors import UnknownNameError, UsageError
from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.run.attempts import Attempts
from sf_ml_framework.run.bindings import bind
from sf_ml_framework.run.cache import Cache
from sf_ml_framework.run.git import GitStatus
from sf_ml_framework.run.inputs import check_present
from sf_ml_framework.run.lock import Holder, RunLock
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.ports import Journal, Place
from sf_ml_framework.run.records import NodeRun, RunRecord
from sf_ml_framework.run.run_record import begun, ended, new_run_id
from sf_ml_framework.run.step import Step

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Once:
    """Runs single nodes of one project in this process.

    The caller chooses where output goes and what signals do; ``interrupts.stop_on_signals``
    lets them end a node cleanly. A timeout is for whoever watches this process.

    Args:
        manifest: the project.
        place: where data is loaded from and saved to; the caller closes it.
        journal: gets the records.
        cache: makes the key, so that a later run may skip what ran here.
        root: the project's folder; a node runs with it as working directory.
        settings: kept in the record.
        retry_seconds: pause before the second attempt; each further pause is twice as long.
    """

    def __init__(
        self,
        manifest: Manifest,
        place: Place,
        journal: Journal,
        cache: Cache,
        *,
        root: Path,
        settings: Mapping[str, Any] | None = None,
        retry_seconds: float = 0.5,
    ) -> None:
        self.manifest = manifest
        self.place = place
        self.journal = journal
        self.cache = cache
        self.root = root
        self.settings = dict(settings or {})
        self.attempts = Attempts(manifest, place, journal, cache, retry_seconds=retry_seconds)

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
        names = [node.name for node in self.manifest.nodes]
        if name not in names:
            raise UnknownNameError(kind="node", name=name, known=names)
        if run_id and not _RUN_ID.fullmatch(run_id):
            raise UsageError(
                f"{run_id!r} cannot be the id of a run",
                remedy="use letters, digits, '-', '_' and '.'",
            )
        bound = bind(self.manifest, [name], overrides)
        step = Step(
            run_id=run_id or new_run_id(), node=self.manifest.node(name), bindings=bound[name]
        )
        holder = Holder(run_id=step.run_id, pid=os.getpid(), command=command)
        with RunLock(self.root, holder), chdir(self.root):
            self.journal.cancel_dead()
            check_present(self.manifest, bound, self.place)
            run = self._begin(step, overrides, command)
            began = time.monotonic()
            return self.attempts.carry_out(
                step,
                commit=run.commit,
                force=True,
                ended=lambda: self._finish(run, time.monotonic() - began),
            )

    def _begin(self, step: Step, overrides: Overrides, command: str) -> RunRecord:
        name = step.node.name
        run = begun(
            step.run_id,
            self.manifest.project,
            [name],
            overrides,
            command=command,
            git=GitStatus(self.root),
            settings=self.settings,
        )
        if (other := self._earlier(run.run_id)) is not None:
            # Each node of a task graph is a process of its own, under one run.
            before = tuple(each for each in other.selection if each != name)
            run = msgspec.structs.replace(other, status="running", selection=(*before, name))
        self.journal.start_run(run)
        return run

    def _earlier(self, run_id: str) -> RunRecord | None:
        try:
            found = self.journal.run(run_id)
        except UnknownNameError:
            return None
        return found if found.run_id == run_id else None

    def _finish(self, run: RunRecord, seconds: float) -> None:
        nodes = self.journal.node_runs(run.run_id)
        self.journal.finish_run(ended(run, nodes, run.seconds + seconds))
        self.cache.keep()
