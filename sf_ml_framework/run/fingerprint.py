"""What of the world outside its data decides what a node computes: code and libraries.

Read from the files of the project; nothing of it is imported or run. What counts as reached is
told in ``source_graph``, what counts as a change of it in ``syntax``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from sf_ml_framework.manifest.model import Frame, InputSpec
from sf_ml_framework.run.libraries import ABSENT, Libraries
from sf_ml_framework.run.source_files import SourceFiles
from sf_ml_framework.run.source_graph import SourceGraph

_FRAME_LIBRARIES: dict[Frame, tuple[str, ...]] = {
    "ibis": ("ibis", "duckdb"),
    "pandas": ("pandas",),
    "polars": ("polars",),
    "arrow": ("pyarrow",),
    "arrow_batches": ("pyarrow",),
}
"""A node computes with the library of a frame that it is handed, imported by name or not."""


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """The code and the libraries of one node."""

    code: dict[str, str]
    """Hash of each piece of project code, by ``module:name``; ``module:function(argument)`` is
    the hash of the type as which an argument is asked for."""
    kinds: dict[str, str]
    """What each of them is: function, class, constant, statements, argument…"""
    libraries: dict[str, str]
    """Version of each distribution."""
    unsure: tuple[str, ...] = ()
    """Why the code may reach more than is known, one sentence each."""


class Fingerprints:
    """Fingerprints of the functions of the project in *root*, each taken once.

    What is slow to find out is kept in *state*, when given; call ``keep`` at the end.
    """

    def __init__(self, root: Path, state: Path | None = None) -> None:
        self._files = SourceFiles(root, state / "code.json" if state else None)
        self._graph = SourceGraph(self._files)
        self._libraries = Libraries(state / "libraries.json" if state else None)
        self._taken: dict[tuple[str, tuple[InputSpec, ...]], Fingerprint] = {}

    def of(self, function: str, inputs: Sequence[InputSpec] = ()) -> Fingerprint:
        """Return the fingerprint of *function*, ``module:qualname``, that takes *inputs*."""
        # The version and dataset of an input are no matter of code.
        plain = tuple(msgspec.structs.replace(each, dataset="", version="") for each in inputs)
        key = (function, plain)
        if key not in self._taken:
            self._taken[key] = self._take(function, plain)
        return self._taken[key]

    def keep(self) -> None:
        """Write what helps the next process, when anything new was found."""
        self._files.keep()
        self._libraries.keep()

    def _take(self, function: str, inputs: Iterable[InputSpec]) -> Fingerprint:
        dataclasses = [each.dataclass for each in inputs if each.dataclass]
        reach = self._graph.reach([function, *dataclasses])
        module = function.partition(":")[0]
        outside = not self._files.is_project(module)
        if outside and ABSENT in self._libraries.versions([module]).values():
            reach.unsure.append(f"the source of {function} was not found")
        libraries = set(reach.libraries)
        arguments: dict[str, str] = {}
        for each in inputs:
            libraries.update(_FRAME_LIBRARIES.get(each.frame, ()))
            asked = f"{each.frame} {each.dataclass}".encode()
            arguments[f"{function}({each.argument})"] = sha256(asked).hexdigest()[:16]
        return Fingerprint(
            code=dict(sorted({**reach.code, **arguments}.items())),
            kinds={**reach.kinds, **dict.fromkeys(arguments, "argument")},
            libraries=self._libraries.versions(libraries),
            unsure=tuple(reach.unsure),
        )
