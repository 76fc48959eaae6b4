"""A run and its nodes as spans: plain values, the same from a live run and from a journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from sf_ml_framework.run.records import NodeRun, RunRecord
from sf_ml_framework.run.run_record import DONE
from sf_ml_framework.telemetry.ids import Ids, ids_of, span_id

LONGEST = 4000
"""Characters of a text that a span carries: collectors refuse spans without end."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened within a span."""

    name: str
    at: int
    """Nanoseconds of the epoch; so are the others."""
    attributes: dict[str, Any] = {}


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One span, ended."""

    name: str
    trace: int
    span: int
    parent: int
    """0: it is the first of its trace."""
    start: int
    end: int
    attributes: dict[str, Any]
    events: tuple[Event, ...] = ()
    error: str = ""
    """Why it failed; empty: it did not."""
    sampled: bool = True


def spans_of(run: RunRecord, nodes: Iterable[NodeRun], ids: Ids | None = None) -> list[Span]:
    """Return the spans of a run that is on record, the run's own first."""
    nodes = list(nodes)
    ids = ids or ids_of(run.run_id)
    return [of_run(run, ids, nodes), *(of_node(node, run.project, ids) for node in nodes)]


def of_run(run: RunRecord, ids: Ids, nodes: Sequence[NodeRun] = ()) -> Span:
    """Return the span of a run."""
    start = nanoseconds(run.started)
    failed = [node.node for node in nodes if node.status == "failed"]
    error = "" if run.status in (*DONE, "running") else f"run {run.status}"
    if failed:
        error = f"failed: {', '.join(failed)}"
    return Span(
        name=f"run {run.project}",
        trace=ids.trace,
        span=ids.run,
        parent=ids.parent,
        start=start,
        end=start + round(run.seconds * 1e9),
        attributes=_said(
            {
                "mlops.project": run.project,
                "mlops.run.id": run.run_id,
                "mlops.run.status": run.status,
                "mlops.run.nodes": list(run.selection),
                "mlops.target": str(run.settings.get("target", "")),
                "vcs.ref.head.revision": run.commit,
            }
        ),
        events=(),
        error=_cut(error),
        sampled=ids.sampled,
    )


def of_node(
    node: NodeRun,
    project: str,
    ids: Ids,
    *,
    target: str = "",
    start: int = 0,
    end: int = 0,
    events: Sequence[Event] = (),
) -> Span:
    """Return the span of one node.

    Args:
        node: its record.
        project: what it belongs to.
        ids: of its run.
        target: the environment in an account; empty: it ran on a laptop.
        start: when its first attempt began; 0: as recorded, which is the last attempt's.
        end: when it ended; 0: as recorded.
        events: what happened meanwhile; empty: what the record tells of earlier attempts.
    """
    began = nanoseconds(node.started) if node.started else start
    start = start or began
    end = end or began + round(node.seconds * 1e9)
    told = [*(events or _attempts(node, start))]
    if node.error:
        told.append(_exception(node, max(end, start)))
    return Span(
        name=node.node,
        trace=ids.trace,
        span=span_id(node.run_id, node.node),
        parent=ids.run,
        start=start,
        end=max(end, start),
        attributes=attributes_of(node, project, target),
        events=tuple(told),
        error=_cut(node.error) if node.status in ("failed", "cancelled") else "",
        sampled=ids.sampled,
    )


def attributes_of(node: NodeRun, project: str, target: str = "") -> dict[str, Any]:
    """Return what is said of a node."""
    rows = [saved.rows for saved in node.outputs if saved.rows is not None]
    return _said(
        {
            "mlops.project": project,
            "mlops.run.id": node.run_id,
            "mlops.node": node.node,
            "mlops.node.status": node.status,
            "mlops.node.reason": node.reason.kind,
            "mlops.node.reason.detail": _cut(node.reason.detail),
            "mlops.node.cached": node.status == "skipped",
            "mlops.node.attempt": node.attempt,
            "mlops.node.rows": sum(rows) if rows else None,
            "mlops.node.bytes": sum(saved.bytes for saved in node.outputs),
            "mlops.node.peak_memory_bytes": node.peak_memory_bytes or None,
            "mlops.node.outputs": [f"{saved.dataset}@{saved.version}" for saved in node.outputs],
            "mlops.target": target,
            "error.type": node.error_kind,
        }
    )


def nanoseconds(moment: str) -> int:
    """Return a record's time in nanoseconds of the epoch."""
    found = datetime.fromisoformat(moment)
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1e6) * 1000


def _exception(node: NodeRun, at: int) -> Event:
    """Return the event that tells why a node failed. Source: OpenTelemetry, "Exceptions"."""
    said = {
        "exception.type": node.error_kind,
        "exception.message": _cut(node.error),
        "exception.stacktrace": _cut(node.trace),
    }
    return Event(name="exception", at=at, attributes=_said(said))


def _attempts(node: NodeRun, at: int) -> list[Event]:
    """Return the earlier attempts that the record tells of; it does not tell when they were."""
    notes = [note for note in node.notes if note.startswith("attempt ")]
    return [
        Event(name="retry", at=at, attributes={"mlops.node.attempt": number, "message": _cut(note)})
        for number, note in enumerate(notes, start=1)
    ]


def _said(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in attributes.items()
        if value is not None and value not in ("", [])
    }


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
