"""One run of a graph on its pools in thought: which container is on which machine, and when.

A container begins on the first machine that has room, as its requests say; else the pool takes one
more, up to ``max_nodes``; else it waits. A pool that was idle for ``auto_suspend_seconds`` starts
anew. Machines above ``min_nodes`` are given back when nothing runs on them.

Source: Snowflake, "Working with compute pools" (autoscaling, auto-suspend; STARTING is not billed).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

import msgspec

from sf_ml_framework.plan.cost.work import Pool, Step, Work
from sf_ml_framework.plan.rates import Family, Rates


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """One container on one machine, in seconds since the run began."""

    node: str
    start: float
    end: float
    weight: float
    """Part of the machine that it asked for, up to 1."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """One machine of a pool, from when it is billed until its pool did its last work."""

    pool: str
    start: float
    start_up: float
    """Seconds after *start* in which it does not work yet: a pool that grows is billed."""
    busy_until: float
    rests: float | None
    """Idle seconds that follow until it is given back; none: it never is."""
    last: bool
    """Whether it is up when the run ends, so that the next run may find it so."""
    containers: tuple[Container, ...]


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """What one run takes."""

    machines: tuple[Machine, ...]
    seconds: float
    """From the first container that was asked for to the last one's end."""


@dataclass(slots=True)
class _Machine:
    start: float
    ready: float
    extra: bool
    running: int = 0
    cpu: float = 0.0
    memory: float = 0.0
    containers: list[Container] = field(default_factory=list)

    @property
    def end(self) -> float:
        return max((each.end for each in self.containers), default=self.ready)


def simulate(
    work: Work, seconds: Mapping[str, float], rates: Rates, *, start_up_seconds: float
) -> Simulation:
    """Return one run of *work*.

    Args:
        work: the graph.
        seconds: for each node how long its containers run.
        rates: how much room a machine has; on one of an unknown family a container is alone.
        start_up_seconds: until a machine that is asked for works.
    """
    return _Run(work, seconds, rates, start_up_seconds).made()


class _Run:
    def __init__(
        self, work: Work, seconds: Mapping[str, float], rates: Rates, start_up: float
    ) -> None:
        self._steps = {step.node: step for step in work.steps}
        self._seconds = seconds
        self._pools = {
            name: _Fleet(pool, rates.families.get(pool.family, Family()), start_up)
            for name, pool in work.pools.items()
        }
        self._waits = {
            step.node: sum(name in self._steps for name in set(step.after)) for step in work.steps
        }
        self._below: dict[str, list[str]] = {name: [] for name in self._steps}
        for step in work.steps:
            for name in set(step.after) & self._steps.keys():
                self._below[name].append(step.node)
        self._left: dict[str, int] = {}
        """Containers of a node that have not ended."""
        self._ends: list[tuple[float, int, str, _Machine | None]] = []
        self._turn = count()

    def made(self) -> Simulation:
        for name, waits_for in self._waits.items():
            if not waits_for:
                self._begin(self._steps[name], 0.0)
        last = 0.0
        while self._ends:
            last, _, node, machine = heapq.heappop(self._ends)
            fleet = self._pools.get(self._steps[node].pool)
            if fleet is not None and machine is not None:
                fleet.release(machine, self._steps[node])
                self._placed(fleet, last)
            self._left[node] -= 1
            if not self._left[node]:
                for below in self._below[node]:
                    self._waits[below] -= 1
                    if not self._waits[below]:
                        self._begin(self._steps[below], last)
        machines = [one for fleet in self._pools.values() for one in fleet.told()]
        return Simulation(machines=tuple(machines), seconds=last)

    def _begin(self, step: Step, now: float) -> None:
        fleet = self._pools.get(step.pool)
        if fleet is None:
            self._left[step.node] = 1
            self._push(now + self._seconds.get(step.node, 0.0), step.node, None)
            return
        instances = min(step.instances, fleet.pool.max_nodes)
        self._left[step.node] = instances
        fleet.queue.extend([step] * instances)
        self._placed(fleet, now)

    def _placed(self, fleet: _Fleet, now: float) -> None:
        for step, machine in fleet.placed(now):
            start = max(now, machine.ready)
            end = start + self._seconds.get(step.node, 0.0)
            machine.containers.append(
                Container(node=step.node, start=start, end=end, weight=fleet.weight(step))
            )
            self._push(end, step.node, machine)

    def _push(self, end: float, node: str, machine: _Machine | None) -> None:
        # Counted, for of two that end at once the first that began is heard first.
        heapq.heappush(self._ends, (end, next(self._turn), node, machine))


