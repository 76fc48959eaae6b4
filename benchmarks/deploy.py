"""How long deploying a large graph takes, on the emulator and through a real connection.

    python benchmarks/deploy.py [NODES]

The graph has NODES nodes (498, which makes 500 tasks) in layers of fifty, each waiting for three of
the layer before. The emulator answers at once, so this is our own time, its own, and one trip over
loopback for each statement; an account adds its own time for each of the statements counted here.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
from plan import graph

from sf_ml_framework import connection, settings, targets
from sf_ml_framework.deploy.apply import Commission, Deployer
from sf_ml_framework.deploy.records import Deployment
from sf_ml_framework.emulator import Emulator
from sf_ml_framework.places.snowflake.deployments import SnowflakeHistory
from sf_ml_framework.places.snowflake.platform import SnowflakePlatform
from sf_ml_framework.places.snowflake.session import Account
from sf_ml_framework.plan.changes import Statement
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.objects import Desired, Table, Task

ROLE = "ACCOUNTADMIN"
REPEATS = 5
BY = Commission(user_name="BENCHMARK", client="here:1")


class Silent:
    """Is told of progress and says nothing."""

    def started(self, deployment: Deployment) -> None:
        """Say nothing."""

    def statement(self, number: int, count: int, statement: Statement) -> None:
        """Say nothing."""

    def finished(self, deployment: Deployment) -> None:
        """Say nothing."""


def wanted(count: int) -> Desired:
    """Return the graph alone, as one role may make it."""
    own = {"database": "ML_DEV", "tasks": {"schedule": "60 MINUTES"}}
    target = targets.load(settings.Settings(project="a:b", targets={"dev": own}))
    desired = compile_desired(graph(count), target)
    kept = tuple(one for one in desired.objects if isinstance(one, Task | Table))
    return msgspec.structs.replace(desired, objects=kept, role=ROLE, deploy_role=ROLE)


def edited(desired: Desired, timeout_ms: int) -> Desired:
    """Return the graph with another limit for one task in the middle."""
    tasks = [one for one in desired.objects if isinstance(one, Task)]
    chosen = tasks[len(tasks) // 2]
    changed = msgspec.structs.replace(chosen, timeout_ms=timeout_ms)
    objects = tuple(changed if one is chosen else one for one in desired.objects)
    return msgspec.structs.replace(desired, objects=objects)


def timed(emulator: Emulator, what: str, calls: list[Callable[[], Any]]) -> Any:
    """Tell the median of the times, and the statements of the last."""
    found, result = [], None
    for call in calls:
        before = len(emulator.account.record.of("statement"))
        start = time.perf_counter()
        result = call()
        found.append(time.perf_counter() - start)
    sent = [str(line["sql"]).lstrip() for line in emulator.account.record.of("statement")[before:]]
    reads = sum(sql.upper().startswith(("SHOW", "SELECT", "DESCRIBE", "USE")) for sql in sent)
    print(
        f"{what:<32} {statistics.median(found):8.2f} s   {reads:4} statements that read,"
        f" {len(sent) - reads:4} that change"
    )
    return result


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 498
    os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"
    desired = wanted(count)
    print(f"{count + 2} tasks, median of {REPEATS}; the first deployment once")
    with Emulator() as emulator:
        keys = ("account", "user", "password", "host", "port", "protocol", "role", "warehouse")
        flags = {key: str(emulator.connection[key]) for key in keys}
        found = connection.resolve(None, flags, {})
        assert found is not None
        account = Account(found)
        account.execute(f"CREATE DATABASE {desired.database}")
        account.execute(f"CREATE SCHEMA {desired.database}.{desired.schema}")
        history = SnowflakeHistory(account, desired.database, desired.schema)
        deployer = Deployer(SnowflakePlatform(account), history, Silent())

        def deploy(state: Desired) -> Deployment | None:
            return deployer.apply(deployer.plan(state), BY)

        timed(emulator, "first deployment", [lambda: deploy(desired)])
        timed(emulator, "plan, unchanged", [lambda: deployer.plan(desired)] * REPEATS)
        timed(emulator, "deploy, unchanged", [lambda: deploy(desired)] * REPEATS)
        changes = [lambda ms=ms: deploy(edited(desired, ms)) for ms in range(5000, 5000 + REPEATS)]
        done = timed(emulator, "deploy, one task changed", changes)
        print(f"  {done.statements} statements of the plan: the root twice, and the one task")
        account.close()


if __name__ == "__main__":
    main()
