"""Whether the results of a node still hold, and if not, why not.

A node is skipped when an earlier success had the same key and everything it wrote then stands in
the place, whole and with the same content. A key is the code that the node reaches, its
parameters, the content of its inputs, the catalog's columns of what it reads and writes, the
versions of its libraries, and where its results go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from sf_ml_framework.manifest.model import DatasetSpec, Manifest, NodeSpec
from sf_ml_framework.run.bindings import Bindings
from sf_ml_framework.run.fingerprint import Fingerprint, Fingerprints
from sf_ml_framework.run.keys import canonical, catalog_name, differences
from sf_ml_framework.run.ports import Journal, Place
from sf_ml_framework.run.records import NodeKey, NodeRun, Reason, Saved

SCHEME = 1
"""Changes whenever keys are made in another way, so that no old key can match by accident."""

STATE = ".mlops"
"""Folder of the project for what only saves time."""

_OBJECTS = ("feature_store", "model_registry")


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a node may be skipped."""

    hit: bool
    reason: Reason
    """Why it must run, by the first difference; ``unchanged`` when it need not."""
    differences: tuple[Reason, ...] = ()
    """Everything that differs from the last success."""
    success: NodeRun | None = None
    """On a hit the run whose results hold; its outputs, metrics and rows are those of now."""

    @property
    def outputs(self) -> tuple[Saved, ...]:
        """On a hit, what stands in the place."""
        return self.success.outputs if self.success else ()


class Cache:
    """Decides for the nodes of one project; reads, and writes nothing but its own notes.

    Args:
        root: the project's folder.
        journal: what ran before.
        place: where the results stand.
        manifest: the project.
    """

    def __init__(self, root: Path, journal: Journal, place: Place, manifest: Manifest) -> None:
        self._journal = journal
        self._place = place
        self._datasets = {dataset.name: dataset for dataset in manifest.datasets}
        self._prints = Fingerprints(root, root / STATE)

    def key(self, node: NodeSpec, bindings: Bindings, inputs: Mapping[str, Saved]) -> NodeKey:
        """Return the key of *node*.

        Args:
            node: the declaration.
            bindings: what fills it, the versions of inputs resolved.
            inputs: for each argument what ``place.find`` found for it.
        """
        print_ = self._print(node, bindings)
        return NodeKey(
            scheme=SCHEME,
            code={**print_.code, **self._catalog(bindings)},
            params=canonical(bindings.deciding_params),
            inputs={
                each.argument: _input(each.dataset, each.version, inputs[each.argument])
                for each in bindings.inputs
            },
            libraries=print_.libraries,
            outputs={
                each.key or each.declared: f"{each.dataset}@{each.version}"
                for each in bindings.outputs
            },
        )

    def decide(
        self, node: NodeSpec, bindings: Bindings, key: NodeKey, *, force: bool = False
    ) -> Decision:
        """Return whether the results of *node* hold under *key*, or why it must run."""
        last = self._journal.last_success(node.name)
        different = self._differences(node, bindings, last, key)
        never = self._never(node, bindings)
        if never:
            reason = Reason(kind="not_cacheable", detail=never)
            return Decision(hit=False, reason=reason, differences=different)
        if force:
            return Decision(hit=False, reason=Reason(kind="forced"), differences=different)
        success = self._journal.find_success(node.name, key.digest)
        broken = self._broken(success)
        if success and not broken:
            detail = f"since run {success.run_id}"
            return Decision(
                hit=True, reason=Reason(kind="unchanged", detail=detail), success=success
            )
        # The last success may differ although an older one matches, whose results it replaced.
        found = (*different, *broken) or (Reason(kind="first_run"),)
        return Decision(hit=False, reason=found[0], differences=found)

    def keep(self) -> None:
        """Write what makes the next process quick; nothing is lost when that is impossible."""
        self._prints.keep()

    def _print(self, node: NodeSpec, bindings: Bindings) -> Fingerprint:
        # A table that is asked for as nothing in particular is loaded as a frame of pandas.
        inputs = tuple(
            msgspec.structs.replace(each, frame="pandas")
            if each.frame == "any" and self._datasets[each.dataset].kind == "table"
            else each
            for each in bindings.inputs
        )
        return self._prints.of(node.function, inputs)

    def _catalog(self, bindings: Bindings) -> dict[str, str]:
        names = {each.dataset for each in bindings.inputs}
        names |= {each.dataset for each in bindings.outputs}
        return {catalog_name(name): _shape(self._datasets[name]) for name in sorted(names)}

    def _differences(
        self, node: NodeSpec, bindings: Bindings, last: NodeRun | None, key: NodeKey
    ) -> tuple[Reason, ...]:
        if last is None or last.key is None:
            return ()
        kinds = self._print(node, bindings).kinds
        return tuple(differences(last.key, key, function=node.function, kinds=kinds))

    def _never(self, node: NodeSpec, bindings: Bindings) -> str:
        """Return why *node* can never be skipped; empty when it can."""
        objects = [name for name in _OBJECTS if name in node.reserved]
        if objects:
            return f"it takes {' and '.join(objects)}, and what it does with them is not recorded"
        if not bindings.outputs:
            return "it declares no outputs, so there is nothing that could still hold"
        return "; ".join(self._print(node, bindings).unsure)

    def _broken(self, success: NodeRun | None) -> tuple[Reason, ...]:
        """Return which results of *success* stand no longer as it wrote them."""
        return tuple(self._faults(success.outputs)) if success else ()

    def _faults(self, outputs: Sequence[Saved]) -> list[Reason]:
        faults: list[Reason] = []
        for saved in outputs:
            dataset = self._datasets.get(saved.dataset)
            name = f"{saved.dataset}@{saved.version}"
            stands = self._place.find(dataset, saved.version) if dataset else None
            if stands is not None and stands.content == saved.content:
                continue
            if stands is not None:
                detail = f"{name} has other content than the run wrote"
                faults.append(Reason(kind="output_damaged", detail=detail))
            elif dataset and self._place.why_not_found(dataset, saved.version) == "damaged":
                faults.append(Reason(kind="output_damaged", detail=name))
            else:
                faults.append(Reason(kind="output_missing", detail=name))
        return faults


def _input(dataset: str, version: str, saved: Saved) -> str:
    return f"{dataset}@{version}#{saved.content}"


def _shape(dataset: DatasetSpec) -> str:
    """Return the hash of what the catalog demands of a dataset; words for people are none of it."""
    columns: list[dict[str, Any]] = [
        {**msgspec.to_builtins(column), "description": ""} for column in dataset.columns
    ]
    return sha256(msgspec.json.encode([dataset.kind, columns], order="sorted")).hexdigest()[:16]
