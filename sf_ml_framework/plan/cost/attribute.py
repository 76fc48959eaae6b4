"""What the account was billed for its pools, shared out to what ran in them.

The account tells the credits of a pool by the hour. From the rate of the pool's family follows how
many seconds of machines they paid for. Those on which containers worked belong to these, shared
out by what each asked for where several worked at once; those that containers took to start come
apart; the rest is idle. Whatever is not known of the pool, **nodes + start-up + other jobs + idle
is what was billed, for each pool and hour**.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from sf_ml_framework.plan.cost.shares import Span, shared

Kind = Literal["node", "start-up", "other", "idle"]
"""``other``: jobs that are none of the project's nodes."""
HOUR = 3600.0


class PoolHour(msgspec.Struct, frozen=True, kw_only=True):
    """What one pool was billed for a stretch of time, an hour as the account tells it."""

    pool: str
    start: float
    end: float
    credits: float


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A container that ran: from when it was asked for until its end."""

    pool: str
    start: float
    end: float
    node: str = ""
    """Empty: it is none of the project's."""
    run_id: str = ""
    works_from: float | None = None
    """When the node itself began; none: when the container was asked for."""
    works_until: float | None = None
    """When the node itself ended; none: when the container did."""
    weight: float = 1.0
    """Part of a machine that it asked for."""
    job: str = ""


class PoolTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a pool; as it stands now, for nobody records how it stood."""

    family: str = ""
    rate: float | None = None
    """Credits of a machine for an hour."""
    min_nodes: int = 1
    max_nodes: int = 1
    auto_suspend_seconds: int = 300
    sizes: tuple[str, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what one pool was billed for one hour."""

    pool: str
    start: float
    """Of the hour."""
    kind: Kind
    credits: float
    seconds: float
    """Of machines."""
    node: str = ""
    run_id: str = ""
    job: str = ""


def attribute(
    hours: Iterable[PoolHour], ran: Iterable[Ran], terms: Mapping[str, PoolTerms]
) -> list[Part]:
    """Share out *hours* to what *ran*; the parts of an hour come to its credits.

    Args:
        hours: what was billed.
        ran: what ran, in any order; what overlaps no hour is of no account.
        terms: by pool; a pool that is not there has the defaults, and no known rate.
    """
    billed = list(hours)
    of_pool: defaultdict[str, list[Ran]] = defaultdict(list)
    for each in ran:
        of_pool[each.pool].append(each)
    found: list[Part] = []
    for pool in sorted({hour.pool for hour in billed}):
        mine = sorted(of_pool[pool], key=lambda each: (each.start, each.end))
        stretches = sorted((hour for hour in billed if hour.pool == pool), key=lambda h: h.start)
        known = terms.get(pool, PoolTerms())
        rests = known.auto_suspend_seconds
        for hour, near in _each_with(stretches, mine, rests):
            found += _Hour(hour, near, known).parts()
    return found


def _each_with(
    hours: Sequence[PoolHour], ran: Sequence[Ran], rests: float
) -> Iterator[tuple[PoolHour, list[Ran]]]:
    """Yield each hour with what ran in it, or so shortly before that the pool was still awake."""
    waiting = list(reversed(ran))
    near: list[Ran] = []
    for hour in hours:
        while waiting and waiting[-1].start < hour.end:
            near.append(waiting.pop())
        near = [each for each in near if each.end + rests > hour.start]
        yield hour, near


