"""Which features the model leans on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.modelling.scores import auc

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    import pandas as pd
    import xgboost

    from src.modelling.folds import FoldFit

ROWS_PER_FOLD = 5_000
"""Held-out rows of each fold that are shuffled: more would sharpen the third digit."""


def gain_shares(booster: xgboost.Booster) -> dict[str, float]:
    """Return each feature's share of the loss that all splits removed; they sum to 1."""
    gains = booster.get_score(importance_type="total_gain")
    total = sum(gains.values()) or 1.0
    return {name: gains.get(name, 0.0) / total for name in booster.feature_names or ()}


def permutation_drops(
    fits: Sequence[FoldFit],
    features: pd.DataFrame,
    labels: np.ndarray,
    *,
    seed: int,
    pool: Executor,
) -> dict[str, tuple[float, float]]:
    """Return how much AUC each feature's shuffling costs: mean and standard deviation over folds.

    Measured on the rows that a fold held out: on training rows a model would seem to need
    whatever it has learnt by heart.
    """
    import numpy as np

    found = list(pool.map(lambda fit: _drops(fit, features, labels, seed), fits))
    by_fold = np.array(found)
    means, deviations = by_fold.mean(axis=0), by_fold.std(axis=0)
    return {
        name: (float(mean), float(deviation))
        for name, mean, deviation in zip(features.columns, means, deviations, strict=True)
    }


def _drops(fit: FoldFit, features: pd.DataFrame, labels: np.ndarray, seed: int) -> list[float]:
    import numpy as np

    rng = np.random.default_rng([seed, fit.fold.number])
    rows = np.concatenate([half.rows for half in fit.fold.halves])
    rows = rng.permutation(rows)[:ROWS_PER_FOLD]
    values, truth = features.iloc[rows].to_numpy(copy=True), labels[rows]
    used = fit.booster.get_score(importance_type="weight")
    whole = auc(truth, _predict(fit, values))
    drops = []
    for place, name in enumerate(features.columns):
        if name not in used:
            drops.append(0.0)
            continue
        column = values[:, place].copy()
        values[:, place] = rng.permutation(column)
        drops.append(whole - auc(truth, _predict(fit, values)))
        values[:, place] = column
    return drops


def _predict(fit: FoldFit, values: np.ndarray) -> np.ndarray:
    return fit.booster.inplace_predict(
        values, iteration_range=(0, fit.trees), validate_features=False
    )
