"""What commands say of runs in JSON. These shapes are promised: fields are added, never changed.

Every field is always there; what is not known is null, empty or zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sf_ml_framework.run.records import NodeRun, Reason, RunRecord, Saved


def run_document(run: RunRecord, nodes: Iterable[NodeRun]) -> dict[str, Any]:
    """Return a run with its nodes."""
    return {**run_fields(run), "nodes": [node_fields(node_run) for node_run in nodes]}


def run_fields(run: RunRecord) -> dict[str, Any]:
    """Return a run without its nodes."""
    return {
        "run": run.run_id,
        "project": run.project,
        "status": run.status,
        "started": run.started,
        "seconds": run.seconds,
        "command": run.command,
        "selection": list(run.selection),
        "overrides": run.overrides,
        "git_commit": run.git_commit,
        "git_dirty": run.git_dirty,
        "python": run.python,
        "framework": run.framework,
        "libraries": run.libraries,
        "settings": run.settings,
    }


def history_fields(run: RunRecord, nodes: Sequence[NodeRun]) -> dict[str, Any]:
    """Return one row of the history."""
    statuses = [node_run.status for node_run in nodes]
    return {
        "run": run.run_id,
        "started": run.started,
        "status": run.status,
        "seconds": run.seconds,
        "ran": statuses.count("succeeded"),
        "skipped": statuses.count("skipped"),
        "failed": statuses.count("failed"),
        "command": run.command,
    }


def node_fields(node_run: NodeRun) -> dict[str, Any]:
    """Return one node of a run."""
    return {
        "node": node_run.node,
        "status": node_run.status,
        "reason": reason_fields(node_run.reason),
        "started": node_run.started,
        "seconds": node_run.seconds,
        "attempt": node_run.attempt,
        "rows": rows_of(node_run),
        "bytes": sum(saved.bytes for saved in node_run.outputs),
        "peak_memory_bytes": node_run.peak_memory_bytes,
        "inputs": [_saved_fields(saved) for saved in node_run.inputs],
        "outputs": [_saved_fields(saved) for saved in node_run.outputs],
        "params": node_run.params,
        "metrics": node_run.metrics,
        "return_value": node_run.return_value,
        "notes": list(node_run.notes),
        "log_tail": list(node_run.log_tail),
        "error": _error_fields(node_run),
    }


def reason_fields(reason: Reason) -> dict[str, str]:
    """Return why a node ran, or did not."""
    return {"kind": reason.kind, "detail": reason.detail}


def rows_of(node_run: NodeRun) -> int | None:
    """Return how many rows a node wrote; none where none were counted."""
    counted = [saved.rows for saved in node_run.outputs if saved.rows is not None]
    return sum(counted) if counted else None


def _saved_fields(saved: Saved) -> dict[str, Any]:
    return {
        "dataset": saved.dataset,
        "version": saved.version,
        "rows": saved.rows,
        "bytes": saved.bytes,
        "content": saved.content,
        "location": saved.location,
    }


def _error_fields(node_run: NodeRun) -> dict[str, Any] | None:
    if not node_run.error:
        return None
    return {
        "kind": node_run.error_kind,
        "message": node_run.error,
        "remedy": node_run.remedy,
        "exit_code": node_run.exit_code,
        "trace": node_run.trace,
    }
