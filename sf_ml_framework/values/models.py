"""Models as bytes, and what must hold of the bytes before they become a model again.

What is known of a pickle vouches that it is the one that was made here and fits what is installed.
It is no signature: whoever can write both can have any code run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.errors import DataError, ModelError

if TYPE_CHECKING:
    from sf_ml_framework.run.libraries import Libraries

PROTOCOL = 5
"""Of pickle; every Python that we support reads it."""

_ABSENT = "not installed"
"""As ``run.libraries`` says it, whose import every reader of a sidecar would pay."""


class StoredModel(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold before a model is unpickled."""

    class_name: str
    python: str
    libraries: Mapping[str, str]
    """Version of each distribution whose classes the pickle names."""
    names: tuple[str, ...]
    """Every ``module:qualname`` that the pickle imports."""
    feature_names: tuple[str, ...] = ()


def pickled(value: Any, what: str, libraries: Libraries) -> tuple[bytes, StoredModel]:
    """Return *value* as bytes, and what must hold of them.

    Args:
        value: what a node returned.
        what: its name, for messages.
        libraries: tells which versions are installed.

    Raises:
        DataError: it cannot be pickled, or could not be checked when it is loaded.
    """
    import platform

    data = _bytes_of(value, what)
    names = _names(data, what)
    model = StoredModel(
        class_name=f"{type(value).__module__}:{type(value).__qualname__}",
        python=platform.python_version(),
        libraries=installed(names, libraries),
        names=tuple(sorted(names)),
        feature_names=feature_names_of(value),
    )
    return data, model


def restored(data: bytes, model: StoredModel, what: str, remake: str, libraries: Libraries) -> Any:
    """Return the object of *data*; it is unpickled when all that *model* says was found to hold.

    Args:
        data: the pickle; its hash was compared by who read it.
        model: what is known of it.
        what: its name, for messages.
        remake: how to make it anew.
        libraries: tells which versions are installed.

    Raises:
        ModelError: it imports other names, or does not fit what is installed.
    """
    # Imported here and below: who only asks what stands unpickles nothing.
    from sf_ml_framework.values.pickles import StrangePickleError, names_in, unpickled

    try:
        names = names_in(data)
    except StrangePickleError as error:
        raise ModelError(f"{what} was not unpickled: {error}", remedy=remake) from error
    if stray := sorted(names.symmetric_difference(model.names)):
        raise ModelError(
            f"{what} was not unpickled: it imports {', '.join(stray)},"
            " for which its manifest does not vouch",
            remedy=remake,
        )
    if why := _why_not_fitting(model, libraries):
        raise ModelError(f"{what} was not unpickled: {why}", remedy=f"train it again; {remake}")
    try:
        return unpickled(data, model.names)
    except Exception as error:  # a class of the author's may raise anything
        raise ModelError(
            f"{what} cannot be unpickled: {type(error).__name__}: {error}",
            remedy=f"its classes have changed since it was saved; {remake}",
        ) from error


def installed(names: Iterable[str], libraries: Libraries) -> dict[str, str]:
    """Return version by distribution of what a pickle imports; project code has none."""
    modules = sorted({name.partition(":")[0] for name in names})
    return {
        name: version
        for name, version in libraries.versions(modules).items()
        if version != _ABSENT and not version.startswith("files ")
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


def refuse_other_features(
    wanted: Sequence[str], names: Sequence[str], what: str, error: type[DataError]
) -> None:
    """Compare the names that a model was fitted on with those that the catalog promises.

    Raises:
        DataError: of the class *error*, they differ; nothing is compared where either is empty.
    """
    if not wanted or not names or tuple(names) == tuple(wanted):
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


def _bytes_of(value: Any, what: str) -> bytes:
    import pickle

    try:
        return pickle.dumps(value, protocol=PROTOCOL)
    except Exception as error:  # pickling runs the author's own code
        raise DataError(
            f"{what} cannot be pickled: {type(error).__name__}: {error}",
            remedy="return a model whose classes and functions stand at the top of a module",
        ) from error


def _names(data: bytes, what: str) -> frozenset[str]:
    from sf_ml_framework.values.pickles import StrangePickleError, names_in

    try:
        names = names_in(data)
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


def _why_not_fitting(model: StoredModel, libraries: Libraries) -> str:
    import platform

    here = {**installed(model.names, libraries), "Python": platform.python_version()}
    for name, saved in {"Python": model.python, **model.libraries}.items():
        version = here.get(name, _ABSENT)
        if _series(saved) != _series(version):
            return f"it was saved with {name} {saved}, and here is {version}"
    return ""


def _series(version: str) -> tuple[str, ...]:
    """Return the part of *version* within which pickles stay readable."""
    return tuple(version.split(".")[:2])


def _texts(names: Any) -> tuple[str, ...]:
    try:
        found = tuple(names)
    except TypeError:
        return ()
    # NumPy's texts are texts, and no JSON.
    return tuple(map(str, found)) if all(isinstance(each, str) for each in found) else ()