class _Hour:
    """One pool in one hour."""

    def __init__(self, hour: PoolHour, ran: Sequence[Ran], terms: PoolTerms) -> None:
        self._hour, self._ran, self._terms = hour, ran, terms
        self._most = max(1, terms.max_nodes)
        self._works = self._shared([Span(_began(each), _ended(each), each.weight) for each in ran])
        whole = self._shared([Span(each.start, each.end, each.weight) for each in ran])
        self._covered = whole.covered
        self._starts = [
            max(0.0, all_of_it - work)
            for all_of_it, work in zip(whole.seconds, self._works.seconds, strict=True)
        ]

    def _shared(self, spans: list[Span]) -> _Shared:
        found = shared(spans, self._hour.start, self._hour.end, self._most)
        return _Shared(seconds=found.seconds, busy=sum(found.seconds), covered=found.covered)

    def parts(self) -> Iterator[Part]:
        """Yield the parts of what was billed; none where nothing was."""
        billed = self._hour.credits
        if not billed:
            return
        working, starting = self._works.busy, sum(self._starts)
        paid = self._paid(working + starting)
        # What was billed is billed: where it is less than what ran, everything is scaled.
        working = min(working, paid)
        starting = min(starting, paid - working)
        price = billed / paid
        given = 0.0
        for kind, seconds, total in (
            ("work", self._works.seconds, working),
            ("start-up", self._starts, starting),
        ):
            whole = sum(seconds)
            if not whole or not total:
                continue
            for each, share in zip(self._ran, seconds, strict=True):
                if share:
                    part = self._part(each, kind, share / whole * total, price)
                    given += part.credits
                    yield part
        idle = paid - working - starting
        rest = billed - given
        if idle > 1e-9 * paid or not given:
            yield Part(
                pool=self._hour.pool, start=self._hour.start, kind="idle", credits=rest,
                seconds=idle,
            )  # fmt: skip

    def _paid(self, ran: float) -> float:
        """Return for how many seconds of machines the credits paid."""
        if self._terms.rate:
            return self._hour.credits / self._terms.rate * HOUR
        # As long as the pool must have been up, by what ran and how soon it is suspended.
        awake = self._awake()
        nodes = max(1, self._terms.min_nodes)
        return ran + max(0.0, awake - self._covered) * nodes or self._hour.end - self._hour.start

    def _awake(self) -> float:
        rests = self._terms.auto_suspend_seconds
        if not rests:
            return self._hour.end - self._hour.start
        spans = [Span(each.start, each.end + rests) for each in self._ran]
        return shared(spans, self._hour.start, self._hour.end, 1).covered

    def _part(self, ran: Ran, kind: str, seconds: float, price: float) -> Part:
        named: Kind = "start-up" if kind == "start-up" else "node"
        if not ran.node:
            # Of what is not ours nobody knows when it began to work.
            named = "other"
        return Part(
            pool=ran.pool,
            start=self._hour.start,
            kind=named,
            credits=seconds * price,
            seconds=seconds,
            node=ran.node,
            run_id=ran.run_id,
            job=ran.job,
        )


class _Shared(msgspec.Struct, frozen=True, kw_only=True):
    seconds: list[float]
    busy: float
    covered: float


def _began(ran: Ran) -> float:
    return ran.start if ran.works_from is None else min(max(ran.works_from, ran.start), ran.end)


def _ended(ran: Ran) -> float:
    if ran.works_until is None:
        return ran.end
    return max(_began(ran), min(ran.works_until, ran.end))


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Parts that belong together under one name."""

    name: str
    kind: Kind | Literal["mixed"]
    credits: float
    seconds: float
    runs: int
    """Runs of the project among them."""


By = Literal["node", "run", "day", "pool"]


def grouped(parts: Iterable[Part], by: By) -> list[Group]:
    """Return *parts* by node, run, day (UTC) or pool, costliest first, idle and start-up apart.

    By day and by pool everything of a day or a pool is one group, the days in their order.
    """
    found: defaultdict[tuple[str, Kind | Literal["mixed"]], list[Part]] = defaultdict(list)
    for part in parts:
        found[_key(part, by)].append(part)
    groups = [
        Group(
            name=name,
            kind=kind,
            credits=sum(part.credits for part in mine),
            seconds=sum(part.seconds for part in mine),
            runs=len({part.run_id for part in mine if part.run_id}),
        )
        for (name, kind), mine in found.items()
    ]
    if by == "day":
        return sorted(groups, key=lambda group: group.name)
    last = ("start-up", "other", "idle")
    return sorted(
        groups,
        key=lambda group: (
            1 + last.index(group.kind) if group.kind in last else 0,
            -group.credits,
            group.name,
        ),
    )


def _key(part: Part, by: By) -> tuple[str, Kind | Literal["mixed"]]:
    match by:
        case "day":
            return _day(part.start), "mixed"
        case "pool":
            return part.pool, "mixed"
        case "node" | "run":
            if part.kind == "node":
                return part.node if by == "node" else part.run_id, "node"
            return {"start-up": "start-up", "other": "other jobs", "idle": "idle"}[
                part.kind
            ], part.kind


def _day(moment: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment, UTC).date().isoformat()
