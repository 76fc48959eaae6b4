"""The model: boosted trees and a logistic regression, which vote on the chance of churn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sf_ml_framework import Report
from telco import figures

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_ROUNDS = 1000
PATIENCE = 30
"""Rounds without a better log loss after which boosting stops."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A model and how it came about."""

    model: Any
    curve: list[float]
    """Mean log loss over the inner folds after each round, up to the best."""


def split_target(rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the features of *rows* as floats, and whether each customer churned as 0 or 1."""
    features = rows.drop(columns=["customer_id", "churned"]).astype("float64")
    return features, rows["churned"].astype("int64").to_numpy()


def fit_model(rows: pd.DataFrame, *, max_depth: int, learning_rate: float, seed: int) -> Fitted:
    """Return a model that learnt from *rows* and from nothing else.

    How many trees there are is decided by five folds of *rows*: whoever keeps rows back to judge
    the model keeps them back from this choice as well. Classes are not weighted, so that what
    the model predicts are chances.
    """
    import xgboost
    from sklearn.ensemble import VotingClassifier

    features, churned = split_target(rows)
    # One thread: a fit takes a tenth of a second, and waiting threads would cost more than that.
    trees = xgboost.XGBClassifier(
        max_depth=max_depth,
        learning_rate=learning_rate,
        subsample=0.8,
        colsample_bytree=0.5,
        min_child_weight=10,
        reg_lambda=5.0,
        max_bin=64,
        n_jobs=1,
        random_state=seed,
    )
    folds = xgboost.cv(
        {**trees.get_xgb_params(), "objective": "binary:logistic"},
        # Without their names, which XGBoost would read again for every tree.
        xgboost.DMatrix(features.to_numpy(), churned),
        MOST_ROUNDS,
        nfold=5,
        stratified=True,
        metrics="logloss",
        early_stopping_rounds=PATIENCE,
        seed=seed,
    )
    curve = [float(loss) for loss in folds["test-logloss-mean"]]
    trees.set_params(n_estimators=len(curve))
    model = VotingClassifier(
        [("trees", trees), ("regression", logistic_regression(C=0.1))], voting="soft"
    )
    return Fitted(model=model.fit(features, churned), curve=curve)


def logistic_regression(*, C: float = 1.0) -> Any:  # noqa: N803 -- scikit-learn's name
    """Return a logistic regression on standardised features, not fitted yet."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=2000))


def train_churn_model(
    train: pd.DataFrame, *, max_depth: int = 3, learning_rate: float = 0.1, seed: int = 42
) -> tuple[Any, Report]:
    """Fit the model on the training rows, and report how it was chosen and what it looks at."""
    fitted = fit_model(train, max_depth=max_depth, learning_rate=learning_rate, seed=seed)
    trees, regression = fitted.model.named_estimators_.values()
    names = list(fitted.model.feature_names_in_)
    gain = dict(zip(names, trees.feature_importances_.tolist(), strict=True))
    weight = dict(zip(names, regression[-1].coef_[0].tolist(), strict=True))
    by_gain = sorted(names, key=gain.__getitem__, reverse=True)
    report = Report(
        title="Training",
        metrics={"trees": len(fitted.curve), "inner_log_loss": fitted.curve[-1]},
        tables={
            "What the model looks at": [
                {
                    "feature": name,
                    "share of gain (trees)": round(gain[name], 4),
                    "standardised weight (regression)": round(weight[name], 3),
                }
                for name in by_gain
            ]
        },
        figures={
            "Log loss over the inner folds": figures.boosting(fitted.curve),
            "Share of the trees' gain, ten features": figures.importance(
                {name: gain[name] for name in by_gain[:10]}
            ),
        },
        notes=(f"Five inner folds of {len(train):,} training rows chose the number of trees.",),
    )
    return fitted.model, report
