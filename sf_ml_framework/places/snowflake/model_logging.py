"""How a model goes into the registry: as what, with which sample, requirements and options.

Source: ``snowflake.ml.registry.Registry.log_model`` 2.6.0 and its handlers; Snowflake,
"Snowflake Model Registry", "Model explainability".
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.model_wrapper import METHODS, wrapped
from sf_ml_framework.places.snowflake.names import account_column

if TYPE_CHECKING:
    from sf_ml_framework.run.libraries import Libraries
    from sf_ml_framework.values.models import StoredModel

SAMPLE_ROWS = 100
"""Rows of a table that tell the registry the types of a model's columns."""

_KNOWN = ("sklearn", "xgboost", "lightgbm", "catboost")
"""Libraries whose models the registry takes as they are."""

_TREES = ("xgboost", "lightgbm", "catboost")
"""Libraries whose models are explained without SHAP being installed where they are logged."""

_OTHER_NAMES = {"xgboost-cpu": "xgboost"}
"""Distributions that hold another's library. The registry asks for the name it knows, finds no
version of it here, and would leave it open."""

_OURS = "sf-ml-framework"


@dataclass(frozen=True, kw_only=True)
class SeenTable:
    """A table that a node loaded, as the sample of a model that it makes."""

    rows: Any
    """``first_rows`` of it."""
    official: Callable[[], Any] | None = None
    """Gives the official Dataset of the same rows, if there is one; lineage begins with it."""

    def sample(self, names: Sequence[str]) -> Any:
        """Return rows with these columns: of the Dataset in Snowpark, else in pandas."""
        official = self.official() if self.official else None
        if official is not None:
            from snowflake.snowpark.functions import col

            frame = official.read.to_snowpark_dataframe()
            columns = [col(quoted(account_column(name))).alias(quoted(name)) for name in names]
            return frame.select(columns).limit(SAMPLE_ROWS)
        rows = self.rows[list(names)]
        return rows if hasattr(rows, "iloc") else rows.head(SAMPLE_ROWS).to_pandas()


@dataclass(frozen=True, kw_only=True)
class Logged:
    """The arguments of ``log_model`` that follow from a model."""

    model: Any
    """What SQL calls: the model itself, the one that a mapping holds, or one that wraps it."""
    sample: Any
    """Rows as the model takes them: a frame, or an array where no names are known."""
    requirements: tuple[str, ...]
    """For pip."""
    code: tuple[str, ...]
    """Folders and files of the project that the model imports."""
    explained: bool
    note: str = ""
    """What a reader of the log should know: why there is no explanation, and how to get one."""


def logged(
    value: Any,
    about: StoredModel,
    *,
    pickle_file: Path,
    tables: Sequence[SeenTable],
    what: str,
    libraries: Libraries,
) -> Logged:
    """Return how *value* goes into the registry.

    Args:
        value: what the node returned.
        about: what is known of its pickle.
        pickle_file: where the pickle stands.
        tables: what the node loaded, the last first.
        what: the model's name, for messages.
        libraries: tells which versions are installed.

    Raises:
        DataError: it has no method that SQL could call, or its columns are not known.
    """
    predictor = _predictor(value, what)
    native = is_native(predictor)
    explained, note = _explained(predictor) if native else (False, "")
    methods = [name for name in METHODS if callable(getattr(predictor, name, None))]
    return Logged(
        model=predictor if native else wrapped(pickle_file, methods),
        sample=sample_of(predictor, about.feature_names, tables, what),
        requirements=requirements(about.libraries, explained=explained),
        code=tuple(_code(_project_modules(about.names, libraries))),
        explained=explained,
        note=note,
    )


def _predictor(value: Any, what: str) -> Any:
    """Return what SQL will call of *value*.

    Raises:
        DataError: there is no such thing, or none that the registry can keep.
    """
    found = predictor_of(value)
    if found is None:
        raise DataError(
            f"{what} is a {type(value).__name__} without a method `predict`,"
            " and the Model Registry holds what can be called",
            remedy="return a model with `predict`, or a dict that holds exactly one",
        )
    if found is not value and not is_native(found):
        raise DataError(
            f"{what} holds a {type(found).__name__}, which is no model of a known library",
            remedy="return that model itself",
        )
    return found


