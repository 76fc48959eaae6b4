"""The manifest: a project as frozen data. It holds names of functions, never functions.

Everything past this file (run, plan, deploy, places) reads these types and nothing of the
author's, so whatever is compiled can be compiled without importing a line of the project.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from sf_ml_framework.quantities import PoolSize

FORMAT = 1
"""Version of this format; a reader refuses every other."""

Kind = Literal["table", "model", "report", "document"]

Frame = Literal[
    "ibis", "pandas", "polars", "arrow", "arrow_batches", "document", "dataclass", "model", "any"
]
"""As what a function takes an input: ``ibis`` is lazy, ``any`` is the default of the kind."""


class ColumnSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One column of a table and what must hold of each of its values."""

    name: str
    type: str
    """One of ``types.NAMES``, or ``decimal(p,s)``."""
    description: str = ""
    nullable: bool = True
    unique: bool = False
    minimum: int | float | str | None = None
    """Smallest value allowed, included; dates and timestamps in ISO 8601."""
    maximum: int | float | str | None = None
    allowed: tuple[str | int | float | bool, ...] = ()


class DatasetSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dataset: what it is, and where in the world of versions its current one stands."""

    name: str
    kind: Kind
    version: str = "v1.0.0"
    description: str = ""
    entity: str = ""
    join_keys: tuple[str, ...] = ()
    timestamp_column: str = ""
    columns: tuple[ColumnSpec, ...] = ()
    """Empty: the columns are those that the node writes, with the types that they have."""
    refresh_freq: str = ""
    path: str = ""
    """Where a source stands, relative to the project; empty for what a node makes."""
    place: str = ""
    """``file:line`` of the declaration."""


class InputSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One argument of a function that is filled with a dataset."""

    argument: str
    dataset: str
    version: str = "current"
    frame: Frame = "any"
    dataclass: str = ""
    """``module:qualname`` of the dataclass that a document becomes."""


class OutputSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One returned value that is saved as a dataset."""

    dataset: str
    key: str = ""
    """Key of the returned dict; empty: the whole value, or the place in a tuple."""


class Resources(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a node asks of the machine it runs on."""

    pool_size: PoolSize = PoolSize.SMALL
    memory_bytes: int = 2 * 2**30
    cpu_millis: int = 1000
    target_instances: int = 1
    timeout_seconds: int = 3600


class NodeSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step: the name of its function, its data, and how it is run."""

    name: str
    function: str
    """``module:qualname``, importable with the project's folder on ``sys.path``."""
    inputs: tuple[InputSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    params: dict[str, Any] = {}
    """JSON values: what the author gave, with the function's own defaults for the rest."""
    reserved: tuple[str, ...] = ()
    """Which of the four reserved arguments the function takes."""
    param_types: dict[str, str] = {}
    """JSON type of each parameter that the function annotates: integer, number, string…"""
    dependencies: tuple[str, ...] = ()
    """Every node that must have run: those the datasets imply and those declared, sorted."""
    resources: Resources = Resources()
    retries: int = 0
    tags: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    external_access: tuple[str, ...] = ()
    description: str = ""
    place: str = ""

    @property
    def dataset_outputs(self) -> tuple[str, ...]:
        """Names of the datasets that the node makes, in the order it declares them."""
        return tuple(output.dataset for output in self.outputs)


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A whole project. Nodes stand in the order in which they may run."""

    format: int
    project: str
    nodes: tuple[NodeSpec, ...]
    datasets: tuple[DatasetSpec, ...]

    def node(self, name: str) -> NodeSpec:
        """Return the node of that name.

        Raises:
            KeyError: there is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def dataset(self, name: str) -> DatasetSpec:
        """Return the dataset of that name.

        Raises:
            KeyError: there is none.
        """
        for dataset in self.datasets:
            if dataset.name == name:
                return dataset
        raise KeyError(name)

    def producers(self) -> dict[str, str]:
        """Return for each dataset that a node makes the name of that node."""
        return {made: node.name for node in self.nodes for made in node.dataset_outputs}

    def producer(self, dataset: str) -> NodeSpec | None:
        """Return the node that makes *dataset*; none for a source."""
        for node in self.nodes:
            if dataset in node.dataset_outputs:
                return node
        return None
