"""Which setting would have made what was billed less, and by how much; costliest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil

import msgspec

from sf_ml_framework.plan.cost.attribute import HOUR, Part, PoolTerms, Ran
from sf_ml_framework.plan.cost.work import Work
from sf_ml_framework.plan.rates import Rates

SHORTEST_REST = 60
"""Idle seconds that are proposed at least: less would start a pool anew between two nodes."""
_LEAST = 0.01
"""Part of what a pool was billed that a proposal saves at least, to be worth a line."""


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a setting, and what it would have saved of what was billed."""

    setting: str
    """As in ``mlops.yml``, below the target."""
    now: str
    then: str
    credits: float
    note: str = ""
    """What it costs besides."""


def savings(
    parts: Sequence[Part],
    ran: Sequence[Ran],
    terms: Mapping[str, PoolTerms],
    work: Work,
    rates: Rates,
) -> list[Saving]:
    """Return what would have been cheaper for what *ran*; each counted by itself.

    Pools whose rate is not known, or that have no size in the target, get no proposal.
    """
    found: list[Saving] = []
    for name, known in terms.items():
        if not known.rate or not known.sizes:
            continue
        mine = [part for part in parts if part.pool == name]
        billed = sum(part.credits for part in mine)
        idle = sum(part.credits for part in mine if part.kind == "idle")
        waited = sum(part.seconds for part in mine if part.kind == "idle")
        spans = sorted((each.start, each.end) for each in ran if each.pool == name)
        proposed = (
            *_of_rest(known, spans, waited),
            *_of_nodes(known, spans, idle),
            *_of_family(known, name, mine, work, rates),
            *_of_pool(known, name, mine, terms, idle),
        )
        found += [saving for saving in proposed if saving.credits > _LEAST * billed]
    return sorted(found, key=lambda saving: -saving.credits)


def _of_rest(terms: PoolTerms, spans: list[tuple[float, float]], waited: float) -> Iterator[Saving]:
    """Suspend sooner: after each stretch of work the pool waits as long as its setting says.

    *waited* are the seconds of machines that were really paid for waiting: no more can be saved,
    less what every stretch still waits.
    """
    rests, rate = terms.auto_suspend_seconds, terms.rate or 0.0
    if 0 < rests <= SHORTEST_REST or not spans:
        return
    saved = kept = 0.0
    for gap in _gaps(spans):
        waits = gap if not rests else min(gap, rests)
        saved += max(0.0, waits - SHORTEST_REST)
        kept += min(gap, SHORTEST_REST)
    seconds = min(saved * terms.min_nodes, max(0.0, waited - kept * terms.min_nodes))
    yield Saving(
        setting=f"pools.{terms.sizes[0]}.auto_suspend_seconds",
        now=str(rests) if rests else "0 (never)",
        then=str(SHORTEST_REST),
        credits=seconds * rate / HOUR,
        note="more starts of the pool, some minutes each",
    )


def _gaps(spans: list[tuple[float, float]]) -> Iterator[float]:
    """Yield the seconds in which nothing ran, the time after the last without end."""
    until = spans[0][1]
    for start, end in spans[1:]:
        if start > until:
            yield start - until
        until = max(until, end)
    yield float("inf")


def _of_nodes(terms: PoolTerms, spans: list[tuple[float, float]], idle: float) -> Iterator[Saving]:
    """Keep one machine awake instead of several; more come when jobs wait."""
    if terms.min_nodes > 1 and spans:
        yield Saving(
            setting=f"pools.{terms.sizes[0]}.min_nodes",
            now=str(terms.min_nodes),
            then="1",
            credits=idle * (terms.min_nodes - 1) / terms.min_nodes,
            note="nodes that run side by side wait for a machine to start",
        )


def _of_family(
    terms: PoolTerms, name: str, parts: Sequence[Part], work: Work, rates: Rates
) -> Iterator[Saving]:
    """Take the cheapest family on which every node of the pool still has what it asks for."""
    steps = [step for step in work.steps if step.pool == name]
    here = rates.families.get(terms.family)
    if not steps or here is None or here.credits is None:
        return
    cpu = max(step.cpu for step in steps)
    memory = max(step.memory_gib for step in steps)
    cheaper = [
        (family.credits, key)
        for key, family in rates.families.items()
        if family.credits is not None
        and family.credits < here.credits
        and family.cpu >= cpu
        and family.memory_gib >= memory
        # Whoever chose a GPU or another cloud's machine had a reason that is not in the requests.
        and _kind(key) == _kind(terms.family)
    ]
    if not cheaper:
        return
    rate, family = min(cheaper)
    # On a smaller machine less fits side by side: what ran at once may take more of them.
    fewer = max(1, ceil(here.cpu / rates.families[family].cpu)) if len(steps) > 1 else 1
    billed = sum(part.credits for part in parts)
    idle = sum(part.credits for part in parts if part.kind == "idle")
    then = (billed - idle) * min(1.0, rate / here.credits * fewer) + idle * rate / here.credits
    yield Saving(
        setting=f"pools.{terms.sizes[0]}.family",
        now=terms.family,
        then=family,
        credits=billed - then,
        note="as long as the nodes are not slower on it",
    )


def _kind(family: str) -> str:
    return family.rpartition("_")[0]


def _of_pool(
    terms: PoolTerms,
    name: str,
    parts: Sequence[Part],
    all_terms: Mapping[str, PoolTerms],
    idle: float,
) -> Iterator[Saving]:
    """Let a larger pool, which is awake anyway, do this one's work."""
    worked = sum(part.seconds for part in parts if part.kind != "idle") / HOUR
    billed = sum(part.credits for part in parts)
    for other, larger in all_terms.items():
        if other == name or not larger.rate or not larger.sizes or not worked:
            continue
        if larger.rate >= (terms.rate or 0.0):
            yield Saving(
                setting=f"pools.{terms.sizes[0]}",
                now=name,
                then=f"the pool of pools.{larger.sizes[0]}, {other}",
                credits=min(idle, billed - worked * larger.rate),
                note="as long as that pool is awake then anyway",
            )
            return