def predictor_of(value: Any) -> Any:
    """Return what of *value* predicts: itself, or the one such value of a mapping; else none."""
    if callable(getattr(value, "predict", None)):
        return value
    if isinstance(value, Mapping):
        found = [each for each in value.values() if callable(getattr(each, "predict", None))]
        return found[0] if len(found) == 1 else None
    return None


def is_native(model: Any) -> bool:
    """Return whether the registry keeps *model* in the format of its own library."""
    # A class of the author's that inherits from a library's is the author's.
    return type(model).__module__.partition(".")[0] in _KNOWN


def requirements(libraries: Mapping[str, str], *, explained: bool) -> tuple[str, ...]:
    """Return what pip must install for a model whose pickle names *libraries*, versions pinned."""
    found = {
        _OTHER_NAMES.get(name, name): f"=={version}"
        for name, version in libraries.items()
        if name != _OURS
    }
    if explained:
        # Older ones cannot read the trees of XGBoost 3.1 and later.
        xgboost = found.get("xgboost", "==0.0").removeprefix("==")
        newer = tuple(map(int, xgboost.split(".")[:2])) >= (3, 1)
        found.setdefault("shap", ">=0.50" if newer else ">=0.46")
    return tuple(f"{name}{version}" for name, version in sorted(found.items()))


def first_rows(value: Any) -> Any:
    """Return the first rows of a table in pandas, a lazy one as it is; none for all else.

    What is returned keeps nothing of *value* in memory.
    """
    if hasattr(value, "iloc"):
        return value.head(SAMPLE_ROWS).copy() if hasattr(value, "columns") else None
    if hasattr(value, "column_names") and hasattr(value, "slice"):
        return value.slice(0, SAMPLE_ROWS).to_pandas()
    if hasattr(value, "get_columns") and hasattr(value, "head"):
        return value.head(SAMPLE_ROWS).to_pandas()
    # A table of Ibis: its rows are computed only when a model needs them.
    return value if hasattr(value, "to_pyarrow_batches") and hasattr(value, "columns") else None


def sample_of(model: Any, names: Sequence[str], tables: Sequence[SeenTable], what: str) -> Any:
    """Return rows that *model* takes.

    They are those of the first of *tables* that has all of its columns; where none has, zeros of
    the types that the model says.

    Raises:
        DataError: nobody says which columns it takes.
    """
    import numpy as np

    if not names:
        count = getattr(model, "n_features_in_", None)
        if not isinstance(count, int):
            raise DataError(
                f"{what} does not say which columns it was fitted on",
                remedy="fit it on a frame with named columns, so that it has `feature_names_in_`",
            )
        return np.zeros((1, count))
    for table in tables:
        if set(names) <= set(table.rows.columns):
            return table.sample(names)
    return _zeros(model, names)


def _zeros(model: Any, names: Sequence[str]) -> Any:
    import pandas as pd

    kinds = {"int": "int64", "i": "bool", "float": "float64", "q": "float64"}
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    types = getattr(booster, "feature_types", None) or ["float"] * len(names)
    return pd.DataFrame(
        {
            name: pd.Series([0], dtype=kinds.get(kind, "float64"))
            for name, kind in zip(names, types, strict=True)
        }
    )


def _explained(model: Any) -> tuple[bool, str]:
    """Return whether SHAP values can be asked of *model*, and why not."""
    library = type(model).__module__.partition(".")[0]
    if library in _TREES:
        if getattr(model, "booster", None) == "gblinear":
            return False, "linear boosters are not explained by the registry"
        return True, ""
    if importlib.util.find_spec("shap"):
        return True, ""
    return False, (
        f"a model of {library} is explained only if shap is installed where it is logged:"
        " add shap to the image's requirements"
    )


def _project_modules(names: Iterable[str], libraries: Libraries) -> tuple[str, ...]:
    """Return the top modules of the project that a pickle imports: those of no distribution."""
    modules = {name.partition(":")[0] for name in names}
    found = libraries.versions(sorted(modules))
    return tuple(name for name, version in found.items() if version.startswith("files "))


def _code(modules: Iterable[str]) -> Iterable[str]:
    for name in modules:
        module = sys.modules.get(name)
        for folder in getattr(module, "__path__", ()):
            yield str(folder)
        file = getattr(module, "__file__", None)
        if file and not hasattr(module, "__path__"):
            yield str(file)
