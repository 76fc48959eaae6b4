"""What is not there, and how a person gets it."""

from __future__ import annotations

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec, Manifest
from sf_ml_framework.run.bindings import looks_like_path


class MissingError(DataError):
    """There is nothing at that version."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)


class Remedies:
    """Tells how what is absent or damaged is made.

    Args:
        manifest: knows which node makes what; none: the remedies name no node.
    """

    def __init__(self, manifest: Manifest | None) -> None:
        self._manifest = manifest

    def node(self, dataset: DatasetSpec) -> str:
        """Return the name of the node that makes *dataset*; empty when none is known."""
        found = self._manifest.producer(dataset.name) if self._manifest else None
        return found.name if found else ""

    def remake(self, dataset: DatasetSpec, version: str) -> str:
        """Return how a person gets that version, made or made again."""
        if looks_like_path(version):
            return "put it into a table of the account, and name its version"
        if dataset.path:
            return f"put it into the table {dataset.name.upper()} of the target's schema"
        if version != dataset.version:
            return f"no run writes it now; the catalog's version is {dataset.version!r}"
        return f"make it again: run the node {self.node(dataset) or f'that makes {dataset.name}'}"
