"""What a plain linear model reaches on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def fit_baseline(features: pd.DataFrame, labels: np.ndarray) -> Any:
    """Fit a logistic regression on filled and scaled features; return the pipeline.

    Newton's method needs a few passes over the rows where the default solver needs hundreds.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    model = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(solver="newton-cholesky", C=1.0, max_iter=100),
    )
    # BLAS threads spin as XGBoost's do, and change the last digits with their number.
    with threadpool_limits(1):
        return model.fit(features.astype("float64"), labels)


def probabilities_of(model: Any, features: pd.DataFrame) -> np.ndarray:
    """Return the probability that each row's customer leaves, as float64."""
    return model.predict_proba(features)[:, 1].astype("float64")


def out_of_fold_of(
    model: Any, features: pd.DataFrame, labels: np.ndarray, *, folds: int, seed: int
) -> np.ndarray:
    """Return each row's probability from a copy of *model* that was fitted without that row."""
    import numpy as np
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    found = np.empty(len(labels))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    with threadpool_limits(1):
        for fitted, held_out in splitter.split(features, labels):
            copy = clone(model).fit(features.iloc[fitted], labels[fitted])
            found[held_out] = probabilities_of(copy, features.iloc[held_out])
    return found
