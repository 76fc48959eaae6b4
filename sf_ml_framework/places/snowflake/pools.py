"""Compute pools of an account. Implements ``deploy/pools.py::PoolControl``.

Source: Snowflake, "SHOW COMPUTE POOLS" (num_services counts jobs too), "ALTER COMPUTE POOL".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sf_ml_framework.deploy.pools import PoolState
from sf_ml_framework.plan.quoting import name as checked

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account


class SnowflakePools:
    """The pools that one role sees; lives as long as its account.

    Args:
        account: whose role looks and acts.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def states(self) -> Mapping[str, PoolState]:
        """Return every pool that the role sees, by name."""
        found = {}
        for row in self._account.rows("SHOW COMPUTE POOLS"):
            jobs = int(row["num_jobs"] or 0)
            found[str(row["name"])] = PoolState(
                name=str(row["name"]),
                state=str(row["state"]),
                family=str(row["instance_family"]),
                min_nodes=int(row["min_nodes"]),
                max_nodes=int(row["max_nodes"]),
                active_nodes=int(row["active_nodes"] or 0),
                idle_nodes=int(row["idle_nodes"] or 0),
                jobs=jobs,
                services=max(0, int(row["num_services"] or 0) - jobs),
                auto_suspend_seconds=int(row["auto_suspend_secs"] or 0),
            )
        return found

    def set_nodes(self, name: str, min_nodes: int, max_nodes: int) -> None:
        """Change how many nodes a pool may have."""
        limits = f"MIN_NODES = {min_nodes:d} MAX_NODES = {max_nodes:d}"
        self._account.execute(f"ALTER COMPUTE POOL {checked(name)} SET {limits}")

    def suspend(self, name: str) -> None:
        """Put a pool to sleep once its jobs have ended."""
        self._account.execute(f"ALTER COMPUTE POOL {checked(name)} SUSPEND")

    def stop_all(self, name: str) -> None:
        """End every job and service of a pool."""
        self._account.execute(f"ALTER COMPUTE POOL {checked(name)} STOP ALL")

    def resume(self, name: str) -> None:
        """Wake a pool."""
        self._account.execute(f"ALTER COMPUTE POOL {checked(name)} RESUME")
