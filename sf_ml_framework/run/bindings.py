"""What fills a node in one run: its declaration, with a person's overrides laid over it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import msgspec

from sf_ml_framework.errors import DataError, UnknownNameError, UsageError
from sf_ml_framework.identifiers import why_not_version
from sf_ml_framework.manifest.model import DatasetSpec, InputSpec, Manifest, NodeSpec
from sf_ml_framework.run.overrides import Overrides
from sf_ml_framework.run.ports import Place

SUFFIXES = (".csv", ".parquet", ".json", ".pkl", ".pickle", ".html")
"""Ends of a text that is a file's path even when it holds no ``/``."""


class OutputBinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where one returned value goes in this run."""

    dataset: str
    version: str
    key: str = ""
    """Key of the returned dict; empty: the whole value, or the place in a tuple."""
    declared: str = ""
    """The dataset that the node declares, which may have been redirected."""


class Bindings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node with everything filled in for one run."""

    node: str
    params: dict[str, Any] = {}
    inputs: tuple[InputSpec, ...] = ()
    """As declared, with dataset and version of this run."""
    outputs: tuple[OutputBinding, ...] = ()
    more_inputs: dict[str, Any] = {}
    """Further keys for a function that takes the reserved ``inputs`` dict."""
    more_outputs: dict[str, Any] = {}

    @property
    def deciding_params(self) -> dict[str, Any]:
        """Every plain value that the function sees, under names that cannot clash."""
        return {
            **self.params,
            **{f"inputs.{name}": value for name, value in self.more_inputs.items()},
            **{f"outputs.{name}": value for name, value in self.more_outputs.items()},
        }


def bind(manifest: Manifest, selection: Sequence[str], overrides: Overrides) -> dict[str, Bindings]:
    """Return for each selected node what fills it; versions are not resolved yet.

    A node that reads the current version of what another selected node writes elsewhere in this
    run reads it there.

    Raises:
        UsageError: an override names nothing, or gives what cannot be.
    """
    every = {node.name: node for node in manifest.nodes}
    datasets = {dataset.name: dataset for dataset in manifest.datasets}
    drafts = {name: _Draft(every[name], datasets) for name in selection}
    for key, value in overrides.inputs.items():
        for draft, name in _addressed(key, drafts, every, "input"):
            draft.set_input(name, value)
    for key, text in overrides.params.items():
        for draft, name in _addressed(key, drafts, every, "parameter"):
            draft.set_param(name, _typed(draft.node, name, text))
    for key, value in overrides.outputs.items():
        for draft, name in _addressed(key, drafts, every, "output"):
            draft.set_output(name, value)
    moved = {output.declared: output for each in drafts.values() for output in each.moved()}
    bound = {name: draft.finish(moved) for name, draft in drafts.items()}
    _refuse_clashes(bound)
    return bound


def resolve(bindings: Bindings, datasets: Mapping[str, DatasetSpec], place: Place) -> Bindings:
    """Return *bindings* with every version of an input resolved by *place*.

    Raises:
        DataError: ``latest`` was asked for and there is none.
    """
    inputs = tuple(
        msgspec.structs.replace(each, version=_resolved(each, bindings.node, datasets, place))
        for each in bindings.inputs
    )
    return msgspec.structs.replace(bindings, inputs=inputs)


def looks_like_path(text: str) -> bool:
    """Return whether *text* stands for a file rather than for a version or a dataset."""
    return "/" in text or PurePosixPath(text).suffix.lower() in SUFFIXES


def _resolved(spec: InputSpec, node: str, datasets: Mapping[str, DatasetSpec], place: Place) -> str:
    try:
        return place.resolve(datasets[spec.dataset], spec.version)
    except DataError as error:
        raise DataError(
            f"input {spec.argument!r} of {node!r}: {error}", remedy=error.remedy
        ) from error


