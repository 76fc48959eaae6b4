"""Whether a run that the journal calls running still runs.

A run that was killed cannot say so; the next one will, when it begins. Until then a reader
should not be told that it goes on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from sf_ml_framework.cli.workspace import Workspace

if TYPE_CHECKING:
    from sf_ml_framework.run.records import NodeRun, RunRecord


def settled(
    workspace: Workspace, run: RunRecord, nodes: Sequence[NodeRun]
) -> tuple[RunRecord, Sequence[NodeRun]]:
    """Return the records of a run as they are true now; changes nothing.

    What runs has run since its start; what is dead was cancelled.
    """
    if run.status != "running":
        return run, nodes
    if workspace.mode == "snowflake":
        # Whether a container lives the task history tells, see `mlops tasks status`.
        return run, nodes
    if run.run_id == living_run(workspace):
        return msgspec.structs.replace(run, seconds=_since(run.started)), [
            msgspec.structs.replace(each, seconds=_since(each.started))
            if each.status == "running"
            else each
            for each in nodes
        ]
    return msgspec.structs.replace(run, status="cancelled"), [
        msgspec.structs.replace(each, status="cancelled", error="its process was killed")
        if each.status == "running"
        else each
        for each in nodes
    ]


def living_run(workspace: Workspace) -> str:
    """Return the id of the run that goes on in this project; empty when there is none."""
    from sf_ml_framework.run.lock import FILE, read_holder

    holder = read_holder(workspace.root / FILE)
    if holder is None:
        return ""
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        # Another user's process lives too.
        return holder.run_id
    return holder.run_id


def _since(started: str) -> float:
    moment = datetime.fromisoformat(started)
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())
