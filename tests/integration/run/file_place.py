"""A place of few lines: each version is a pickle, hashed whenever it is asked for.

It implements the Place port, so that the runner can be tested without the local place.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec, Frame
from sf_ml_framework.run.bindings import looks_like_path
from sf_ml_framework.run.records import Saved


class FilePlace:
    """Keeps ``data/<dataset>/<version>.pkl`` below a folder."""

    feature_store = None
    model_registry = None

    def __init__(self, root: Path) -> None:
        self.root = root

    def for_node(self, *, run_id: str, node: str, commit: str) -> FilePlace:
        return self

    def resolve(self, dataset: DatasetSpec, version: str) -> str:
        if version == "current":
            return dataset.version
        if version != "latest":
            return version
        files = sorted((self.root / "data" / dataset.name).glob("*.pkl"), key=os.path.getmtime)
        if not files:
            raise DataError(f"{dataset.name} has no version", remedy="run the node that makes it")
        return files[-1].stem

    def find(self, dataset: DatasetSpec, version: str) -> Saved | None:
        file = self._file(dataset, version)
        if not file.is_file():
            return None
        data = file.read_bytes()
        if not looks_like_path(version) and not data.endswith(b"."):
            return None
        return Saved(
            dataset=dataset.name,
            version=version,
            content=hashlib.sha256(data).hexdigest(),
            bytes=len(data),
            location=str(file),
        )

    def why_not_found(self, dataset: DatasetSpec, version: str) -> str:
        if self.find(dataset, version):
            return ""
        return "damaged" if self._file(dataset, version).is_file() else "missing"

    def load(self, dataset: DatasetSpec, version: str, *, frame: Frame, dataclass: str = "") -> Any:
        if self.find(dataset, version) is None:
            raise DataError(f"{dataset.name}@{version} is not there", remedy="run its node")
        data = self._file(dataset, version).read_bytes()
        return data.decode() if looks_like_path(version) else pickle.loads(data)

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Saved:
        if callable(value):
            # Lazy values are computed when they are saved, as an expression is.
            value = value()
        file = self._file(dataset, version)
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".tmp")
        try:
            temporary.write_bytes(pickle.dumps(value))
            temporary.replace(file)
        except OSError as error:
            raise DataError(f"{file} cannot be written: {error}", remedy="make room") from error
        found = self.find(dataset, version)
        assert found is not None
        return found

    def close(self) -> None:
        pass

    def _file(self, dataset: DatasetSpec, version: str) -> Path:
        if looks_like_path(version):
            return self.root / version
        return self.root / "data" / dataset.name / f"{version}.pkl"
