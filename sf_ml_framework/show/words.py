"""How a person reads a figure or a state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sf_ml_framework.run.records import NodeRun, Reason

_KIB = 1024
_MINUTE = 60
_HOUR = 60 * _MINUTE
_LARGE = 1e6
_SMALL = 1e-3


class State(NamedTuple):
    """How a node stands: a word for the eye, a mark that needs no colour, a class for the style."""

    word: str
    mark: str
    style: str


NOT_RUN = State("not run", "○", "idle")
_STATES = {
    "succeeded": State("succeeded", "✓", "good"),
    "skipped": State("unchanged", "≡", "kept"),
    "failed": State("failed", "✗", "bad"),
    "cancelled": State("cancelled", "■", "late"),
    "running": State("running", "▸", "busy"),
}


def state_of(run: NodeRun | None) -> State:
    """Return how a node stands that ended, or is in, *run*."""
    if run is None or run.reason.kind == "not_started":
        return NOT_RUN
    return _STATES[run.status]


def took(run: NodeRun) -> str:
    """Return how long a node ran; nothing when it did not."""
    return "" if state_of(run).style in ("kept", "idle") else seconds(run.seconds)


def state_named(status: str) -> State:
    """Return the state of a whole run."""
    return _STATES[status]


def seconds(value: float) -> str:
    """Return a duration: ``3 ms``, ``1.24 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if value < 1:
        return f"{round(value * 1000)} ms"
    if value < _MINUTE:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    whole = round(value)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def size(count: int) -> str:
    """Return a number of bytes in the largest unit below it."""
    value, units = float(count), iter(("B", "KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    while value >= _KIB and unit != "TiB":
        value, unit = value / _KIB, next(units)
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def number(value: object) -> str:
    """Return a figure with four digits that count, or whatever else it is as text."""
    match value:
        case None:
            return "—"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return _real(value)
        case _:
            return str(value)


def column(values: Sequence[object]) -> list[str]:
    """Return the cells of a column; real numbers get as many decimals each as the largest needs."""
    reals = [abs(each) for each in values if isinstance(each, float) and math.isfinite(each)]
    decimals = min(_decimals(max(reals)), max(map(_given, reals))) if reals else 0
    return [_cell(each, decimals) for each in values]


def _cell(value: object, decimals: int) -> str:
    if not isinstance(value, float) or not math.isfinite(value):
        return number(value)
    rounds_to_nothing = value and abs(value) < 0.5 * 10**-decimals
    if rounds_to_nothing or abs(value) >= _LARGE:
        return _real(value)
    return f"{value:,.{decimals}f}"


def _real(value: float) -> str:
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else f"{'-' * (value < 0)}∞"
    if value and not _SMALL <= abs(value) < _LARGE:
        return f"{value:.3g}"
    return f"{value:,.{min(_decimals(abs(value)), _given(value))}f}"


def _decimals(value: float) -> int:
    """Return how many decimals show four digits that count."""
    return max(1, 3 - math.floor(math.log10(value))) if value else 1


def _given(value: float) -> int:
    """Return how many decimals *value* has, as it would be typed; at least one."""
    whole, _, exponent = repr(value).partition("e")
    return max(1, len(whole.partition(".")[2]) - int(exponent or 0))


def reason(value: Reason) -> str:
    """Return why a node ran, or did not."""
    kind = value.kind.replace("_", " ")
    if value.kind == "unchanged":
        return f"{kind} {value.detail}".strip()
    return f"{kind}: {value.detail}" if value.detail else kind


def moment(text: str) -> str:
    """Return ``23 Nov 2026, 14:05:09 UTC`` for an ISO 8601 time."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    when = when.astimezone(UTC) if when.tzinfo else when
    return f"{when.day} {when:%b %Y, %H:%M:%S} UTC"