class _Draft:
    """The bindings of one node while overrides are laid over them."""

    def __init__(self, node: NodeSpec, datasets: Mapping[str, DatasetSpec]) -> None:
        self.node = node
        self.datasets = datasets
        self.params = dict(node.params)
        self.inputs = {spec.argument: spec for spec in node.inputs}
        self.outputs = {
            spec.key or spec.dataset: OutputBinding(
                dataset=spec.dataset,
                version=self.datasets[spec.dataset].version,
                key=spec.key,
                declared=spec.dataset,
            )
            for spec in node.outputs
        }
        self.more_inputs: dict[str, Any] = {}
        self.more_outputs: dict[str, Any] = {}
        self.rebound: set[str] = set()

    def names(self, kind: str) -> set[str]:
        """Return what an override of that kind can name here."""
        if kind == "output":
            return {*self.outputs, *(each.dataset for each in self.outputs.values())}
        params = {*self.params, *self.node.param_types}
        return params if kind == "parameter" else params | set(self.inputs)

    def takes_more(self, kind: str) -> bool:
        return kind != "parameter" and f"{kind}s" in self.node.reserved

    def set_param(self, name: str, value: Any) -> None:
        from sf_ml_framework.manifest.arguments import matches_type

        wanted = self.node.param_types.get(name, "any")
        if not matches_type(value, wanted):
            raise UsageError(
                f"parameter {name!r} of {self.node.name!r} is {json.dumps(value)}",
                remedy=f"it asks for {wanted.replace('|', ' or ')}",
            )
        self.params[name] = value

    def set_input(self, name: str, value: Any) -> None:
        if name in self.inputs:
            spec = self.inputs[name]
            dataset, version = self._binding(name, value, spec.dataset, "input")
            self.inputs[name] = msgspec.structs.replace(spec, dataset=dataset, version=version)
            self.rebound.add(name)
        elif name in self.names("parameter"):
            self.set_param(name, value)
        else:
            self.more_inputs[name] = value

    def set_output(self, name: str, value: Any) -> None:
        of_dataset = {each.dataset: key for key, each in self.outputs.items()}
        key = name if name in self.outputs else of_dataset.get(name, "")
        if not key:
            self.more_outputs[name] = value
            return
        output = self.outputs[key]
        dataset, version = self._binding(name, value, output.dataset, "output")
        spec = self.datasets[dataset]
        if spec.path or version == "latest" or looks_like_path(version):
            raise UsageError(
                f"output {name!r} of {self.node.name!r} cannot go to {value!r}",
                remedy="name a dataset that nodes make, and a version, as in 'features@v1.2.0'",
            )
        version = spec.version if version == "current" else version
        self.outputs[key] = msgspec.structs.replace(output, dataset=dataset, version=version)

    def moved(self) -> Iterator[OutputBinding]:
        """Yield each output that goes elsewhere than its dataset's current version."""
        for output in self.outputs.values():
            if (output.dataset, output.version) != (
                output.declared,
                self.datasets[output.declared].version,
            ):
                yield output

    def finish(self, moved: Mapping[str, OutputBinding]) -> Bindings:
        """Return the bindings; what other nodes *moved* is read where it went."""
        inputs = []
        for argument, spec in self.inputs.items():
            output = moved.get(spec.dataset)
            follows = output and spec.version == "current" and argument not in self.rebound
            inputs.append(
                msgspec.structs.replace(spec, dataset=output.dataset, version=output.version)
                if output and follows
                else spec
            )
        return Bindings(
            node=self.node.name,
            params=self.params,
            inputs=tuple(inputs),
            outputs=tuple(self.outputs.values()),
            more_inputs=self.more_inputs,
            more_outputs=self.more_outputs,
        )

    def _binding(self, name: str, value: Any, declared: str, kind: str) -> tuple[str, str]:
        """Return the dataset and version that *value* stands for."""
        who = f"{kind} {name!r} of {self.node.name!r}"
        if not isinstance(value, str) or not value.strip():
            raise UsageError(
                f"{who} is {json.dumps(value)}, and that names no dataset",
                remedy=f"write a dataset and a version, as in '{declared}@v1.2.0'",
            )
        if looks_like_path(value):
            return declared, value
        dataset, at, version = value.partition("@")
        dataset = dataset or declared
        if dataset not in self.datasets:
            raise UnknownNameError(kind="dataset", name=dataset, known=self.datasets)
        if at and (why := why_not_version(version)):
            raise UsageError(f"{who} is {value!r}, whose version cannot be", remedy=why)
        wanted, given = self.datasets[declared].kind, self.datasets[dataset].kind
        if wanted != given:
            raise UsageError(
                f"{who} is the {given} {dataset!r}, and it takes a {wanted}",
                remedy=f"name a dataset of the kind {wanted}",
            )
        return dataset, version or "current"


def _addressed(
    key: str, drafts: Mapping[str, _Draft], every: Collection[str], kind: str
) -> list[tuple[_Draft, str]]:
    """Return whom an override's *key* concerns, each with the bare name."""
    head, dot, rest = key.partition(".")
    if dot and head in drafts:
        draft = drafts[head]
        if rest not in draft.names(kind) and not draft.takes_more(kind):
            label = f"{_LABELS[kind]} of node {head!r}"
            raise UnknownNameError(kind=label, name=rest, known=draft.names(kind))
        return [(draft, rest)]
    if dot and head in every:
        raise UsageError(
            f"{key!r} is for node {head!r}, which is not among those that run",
            remedy=f"these run: {', '.join(drafts)}",
        )
    found = [each for each in drafts.values() if key in each.names(kind)]
    found = found or [each for each in drafts.values() if each.takes_more(kind)]
    if not found:
        owner = f" of node {next(iter(drafts))!r}" if len(drafts) == 1 else " of a selected node"
        known = {name for each in drafts.values() for name in each.names(kind)}
        raise UnknownNameError(kind=_LABELS[kind] + owner, name=key, known=known)
    return [(each, key) for each in found]


_LABELS = {"input": "parameter or input", "parameter": "parameter", "output": "output"}


def _typed(node: NodeSpec, name: str, text: str) -> Any:
    """Return *text*, typed by a person without quotes, as the type that the node asks for."""
    wanted = node.param_types.get(name, "any")
    if wanted.startswith("string") and not (text == "null" and wanted.endswith("|null")):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        # A text where JSON is wanted is refused with the name of its type, by who sets it.
        return text


def _refuse_clashes(bound: Mapping[str, Bindings]) -> None:
    makers: dict[tuple[str, str], str] = {}
    for name, bindings in bound.items():
        for output in bindings.outputs:
            place = (output.dataset, output.version)
            if place in makers:
                raise UsageError(
                    f"{output.dataset}@{output.version} would be written twice,"
                    f" by {makers[place]!r} and by {name!r}",
                    remedy="give each output a version of its own",
                )
            makers[place] = name
