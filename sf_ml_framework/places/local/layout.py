"""Where each version of a dataset stands under the project's folder.

data/<dataset>/<version>.csv                      a table (or .parquet)
data/<dataset>/<version>.pkl                      a model
data/<dataset>/<version>.json                     a document
data/<dataset>/<version>/report.json              a report, its figures beside it
data/<dataset>/<version>.csv.manifest.json        what is known of the file beside it
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.run.bindings import looks_like_path

TableFormat = Literal["csv", "parquet"]

SIDECAR = ".manifest.json"
"""What the name of an artifact ends with, for the name of what is known of it."""

STATE = ".mlops"
"""Folder of the project for what is not data."""

_NAME = re.compile(r"[^\W.][\w .+\-]{0,127}")


class Layout:
    """Turns datasets and versions into paths, and refuses what would leave the folder.

    Args:
        root: the project's folder.
        data: folder of the datasets, relative to *root*.
        table_format: format in which tables are written.
    """

    def __init__(self, root: Path, data: str, table_format: TableFormat) -> None:
        self.root = root.absolute()
        self.data = self.root / data
        self.state = self.root / STATE
        self.table_format = table_format

    def artifact(self, dataset: DatasetSpec, version: str) -> Path:
        """Return the file, or the folder of a report, that holds *version*.

        Raises:
            DataError: the names would lead out of the folder of the data.
        """
        return self.folder(dataset) / f"{_checked('version', version)}{self.suffix(dataset)}"

    def folder(self, dataset: DatasetSpec) -> Path:
        """Return the folder of every version of *dataset*."""
        return self.data / _checked("dataset", dataset.name)

    def suffix(self, dataset: DatasetSpec) -> str:
        """Return what the names of the artifacts of *dataset* end with."""
        by_kind = {"model": ".pkl", "document": ".json", "report": ""}
        return by_kind.get(dataset.kind, f".{self.table_format}")

    def source(self, dataset: DatasetSpec, version: str) -> Path | None:
        """Return the file of a source: a path as version, or the catalog's own path."""
        if looks_like_path(version):
            return self.root / Path(version).expanduser()
        if dataset.path and version == dataset.version:
            return self.root / Path(dataset.path).expanduser()
        return None

    def versions(self, dataset: DatasetSpec) -> Iterator[tuple[str, Path]]:
        """Yield each version of *dataset* that stands in its folder, with its artifact."""
        suffix = self.suffix(dataset)
        folder = self.folder(dataset)
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path.name.startswith(".") or path.name.endswith(SIDECAR):
                continue
            if path.name.endswith(suffix) and path.is_dir() == (dataset.kind == "report"):
                yield path.name.removesuffix(suffix), path

    def location(self, path: Path) -> str:
        """Return *path* for a person: relative to the project where it lies in it."""
        return path.relative_to(self.root).as_posix() if self.holds(path) else str(path)

    def holds(self, path: Path) -> bool:
        """Return whether *path* lies in the project's folder."""
        return path.is_relative_to(self.root)


def sidecar_of(artifact: Path) -> Path:
    """Return the path of what is known of *artifact*."""
    return artifact.with_name(artifact.name + SIDECAR)


def _checked(what: str, name: str) -> str:
    ends_like_ours = f"{name}.json".endswith(SIDECAR)
    if _NAME.fullmatch(name) and not name.endswith((" ", ".")) and not ends_like_ours:
        return name
    raise DataError(
        f"{name!r} cannot be the name of a {what} in a folder",
        remedy="write letters, digits, _, - and . and begin with a letter or digit",
    )
