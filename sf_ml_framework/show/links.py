"""Who hands what to whom: the edges of a picture of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sf_ml_framework.manifest.graph import Edges, ancestors, edges_of
from sf_ml_framework.manifest.model import Manifest


class Link(NamedTuple):
    """One edge; it begins at a node, or at a source when ``from_source``."""

    start: str
    end: str
    datasets: tuple[str, ...] = ()
    """What is handed over; nothing where one only waits for the other."""
    from_source: bool = False


def links_of(manifest: Manifest) -> list[Link]:
    """Return every hand-over, and every wait that follows from no other edge."""
    links: list[Link] = []
    edges = edges_of(manifest)
    for node in manifest.nodes:
        handed: dict[tuple[str, bool], list[str]] = {}
        for spec in node.inputs:
            producer = manifest.producer(spec.dataset)
            start = (producer.name, False) if producer else (spec.dataset, True)
            names = handed.setdefault(start, [])
            if spec.dataset not in names:
                names.append(spec.dataset)
        links += (
            Link(start, node.name, tuple(names), from_source)
            for (start, from_source), names in handed.items()
            if from_source or start != node.name
        )
        through = {start for start, from_source in handed if not from_source}
        links += (Link(wait, node.name) for wait in _bare(node.name, edges, through))
    return links


def sources_of(manifest: Manifest) -> list[str]:
    """Return the datasets that nodes read and none makes, in the order in which they are read."""
    return list(dict.fromkeys(link.start for link in links_of(manifest) if link.from_source))


def _bare(node: str, edges: Edges, through: set[str]) -> list[str]:
    """Return whom *node* waits for although no other edge says so."""
    waits = edges[node]
    return [
        wait
        for wait in waits
        if wait not in through
        and not any(wait in _before(other, edges) for other in waits if other != wait)
    ]


def _before(node: str, edges: Mapping[str, tuple[str, ...]]) -> set[str]:
    return ancestors(dict(edges), edges[node])
