"""A project in one target: what the target says of nodes, laid over their declarations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from sf_ml_framework.errors import SettingsError, nearest
from sf_ml_framework.manifest.checks import MAX_TIMEOUT_MINUTES
from sf_ml_framework.manifest.model import Manifest, NodeSpec
from sf_ml_framework.quantities import cpu_millis, memory_bytes, pool_size
from sf_ml_framework.targets import NodeChange, Target

_READERS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("compute_pool_size", "pool_size", pool_size),
    ("memory_request", "memory_bytes", memory_bytes),
    ("cpu_request", "cpu_millis", cpu_millis),
)
_BOUNDS = (
    ("timeout_minutes", 1 / 60, MAX_TIMEOUT_MINUTES),
    ("retries", 0, 30),
    ("target_instances", 1, 100),
)


def overlaid(manifest: Manifest, target: Target) -> Manifest:
    """Return *manifest* as *target* runs it.

    Raises:
        SettingsError: the target speaks of what a node does not have, or asks what cannot be.
    """
    if not target.nodes:
        return manifest
    known = {node.name: node for node in manifest.nodes}
    faults = [
        f"nodes.{name}: there is no such node ({nearest(name, known)})"
        for name in target.nodes
        if name not in known
    ]
    for name, change in target.nodes.items():
        if name in known:
            faults += [f"nodes.{name}.{fault}" for fault in _faults(known[name], change)]
    if faults:
        raise SettingsError(
            f"mlops.yml: targets.{target.name}: " + "; ".join(faults),
            remedy="see docs/reference/targets.md",
        )
    nodes = tuple(
        _changed(node, target.nodes[node.name]) if node.name in target.nodes else node
        for node in manifest.nodes
    )
    return msgspec.structs.replace(manifest, nodes=nodes)


def _faults(node: NodeSpec, change: NodeChange) -> Iterator[str]:
    for field, _, read in _READERS:
        if value := getattr(change, field):
            try:
                read(value)
            except ValueError as error:
                yield f"{field}: {error}"
    for field, low, high in _BOUNDS:
        amount = getattr(change, field)
        if amount is not None and not low <= amount <= high:
            yield f"{field} is {amount!r}: it is a number from {low:g} to {high:g}"
    from sf_ml_framework.manifest.arguments import matches_type

    for name, value in change.params.items():
        wanted = node.param_types.get(name, "any")
        if name not in {*node.params, *node.param_types}:
            known = {*node.params, *node.param_types}
            yield f"params.{name}: the node has no such parameter ({nearest(name, known)})"
        elif not matches_type(value, wanted):
            yield f"params.{name} is {value!r}: it asks for {wanted.replace('|', ' or ')}"


def _changed(node: NodeSpec, change: NodeChange) -> NodeSpec:
    resources = {
        to: read(value) for field, to, read in _READERS if (value := getattr(change, field))
    }
    if change.timeout_minutes is not None:
        resources["timeout_seconds"] = max(1, round(change.timeout_minutes * 60))
    if change.target_instances is not None:
        resources["target_instances"] = change.target_instances
    return msgspec.structs.replace(
        node,
        params={**node.params, **change.params},
        retries=node.retries if change.retries is None else change.retries,
        resources=msgspec.structs.replace(node.resources, **resources),
    )