class _Fleet:
    """The machines of one pool."""

    def __init__(self, pool: Pool, family: Family, start_up: float) -> None:
        self.pool = pool
        self.queue: deque[Step] = deque()
        self._family = family
        self._start_up = start_up
        self._up: list[_Machine] = []
        self._given_back: list[Machine] = []

    def placed(self, now: float) -> Iterator[tuple[Step, _Machine]]:
        """Yield what can begin, the first that waits first; it has its room from then on."""
        if self.queue:
            self._wake(now)
        while self.queue:
            step = self.queue[0]
            machine = self._with_room(step, now)
            if machine is None:
                return
            self.queue.popleft()
            cpu, memory = self._taken(step)
            machine.running += 1
            machine.cpu += cpu
            machine.memory += memory
            yield step, machine

    def release(self, machine: _Machine, step: Step) -> None:
        cpu, memory = self._taken(step)
        machine.running -= 1
        machine.cpu -= cpu
        machine.memory -= memory

    def _taken(self, step: Step) -> tuple[float, float]:
        """Return processors and memory of a container; one of several instances has a machine."""
        alone = step.instances > 1
        return (
            max(step.cpu, self._family.cpu if alone else 0),
            max(step.memory_gib, self._family.memory_gib if alone else 0),
        )

    def weight(self, step: Step) -> float:
        """Return which part of a machine *step* asks for."""
        if step.instances > 1 or not (self._family.cpu and self._family.memory_gib):
            return 1.0
        asked = max(step.cpu / self._family.cpu, step.memory_gib / self._family.memory_gib)
        return min(1.0, max(asked, 0.01))

    def told(self) -> list[Machine]:
        """Return every machine that was up, those of the end marked."""
        self._give_back(last=True)
        return self._given_back

    def _wake(self, now: float) -> None:
        rests = self.pool.auto_suspend_seconds
        asleep = rests and self._up and now - self._busy_until() >= rests
        if asleep and not any(machine.running for machine in self._up):
            self._give_back(last=False)
        if not self._up:
            ready = now + self._start_up
            # Until it is up a pool is STARTING, which costs nothing.
            nodes = range(self.pool.min_nodes)
            self._up = [_Machine(start=ready, ready=ready, extra=False) for _ in nodes]

    def _with_room(self, step: Step, now: float) -> _Machine | None:
        for machine in list(self._up):
            if machine.extra and not machine.running and machine.end < now:
                self._up.remove(machine)
                self._given_back.append(self._of(machine, machine.end, 0.0, last=False))
        for machine in self._up:
            if self._fits(machine, step):
                return machine
        if len(self._up) >= self.pool.max_nodes:
            return None
        machine = _Machine(start=now, ready=now + self._start_up, extra=True)
        self._up.append(machine)
        return machine

    def _fits(self, machine: _Machine, step: Step) -> bool:
        if not machine.running:
            return True
        family = self._family
        if not (family.cpu and family.memory_gib):
            return False
        cpu, memory = self._taken(step)
        room = machine.cpu + cpu <= family.cpu + 1e-9
        return room and machine.memory + memory <= family.memory_gib + 1e-9

    def _busy_until(self) -> float:
        return max(machine.end for machine in self._up)

    def _give_back(self, *, last: bool) -> None:
        rests = self.pool.auto_suspend_seconds or None
        until = self._busy_until() if self._up else 0.0
        for machine in self._up:
            end, rest = (machine.end, 0.0) if machine.extra else (until, rests)
            self._given_back.append(self._of(machine, end, rest, last=last and not machine.extra))
        self._up = []

    def _of(self, machine: _Machine, until: float, rests: float | None, *, last: bool) -> Machine:
        return Machine(
            pool=self.pool.name,
            start=machine.start,
            start_up=machine.ready - machine.start,
            busy_until=until,
            rests=rests,
            last=last,
            containers=tuple(machine.containers),
        )
