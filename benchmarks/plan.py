"""How long a plan of a large graph takes: compiled, compared, ordered, written as SQL and text.

    python benchmarks/plan.py [NODES]

The graph has NODES nodes (498, which makes 500 tasks) in layers of fifty, each waiting for three of
the layer before. The account is a value in memory: what it takes to ask a real one is network.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from sf_ml_framework import settings, targets
from sf_ml_framework.manifest.model import Manifest, NodeSpec, Resources
from sf_ml_framework.plan import codec, explain, to_sql
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.diff import make_plan
from sf_ml_framework.plan.objects import Observed, Task

LAYER = 50
REPEATS = 5


def graph(count: int) -> Manifest:
    nodes = []
    for number in range(count):
        layer, place = divmod(number, LAYER)
        above = {(layer - 1) * LAYER + (place + step) % LAYER for step in range(3)}
        nodes.append(
            NodeSpec(
                name=f"node_{number}",
                function=f"src.nodes:node_{number}",
                dependencies=tuple(sorted(f"node_{one}" for one in above)) if layer else (),
                resources=Resources(timeout_seconds=60),
            )
        )
    return Manifest(format=1, project="large", nodes=tuple(nodes), datasets=())


def timed(what: str, call: Callable[[], Any]) -> Any:
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = call()
        found.append(time.perf_counter() - start)
    print(f"{what:<44} {statistics.median(found) * 1000:9.1f} ms")
    return result


def changed(objects: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what stands where one task in the middle has another body."""
    tasks = [thing for thing in objects if isinstance(thing, Task)]
    one = tasks[len(tasks) // 2]
    return tuple(
        msgspec.structs.replace(thing, body="SELECT 0") if thing is one else thing
        for thing in objects
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 498
    own = {"database": "ML_DEV", "tasks": {"schedule": "60 MINUTES"}}
    given = settings.Settings(project="a:b", targets={"dev": own})
    target, manifest = targets.load(given), graph(count)
    print(f"{count + 2} tasks, median of {REPEATS}")
    desired = timed("compile", lambda: compile_desired(manifest, target))
    first = timed("plan of an empty account", lambda: make_plan(desired, Observed()))
    standing = Observed(objects=desired.objects)
    timed("plan of an unchanged account", lambda: make_plan(desired, standing))
    other = Observed(objects=changed(desired.objects))
    one = timed("plan where one task differs", lambda: make_plan(desired, other))
    sql = timed("its statements", lambda: to_sql.statements(one))
    touched = {statement.sql.split()[2] for statement in sql} - {desired.root}
    print(f"  {len(sql)} statements, {len(touched)} task besides the root")
    sql = timed("statements of the first deployment", lambda: to_sql.statements(first))
    print(f"  {len(sql)} statements")
    timed("explanation of the first deployment", lambda: explain.lines(first))
    data = timed("plan to a file", lambda: codec.encode(first))
    print(f"  {len(data) / 2**20:.1f} MiB")
    timed("plan from a file", lambda: codec.decode(data, type(first), "memory"))


if __name__ == "__main__":
    main()
