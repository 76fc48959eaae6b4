"""The author's word for a step of the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sf_ml_framework.author.declaration import place_of_caller


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """One step: a plain function, the data it reads and writes, and how it is run.

    ``inputs`` names for an argument of the function the dataset it is filled with, as
    ``"raw_customers"`` or ``"raw_customers@v1.2.0"``; ``params`` gives the other arguments.
    ``outputs`` names what the returned value is saved as: one name, a sequence of names for a
    returned tuple, or for a returned dict the dataset of each key. ``dependencies`` are nodes
    that must have run before; those that the datasets already imply may be left out.

    ``memory_request`` is a quantity with a unit (``"8Gi"``), ``cpu_request`` processors
    (``"4"``, ``"500m"``), ``compute_pool_size`` one of XSMALL, SMALL, MEDIUM, LARGE and XLARGE.
    What cannot be is reported with this declaration's own line, together with every other
    fault of the project, by whatever command reads it first.
    """

    name: str
    function: Callable[..., Any]
    compute_pool_size: str = "SMALL"
    memory_request: str = "2Gi"
    cpu_request: str = "1"
    timeout_minutes: float = 60
    dependencies: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: str | Sequence[str] | Mapping[str, str] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 0
    tags: Sequence[str] = ()
    secrets: Sequence[str] = ()
    external_access: Sequence[str] = ()
    target_instances: int = 1
    description: str = ""
    place: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", place_of_caller(2))
