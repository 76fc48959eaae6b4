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
    """Fit *trees* trees on every row, in one thread and so to the same bytes on any machine."""
    import xgboost

    model = xgboost.XGBClassifier(
        **FIXED, **settings, n_estimators=trees, random_state=seed, n_jobs=1
    )
    return model.fit(features, labels)
