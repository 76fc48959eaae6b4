"""The rules of a declared project: one function a rule, all faults reported together.

A rule returns faults and never raises, so that an author sees everything that is wrong at once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sf_ml_framework.author.dataset import Column, Dataset
from sf_ml_framework.author.node import NodeConfig
from sf_ml_framework.errors import Fault, nearest
from sf_ml_framework.identifiers import (
    why_not_column,
    why_not_identifier,
    why_not_node,
    why_not_version,
)
from sf_ml_framework.manifest import graph, types
from sf_ml_framework.manifest.graph import Edges
from sf_ml_framework.quantities import cpu_millis, memory_bytes, pool_size

KINDS = ("table", "model", "report", "document")
MAX_TIMEOUT_MINUTES = 7 * 24 * 60
"""Source: CREATE TASK, USER_TASK_TIMEOUT_MS is at most 604800000."""
MAX_NODES = 998
"""A task graph has at most 1000 tasks; the root and the finalizer are two. Source: CREATE TASK."""
MAX_NEIGHBOURS = 100
"""Most parents and most children of a task. Source: Create a sequence of tasks."""
_REFRESH = re.compile(r"\d+ *(s|m|h|d|seconds?|minutes?|hours?|days?)|DOWNSTREAM|(\S+ +){5}\S+")


def check_datasets(datasets: Sequence[Dataset]) -> Iterator[Fault]:
    """Each dataset is declared once, under names and types that can be."""
    yield from _duplicates("dataset", [(each.name, each.place) for each in datasets])
    for dataset in datasets:
        who = f"dataset {dataset.name!r}"
        if why := why_not_identifier(dataset.name):
            yield Fault(message=f"{who} cannot be named so", remedy=why, place=dataset.place)
        if dataset.kind not in KINDS:
            yield Fault(
                message=f"{who} has the kind {dataset.kind!r}",
                remedy=nearest(str(dataset.kind), KINDS),
                place=dataset.place,
            )
        if why := why_not_version(dataset.version):
            yield Fault(
                message=f"{who} has the version {dataset.version!r}",
                remedy=why,
                place=dataset.place,
            )
        if dataset.refresh_freq and not _REFRESH.fullmatch(dataset.refresh_freq):
            yield Fault(
                message=f"{who} has the refresh_freq {dataset.refresh_freq!r}",
                remedy="write '1 hour', 'DOWNSTREAM' or a cron line with a time zone",
                place=dataset.place,
            )
        yield from _check_columns(dataset)


def _check_columns(dataset: Dataset) -> Iterator[Fault]:
    yield from _duplicates(
        f"column of dataset {dataset.name!r}",
        [(column.name, dataset.place) for column in dataset.columns],
    )
    for column in dataset.columns:
        yield from _check_column(dataset, column)
    names = [column.name for column in dataset.columns]
    wanted = [*dataset.join_keys, *([dataset.timestamp_column] if dataset.timestamp_column else [])]
    for name in wanted if names else ():
        if name not in names:
            yield Fault(
                message=f"dataset {dataset.name!r} has no column {name!r} for its key or time",
                remedy=nearest(name, names),
                place=dataset.place,
            )


def _check_column(dataset: Dataset, column: Column) -> Iterator[Fault]:
    who = f"column {column.name!r} of dataset {dataset.name!r}"
    if why := why_not_column(column.name):
        yield Fault(message=f"{who} cannot be named so", remedy=why, place=dataset.place)
    if why := types.why_not_type(column.type):
        yield Fault(message=f"{who} has the type {column.type!r}", remedy=why, place=dataset.place)
    low, high = column.minimum, column.maximum
    if low is not None and high is not None:
        comparable = isinstance(low, str) == isinstance(high, str)
        if not comparable or low > high:  # type: ignore[operator]
            yield Fault(
                message=f"{who} lies between {low!r} and {high!r}",
                remedy="the minimum is at most the maximum, and both are of one type",
                place=dataset.place,
            )


def check_names(nodes: Sequence[NodeConfig]) -> Iterator[Fault]:
    """Each node is declared once, under a name that a task and a job can have."""
    yield from _duplicates("node", [(node.name, node.place) for node in nodes])
    for node in nodes:
        if why := why_not_node(node.name):
            yield Fault(
                message=f"node {node.name!r} cannot be named so", remedy=why, place=node.place
            )
        for asked in ("secrets", "external_access"):
            for name in getattr(node, asked):
                # Each is a name of the account, and a folder in the container.
                if why := next(filter(None, map(why_not_identifier, str(name).split("."))), ""):
                    yield Fault(
                        message=f"node {node.name!r} has {asked}={name!r}",
                        remedy=why,
                        place=node.place,
                    )
    if len(nodes) > MAX_NODES:
        yield Fault(
            message=f"the pipeline has {len(nodes)} nodes",
            remedy=f"a task graph has room for {MAX_NODES}",
        )


def check_quantities(node: NodeConfig) -> Iterator[Fault]:
    """What a node asks of its machine are quantities, in bounds."""
    readers = (
        ("memory_request", memory_bytes, node.memory_request),
        ("cpu_request", cpu_millis, node.cpu_request),
        ("compute_pool_size", pool_size, node.compute_pool_size),
    )
    for name, read, value in readers:
        try:
            read(value)
        except ValueError as error:
            yield Fault(
                message=f"node {node.name!r} has a wrong {name}",
                remedy=str(error),
                place=node.place,
            )
    bounds = (
        ("timeout_minutes", node.timeout_minutes, 1 / 60, MAX_TIMEOUT_MINUTES),
        ("retries", node.retries, 0, 30),
        ("target_instances", node.target_instances, 1, 100),
    )
    for name, amount, low, high in bounds:
        number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not number or not low <= amount <= high:
            yield Fault(
                message=f"node {node.name!r} has {name} {amount!r}",
                remedy=f"it is a number from {low:g} to {high:g}",
                place=node.place,
            )


def check_producers(
    nodes: Sequence[NodeConfig],
    outputs: Mapping[str, Sequence[str]],
    inputs: Mapping[str, Sequence[str]],
    datasets: Sequence[Dataset],
) -> Iterator[Fault]:
    """Every dataset that is read is made by one node or is a source; none is made twice.

    Args:
        nodes: the pipeline.
        outputs: names of the datasets that each node makes.
        inputs: names of the datasets that each node reads in their current version.
        datasets: the catalog.
    """
    known = {dataset.name: dataset for dataset in datasets}
    makers: dict[str, list[str]] = {}
    for node in nodes:
        for name in outputs[node.name]:
            makers.setdefault(name, []).append(node.name)
    for node in nodes:
        for name in [*inputs[node.name], *outputs[node.name]]:
            if name not in known:
                yield Fault(
                    message=f"node {node.name!r} names the dataset {name!r},"
                    " which the catalog does not have",
                    remedy=nearest(name, known),
                    place=node.place,
                )
        yield from _check_made(node, outputs[node.name], makers, known)
        for name in inputs[node.name]:
            if name in known and name not in makers and not known[name].path:
                yield Fault(
                    message=f"dataset {name!r}, which node {node.name!r} reads, is made by no node",
                    remedy="name it in the outputs of a node, or give it a path if it is a source",
                    place=node.place,
                )


def _check_made(
    node: NodeConfig,
    outputs: Sequence[str],
    makers: Mapping[str, Sequence[str]],
    known: Mapping[str, Dataset],
) -> Iterator[Fault]:
    for name in outputs:
        if len(makers[name]) > 1:
            yield Fault(
                message=f"dataset {name!r} is made by {' and '.join(map(repr, makers[name]))}",
                remedy="let one node make it",
                place=node.place,
            )
        elif name in known and known[name].path:
            yield Fault(
                message=f"dataset {name!r} is a source (it has a path),"
                f" and node {node.name!r} makes it",
                remedy="take the path away, or save under another name",
                place=node.place,
            )


def check_dependencies(nodes: Sequence[NodeConfig], implied: Edges) -> Iterator[Fault]:
    """Declared dependencies are nodes, and do not contradict what the datasets imply."""
    known = [node.name for node in nodes]
    upstream = (
        {}
        if graph.cycle(implied)
        else {name: graph.ancestors(implied, [name]) - {name} for name in implied}
    )
    for node in nodes:
        for name in node.dependencies:
            if name not in known:
                yield Fault(
                    message=f"node {node.name!r} depends on {name!r},"
                    " which this pipeline does not have",
                    remedy=nearest(name, known),
                    place=node.place,
                )
            elif node.name in upstream.get(name, ()):
                yield Fault(
                    message=f"node {node.name!r} depends on {name!r},"
                    f" but {name!r} reads what {node.name!r} makes",
                    remedy="take the dependency away, or turn the datasets round",
                    place=node.place,
                )


def check_graph(edges: Edges, places: Mapping[str, str]) -> Iterator[Fault]:
    """Nodes do not wait for each other in a circle, and have no more neighbours than tasks may."""
    path = graph.cycle(edges)
    if path:
        yield Fault(
            message=f"nodes wait for each other: {' -> '.join(path)}",
            remedy="take one of these dependencies or datasets away",
            place=places[path[0]],
        )
    children = Counter(name for before in edges.values() for name in before)
    for name, before in edges.items():
        for count, what in ((len(before), "waits for"), (children[name], "is waited for by")):
            if count > MAX_NEIGHBOURS:
                yield Fault(
                    message=f"node {name!r} {what} {count} nodes",
                    remedy=f"a task may have {MAX_NEIGHBOURS}; put a node between",
                    place=places[name],
                )


def _duplicates(kind: str, declared: Iterable[tuple[str, str]]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for name, place in declared:
        if name in seen:
            yield Fault(
                message=f"{kind} {name!r} is declared twice",
                remedy=f"the first is at {seen[name]}",
                place=place,
            )
        seen.setdefault(name, place)
