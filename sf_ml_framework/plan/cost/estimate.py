"""What a run of a graph, and a month of its schedule, will cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from sf_ml_framework.plan.cost.occasions import DAY, MONTH_DAYS, gaps
from sf_ml_framework.plan.cost.shares import Span, shared
from sf_ml_framework.plan.cost.simulate import Machine, Simulation, simulate
from sf_ml_framework.plan.cost.work import Work
from sf_ml_framework.plan.rates import Rates

START_UP_SECONDS = 120.0
"""Until a machine that is asked for works, where nobody says more."""

Basis = Literal["history", "timeout"]


class Duration(msgspec.Struct, frozen=True, kw_only=True):
    """How long a node took before, in seconds."""

    median: float
    p90: float
    count: int


def duration(seconds: list[float]) -> Duration:
    """Return the median and the 90th percentile of *seconds*, which is not empty."""
    ordered = sorted(seconds)
    return Duration(median=_quantile(ordered, 0.5), p90=_quantile(ordered, 0.9), count=len(ordered))


def _quantile(ordered: list[float], part: float) -> float:
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


class NodeCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one node takes of a run."""

    node: str
    pool: str
    basis: Basis
    runs: int
    """Earlier runs that its time is known from."""
    seconds: float
    credits: float | None
    """None: the rate of its pool's family is not known."""


class PoolCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one pool takes of a run."""

    pool: str
    family: str
    machines: int
    """Starts of machines."""
    hours: float
    """Of machines, billed."""
    busy: float | None
    """Credits for what runs; none: as of a node."""
    start_up: float | None
    idle: float | None
    """Credits for machines that wait: for nodes, for the pool to suspend, for the least bill."""
    credits: float | None


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """What a month of the schedule comes to, as far as the rates are known."""

    runs: float
    credits: float


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What one run comes to, and a month."""

    seconds: float
    """From the start of the graph to its end."""
    credits: float
    """Of one run, as far as the rates are known."""
    month: Month | None
    """None: nothing starts the graph."""
    nodes: tuple[NodeCost, ...]
    pools: tuple[PoolCost, ...]
    warehouse: float | None = None
    """Credits of a run for the warehouse that tasks wait in; none where there is none."""
    unknown: tuple[str, ...] = ()
    """What is not in the figures, one sentence each."""


def estimate(
    work: Work,
    history: Mapping[str, Duration],
    rates: Rates,
    *,
    high: bool = False,
    start_up_seconds: float = START_UP_SECONDS,
    runs_per_month: float = 0,
) -> Estimate:
    """Return what *work* will cost.

    Args:
        work: the graph.
        history: how long nodes took before; a node without is taken to run until its timeout.
        rates: what machines cost.
        high: whether the 90th percentile is taken and not the median.
        start_up_seconds: until a machine works.
        runs_per_month: how often, instead of what the schedule says; 0: the schedule.
    """
    seconds = {
        step.node: (history[step.node].p90 if high else history[step.node].median)
        if step.node in history
        else step.timeout_seconds
        for step in work.steps
    }
    simulation = simulate(work, seconds, rates, start_up_seconds=start_up_seconds)
    bill = _Bill(work, simulation, rates)
    pools = tuple(bill.pools())
    return Estimate(
        seconds=simulation.seconds,
        credits=bill.run(None),
        month=_month(work, bill, simulation.seconds, runs_per_month),
        nodes=tuple(_nodes(work, history, seconds, bill)),
        pools=pools,
        warehouse=bill.warehouse(None),
        unknown=tuple(_unknown(work, rates)),
    )


def _month(work: Work, bill: _Bill, lasts: float, runs: float) -> Month | None:
    found = {MONTH_DAYS * DAY / runs: runs} if runs else gaps(work.schedule, lasts)
    if not found:
        return None
    cost = sum(count * bill.run(gap) for gap, count in found.items())
    return Month(runs=sum(found.values()), credits=cost)


def _nodes(
    work: Work, history: Mapping[str, Duration], seconds: Mapping[str, float], bill: _Bill
) -> Iterator[NodeCost]:
    for step in work.steps:
        known = history.get(step.node)
        rate = bill.rate(step.pool)
        yield NodeCost(
            node=step.node,
            pool=step.pool,
            basis="history" if known else "timeout",
            runs=known.count if known else 0,
            seconds=seconds[step.node],
            credits=None if rate is None else bill.busy[step.node] * rate / 3600,
        )


