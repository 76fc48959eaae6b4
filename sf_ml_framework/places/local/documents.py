"""Documents: a dict or a dataclass as a file of JSON that a person can read."""

from __future__ import annotations

from typing import Any

from sf_ml_framework.manifest.model import DatasetSpec, Frame
from sf_ml_framework.places.local.artifacts import Artifacts
from sf_ml_framework.places.local.layout import Layout
from sf_ml_framework.places.local.sidecar import Sidecar
from sf_ml_framework.places.local.writing import written
from sf_ml_framework.values.documents import decoded, encoded


class Documents:
    """Saves and loads documents.

    Args:
        layout: where they go.
        artifacts: finds them.
    """

    def __init__(self, layout: Layout, artifacts: Artifacts) -> None:
        self._layout = layout
        self._artifacts = artifacts

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Sidecar:
        """Write *value* and return what is known of it then.

        Raises:
            DataError: JSON cannot hold it, or the disk refuses.
        """
        path = self._layout.artifact(dataset, version)
        data = encoded(value, self._artifacts.what(dataset, version, path))
        return written(self._layout, dataset, version, {"": data})

    def load(self, dataset: DatasetSpec, version: str, frame: Frame, dataclass: str) -> Any:
        """Return the document at *version* as a dict, or as the *dataclass* of that name.

        Raises:
            DataError: it is absent, damaged, or does not fit the dataclass.
        """
        artifact = self._artifacts.open(dataset, version)
        return decoded(artifact.path.read_bytes(), frame, dataclass, artifact.what)
