"""Which columns of a prepared table the model may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.customers import KEY, SNAPSHOT, TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd


def feature_names(frame: pd.DataFrame) -> list[str]:
    """Return the numeric and boolean columns of *frame* but key, date and target, in its order."""
    usable = frame.select_dtypes(["number", "bool", "boolean"]).columns
    return [str(name) for name in usable if name not in (KEY, SNAPSHOT, TARGET)]


def left_out(frame: pd.DataFrame) -> list[str]:
    """Return the columns that are neither features nor key, date or target, such as texts."""
    used = {*feature_names(frame), KEY, SNAPSHOT, TARGET}
    return [str(name) for name in frame.columns if name not in used]


def features_of(frame: pd.DataFrame, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the model's input: one float32 column per feature, one row per row of *frame*.

    Trees split float32 values, so nothing is lost, and one type for all columns means the same
    model whether an engine returned an integer, a boolean or a float.

    Args:
        frame: one row per customer.
        names: the features in the model's order; those of *frame* if None.

    Raises:
        ValueError: a feature is missing, or there is none.
    """
    import numpy as np
    import pandas as pd

    names = feature_names(frame) if names is None else list(names)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ValueError(f"the table lacks {len(missing)} of the model's features: {missing[:5]}")
    if not names:
        raise ValueError(f"no numeric column to learn from among {list(frame.columns)[:5]}")
    values = frame[names].to_numpy(dtype="float32", na_value=np.nan)
    return pd.DataFrame(values, columns=names, copy=False)


def labels_of(frame: pd.DataFrame) -> np.ndarray:
    """Return the target as int8: 1 for each customer who left.

    Raises:
        ValueError: the target is missing, is neither 0 nor 1 somewhere, or never varies.
    """
    if TARGET not in frame.columns:
        raise ValueError(f"the table has no column {TARGET!r}")
    found = set(frame[TARGET].unique().tolist())
    if found != {0, 1}:
        shown = sorted(map(str, found))[:5]
        raise ValueError(f"column {TARGET!r} must hold both 0 and 1 and nothing else, not {shown}")
    return frame[TARGET].to_numpy(dtype="int8")
