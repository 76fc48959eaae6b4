"""The time of machines, shared out to what ran on them at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple


class Span(NamedTuple):
    """Something that ran: from, until, and which part of a machine it asked for."""

    start: float
    end: float
    weight: float = 1.0


class Shared(NamedTuple):
    """What a stretch of time came to."""

    seconds: list[float]
    """Of machines, for each span; together ``busy``."""
    busy: float
    """Seconds of machines on which anything ran."""
    covered: float
    """Seconds in which anything ran at all."""


def shared(spans: Sequence[Span], start: float, end: float, most: int) -> Shared:
    """Share out the machines that *spans* took between *start* and *end*.

    At each moment as many machines are taken as the weights of what runs fill, one at least and
    *most* at most; they are shared out by weight.
    """
    found = [0.0] * len(spans)
    events: list[tuple[float, int, int]] = []
    for place, span in enumerate(spans):
        first, last = max(start, span.start), min(end, span.end)
        if last > first:
            # What ends is heard before what begins at the same moment.
            events += [(first, 1, place), (last, 0, place)]
    events.sort()
    running: dict[int, float] = {}
    busy = covered = 0.0
    now = start
    for time, begins, place in events:
        if running and time > now:
            machines, weights = _machines(running.values(), most), sum(running.values())
            for each, weight in running.items():
                found[each] += (time - now) * machines * weight / weights
            busy += (time - now) * machines
            covered += time - now
        now = time
        if begins:
            running[place] = max(spans[place].weight, 1e-6)
        else:
            running.pop(place)
    return Shared(found, busy, covered)


def _machines(weights: Iterable[float], most: int) -> int:
    # A hair less, so that thirds that fill a machine do not take two.
    return max(1, min(most, ceil(sum(weights) - 1e-9)))
