"""The loop of a run: one thread that decides, starts nodes in workers, and hears how they end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import InputSpec, Manifest
from sf_ml_framework.run.bindings import Bindings, resolve
from sf_ml_framework.run.cache import Cache
from sf_ml_framework.run.crew import Crew
from sf_ml_framework.run.inputs import Slot, title
from sf_ml_framework.run.interrupts import Interrupts
from sf_ml_framework.run.logs import tail
from sf_ml_framework.run.messages import GRACE_SECONDS, Job
from sf_ml_framework.run.outcome import Failure, Outcome, failure_of
from sf_ml_framework.run.ports import Journal, Observer, Place
from sf_ml_framework.run.process import WorkerProcess
from sf_ml_framework.run.records import NodeRun, RunRecord, Saved
from sf_ml_framework.run.schedule import Schedule
from sf_ml_framework.run.step import Step

TICK_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a run works with; all of it outlives the run."""

    manifest: Manifest
    place: Place
    journal: Journal
    cache: Cache
    observer: Observer
    spawn: Sequence[str]
    root: Path
    workers: int
    """Most nodes at once."""
    retry_seconds: float
    """Pause before the second attempt; each further pause is twice as long."""


class RunLoop:
    """Carries out one run.

    Args:
        tools: what it works with.
        run: under which it records.
        bound: the nodes, with what fills them.
        schedule: the order in which they may begin.
        interrupts: what stops it early.
        force: run also what is unchanged.
        keep_going: after a failure, begin what does not need the failed node.
        early: a worker that was started ahead.
    """

    def __init__(
        self,
        tools: Tools,
        run: RunRecord,
        bound: Mapping[str, Bindings],
        schedule: Schedule,
        interrupts: Interrupts,
        *,
        force: bool,
        keep_going: bool,
        early: WorkerProcess | None,
    ) -> None:
        self.tools = tools
        self.run_id = run.run_id
        self.commit = run.commit
        self.schedule = schedule
        self.interrupts = interrupts
        self.force = force
        self.keep_going = keep_going
        self.folder = tools.root / ".mlops" / "runs" / run.run_id
        self.datasets = {dataset.name: dataset for dataset in tools.manifest.datasets}
        nodes = {node.name: node for node in tools.manifest.nodes}
        self.steps = {
            name: Step(run_id=run.run_id, node=nodes[name], bindings=bindings)
            for name, bindings in bound.items()
        }
        self.ended: dict[str, NodeRun] = {}
        """The nodes that ended, in any way."""
        self._made: dict[Slot, Saved] = {}
        self._queue: list[str] = []
        """Nodes that must run, and wait for a worker or for their next attempt."""
        self._stopped_by = ""
        self._heard = 0
        """How many interrupts were acted on."""
        self._next_tick = 0.0
        self._crew = Crew(tools.spawn, tools.root, tools.workers, interrupts, early=early)

    def run(self) -> None:
        """Run until every node has ended; ``ended`` says how."""
        try:
            while len(self.ended) < len(self.steps):
                if self.interrupts.count > self._heard:
                    self._interrupt()
                self._prepare()
                self._dispatch()
                for name, result in self._crew.wait(self._until()):
                    self._answered(self.steps[name], result)
                self._tick()
        finally:
            self._crew.close()

    def _prepare(self) -> None:
        """Decide for each node whose inputs are known whether it must run."""
        while ready := self.schedule.take_ready():
            for name in ready:
                try:
                    self._decide(self.steps[name])
                except Exception as error:  # noqa: BLE001 -- one node's fault is not the run's
                    self._fail(self.steps[name], failure_of(error))

    def _decide(self, step: Step) -> None:
        tools = self.tools
        step.bindings = resolve(step.bindings, self.datasets, tools.place)
        step.inputs = {
            spec.argument: self._input(step.node.name, spec) for spec in step.bindings.inputs
        }
        step.key = tools.cache.key(step.node, step.bindings, step.inputs)
        decision = tools.cache.decide(step.node, step.bindings, step.key, force=self.force)
        step.reason = decision.reason
        if decision.hit and decision.success:
            self._finish(step.skip(decision.success))
        else:
            self._queue.append(step.node.name)

    def _input(self, node: str, spec: InputSpec) -> Saved:
        slot = (spec.dataset, spec.version)
        saved = self._made.get(slot) or self.tools.place.find(self.datasets[slot[0]], slot[1])
        if saved is None:
            raise DataError(
                f"input {spec.argument!r} of node {node!r} is missing: {title(*slot)}",
                remedy="something took it away while the run went on; run again",
            )
        return saved

    def _dispatch(self) -> None:
        """Give the nodes that are due to the workers that are free."""
        clock = time.monotonic()
        wanted = {
            name: [(spec.dataset, spec.version) for spec in self.steps[name].bindings.inputs]
            for name in self._queue
            if self.steps[name].due <= clock
        }
        for name, worker in self._crew.pick(wanted):
            step = self.steps[name]
            if worker.begin(self._job(step)):
                self._queue.remove(name)
                self.tools.journal.record_node(step.begin())
                self.tools.observer.node_started(step.node, step.reason, step.attempt)

    def _job(self, step: Step) -> Job:
        bindings = step.bindings
        names = {each.dataset for each in bindings.inputs}
        names |= {each.dataset for each in bindings.outputs}
        return Job(
            node=step.node,
            bindings=bindings,
            datasets=tuple(self.datasets[name] for name in sorted(names)),
            run_id=self.run_id,
            commit=self.commit,
            log=str(self._log(step)),
        )

    def _log(self, step: Step) -> Path:
        return self.folder / f"{step.node.name}.log"

    def _until(self) -> float:
        """Return until when there is nothing to do unless a worker answers."""
        clock = time.monotonic()
        if self._crew.busy:
            return clock + TICK_SECONDS
        waiting = [self.steps[name].due for name in self._queue]
        return min([*waiting, clock + TICK_SECONDS]) if waiting else clock

    def _tick(self) -> None:
        clock = time.monotonic()
        if clock >= self._next_tick:
            self._next_tick = clock + TICK_SECONDS
            self.tools.observer.tick()

    def _answered(self, step: Step, result: Outcome | Failure) -> None:
        lines = tail(self._log(step))
        if isinstance(result, Outcome):
            self._finish(step.succeed(result, lines))
        elif self._stopped_by:
            self._end(step.cancel(f"stopped by {self._stopped_by}"))
        elif result.retryable and step.attempt <= step.node.retries:
            self._retry(step, result)
        else:
            self._fail(step, result, lines)

    def _retry(self, step: Step, failure: Failure) -> None:
        pause = min(self.tools.retry_seconds * 2 ** (step.attempt - 1), LONGEST_BACKOFF_SECONDS)
        note = f"attempt {step.attempt} failed: {failure.error}"
        step.notes = (*step.notes, note)
        step.due = time.monotonic() + pause
        with self._log(step).open("a", encoding="utf-8") as log:
            trace = f"{failure.trace}\n" if failure.trace else ""
            log.write(f"{trace}--- {note}; trying again in {pause:g} s\n")
        self._queue.append(step.node.name)

    def _finish(self, node_run: NodeRun) -> None:
        """Take note of a node whose results stand, and let begin what waited for it."""
        for saved in node_run.outputs:
            self._made[saved.dataset, saved.version] = saved
        self._end(node_run)
        self.schedule.finish(node_run.node)

    def _fail(self, step: Step, failure: Failure, lines: tuple[str, ...] = ()) -> None:
        self._end(step.fail(failure, lines))
        why = f"not started, for {step.node.name!r} failed"
        if self.keep_going:
            self._cancel(self.schedule.block(step.node.name), why)
        else:
            self._cancel([*self._queue, *self.schedule.block_all()], why)
            self._queue.clear()

    def _interrupt(self) -> None:
        """Begin nothing more and stop what runs; the second time without grace."""
        first, self._heard = not self._heard, self.interrupts.count
        self._stopped_by = self.interrupts.name
        self._crew.stop(GRACE_SECONDS if self._heard == 1 else 0.0)
        if first:
            why = f"not started, for the run was stopped by {self._stopped_by}"
            self._cancel([*self._queue, *self.schedule.block_all()], why)
            self._queue.clear()

    def _cancel(self, names: Iterable[str], why: str) -> None:
        for name in names:
            self._end(self.steps[name].cancel(why))

    def _end(self, node_run: NodeRun) -> None:
        self.ended[node_run.node] = node_run
        self.tools.journal.record_node(node_run)
        self.tools.observer.node_finished(node_run)
