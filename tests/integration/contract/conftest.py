"""The places that must keep the promises of ``run.ports.Place``, each behind a harness."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.local.place import LocalPlace
from sf_ml_framework.run.ports import Place


class Harness(Protocol):
    """A place whose world a test can reopen and harm."""

    def open(self) -> Place:
        """Return the place as a new process would open it."""
        ...

    def remove(self, dataset: DatasetSpec, version: str) -> None:
        """Take away what stands at *version*, behind the place's back."""
        ...

    def damage(self, dataset: DatasetSpec, version: str) -> None:
        """Change what stands at *version*, behind the place's back."""
        ...

    def close(self) -> None:
        """Close every place that was opened."""
        ...


class LocalHarness:
    """A folder."""

    def __init__(self, root: Path, table_format: str) -> None:
        self._root = root
        self._format = table_format
        self._opened: list[LocalPlace] = []

    def open(self) -> LocalPlace:
        self._opened.append(LocalPlace(self._root, format=self._format))
        return self._opened[-1]

    def remove(self, dataset: DatasetSpec, version: str) -> None:
        self._file(dataset, version).unlink()

    def damage(self, dataset: DatasetSpec, version: str) -> None:
        file = self._file(dataset, version)
        data = file.read_bytes()
        file.write_bytes(data[: len(data) // 2])

    def close(self) -> None:
        for place in self._opened:
            place.close()

    def _file(self, dataset: DatasetSpec, version: str) -> Path:
        folder = self._root / "data" / dataset.name
        names = {
            "model": f"{version}.pkl",
            "document": f"{version}.json",
            "report": f"{version}/report.json",
            "table": f"{version}.{self._format}",
        }
        return folder / names[dataset.kind]


@pytest.fixture(params=["local csv", "local parquet"])
def harness(request, tmp_path) -> Iterator[Harness]:
    """Give each place in turn, empty."""
    made = LocalHarness(tmp_path, request.param.removeprefix("local "))
    yield made
    made.close()


@pytest.fixture
def place(harness) -> Place:
    return harness.open()
