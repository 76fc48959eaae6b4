"""One node on its way through a run, and the record that is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sf_ml_framework.manifest.model import NodeSpec
from sf_ml_framework.run.bindings import Bindings
from sf_ml_framework.run.clock import now, seconds_since
from sf_ml_framework.run.outcome import Failure, Outcome, failure_of
from sf_ml_framework.run.records import NodeKey, NodeRun, Reason, Saved, Status

_NOT_STARTED = Reason(kind="not_started")


@dataclass(slots=True, kw_only=True)
class Step:
    """How far one node of a run has come. Changed by whoever runs it, and by nobody else."""

    run_id: str
    node: NodeSpec
    bindings: Bindings
    inputs: dict[str, Saved] = field(default_factory=dict)
    """What stands at each input, by argument."""
    key: NodeKey | None = None
    reason: Reason = _NOT_STARTED
    attempt: int = 0
    started: str = ""
    due: float = 0.0
    """When it may be tried again, on the monotonic clock."""
    notes: tuple[str, ...] = ()

    def begin(self) -> NodeRun:
        """Note that an attempt begins, and return the record of that."""
        self.attempt += 1
        self.started = now()
        return self._record("running")

    def skip(self, earlier: NodeRun) -> NodeRun:
        """Return the record of a node that need not run, for what *earlier* made holds."""
        self.started = now()
        return self._record(
            "skipped",
            outputs=earlier.outputs,
            metrics=earlier.metrics,
            return_value=earlier.return_value,
        )

    def succeed(self, outcome: Outcome, log_tail: tuple[str, ...] = ()) -> NodeRun:
        """Return the record of a node that ran and saved what it made."""
        return self._record(
            "succeeded",
            outputs=outcome.outputs,
            metrics=outcome.metrics,
            return_value=outcome.return_value,
            seconds=outcome.seconds,
            peak_memory_bytes=outcome.peak_memory_bytes,
            log_tail=log_tail,
        )

    def fail(self, failure: Failure, log_tail: tuple[str, ...] = ()) -> NodeRun:
        """Return the record of a node that failed."""
        self.started = self.started or now()
        return self._record(
            "failed",
            error=failure.error,
            error_kind=failure.kind,
            trace=failure.trace,
            remedy=failure.remedy,
            exit_code=failure.exit_code,
            seconds=failure.seconds,
            peak_memory_bytes=failure.peak_memory_bytes,
            log_tail=log_tail,
        )

    def refuse(self, error: Exception) -> NodeRun:
        """Return the record of a node that could not begin because of *error*."""
        return self.fail(failure_of(error))

    def cancel(self, why: str) -> NodeRun:
        """Return the record of a node that was stopped, or never begun, and *why*."""
        if not self.attempt:
            self.reason = Reason(kind="not_started", detail=why)
        return self._record(
            "cancelled",
            error=why,
            error_kind="cancelled",
            seconds=seconds_since(self.started) if self.started else 0.0,
        )

    def _record(self, status: Status, **rest: object) -> NodeRun:
        return NodeRun(
            run_id=self.run_id,
            node=self.node.name,
            status=status,
            reason=self.reason,
            key=self.key,
            attempt=max(1, self.attempt),
            started=self.started,
            inputs=tuple(self.inputs.values()),
            params=self.bindings.deciding_params,
            notes=self.notes,
            **rest,  # type: ignore[arg-type]
        )
