"""The framework's own tables, declared once: what ran, on what, with what result.

The first two hold what the local journal holds (``run.journal``), in the same columns; ``record``
is the whole record as JSON, the columns beside it are what a person asks for, and win where they
differ: the finalizer of a graph is SQL and sets columns alone. Times are UTC in ISO 8601.
"""

from __future__ import annotations

import msgspec

from sf_ml_framework.plan.names import ALERTS, DATASETS, DEPLOYMENTS, METRICS, NODE_RUNS, RUNS
from sf_ml_framework.plan.objects import Column, Table

_TEXT, _COUNT, _REAL, _FLAG = "VARCHAR", "NUMBER(38,0)", "FLOAT", "BOOLEAN"


def _table(name: str, unique: tuple[str, ...], comment: str, /, **columns: str) -> Table:
    described = tuple(
        Column(name=column.upper(), type=kind.rstrip("!"), required=kind.endswith("!"))
        for column, kind in columns.items()
    )
    return Table(name=name, columns=described, primary_key=unique, comment=comment)


_TABLES = (
    _table(
        RUNS,
        ("RUN_ID",),
        "One row for each run of a project",
        run_id="VARCHAR!",
        project="VARCHAR!",
        status="VARCHAR!",
        started="VARCHAR!",
        seconds=_REAL,
        command=_TEXT,
        git_commit=_TEXT,
        git_dirty=_FLAG,
        record=_TEXT,
    ),
    _table(
        NODE_RUNS,
        ("RUN_ID", "NODE"),
        "One row for each node of a run, its last attempt",
        run_id="VARCHAR!",
        node="VARCHAR!",
        status="VARCHAR!",
        reason=_TEXT,
        detail=_TEXT,
        attempt=_COUNT,
        started="VARCHAR!",
        seconds=_REAL,
        rows=_COUNT,
        bytes=_COUNT,
        peak_memory_bytes=_COUNT,
        key=_TEXT,
        error=_TEXT,
        record=_TEXT,
    ),
    _table(
        DATASETS,
        ("DATASET", "VERSION"),
        "One row for each version of a dataset, as it was saved last",
        dataset="VARCHAR!",
        version="VARCHAR!",
        kind=_TEXT,
        content=_TEXT,
        row_count=_COUNT,
        bytes=_COUNT,
        location=_TEXT,
        object_signature=_TEXT,
        saved_at="VARCHAR!",
        run_id=_TEXT,
        node=_TEXT,
    ),
    _table(
        METRICS,
        ("RUN_ID", "NODE", "METRIC"),
        "One row for each number or word that a node reported",
        run_id="VARCHAR!",
        node="VARCHAR!",
        metric="VARCHAR!",
        value_number=_REAL,
        value_text=_TEXT,
        at="VARCHAR!",
    ),
    _table(
        DEPLOYMENTS,
        ("KIND", "DEPLOYMENT"),
        "One row for each deployment, with the state that it applied; the kind 'lock' is the lock",
        deployment="VARCHAR!",
        kind="VARCHAR!",
        project=_TEXT,
        target=_TEXT,
        status="VARCHAR!",
        started="VARCHAR!",
        ended=_TEXT,
        expires=_TEXT,
        user_name=_TEXT,
        role_name=_TEXT,
        client=_TEXT,
        git_commit=_TEXT,
        framework=_TEXT,
        image=_TEXT,
        note=_TEXT,
        summary=_TEXT,
        statements=_COUNT,
        done=_COUNT,
        failure=_TEXT,
        root_was_started=_FLAG,
        observed_digest=_TEXT,
        managed=_TEXT,
        desired=_TEXT,
    ),
)
_TOLD = _table(
    ALERTS,
    ("ALERT", "OCCASION"),
    "One row for each occasion that somebody was told of, so that it is told once",
    alert="VARCHAR!",
    occasion="VARCHAR!",
    message=_TEXT,
    told_at="VARCHAR!",
)


def framework_tables(schema: str, *, tells: bool = False) -> tuple[Table, ...]:
    """Return the tables in the qualified *schema*; one more where anybody is told of anything."""
    wanted = (*_TABLES, _TOLD) if tells else _TABLES
    return tuple(msgspec.structs.replace(table, name=f"{schema}.{table.name}") for table in wanted)
