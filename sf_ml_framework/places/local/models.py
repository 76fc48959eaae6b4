"""Models: a pickle, and beside it what must hold before it is unpickled; see ``values.models``."""

from __future__ import annotations

from typing import Any

from sf_ml_framework.errors import DataError, ModelError
from sf_ml_framework.manifest.model import DatasetSpec, Frame
from sf_ml_framework.places.local.artifacts import Artifact, Artifacts
from sf_ml_framework.places.local.layout import Layout
from sf_ml_framework.places.local.sidecar import Sidecar
from sf_ml_framework.places.local.writing import written
from sf_ml_framework.run.libraries import Libraries
from sf_ml_framework.values.models import (
    StoredModel,
    pickled,
    refuse_other_features,
    restored,
)


class Models:
    """Saves and loads models.

    Args:
        layout: where they go.
        artifacts: finds them.
        libraries: tells which versions are installed.
    """

    def __init__(self, layout: Layout, artifacts: Artifacts, libraries: Libraries) -> None:
        self._layout = layout
        self._artifacts = artifacts
        self._libraries = libraries

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Sidecar:
        """Write *value* and return what is known of it then.

        Raises:
            DataError: it cannot be pickled, or the disk refuses.
        """
        path = self._layout.artifact(dataset, version)
        what = self._artifacts.what(dataset, version, path)
        data, model = pickled(value, what, self._libraries)
        refuse_other_features(_columns(dataset), model.feature_names, what, DataError)
        return written(self._layout, dataset, version, {"": data}, model=model)

    def load(self, dataset: DatasetSpec, version: str, frame: Frame) -> Any:
        """Return the model at *version*; it is unpickled when all else was found to hold.

        Raises:
            DataError: it is absent, or asked for as something else than a model.
            ModelError: it is not the one that was saved, or does not fit what is installed.
        """
        artifact = self._opened(dataset, version)
        if frame not in ("model", "any"):
            raise DataError(
                f"{artifact.what} is a model, and cannot be given as a {frame}",
                remedy="annotate the argument with the class of the model, or not at all",
            )
        remake = self._artifacts.remake(dataset, version)
        data = _bytes_of(artifact, remake)
        model = _known(artifact, remake)
        refuse_other_features(_columns(dataset), model.feature_names, artifact.what, ModelError)
        return restored(data, model, artifact.what, remake, self._libraries)

    def _opened(self, dataset: DatasetSpec, version: str) -> Artifact:
        from sf_ml_framework.places.local.artifacts import MissingError

        try:
            return self._artifacts.open(dataset, version)
        except MissingError:
            raise
        except DataError as error:
            message = f"{error}; it was not unpickled"
            raise ModelError(message, remedy=error.remedy) from error


def _columns(dataset: DatasetSpec) -> tuple[str, ...]:
    return tuple(column.name for column in dataset.columns)


def _known(artifact: Artifact, remake: str) -> StoredModel:
    model = artifact.sidecar.model if artifact.sidecar else None
    if model is None:
        raise ModelError(
            f"the manifest beside {artifact.what} says nothing of a model; it was not unpickled",
            remedy=remake,
        )
    return model


def _bytes_of(artifact: Artifact, remake: str) -> bytes:
    """Return the pickle; what is unpickled later are the very bytes whose hash is compared."""
    from hashlib import sha256

    data = artifact.path.read_bytes()
    if sha256(data).hexdigest() != artifact.content:
        raise ModelError(
            f"{artifact.what} has other bytes than were written; it was not unpickled",
            remedy=remake,
        )
    return data