class _Bill:
    """What the machines of one simulated run are billed."""

    def __init__(self, work: Work, simulation: Simulation, rates: Rates) -> None:
        self._work, self._simulation, self._rates = work, simulation, rates
        self.busy: defaultdict[str, float] = defaultdict(float)
        """Seconds of machines, by node."""
        self._busy_of: list[float] = []
        for machine in simulation.machines:
            spans = [Span(each.start, each.end, each.weight) for each in machine.containers]
            found = shared(spans, machine.start, machine.busy_until, 1)
            self._busy_of.append(found.busy)
            for container, share in zip(machine.containers, found.seconds, strict=True):
                self.busy[container.node] += share

    def rate(self, pool: str) -> float | None:
        """Return what a machine of *pool* costs an hour; nothing for a node that takes none."""
        if pool not in self._work.pools:
            return None if pool else 0.0
        return self._rates.of_pool(self._work.pools[pool].family)

    def run(self, gap: float | None) -> float:
        """Return the credits of one run; *gap* seconds after its start the next one starts."""
        found = self.warehouse(gap) or 0.0
        for machine in self._simulation.machines:
            found += (self.rate(machine.pool) or 0.0) * self._billed(machine, gap) / 3600
        return found

    def warehouse(self, gap: float | None) -> float | None:
        """Return the credits of the warehouse that tasks wait in."""
        name = self._work.task_warehouse
        size, rests = self._work.warehouses.get(name, ("", 0))
        rate = self._rates.warehouses.get(size)
        if not name or rate is None:
            return None
        seconds = self._simulation.seconds + _rest(self._simulation.seconds, rests, gap)
        return rate * max(seconds, self._rates.warehouse_minimum_seconds) / 3600

    def _billed(self, machine: Machine, gap: float | None) -> float:
        rests = machine.rests
        if rests is None:
            # It waits for the next run, however long; of one run alone nobody can say.
            rest = 0.0 if gap is None else max(0.0, gap - machine.busy_until)
        else:
            rest = _rest(machine.busy_until, rests, gap if machine.last else None)
        whole = machine.busy_until + rest - machine.start
        awake_till_next = gap is not None and machine.last and machine.busy_until + rest >= gap
        return whole if awake_till_next else max(whole, self._rates.pool_minimum_seconds)

    def pools(self) -> Iterator[PoolCost]:
        """Yield what each pool takes of a run that no other follows."""
        for name, pool in self._work.pools.items():
            mine = [
                (machine, busy)
                for machine, busy in zip(self._simulation.machines, self._busy_of, strict=True)
                if machine.pool == name
            ]
            if not mine:
                continue
            billed = sum(self._billed(machine, None) for machine, _ in mine)
            busy = sum(seconds for _, seconds in mine)
            start_up = sum(machine.start_up for machine, _ in mine)
            rate = self._rates.of_pool(pool.family)

            def price(seconds: float, rate: float | None = rate) -> float | None:
                return None if rate is None else rate * seconds / 3600

            yield PoolCost(
                pool=name,
                family=pool.family,
                machines=len(mine),
                hours=billed / 3600,
                busy=price(busy),
                start_up=price(start_up),
                idle=price(billed - busy - start_up),
                credits=price(billed),
            )


def _rest(until: float, rests: float, gap: float | None) -> float:
    return rests if gap is None else max(0.0, min(rests, gap - until))


def _unknown(work: Work, rates: Rates) -> Iterator[str]:
    for pool in work.pools.values():
        if rates.of_pool(pool.family) is None:
            yield f"the rate of {pool.family} ({pool.name}) is not known"
        if not pool.auto_suspend_seconds:
            yield f"{pool.name} is never suspended: it costs on after a run, until the next"
    for step in work.steps:
        if step.pool and step.pool not in work.pools:
            yield f"node {step.node} runs in {step.pool}, of which nothing is known"
    if not work.task_warehouse:
        yield "serverless tasks: what one costs while it waits for its container is not published"
    elif work.task_warehouse not in work.warehouses:
        yield f"warehouse {work.task_warehouse}, which tasks wait in: its size is not known"
    if work.node_warehouse:
        size, _ = work.warehouses.get(work.node_warehouse, ("", 0))
        rate = rates.warehouses.get(size)
        unit = "credit" if rate == 1 else "credits"
        price = f", {rate:g} {unit} an hour while it runs" if rate else ""
        yield f"the nodes' SQL in warehouse {work.node_warehouse}{price}"
