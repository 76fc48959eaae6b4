"""Records of runs as tests need them: small, and all alike."""

from __future__ import annotations

from typing import Any

from sf_ml_framework.run.records import NodeKey, NodeRun, Reason, RunRecord, Saved

RUN = "20261123-120000-ab12"


def run_record(**changes: Any) -> RunRecord:
    """Return a run of a shop that succeeded."""
    fields: dict[str, Any] = {
        "run_id": RUN,
        "project": "shop",
        "status": "succeeded",
        "started": "2026-11-23T12:00:00.000000+00:00",
        "seconds": 12.5,
        "command": "mlops run",
        "selection": ("make", "clean"),
        "python": "3.11.7",
        "framework": "0.1.0",
    }
    return RunRecord(**{**fields, **changes})


def node_run(node: str = "make", **changes: Any) -> NodeRun:
    """Return a node that succeeded and wrote a thousand rows."""
    fields: dict[str, Any] = {
        "run_id": RUN,
        "node": node,
        "status": "succeeded",
        "reason": Reason(kind="first_run"),
        "seconds": 1.25,
        "started": "2026-11-23T12:00:00.000000+00:00",
        "outputs": (saved(f"{node}_rows"),),
        "key": NodeKey(scheme=1, code={f"shop:{node}": "a1"}, params={"cap": 9}),
    }
    return NodeRun(**{**fields, **changes})


def saved(dataset: str = "rows", **changes: Any) -> Saved:
    """Return a table of a thousand rows."""
    fields: dict[str, Any] = {
        "dataset": dataset,
        "version": "v1.0.0",
        "content": "c" * 64,
        "bytes": 2048,
        "rows": 1000,
        "location": f"data/{dataset}/v1.0.0.csv",
    }
    return Saved(**{**fields, **changes})
