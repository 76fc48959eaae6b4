"""Compute pools of a target, operated by hand: seen, scaled, put to sleep, woken.

Source: Snowflake, "ALTER COMPUTE POOL" (SUSPEND suspends services at once and lets jobs end first;
STOP ALL ends both), "Working with compute pools" (states; which are billed).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from sf_ml_framework.deploy.graph_ports import pauses
from sf_ml_framework.errors import OperatorError, UnknownNameError, UsageError
from sf_ml_framework.targets import Target

BILLED = ("IDLE", "ACTIVE", "STOPPING", "RESIZING")
AT_REST = ("SUSPENDED",)
AWAKE = ("IDLE", "ACTIVE")
LONGEST_WAIT_SECONDS = 3600


class PoolState(msgspec.Struct, frozen=True, kw_only=True):
    """One compute pool as it stands."""

    name: str
    state: str
    """As SHOW COMPUTE POOLS spells it: STARTING, ACTIVE, IDLE, STOPPING, SUSPENDED, RESIZING."""
    family: str
    min_nodes: int
    max_nodes: int
    active_nodes: int
    """Nodes on which something runs."""
    idle_nodes: int
    jobs: int
    services: int
    """Without jobs."""
    auto_suspend_seconds: int

    @property
    def is_billed(self) -> bool:
        """Whether it costs something now."""
        return self.state in BILLED

    @property
    def is_full(self) -> bool:
        """Whether every node that it may have is at work, so that the next job may wait."""
        return self.active_nodes >= self.max_nodes


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What ``mlops.yml`` says of a pool."""

    name: str
    sizes: tuple[str, ...]
    """Sizes of nodes that it serves."""
    family: str
    min_nodes: int
    max_nodes: int


class PoolControl(Protocol):
    """The compute pools of one account; ``places/snowflake`` implements it."""

    def states(self) -> Mapping[str, PoolState]:
        """Return every pool that the role sees, by name; one statement."""
        ...

    def set_nodes(self, name: str, min_nodes: int, max_nodes: int) -> None:
        """Change how many nodes a pool may have."""
        ...

    def suspend(self, name: str) -> None:
        """Put a pool to sleep once its jobs have ended."""
        ...

    def stop_all(self, name: str) -> None:
        """End every job and service of a pool."""
        ...

    def resume(self, name: str) -> None:
        """Wake a pool."""
        ...


def declared(target: Target) -> dict[str, Declared]:
    """Return the pools of *target* by name; a pool may serve several sizes."""
    found: dict[str, Declared] = {}
    for size, pool in target.pools.items():
        sizes = (*found[pool.name].sizes, str(size)) if pool.name in found else (str(size),)
        found[pool.name] = Declared(
            name=pool.name,
            sizes=sizes,
            family=pool.family,
            min_nodes=pool.min_nodes,
            max_nodes=pool.max_nodes,
        )
    return found


def meant(target: Target, control: PoolControl, name: str) -> tuple[Declared, PoolState]:
    """Return the pool that *name* means, a pool's name or a size of nodes, and how it stands.

    Raises:
        UnknownNameError: the target has no such pool.
        OperatorError: it does not stand, or may not be seen.
    """
    pools = declared(target)
    by_size = {size: pool for pool in pools.values() for size in pool.sizes}
    found = pools.get(name.upper()) or by_size.get(name.upper())
    if found is None:
        raise UnknownNameError(kind="compute pool", name=name, known=[*pools, *by_size])
    state = control.states().get(found.name)
    if state is None:
        raise OperatorError(
            f"compute pool {found.name} does not stand, or this role may not see it",
            remedy=f"mlops deploy --target {target.name} makes the pools that nodes ask for",
        )
    return found, state


def scaled(state: PoolState, min_nodes: int | None, max_nodes: int | None) -> PoolState:
    """Return *state* with other limits; one that is not given moves along where it must.

    Raises:
        UsageError: none is given, or the least is above the most.
    """
    if min_nodes is None and max_nodes is None:
        raise UsageError("nothing to change", remedy="say --max N, --min N, or both")
    most = max_nodes if max_nodes is not None else max(state.max_nodes, min_nodes or 0)
    least = min_nodes if min_nodes is not None else min(state.min_nodes, most)
    if least > most:
        raise UsageError(
            f"--min {least} is above {most}, the most that the pool may have",
            remedy="raise --max too",
        )
    return msgspec.structs.replace(state, min_nodes=least, max_nodes=most)


def refuse_to_shrink(state: PoolState, wanted: PoolState) -> None:
    """Refuse to take nodes away on which something runs.

    Raises:
        OperatorError: it would.
    """
    if wanted.max_nodes < state.active_nodes:
        raise OperatorError(
            f"{state.active_nodes} nodes of {state.name} are at work"
            f" ({_running(state)}), and it would have {wanted.max_nodes}: what runs on the others"
            " may be ended",
            remedy="wait for it to end (mlops tasks status --watch), or say --force",
        )


def refuse_to_stop(state: PoolState) -> None:
    """Refuse to put a pool to sleep whose services would be suspended with it; jobs may end.

    Raises:
        OperatorError: it has services.
    """
    if state.services:
        raise OperatorError(
            f"{state.services} services run in {state.name} and would be suspended with it",
            remedy="suspend them first, or say --force, which ends them and every job",
        )


def _running(state: PoolState) -> str:
    return f"{state.jobs} jobs, {state.services} services"


def settled(
    control: PoolControl,
    name: str,
    wanted: Sequence[str],
    *,
    tick: Callable[[PoolState], None],
    most_seconds: float = LONGEST_WAIT_SECONDS,
) -> PoolState:
    """Wait until a pool is in one of the states *wanted*, and return it.

    Raises:
        OperatorError: it is not in time, or is gone.
    """
    until = time.monotonic() + most_seconds
    for state in _asked(control, name):
        tick(state)
        if state.state in wanted:
            return state
        if time.monotonic() > until:
            raise OperatorError(
                f"{name} is still {state.state} after {most_seconds:g} s",
                remedy="mlops pools ls tells what runs in it",
            )
    raise OperatorError(f"compute pool {name} is gone", remedy="mlops pools ls")


def _asked(control: PoolControl, name: str) -> Iterator[PoolState]:
    for pause in pauses():
        state = control.states().get(name)
        if state is None:
            return
        yield state
        time.sleep(pause)
