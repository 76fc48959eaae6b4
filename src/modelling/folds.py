"""Fit boosted trees on cross-validation folds that all candidates share.

XGBoost spends a good part of a short fit on sorting each feature into bins. That work depends on
the rows alone, so it is done once for each fold and every candidate reuses it.

Each fit has one thread; speed comes from fitting several folds side by side. XGBoost's own
threads wait for each other by spinning: on a machine that others use too, the same search burnt
two to three times the processor seconds and took several times as long. One thread also means
the same sums in the same order: a laptop and a large container find the same model to the byte.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    import pandas as pd
    import xgboost

MAX_BIN = 64
"""Bins for each feature: as good as 256 to within the seed's noise, and up to a third faster."""

CHECK_EVERY = 10
"""Trees between two looks at the held-out rows."""

PATIENCE = 20
"""Trees without a gain after which a fit stops."""

FIXED: Mapping[str, object] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_bin": MAX_BIN,
}
"""Settings that no candidate changes."""

Settings = Mapping[str, float | int]
"""Values of XGBoost's parameters, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """Half of a fold's held-out rows."""

    rows: np.ndarray
    """Their positions in the training table."""
    labels: np.ndarray
    matrix: xgboost.DMatrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One part of the cross-validation; lives as long as the search."""

    number: int
    fit: xgboost.QuantileDMatrix
    halves: tuple[Half, Half]
    lock: threading.Lock = field(default_factory=threading.Lock)
    """XGBoost does not promise that two fits may use one matrix at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldFit:
    """What one candidate reached on one fold."""

    fold: Fold
    booster: xgboost.Booster
    trees: int
    """How many of the booster's trees count: the mean of both halves' choices."""
    auc: float
    log_loss: float
    probabilities: tuple[np.ndarray, np.ndarray]
    """Of each half, from as many trees as the *other* half chose."""


def make_folds(
    features: pd.DataFrame, labels: np.ndarray, *, folds: int, seed: int, pool: Executor
) -> list[Fold]:
    """Cut the rows into stratified *folds* and bin each one's rows.

    Raises:
        ValueError: a class has fewer rows than there are half folds.
    """
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    smallest = int(np.bincount(labels, minlength=2).min())
    if smallest < 2 * folds:
        raise ValueError(
            f"{folds} folds need at least {2 * folds} rows of each class, not {smallest}"
        )
    part = np.empty(len(labels), dtype="int16")
    # Twice as many parts as folds: both halves of a fold are stratified too.
    splitter = StratifiedKFold(2 * folds, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(features, labels)):
        part[held_out] = number
    return list(pool.map(lambda number: _fold(features, labels, part, number), range(folds)))


def _fold(features: pd.DataFrame, labels: np.ndarray, part: np.ndarray, number: int) -> Fold:
    import numpy as np
    import xgboost

    rows = np.flatnonzero(part // 2 != number)
    halves = []
    for half in (2 * number, 2 * number + 1):
        held_out = np.flatnonzero(part == half)
        matrix = xgboost.DMatrix(features.iloc[held_out], labels[held_out], nthread=1)
        halves.append(Half(rows=held_out, labels=labels[held_out], matrix=matrix))
    return Fold(
        number=number,
        fit=xgboost.QuantileDMatrix(features.iloc[rows], labels[rows], max_bin=MAX_BIN, nthread=1),
        halves=(halves[0], halves[1]),
    )


def fit_fold(
    fold: Fold,
    settings: Settings,
    *,
    max_trees: int,
    seed: int,
    stop_on: Literal["logloss", "auc"] = "logloss",
) -> FoldFit:
    """Fit one candidate on one fold, stop it early, and score it on rows that did not stop it.

    Each half of the held-out rows chooses a number of trees by *stop_on*; that choice is
    scored on the *other* half. One fit so gives an honest score from all held-out rows, where
    a score of the rows that chose would be too kind.
    """
    import xgboost

    with fold.lock:
        watched = [(half.matrix, name) for half, name in zip(fold.halves, "ab", strict=True)]
        parameters = {**FIXED, **settings, "nthread": 1, "seed": seed, "eval_metric": stop_on}
        booster = xgboost.Booster(parameters, [fold.fit, *(matrix for matrix, _ in watched)])
        chosen = _boost(booster, fold.fit, watched, max_trees, sign=-1 if stop_on == "auc" else 1)
        found = tuple(
            booster.predict(half.matrix, iteration_range=(0, trees))
            for half, trees in zip(fold.halves, reversed(chosen), strict=True)
        )
    return _scored(fold, booster, chosen, found)


def _boost(
    booster: xgboost.Booster,
    rows: xgboost.QuantileDMatrix,
    watched: list[tuple[xgboost.DMatrix, str]],
    max_trees: int,
    sign: int,
) -> list[int]:
    """Add trees until neither watched half gains; return how many each half would keep.

    The watched number times *sign* is what must fall.
    """
    best = [(float("inf"), 1), (float("inf"), 1)]
    for trees in range(1, max_trees + 1):
        booster.update(rows, trees - 1)
        if trees % CHECK_EVERY and trees != max_trees:
            continue
        # "[9]\ta-logloss:0.31\tb-logloss:0.32"
        shown = booster.eval_set(watched, trees - 1).split("\t")[1:]
        losses = [sign * float(text.rsplit(":", 1)[1]) for text in shown]
        best = [min(old, (loss, trees)) for old, loss in zip(best, losses, strict=True)]
        if all(trees - kept >= PATIENCE for _, kept in best):
            break
    return [kept for _, kept in best]


def _scored(
    fold: Fold,
    booster: xgboost.Booster,
    chosen: list[int],
    found: tuple[np.ndarray, ...],
) -> FoldFit:
    from sklearn.metrics import log_loss

    from src.modelling.scores import auc

    pairs = [(half.labels, got) for half, got in zip(fold.halves, found, strict=True)]
    return FoldFit(
        fold=fold,
        booster=booster,
        trees=max(1, round(sum(chosen) / 2)),
        auc=sum(auc(labels, got) for labels, got in pairs) / 2,
        log_loss=float(sum(log_loss(labels, got) for labels, got in pairs) / 2),
        probabilities=(found[0], found[1]),
    )


def out_of_fold(fits: Sequence[FoldFit], rows: int) -> np.ndarray:
    """Return one probability for each of the *rows*, from the fit that never saw it."""
    import numpy as np

    found = np.full(rows, np.nan)
    for fit in fits:
        for half, probabilities in zip(fit.fold.halves, fit.probabilities, strict=True):
            found[half.rows] = probabilities
    return found
