"""Models: a pickle, and beside it what must hold before it is unpickled.

The manifest vouches that a pickle is the one that was saved here and fits what is installed. It is
no signature: whoever can write both files can have any code run.
"""

from __future__ import annotations

import pickle
import platform
from collections.abc import Iterable, Mapping
from typing import Any

from sf_ml_framework.errors import DataError, ModelError
from sf_ml_framework.manifest.model import DatasetSpec, Frame
from sf_ml_framework.places.local.artifacts import Artifact, Artifacts
from sf_ml_framework.places.local.layout import Layout
from sf_ml_framework.places.local.pickles import StrangePickleError, names_in, unpickled
from sf_ml_framework.places.local.sidecar import Sidecar, StoredModel, sidecar_for
from sf_ml_framework.places.local.writing import draft
from sf_ml_framework.run.libraries import ABSENT, Libraries

PROTOCOL = 5
"""Of pickle; every Python that we support reads it."""


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
        pickled = _pickled(value, what)
        names = _names(pickled, what)
        model = StoredModel(
            class_name=f"{type(value).__module__}:{type(value).__qualname__}",
            python=platform.python_version(),
            libraries=self._installed(names),
            names=tuple(sorted(names)),
            feature_names=feature_names_of(value),
        )
        _refuse_features(dataset, model.feature_names, what, DataError)
        with draft(path, location=self._layout.location(path)) as made:
            with made.open() as sink:
                sink.write(pickled)
            sidecar = sidecar_for(dataset, version, made.files, model=model)
            made.commit(sidecar)
        return sidecar

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
        pickled = _bytes_of(artifact, remake)
        model = self._vouched(dataset, artifact, pickled, remake)
        try:
            return unpickled(pickled, model.names)
        except Exception as error:  # a class of the author's may raise anything
            raise ModelError(
                f"{artifact.what} cannot be unpickled: {type(error).__name__}: {error}",
                remedy=f"its classes have changed since it was saved; {remake}",
            ) from error

    def _opened(self, dataset: DatasetSpec, version: str) -> Artifact:
        from sf_ml_framework.places.local.artifacts import MissingError

        try:
            return self._artifacts.open(dataset, version)
        except MissingError:
            raise
        except DataError as error:
            message = f"{error}; it was not unpickled"
            raise ModelError(message, remedy=error.remedy) from error

    def _vouched(
        self, dataset: DatasetSpec, artifact: Artifact, pickled: bytes, remake: str
    ) -> StoredModel:
        """Return what is known of a model when all of it holds."""
        model = artifact.sidecar.model if artifact.sidecar else None
        if model is None:
            raise ModelError(
                f"the manifest beside {artifact.what} says nothing of a model;"
                " it was not unpickled",
                remedy=remake,
            )
        try:
            names = names_in(pickled)
        except StrangePickleError as error:
            raise ModelError(
                f"{artifact.what} was not unpickled: {error}", remedy=remake
            ) from error
        if stray := sorted(names.symmetric_difference(model.names)):
            raise ModelError(
                f"{artifact.what} was not unpickled: it imports {', '.join(stray)},"
                " for which its manifest does not vouch",
                remedy=remake,
            )
        if why := self._why_not_fitting(model):
            raise ModelError(
                f"{artifact.what} was not unpickled: {why}", remedy=f"train it again; {remake}"
            )
        _refuse_features(dataset, model.feature_names, artifact.what, ModelError)
        return model

    def _why_not_fitting(self, model: StoredModel) -> str:
        here = {**self._installed(model.names), "Python": platform.python_version()}
        for name, saved in {"Python": model.python, **model.libraries}.items():
            version = here.get(name, ABSENT)
            if _series(saved) != _series(version):
                return f"it was saved with {name} {saved}, and here is {version}"
        return ""

    def _installed(self, names: Iterable[str]) -> dict[str, str]:
        """Return version by distribution of what a pickle imports; project code has none."""
        modules = sorted({name.partition(":")[0] for name in names})
        found = self._libraries.versions(modules)
        return {
            name: version
            for name, version in found.items()
            if version != ABSENT and not version.startswith("files ")
        }


def feature_names_of(model: Any) -> tuple[str, ...]:
    """Return the names of the columns that *model* was fitted on; empty when it does not say."""
    if isinstance(model, Mapping):
        return _texts(model.get("feature_names"))
    for name in ("feature_names_in_", "feature_names_", "feature_names"):
        try:
            found = _texts(getattr(model, name, None))
        except Exception:  # noqa: BLE001, S112 -- a property of a model may raise anything
            continue
        if found:
            return found
    return ()


def _texts(names: Any) -> tuple[str, ...]:
    try:
        found = tuple(names)
    except TypeError:
        return ()
    # NumPy's texts are texts, and no JSON.
    return tuple(map(str, found)) if all(isinstance(each, str) for each in found) else ()


def _pickled(value: Any, what: str) -> bytes:
    try:
        return pickle.dumps(value, protocol=PROTOCOL)
    except Exception as error:  # pickling runs the author's own code
        raise DataError(
            f"{what} cannot be pickled: {type(error).__name__}: {error}",
            remedy="return a model whose classes and functions stand at the top of a module",
        ) from error


def _names(pickled: bytes, what: str) -> frozenset[str]:
    try:
        names = names_in(pickled)
    except StrangePickleError as error:
        raise DataError(
            f"{what} could not be checked when it is loaded: {error}",
            remedy="return a model that pickles in the ordinary way",
        ) from error
    local = sorted(name for name in names if name.startswith("__main__:"))
    if local:
        raise DataError(
            f"{what} holds {local[0].partition(':')[2]}, which only this script knows",
            remedy="move it into a module that can be imported",
        )
    return names


def _bytes_of(artifact: Artifact, remake: str) -> bytes:
    """Return the pickle; what is unpickled later are the very bytes whose hash is compared."""
    from hashlib import sha256

    pickled = artifact.path.read_bytes()
    if sha256(pickled).hexdigest() != artifact.content:
        raise ModelError(
            f"{artifact.what} has other bytes than were written; it was not unpickled",
            remedy=remake,
        )
    return pickled


def _refuse_features(
    dataset: DatasetSpec, names: tuple[str, ...], what: str, error: type[DataError]
) -> None:
    """Compare the names that a model was fitted on with those that the catalog promises."""
    wanted = tuple(column.name for column in dataset.columns)
    if not wanted or not names or names == wanted:
        return
    missing = [name for name in wanted if name not in names]
    extra = [name for name in names if name not in wanted]
    told = [f"without {', '.join(missing)}"] if missing else []
    told += [f"with {', '.join(extra)}"] if extra else []
    raise error(
        f"{what} was fitted on other features than the catalog says:"
        f" {' and '.join(told) or 'in another order'}",
        remedy="train it again, or mend its columns in the catalog",
    )


def _series(version: str) -> tuple[str, ...]:
    """Return the part of *version* within which pickles stay readable."""
    return tuple(version.split(".")[:2])
