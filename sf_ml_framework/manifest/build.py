"""From the author's project to the manifest: check everything, then freeze it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sf_ml_framework.author.dataset import Dataset
from sf_ml_framework.author.node import NodeConfig
from sf_ml_framework.author.project import Project
from sf_ml_framework.errors import Fault, ManifestError
from sf_ml_framework.identifiers import why_not_identifier
from sf_ml_framework.manifest import checks, graph
from sf_ml_framework.manifest.arguments import Filled, fill
from sf_ml_framework.manifest.graph import Edges
from sf_ml_framework.manifest.model import (
    FORMAT,
    ColumnSpec,
    DatasetSpec,
    Manifest,
    NodeSpec,
    Resources,
)
from sf_ml_framework.quantities import cpu_millis, memory_bytes, pool_size


def build(project: Project, root: Path) -> Manifest:
    """Return the manifest of *project*, whose files stand below the folder *root*.

    Raises:
        ManifestError: the declaration has faults; all of them, each with its place.
    """
    nodes, datasets = tuple(project.pipeline), tuple(project.catalog)
    catalog = {dataset.name: dataset for dataset in datasets}
    filled = {node.name: fill(node, catalog) for node in nodes}
    edges, faults = _edges(nodes, datasets, filled)
    if why := why_not_identifier(project.name):
        faults.insert(0, Fault(message=f"the project cannot be named {project.name!r}", remedy=why))
    faults += [fault for each in filled.values() for fault in each.faults]
    if faults:
        raise ManifestError([_relative(fault, root) for fault in faults])
    by_name = {node.name: node for node in nodes}
    return Manifest(
        format=FORMAT,
        project=project.name,
        nodes=tuple(
            _node(by_name[name], filled[name], edges[name], root) for name in graph.sort(edges)
        ),
        datasets=tuple(_dataset(dataset, root) for dataset in datasets),
    )


def _edges(
    nodes: tuple[NodeConfig, ...], datasets: tuple[Dataset, ...], filled: dict[str, Filled]
) -> tuple[Edges, list[Fault]]:
    """Return for each node what it waits for, and the faults of the graph and its parts."""
    outputs = {name: [each.dataset for each in fill.outputs] for name, fill in filled.items()}
    current = {dataset.name: ("current", "latest", dataset.version) for dataset in datasets}
    inputs = {
        name: [
            each.dataset
            for each in fill.inputs
            if each.version in current.get(each.dataset, (each.version,))
        ]
        for name, fill in filled.items()
    }
    maker = {dataset: name for name, made in outputs.items() for dataset in made}
    implied = {
        node.name: tuple(sorted({maker[name] for name in inputs[node.name] if name in maker}))
        for node in nodes
    }
    edges = {
        node.name: tuple(
            sorted({*implied[node.name], *(name for name in node.dependencies if name in implied)})
        )
        for node in nodes
    }
    faults = [
        *checks.check_datasets(datasets),
        *checks.check_names(nodes),
        *(fault for node in nodes for fault in checks.check_quantities(node)),
        *checks.check_producers(nodes, outputs, inputs, datasets),
    ]
    contradictions = list(checks.check_dependencies(nodes, implied))
    faults += contradictions
    if not contradictions:
        faults += checks.check_graph(edges, {node.name: node.place for node in nodes})
    return edges, faults


def _node(node: NodeConfig, filled: Filled, before: Iterable[str], root: Path) -> NodeSpec:
    return NodeSpec(
        name=node.name,
        function=f"{node.function.__module__}:{node.function.__qualname__}",
        inputs=filled.inputs,
        outputs=filled.outputs,
        params=filled.params,
        param_types=filled.param_types,
        reserved=filled.reserved,
        dependencies=tuple(before),
        resources=Resources(
            pool_size=pool_size(node.compute_pool_size),
            memory_bytes=memory_bytes(node.memory_request),
            cpu_millis=cpu_millis(node.cpu_request),
            target_instances=node.target_instances,
            timeout_seconds=max(1, round(node.timeout_minutes * 60)),
        ),
        retries=node.retries,
        tags=tuple(node.tags),
        secrets=tuple(node.secrets),
        external_access=tuple(node.external_access),
        description=node.description or _first_line(node.function.__doc__),
        place=_short(node.place, root),
    )


def _dataset(dataset: Dataset, root: Path) -> DatasetSpec:
    return DatasetSpec(
        name=dataset.name,
        kind=dataset.kind,
        version=dataset.version,
        description=dataset.description,
        entity=dataset.entity,
        join_keys=tuple(dataset.join_keys),
        timestamp_column=dataset.timestamp_column or "",
        columns=tuple(
            ColumnSpec(
                name=column.name,
                type=column.type,
                description=column.description,
                nullable=column.nullable,
                unique=column.unique,
                minimum=column.minimum,
                maximum=column.maximum,
                allowed=tuple(column.allowed),
            )
            for column in dataset.columns
        ),
        refresh_freq=dataset.refresh_freq or "",
        path=dataset.path,
        place=_short(dataset.place, root),
    )


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().partition("\n")[0]


def _relative(fault: Fault, root: Path) -> Fault:
    remedy = fault.remedy.replace(f"{root}/", "")
    return Fault(message=fault.message, remedy=remedy, place=_short(fault.place, root))


def _short(place: str, root: Path) -> str:
    """Return ``file:line`` with the file relative to *root*, where it is below it."""
    file, _, line = place.rpartition(":")
    path = Path(file)
    return f"{path.relative_to(root).as_posix()}:{line}" if path.is_relative_to(root) else place
