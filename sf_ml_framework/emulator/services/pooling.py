"""Compute pools as machines: states on the clock, and room for the instances of services.

Source: Snowflake, "Working with compute pools" (states, auto-suspend, auto-resume; suspending lets
running jobs finish). Time to start a node is :data:`START_SECONDS` of the account's clock, but what
is started in a pool does not wait for it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, not_found
from ..names import Path
from .families import FAMILIES, Family

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..account import Account
    from ..catalog import Entry

START_SECONDS = 1
"""How long a pool is STARTING or RESIZING; minutes on Snowflake."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one instance of a service asks of a node."""

    cpu: float
    memory: int
    gpus: int


@dataclass(slots=True)
class Placed:
    """One running instance in a pool; ``stop`` ends the service it belongs to."""

    pool: str
    demand: Demand
    job: bool
    service: str
    stop: Callable[[], None]


class Pools:
    """The running side of all compute pools."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._placed: list[Placed] = []
        self._changed = threading.Condition()

    def get(self, name: str) -> Entry:
        """Return a pool or raise 002003."""
        return self._account.catalog.get("COMPUTE POOL", Path("", "", name))

    @staticmethod
    def family(entry: Entry) -> Family:
        """Return what a node of the pool offers."""
        return FAMILIES[str(entry.properties["INSTANCE_FAMILY"])]

    def nodes(self, name: str) -> list[list[Placed]]:
        """Return what runs, by node: each instance on the first node that has room."""
        family = self.family(self.get(name))
        nodes: list[list[Placed]] = []
        for one in (p for p in self._placed if p.pool == name):
            for node in nodes:
                if _fits([p.demand for p in node] + [one.demand], family):
                    node.append(one)
                    break
            else:
                nodes.append([one])
        return nodes

    def busy(self, name: str) -> bool:
        """Say whether anything runs in the pool."""
        return any(placed.pool == name for placed in self._placed)

    def place(self, placed: Placed, stop: threading.Event) -> bool:
        """Take room for an instance, waiting for it; False when *stop* was set first.

        Raises:
            SnowflakeError: the pool is gone, or suspended and not to be resumed by use.
        """
        with self._changed:
            self._awake(placed.pool)
            while not self._room(placed):
                if stop.is_set():
                    return False
                self._changed.wait(0.2)
                if self._account.catalog.find("COMPUTE POOL", Path("", "", placed.pool)) is None:
                    raise not_found("COMPUTE POOL", placed.pool)
            self._placed.append(placed)
        return not stop.is_set()

    def release(self, placed: Placed) -> None:
        """Give the room back."""
        with self._changed:
            if placed in self._placed:
                self._placed.remove(placed)
            entry = self._account.catalog.find("COMPUTE POOL", Path("", "", placed.pool))
            if entry is not None:
                used = self._account.clock.now().isoformat()
                self._account.catalog.update(entry.with_properties(used=used))
            self._changed.notify_all()

    def usable(self, name: str) -> None:
        """Refuse a pool that is suspended and that use does not resume."""
        entry = self.get(name)
        if self.state(entry) in {"SUSPENDED", "STOPPING"} and not entry.properties.get(
            "AUTO_RESUME", True
        ):
            raise SnowflakeError(
                f"Compute pool '{name}' is suspended and AUTO_RESUME is FALSE; resume it first.",
                number=392503,
                state="55000",
            )

    def _awake(self, name: str) -> None:
        self.usable(name)
        entry = self.get(name)
        now = self._account.clock.now().isoformat()
        if self.state(entry) in {"SUSPENDED", "STOPPING"}:
            entry = entry.with_properties(suspended=False, since=now)
        self._account.catalog.update(entry.with_properties(used=now))

    def _room(self, placed: Placed) -> bool:
        entry = self.get(placed.pool)
        nodes = self.nodes(placed.pool)
        if len(nodes) < int(entry.properties["MAX_NODES"]):
            return True
        family = self.family(entry)
        return any(_fits([p.demand for p in node] + [placed.demand], family) for node in nodes)

    def state(self, entry: Entry) -> str:
        """Return the pool's state now."""
        now = self._account.clock.now()
        found = entry.properties
        changing = (now - datetime.fromisoformat(found["since"])).total_seconds() < START_SECONDS
        busy = self.busy(entry.name)
        if found.get("suspended"):
            return "STOPPING" if busy else "SUSPENDED"
        resized = found.get("resized")
        if resized and not changing:
            since = datetime.fromisoformat(resized)
            if (now - since).total_seconds() < START_SECONDS:
                return "RESIZING"
        if busy:
            return "ACTIVE"
        idle = int(found.get("AUTO_SUSPEND_SECS", 3600))
        last = max(datetime.fromisoformat(found["used"]), datetime.fromisoformat(found["since"]))
        if idle and now - last >= timedelta(seconds=idle):
            return "SUSPENDED"
        return "STARTING" if changing else "IDLE"

    def suspend(self, entry: Entry) -> None:
        """Suspend: services stop, jobs may finish."""
        for placed in [p for p in self._placed if p.pool == entry.name and not p.job]:
            placed.stop()
        now = self._account.clock.now().isoformat()
        self._account.catalog.update(entry.with_properties(suspended=True, since=now, updated=now))

    def resume(self, entry: Entry) -> None:
        """Resume."""
        now = self._account.clock.now().isoformat()
        self._account.catalog.update(
            entry.with_properties(suspended=False, since=now, used=now, updated=now)
        )

    def stop_all(self, name: str) -> None:
        """End every service and job of the pool."""
        for placed in [p for p in self._placed if p.pool == name]:
            placed.stop()

    def row(self, entry: Entry) -> dict[str, Any]:
        """Return the pool as SHOW and DESCRIBE tell it."""
        found, state = entry.properties, self.state(entry)
        active = len(self.nodes(entry.name))
        target = 0 if state in {"SUSPENDED", "STOPPING"} else max(active, int(found["MIN_NODES"]))
        placed = [p for p in self._placed if p.pool == entry.name]
        return {
            "name": entry.name,
            "state": state,
            "min_nodes": found["MIN_NODES"],
            "max_nodes": found["MAX_NODES"],
            "instance_family": found["INSTANCE_FAMILY"],
            "num_services": len({p.service for p in placed}),
            "num_jobs": len({p.service for p in placed if p.job}),
            "auto_suspend_secs": found.get("AUTO_SUSPEND_SECS", 3600),
            "auto_resume": "true" if found.get("AUTO_RESUME", True) else "false",
            "active_nodes": active,
            "idle_nodes": 0 if state == "STARTING" else max(target - active, 0),
            "target_nodes": target,
            "created_on": entry.created_on,
            "resumed_on": datetime.fromisoformat(found["since"]),
            "updated_on": datetime.fromisoformat(found["updated"]),
            "owner": entry.owner,
            "comment": entry.comment,
            "is_exclusive": "false",
            "placement_group": found.get("PLACEMENT_GROUP"),
        }


def _fits(demands: list[Demand], family: Family) -> bool:
    return (
        sum(d.cpu for d in demands) <= family.cpu
        and sum(d.memory for d in demands) <= family.memory
        and sum(d.gpus for d in demands) <= family.gpus
    )
