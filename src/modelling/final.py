"""The model that leaves the search: fitted on all training rows, and carrying its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.modelling.folds import FIXED, Settings

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xgboost


def fit_final(
    features: pd.DataFrame, labels: np.ndarray, *, settings: Settings, trees: int, seed: int
) -> xgboost.XGBClassifier:
    """Fit *trees* trees on every row, in one thread and so to the same bytes on any machine.

    A node that has several machines fits them on all of those.
    """
    from sf_ml_framework import fit_xgboost

    return fit_xgboost(features, labels, settings={**FIXED, **settings}, trees=trees, seed=seed)
