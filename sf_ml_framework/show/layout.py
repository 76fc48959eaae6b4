"""Where the boxes of a layered graph go: few crossings, short edges, nothing overlaps.

After Sugiyama, Tagawa and Toda (1981): layers by the longest path, order within them by
barycentres, coordinates by least squares. Small graphs only: a pipeline, not a network.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

_SWEEPS = 12
_PULLS = 80
_LANE = "\0\0"
"""Stands in the name of a lane, and in no name of a box."""
_WEIGHTS = (4.0, 1.0, 8.0)
"""How strongly two boxes, a box and a lane, two lanes want to be in line."""
_LAYER_GAP = 44.0
_NEIGHBOUR_GAP = 16.0
_EDGE_LANE = 14.0
"""What an edge needs, across, where it passes a layer."""


class Size(NamedTuple):
    """Extent of a box along the flow and across it."""

    along: float
    across: float


class Point(NamedTuple):
    """A place, along the flow and across it."""

    along: float
    across: float


class Layout(NamedTuple):
    """Where everything is."""

    centres: dict[str, Point]
    """Of each box."""
    routes: dict[tuple[str, str], tuple[Point, ...]]
    """Of each edge, from the end of one box to the begin of another; two points a layer."""
    extent: Size


_Edge = tuple[str, str]


def lay_out(sizes: Mapping[str, Size], edges: Sequence[_Edge]) -> Layout:
    """Return a layout of the boxes in *sizes*, whose order breaks ties.

    *edges* must hold no cycle.
    """
    ranks = _ranks(list(sizes), edges)
    layers, chains = _with_lanes(ranks, edges)
    links = [link for chain in chains.values() for link in pairwise(chain)]
    _order(layers, links)
    extents = {name: sizes[name].across if name in sizes else _EDGE_LANE for name in _flat(layers)}
    across = _place(layers, links, extents)
    starts, depths = _stack(layers, sizes)
    centres = {
        name: Point(starts[ranks[name]] + depths[ranks[name]] / 2, across[name]) for name in sizes
    }
    routes = {}
    for edge, chain in chains.items():
        points = []
        for name in chain:
            half = sizes[name].along / 2 if name in sizes else 0.0
            layer = next(index for index, names in enumerate(layers) if name in names)
            middle = starts[layer] + depths[layer] / 2
            half = half or depths[layer] / 2
            points += [Point(middle - half, across[name]), Point(middle + half, across[name])]
        routes[edge] = tuple(points[1:-1])
    width = max((across[name] + extents[name] / 2 for name in across), default=0.0)
    return Layout(centres, routes, Size(starts[-1] + depths[-1] if layers else 0.0, width))


def _ranks(names: Sequence[str], edges: Sequence[_Edge]) -> dict[str, int]:
    """Return the layer of each box: one after the latest of those before it."""
    before: dict[str, list[str]] = {name: [] for name in names}
    after: dict[str, list[str]] = {name: [] for name in names}
    for start, end in edges:
        before[end].append(start)
        after[start].append(end)
    ranks: dict[str, int] = {}
    waiting = {name: len(before[name]) for name in names}
    ready = [name for name in names if not waiting[name]]
    for name in ready:
        ranks[name] = max((ranks[each] + 1 for each in before[name]), default=0)
        for each in after[name]:
            waiting[each] -= 1
            if not waiting[each]:
                ready.append(each)
    # What nothing comes before stands close to what it is for.
    for name in names:
        if not before[name] and after[name]:
            ranks[name] = min(ranks[each] for each in after[name]) - 1
    return ranks


def _with_lanes(
    ranks: Mapping[str, int], edges: Sequence[_Edge]
) -> tuple[list[list[str]], dict[_Edge, list[str]]]:
    """Return the layers, and for each edge its boxes with a lane in each layer it passes."""
    layers: list[list[str]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for name, rank in ranks.items():
        layers[rank].append(name)
    chains: dict[_Edge, list[str]] = {}
    for start, end in edges:
        lanes = [
            f"{start}{_LANE}{end}{_LANE}{rank}" for rank in range(ranks[start] + 1, ranks[end])
        ]
        for rank, lane in enumerate(lanes, ranks[start] + 1):
            layers[rank].append(lane)
        chains[start, end] = [start, *lanes, end]
    return layers, chains


def _order(layers: list[list[str]], links: Sequence[_Edge]) -> None:
    """Order each layer in place, so that few edges cross."""
    before, after = _neighbours(links)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, after)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        near = before if downwards else after
        for index in range(len(layers)) if downwards else reversed(range(len(layers))):
            beside = index - 1 if downwards else index + 1
            if 0 <= beside < len(layers):
                rank = {name: position for position, name in enumerate(layers[beside])}
                layers[index] = _by_barycentre(layers[index], near, rank)
        count = _crossings(layers, after)
        if count < fewest:
            best, fewest = [list(layer) for layer in layers], count
    layers[:] = best


def _by_barycentre(
    layer: list[str], near: Mapping[str, list[str]], rank: Mapping[str, int]
) -> list[str]:
    def centre(position: int) -> float:
        ranks = [rank[each] for each in near.get(layer[position], ()) if each in rank]
        return sum(ranks) / len(ranks) if ranks else float(position)

    return [layer[position] for position in sorted(range(len(layer)), key=centre)]


def _crossings(layers: Sequence[Sequence[str]], after: Mapping[str, list[str]]) -> int:
    count = 0
    for upper, lower in pairwise(layers):
        rank = {name: position for position, name in enumerate(lower)}
        seen: list[int] = []
        for name in upper:
            ends = sorted(rank[each] for each in after.get(name, ()))
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _place(
    layers: Sequence[Sequence[str]], links: Sequence[_Edge], extents: Mapping[str, float]
) -> dict[str, float]:
    """Return a place across the flow for each name: near its neighbours, in its layer's order."""
    across: dict[str, float] = {}
    for layer in layers:
        total = sum(extents[name] + _NEIGHBOUR_GAP for name in layer)
        begin = -total / 2
        for name in layer:
            across[name] = begin + extents[name] / 2
            begin += extents[name] + _NEIGHBOUR_GAP
    before, after = _neighbours(links)
    for sweep in range(_PULLS):
        for layer in layers if sweep % 2 == 0 else list(reversed(layers)):
            wanted = [
                _mean(name, before.get(name, []) + after.get(name, []), across) for name in layer
            ]
            across.update(zip(layer, _apart(layer, wanted, extents), strict=True))
    least = min((across[name] - extents[name] / 2 for name in across), default=0.0)
    return {name: place - least for name, place in across.items()}


