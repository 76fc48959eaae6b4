"""The record of a run: how it begins, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

import sf_ml_framework
from sf_ml_framework.run.clock import now
from sf_ml_framework.run.git import GitStatus
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.records import NodeRun, RunRecord, Status

DONE: tuple[Status, ...] = ("succeeded", "skipped")
"""How a node ends whose results stand."""


def new_run_id() -> str:
    """Return an id that sorts by time (UTC) and that no other run has."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"


def begun(
    run_id: str,
    project: str,
    selection: Sequence[str],
    overrides: Overrides,
    *,
    command: str,
    git: GitStatus,
    settings: Mapping[str, Any],
) -> RunRecord:
    """Return the record of a run that begins now."""
    commit, dirty = git.read()
    return RunRecord(
        run_id=run_id,
        project=project,
        status="running",
        started=now(),
        command=command,
        selection=tuple(selection),
        overrides=msgspec.to_builtins(overrides),
        git_commit=commit,
        git_dirty=dirty,
        python=".".join(map(str, sys.version_info[:3])),
        framework=sf_ml_framework.__version__,
        settings=dict(settings),
    )


def ended(run: RunRecord, node_runs: Iterable[NodeRun], seconds: float) -> RunRecord:
    """Return the record of *run* that ended after *seconds*; nodes without a record never began."""
    libraries: dict[str, str] = {}
    statuses: dict[str, Status] = {}
    for node_run in node_runs:
        statuses[node_run.node] = node_run.status
        libraries |= node_run.key.libraries if node_run.key else {}
    status: Status = "succeeded"
    if "failed" in statuses.values():
        status = "failed"
    elif any(statuses.get(name) not in DONE for name in run.selection):
        status = "cancelled"
    return msgspec.structs.replace(
        run, status=status, seconds=seconds, libraries=dict(sorted(libraries.items()))
    )
