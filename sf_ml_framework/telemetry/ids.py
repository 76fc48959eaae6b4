"""The ids of a run's trace, derived from its own: every process that knows the run knows them.

So the containers of one graph run join one trace, and no context is handed from one to another.

Source: W3C, "Trace Context" (``traceparent``); OpenTelemetry, "Environment variables as context
propagation carriers" (``TRACEPARENT``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

VARIABLE = "TRACEPARENT"
"""Names the span that this process is a part of."""

_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_TIME = re.compile(r"(\d{8}-\d{6})-")


class Ids(NamedTuple):
    """The ids that the spans of one run share."""

    trace: int
    run: int
    """Span of the run itself."""
    parent: int = 0
    """Span that the run is a part of; 0: none."""
    sampled: bool = True
    """Whether the parent is recorded."""


def ids_of(run_id: str, environ: Mapping[str, str] = os.environ) -> Ids:
    """Return the ids of a run; a valid ``TRACEPARENT`` of *environ* gives the trace and parent."""
    run = _digest(f"run:{run_id}", 8)
    found = _PARENT.fullmatch(environ.get(VARIABLE, "").strip().lower())
    if found and int(found[1], 16) and int(found[2], 16):
        sampled = bool(int(found[3], 16) & 1)
        return Ids(int(found[1], 16), run, int(found[2], 16), sampled)
    return Ids(trace_id(run_id), run)


def trace_id(run_id: str) -> int:
    """Return the trace of a run, 16 bytes.

    Where the run's id tells when it began, the first four are that minute, as Snowflake's own
    generator has them; all others follow from the id alone.

    Source: ``snowflake.telemetry.trace.SnowflakeTraceIdGenerator``.
    """
    began = _minutes(run_id)
    if began is None:
        return _digest(f"trace:{run_id}", 16)
    return int.from_bytes(
        began.to_bytes(4, "big") + sha256(f"trace:{run_id}".encode()).digest()[:12]
    )


def span_id(run_id: str, node: str) -> int:
    """Return the span of one node of a run, 8 bytes."""
    return _digest(f"node:{run_id}:{node}", 8)


def traceparent(ids: Ids, span: int) -> str:
    """Return what a process that is a part of *span* is given as ``TRACEPARENT``."""
    return f"00-{ids.trace:032x}-{span:016x}-{'01' if ids.sampled else '00'}"


def _minutes(run_id: str) -> int | None:
    found = _TIME.match(run_id)
    if found is None:
        return None
    try:
        began = datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return max(1, int(began.timestamp()) // 60)


def _digest(text: str, size: int) -> int:
    # An id of nothing but zeros is none.
    return int.from_bytes(sha256(text.encode()).digest()[:size]) or 1
