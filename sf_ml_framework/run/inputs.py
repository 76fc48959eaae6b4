"""Where the inputs of a run come from: from nodes of this run, or from what stands already."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError

from sf_ml_framework.errors import DataError, UsageError
from sf_ml_framework.manifest import graph
from sf_ml_framework.manifest.graph import Edges
from sf_ml_framework.manifest.model import DatasetSpec, InputSpec, Manifest
from sf_ml_framework.run.bindings import Bindings, looks_like_path, resolve
from sf_ml_framework.run.ports import Place

Slot = tuple[str, str]
"""A dataset and a version of it."""


def edges_of_run(manifest: Manifest, bound: Mapping[str, Bindings]) -> Edges:
    """Return for each node of the run, in the manifest's order, the nodes of it that it waits for.

    Raises:
        UsageError: overrides let nodes wait for each other.
    """
    makers = _Makers(manifest, bound)
    declared = graph.edges_of(manifest)
    edges: Edges = {}
    for name, bindings in bound.items():
        before = {each for each in declared[name] if each in bound}
        for spec in bindings.inputs:
            before |= makers.of(spec)
        # Who overwrites what it reads does not wait for itself.
        edges[name] = tuple(sorted(before - {name}))
    try:
        graph.sort(edges)
    except CycleError as error:
        path = " -> ".join(reversed(error.args[1]))
        raise UsageError(
            f"with these inputs and outputs nodes wait for each other: {path}",
            remedy="read another version, or write to another one",
        ) from error
    return edges


def check_present(manifest: Manifest, bound: Mapping[str, Bindings], place: Place) -> None:
    """Refuse a run before it begins when what no node of it makes is not there.

    Raises:
        DataError: inputs are missing or damaged; names them all, and who makes them.
    """
    makers = _Makers(manifest, bound)
    datasets = {dataset.name: dataset for dataset in manifest.datasets}
    wanted: dict[Slot, str] = {}
    for name, bindings in bound.items():
        given = tuple(spec for spec in bindings.inputs if not makers.of(spec) - {name})
        partial = Bindings(node=name, inputs=given)
        for spec in resolve(partial, datasets, place).inputs:
            wanted.setdefault((spec.dataset, spec.version), f"{spec.argument!r} of node {name!r}")
    absent = {
        slot: who for slot, who in wanted.items() if place.find(datasets[slot[0]], slot[1]) is None
    }
    if absent:
        raise DataError(
            _message(absent, datasets, place), remedy=_remedy(list(absent), manifest, datasets)
        )


def title(dataset: str, version: str) -> str:
    """Return how a person names a version of a dataset."""
    return version if looks_like_path(version) else f"{dataset}@{version}"


class _Makers:
    """Which nodes of a run make what."""

    def __init__(self, manifest: Manifest, bound: Mapping[str, Bindings]) -> None:
        self._current = {dataset.name: dataset.version for dataset in manifest.datasets}
        self._by_slot: dict[Slot, set[str]] = {}
        self._by_dataset: dict[str, set[str]] = {}
        for name, bindings in bound.items():
            for output in bindings.outputs:
                self._by_slot.setdefault((output.dataset, output.version), set()).add(name)
                self._by_dataset.setdefault(output.dataset, set()).add(name)

    def of(self, spec: InputSpec) -> set[str]:
        """Return the nodes of the run that make what *spec* reads."""
        if spec.version == "latest":
            return self._by_dataset.get(spec.dataset, set())
        version = self._current[spec.dataset] if spec.version == "current" else spec.version
        return self._by_slot.get((spec.dataset, version), set())


def _message(absent: Mapping[Slot, str], datasets: Mapping[str, DatasetSpec], place: Place) -> str:
    told = []
    for (dataset, version), who in absent.items():
        why = place.why_not_found(datasets[dataset], version) or "missing"
        told.append(f"input {who} is {why}: {title(dataset, version)}")
    return "; ".join(told)


def _remedy(absent: list[Slot], manifest: Manifest, datasets: Mapping[str, DatasetSpec]) -> str:
    """Return the command that makes what is absent, or what a person must put there."""
    makers = []
    for dataset, version in absent:
        spec, maker = datasets[dataset], manifest.producer(dataset)
        if looks_like_path(version):
            return f"there must be a whole file at {version}"
        if maker is None:
            return f"put a whole file at {spec.path or dataset}"
        if version != spec.version:
            return f"no run wrote that version; the current one is {spec.version}"
        makers.append(maker.name)
    names = sorted(set(makers), key=[node.name for node in manifest.nodes].index)
    flags = " ".join(f"--nodes {name}" for name in names)
    verb = "makes" if len(names) == 1 else "make"
    return f"{', '.join(names)} {verb} it: `mlops run {flags}`"
