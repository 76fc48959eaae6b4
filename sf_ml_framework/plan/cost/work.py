"""The work of a graph as its cost depends on it: containers, and the pools that they run in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from sf_ml_framework.manifest.model import Manifest, NodeSpec
from sf_ml_framework.plan import names
from sf_ml_framework.plan.objects import Object, Task
from sf_ml_framework.plan.objects import Pool as PoolObject
from sf_ml_framework.quantities import cpu_millis, memory_bytes
from sf_ml_framework.targets import Target

GIB = 2**30


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One node: what its containers ask for, and what it waits for."""

    node: str
    after: tuple[str, ...] = ()
    """Nodes; those that are not in the graph are waited for by nobody."""
    pool: str = ""
    """Empty: it takes no machine of a pool."""
    cpu: float = 0.0
    memory_gib: float = 0.0
    instances: int = 1
    timeout_seconds: float = 3600.0


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """A compute pool as its cost depends on it."""

    name: str
    family: str
    min_nodes: int = 1
    max_nodes: int = 1
    auto_suspend_seconds: int = 300
    """Idle seconds before it is suspended; 0 is never."""
    sizes: tuple[str, ...] = ()
    """Sizes of nodes that it serves, as ``pools.<SIZE>`` of the target names them."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One graph: its steps in an order in which they may run, its pools, and when it runs."""

    steps: tuple[Step, ...] = ()
    pools: dict[str, Pool] = {}
    schedule: str = ""
    task_warehouse: str = ""
    """Warehouse that the tasks wait in; empty: they are serverless."""
    node_warehouse: str = ""
    """Warehouse that runs the nodes' SQL."""
    warehouses: dict[str, tuple[str, int]] = {}
    """For a warehouse its size and the idle seconds before it is suspended."""


def of_manifest(manifest: Manifest, target: Target) -> Work:
    """Return the work of *manifest* in *target*."""
    used = {node.resources.pool_size for node in manifest.nodes}
    pools: dict[str, Pool] = {}
    for size, given in target.pools.items():
        if size in used:
            before = pools[given.name].sizes if given.name in pools else ()
            pools[given.name] = Pool(
                name=given.name,
                family=given.family,
                min_nodes=given.min_nodes,
                max_nodes=given.max_nodes,
                auto_suspend_seconds=given.auto_suspend_seconds,
                sizes=(*before, str(size)),
            )
    return Work(
        steps=tuple(_step(node, target) for node in manifest.nodes),
        pools=pools,
        schedule=target.tasks.schedule,
        task_warehouse=target.tasks.warehouse,
        node_warehouse=target.warehouse,
        warehouses={target.warehouse: (target.warehouse_size, _WAREHOUSE_IDLE)},
    )


_WAREHOUSE_IDLE = 60
"""As ``objects.Warehouse`` has it: what a deployment makes a warehouse with."""


def _step(node: NodeSpec, target: Target) -> Step:
    asked = node.resources
    return Step(
        node=node.name,
        after=node.dependencies,
        pool=target.pools[asked.pool_size].name,
        cpu=asked.cpu_millis / 1000,
        memory_gib=asked.memory_bytes / GIB,
        instances=asked.target_instances,
        timeout_seconds=float(asked.timeout_seconds),
    )


_POOL = re.compile(r"\bIN COMPUTE POOL (\w+)|EXECUTE_ML_JOB\('[^']*',\s*'(\w+)'")
_INSTANCES = re.compile(r'"TARGET_INSTANCES":\s*(\d+)')
_REQUESTS = re.compile(r"requests:\s*\n\s+memory: (\S+)\s*\n\s+cpu: (\S+)")


def of_objects(objects: Iterable[Object], root: str) -> Work:
    """Return the work of the graph that starts with the task *root* (qualified), as it stands.

    Tasks that start no container wait and pass on; they take no machine.
    """
    tasks = {thing.name: thing for thing in objects if isinstance(thing, Task)}
    pools = {thing.name: thing for thing in objects if isinstance(thing, PoolObject)}
    top = tasks.get(root)
    if top is None:
        return Work()
    ordered = _ordered({name.rpartition(".")[2]: task for name, task in tasks.items()}, root)
    steps = tuple(_step_of(task) for task in ordered)
    used = {step.pool for step in steps}
    return Work(
        steps=steps,
        pools={
            name: Pool(
                name=name,
                family=pool.family,
                min_nodes=pool.min_nodes,
                max_nodes=pool.max_nodes,
                auto_suspend_seconds=pool.auto_suspend_seconds,
            )
            for name, pool in pools.items()
            if name in used
        },
        schedule=top.schedule,
        task_warehouse=top.warehouse,
    )


def _ordered(tasks: Mapping[str, Task], root: str) -> list[Task]:
    """Return the tasks below *root*, each after those that it waits for."""
    from graphlib import CycleError, TopologicalSorter

    below = {root.rpartition(".")[2]}
    found = []
    sorter = TopologicalSorter({name: task.after for name, task in tasks.items()})
    try:
        order = list(sorter.static_order())
    except CycleError:
        # No state of an account, yet a file may say it; then nothing is known of its cost.
        return []
    for name in order:
        if name in tasks and below & set(tasks[name].after):
            below.add(name)
            found.append(tasks[name])
    return found


def node_of(task: str) -> str:
    """Return the node of a task's name; a task that was made by hand is called by its own."""
    return task.rpartition(".")[2].removeprefix(names.node_task("")).lower()


def _step_of(task: Task) -> Step:
    pool = _POOL.search(task.body)
    asked = _REQUESTS.search(task.body)
    instances = _INSTANCES.search(task.body)
    return Step(
        node=node_of(task.name),
        after=tuple(map(node_of, task.after)),
        pool=(pool[1] or pool[2]).upper() if pool else "",
        cpu=_number(cpu_millis, asked[2], 1000) if asked else 0.0,
        memory_gib=_number(memory_bytes, asked[1], GIB) if asked else 0.0,
        instances=int(instances[1]) if instances else 1,
        timeout_seconds=task.timeout_ms / 1000,
    )


def _number(read: object, text: str, unit: int) -> float:
    try:
        return float(read(text.strip("\"'")) / unit)  # type: ignore[operator]
    except ValueError:
        return 0.0