def _mean(name: str, near: Sequence[str], across: Mapping[str, float]) -> float:
    """Return where *name* would like to be: boxes in line with boxes, and lanes straight."""
    if not near:
        return across[name]
    weights = [_WEIGHTS[_is_lane(name) + _is_lane(each)] for each in near]
    total = sum(weight * across[each] for weight, each in zip(weights, near, strict=True))
    return total / sum(weights)


def _is_lane(name: str) -> bool:
    return _LANE in name


def _apart(
    layer: Sequence[str], wanted: Sequence[float], extents: Mapping[str, float]
) -> list[float]:
    """Return places as near to *wanted* as can be, by least squares, in order and apart."""
    shifts, shift = [], 0.0
    for name, following in zip(layer, [*layer[1:], ""], strict=True):
        shifts.append(shift)
        shift += (extents[name] + extents.get(following, 0.0)) / 2 + _NEIGHBOUR_GAP
    # Without the distances it is a regression that must not fall: pool who violates that.
    pools: list[tuple[float, int]] = []
    for want, moved in zip(wanted, shifts, strict=True):
        mean, count = want - moved, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean, count = (mean * count + other * others) / (count + others), count + others
        pools.append((mean, count))
    flat = [mean for mean, count in pools for _ in range(count)]
    return [mean + moved for mean, moved in zip(flat, shifts, strict=True)]


def _stack(
    layers: Sequence[Sequence[str]], sizes: Mapping[str, Size]
) -> tuple[list[float], list[float]]:
    """Return for each layer where it begins along the flow, and how deep it is."""
    depths = [
        max((sizes[name].along for name in layer if name in sizes), default=0.0) for layer in layers
    ]
    starts, begin = [], 0.0
    for depth in depths:
        starts.append(begin)
        begin += depth + _LAYER_GAP
    return starts, depths


def _neighbours(links: Sequence[_Edge]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for start, end in links:
        before.setdefault(end, []).append(start)
        after.setdefault(start, []).append(end)
    return before, after


def _flat(layers: Sequence[Sequence[str]]) -> list[str]:
    return [name for layer in layers for name in layer]
