"""One node in this process: what fills it, whether its results hold, and its attempts."""

from __future__ import annotations

import time
from collections.abc import Callable

from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.run.bindings import resolve
from sf_ml_framework.run.cache import Cache, Decision
from sf_ml_framework.run.execute import attempt
from sf_ml_framework.run.interrupts import Stopped
from sf_ml_framework.run.outcome import Outcome, failure_of
from sf_ml_framework.run.ports import Journal, Place
from sf_ml_framework.run.records import NodeRun
from sf_ml_framework.run.step import Step


class Attempts:
    """Carries single nodes out in this process and records how each goes.

    Args:
        manifest: the project.
        place: where data is loaded from and saved to.
        journal: gets the record of every attempt.
        cache: makes the key, and says whether results still hold.
        retry_seconds: pause before the second attempt; each further pause is twice as long.
    """

    def __init__(
        self,
        manifest: Manifest,
        place: Place,
        journal: Journal,
        cache: Cache,
        *,
        retry_seconds: float,
    ) -> None:
        self.place = place
        self.journal = journal
        self.cache = cache
        self.retry_seconds = retry_seconds
        self.datasets = {dataset.name: dataset for dataset in manifest.datasets}

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
        """
        try:
            node_run = self._run(step, commit, force=force)
        except (Stopped, KeyboardInterrupt) as error:
            self.journal.record_node(step.cancel(str(error) or "stopped by Ctrl-C"))
            ended()
            raise
        except Exception as error:  # noqa: BLE001 -- what began is recorded to its end
            node_run = step.fail(failure_of(error))
        self.journal.record_node(node_run)
        ended()
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
