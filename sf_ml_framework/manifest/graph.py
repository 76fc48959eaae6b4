"""Questions about the graph of nodes, answered from the manifest alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from graphlib import CycleError, TopologicalSorter

from sf_ml_framework.errors import UnknownNameError, UsageError
from sf_ml_framework.manifest.model import Manifest

Edges = dict[str, tuple[str, ...]]
"""For each node the nodes it waits for."""


def edges_of(manifest: Manifest) -> Edges:
    """Return for each node, in the manifest's order, the nodes it waits for."""
    return {node.name: node.dependencies for node in manifest.nodes}


def sort(edges: Edges) -> list[str]:
    """Return the nodes in an order in which they may run, ties by the order of *edges*.

    Raises:
        CycleError: they wait for each other; ``args[1]`` is the cycle.
    """
    rank = {name: position for position, name in enumerate(edges)}
    sorter = TopologicalSorter(edges)
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=rank.__getitem__)
        order += ready
        sorter.done(*ready)
    return order


def cycle(edges: Edges) -> list[str]:
    """Return a cycle of *edges* along the data, first node last again; empty without one."""
    try:
        sort(edges)
    except CycleError as error:
        return list(error.args[1])
    return []


def ancestors(edges: Edges, names: Iterable[str]) -> set[str]:
    """Return *names* and every node that they wait for, however far."""
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += edges[name]
    return found


def descendants(edges: Edges, names: Iterable[str]) -> set[str]:
    """Return *names* and every node that waits for them, however far."""
    waiting: dict[str, list[str]] = {name: [] for name in edges}
    for name, before in edges.items():
        for other in before:
            waiting[other].append(name)
    return ancestors({name: tuple(after) for name, after in waiting.items()}, names)


def select(
    manifest: Manifest,
    *,
    nodes: Collection[str] = (),
    first: Collection[str] = (),
    last: Collection[str] = (),
    tags: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the nodes to run, in order.

    Args:
        manifest: the whole graph.
        nodes: run exactly these; ``+name`` adds what it waits for, ``name+`` what waits for it.
        first: leave out what is not one of these or after one.
        last: leave out what is not one of these or before one.
        tags: leave out what has none of these tags.

    Raises:
        UnknownNameError: a name is not in the graph.
        UsageError: nothing is left to run.
    """
    edges = edges_of(manifest)
    chosen = set(edges)
    if nodes:
        chosen = set().union(*(_one(edges, name) for name in nodes))
    if first:
        chosen &= descendants(edges, [_known(edges, name) for name in first])
    if last:
        chosen &= ancestors(edges, [_known(edges, name) for name in last])
    if tags:
        chosen &= {node.name for node in manifest.nodes if set(tags) & set(node.tags)}
    if not chosen:
        raise UsageError(
            "the selection leaves no node to run", remedy="see `mlops dag` for the order of nodes"
        )
    return tuple(node.name for node in manifest.nodes if node.name in chosen)


def _one(edges: Edges, name: str) -> set[str]:
    bare = _known(edges, name.strip("+"))
    chosen = {bare}
    if name.startswith("+"):
        chosen |= ancestors(edges, [bare])
    if name.endswith("+"):
        chosen |= descendants(edges, [bare])
    return chosen


def _known(edges: Edges, name: str) -> str:
    if name not in edges:
        raise UnknownNameError(kind="node", name=name, known=edges)
    return name
