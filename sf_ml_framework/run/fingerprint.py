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
from sf_ml_framework.run.source_graph import WHOLE_PROJECT, Reach, SourceGraph

_FRAME_LIBRARIES: dict[Frame, tuple[str, ...]] = {
    "ibis": ("ibis", "duckdb"),
    "pandas": ("pandas",),
    "polars": ("polars",),
    "arrow": ("pyarrow",),
    "arrow_batches": ("pyarrow",),
}
"""A node computes with the library of a frame that it is handed, imported by name or not."""

EVERYTHING = "<installed>"
"""Stands among the libraries for all that is installed."""


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
    """Why the fingerprint says nothing, one sentence each."""


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
        named = set(reach.libraries)
        code, kinds = dict(reach.code), dict(reach.kinds)
        for each in inputs:
            named.update(_FRAME_LIBRARIES.get(each.frame, ()))
            argument = f"{function}({each.argument})"
            code[argument] = _hash(f"{each.frame} {each.dataclass}")
            kinds[argument] = "argument"
        libraries = self._libraries.versions(named)
        if reach.computed:
            code[WHOLE_PROJECT] = _hash(self._files.digest_of_all())
            kinds[WHOLE_PROJECT] = f"any of its files, because {reach.computed[0]}"
            libraries[EVERYTHING] = _hash(self._libraries.digest_of_all())
        return Fingerprint(
            code=dict(sorted(code.items())),
            kinds=kinds,
            libraries=libraries,
            unsure=tuple(f"the source of {name} was not found" for name in self._absent(reach)),
        )

    def _absent(self, reach: Reach) -> list[str]:
        """Return the functions and dataclasses whose source nobody has."""
        unknown = [
            name
            for name in reach.outside
            if ABSENT in self._libraries.versions([name.partition(":")[0]]).values()
        ]
        return reach.absent + unknown


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
