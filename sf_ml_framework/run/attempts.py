"""One node in this process: what fills it, whether its results hold, and its attempts."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from sf_ml_framework.errors import FrameworkError, UnknownNameError, UsageError
from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.run.bindings import resolve
from sf_ml_framework.run.cache import Cache, Decision
from sf_ml_framework.run.execute import attempt
from sf_ml_framework.run.interrupts import Stopped
from sf_ml_framework.run.outcome import Failure, Outcome, failure_of
from sf_ml_framework.run.ports import Journal, Place
from sf_ml_framework.run.records import NodeRun, RunRecord
from sf_ml_framework.run.run_record import DONE
from sf_ml_framework.run.step import Step

_LOGGER = logging.getLogger(__name__)
_OUT_OF_MEMORY = ("memoryerror", "bad_alloc", "out of memory", "outofmemory")
"""How Python, NumPy, Arrow, C++ and DuckDB say it."""


_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""It becomes part of the names of files, so it is no path."""


class Attempts:
    """Carries single nodes of one project out in this process and records how each goes.

    Args:
        manifest: the project.
        place: where data is loaded from and saved to; the caller closes it.
        journal: gets the record of every attempt.
        cache: makes the key, and says whether results still hold.
        root: the project's folder; a node runs with it as working directory.
        settings: kept in the record of the run.
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
        self.retry_seconds = retry_seconds
        self.datasets = {dataset.name: dataset for dataset in manifest.datasets}
        self.step: Step | None = None
        """The node that is on its way, for whoever must say in its place that it was stopped."""

    def check(self, name: str, run_id: str) -> None:
        """Refuse a node that there is not, and what cannot be the id of a run.

        Raises:
            UsageError: it is one of these.
        """
        names = [node.name for node in self.manifest.nodes]
        if name not in names:
            raise UnknownNameError(kind="node", name=name, known=names)
        if not _RUN_ID.fullmatch(run_id):
            raise UsageError(
                f"{run_id!r} cannot be the id of a run",
                remedy="use letters, digits, '-', '_' and '.'",
            )

    def known_run(self, run_id: str) -> RunRecord | None:
        """Return the record of exactly that run; none when there is none."""
        try:
            found = self.journal.run(run_id)
        except UnknownNameError:
            return None
        return found if found.run_id == run_id else None

    def carry_out(
        self,
        step: Step,
        *,
        commit: str,
        force: bool,
        ended: Callable[[], None] = lambda: None,
    ) -> NodeRun:
        """Run *step*, or skip it when its results hold, and return its final record.

        Args:
            step: the node, bound but not resolved.
            commit: of the project's code; empty when it is not known.
            force: run it whether or not its results hold.
            ended: called once the final record is written, whatever it says.

        Raises:
            Stopped: the process was told to stop; the record says so.
            PlatformError: the node succeeded, and that could not be recorded.
        """
        self.step = step
        try:
            node_run = self._run(step, commit, force=force)
        except (Stopped, KeyboardInterrupt) as error:
            self._close(step.cancel(_why(error)), ended)
            raise
        except Exception as error:  # noqa: BLE001 -- what began is recorded to its end
            node_run = step.fail(_told(failure_of(error), step))
        return self._close(node_run, ended)

    def refuse(
        self, step: Step, error: BaseException, *, ended: Callable[[], None] = lambda: None
    ) -> None:
        """Record that *step* cannot begin, or was told to stop before it did."""
        refused = step.refuse(error) if isinstance(error, Exception) else step.cancel(_why(error))
        self._close(refused, ended)

    def _close(self, node_run: NodeRun, ended: Callable[[], None]) -> NodeRun:
        """Write the final record, and return it."""
        try:
            self.journal.record_node(node_run)
            ended()
        except FrameworkError as error:
            if node_run.status in DONE:
                raise
            # Why the node ended is worth more than why nobody could write it down.
            _LOGGER.warning("%s: its end cannot be recorded: %s", node_run.node, error)
            note = f"this could not be recorded: {error}"
            return msgspec.structs.replace(node_run, notes=(*node_run.notes, note))
        return node_run

    def _run(self, step: Step, commit: str, *, force: bool) -> NodeRun:
        decision = self._decide(step, force=force)
        step.reason = decision.reason
        if decision.hit and decision.success:
            return step.skip(decision.success)
        place = self.place.for_node(run_id=step.run_id, node=step.node.name, commit=commit)
        while True:
            self.journal.record_node(step.begin())
            result = attempt(step.node, step.bindings, self.datasets, place)
            if isinstance(result, Outcome):
                return step.succeed(result)
            result = _told(result, step)
            if not result.retryable or step.attempt > step.node.retries:
                return step.fail(result)
            step.notes = (*step.notes, f"attempt {step.attempt} failed: {result.error}")
            time.sleep(self.retry_seconds * 2 ** (step.attempt - 1))

    def _decide(self, step: Step, *, force: bool) -> Decision:
        step.bindings = resolve(step.bindings, self.datasets, self.place)
        for spec in step.bindings.inputs:
            found = self.place.find(self.datasets[spec.dataset], spec.version)
            if found is not None:
                step.inputs[spec.argument] = found
        step.key = self.cache.key(step.node, step.bindings, step.inputs)
        return self.cache.decide(step.node, step.bindings, step.key, force=force)


def _why(error: BaseException) -> str:
    return str(error) or "stopped by Ctrl-C"


def _told(failure: Failure, step: Step) -> Failure:
    """Return *failure* as it can be kept, and with a remedy where it had too little memory."""
    remedy = failure.remedy
    said = f"{failure.kind} {failure.error}".lower()
    if not remedy and any(sign in said for sign in _OUT_OF_MEMORY):
        has = step.node.resources.memory_bytes / 2**30
        remedy = f"give it less data, or raise memory_request of its NodeConfig from {has:.4g}Gi"
    return msgspec.structs.replace(
        failure, error=_whole(failure.error), trace=_whole(failure.trace), remedy=_whole(remedy)
    )


def _whole(text: str) -> str:
    """Return *text* with half a character, which no record can hold, spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()
