"""Whether leavers, being few, should weigh more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from src.modelling.folds import FoldFit, fit_fold, out_of_fold
from src.modelling.scores import calibration, calibration_error

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np

    from src.modelling.search import Search

WORTHWHILE_AUC = 0.002
"""Gain of AUC that would pay for probabilities that are none any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The winner's settings with one weight, judged on out-of-fold predictions."""

    weight: float
    """``scale_pos_weight``: 1.0 means none."""
    auc: float
    log_loss: float
    calibration_error: float
    trees: int
    probabilities: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighting:
    """The choice, what it was made between, and why."""

    chosen: Trial
    tried: tuple[Trial, ...]
    reason: str


def weigh(search: Search, labels: np.ndarray, *, seed: int, pool: Executor) -> Weighting:
    """Refit the winner's folds with leavers weighted to balance, and choose.

    Weighting shifts every probability upwards. A threshold makes up for few leavers as well and
    leaves the probabilities honest, so weights must earn their place by a better ranking.
    """
    weight = float((labels == 0).sum() / (labels == 1).sum())
    settings = {**search.best.settings, "scale_pos_weight": weight}
    # Stopped by AUC: weighted probabilities are too high, and their log loss knows only that.
    refit = partial(
        fit_fold, settings=settings, max_trees=search.best.trees, seed=seed, stop_on="auc"
    )
    fits = list(pool.map(refit, [fit.fold for fit in search.fits]))
    plain, weighted = _trial(1.0, search.fits, labels), _trial(weight, fits, labels)
    wins = weighted.auc - plain.auc > WORTHWHILE_AUC
    reason = (
        f"{'weighted' if wins else 'not weighted'}: weights of {weight:.1f} change the AUC by "
        f"{weighted.auc - plain.auc:+.4f} (worth it above {WORTHWHILE_AUC:+.4f}) and the "
        f"calibration error from {plain.calibration_error:.3f} "
        f"to {weighted.calibration_error:.3f}; the threshold makes up for few leavers"
    )
    return Weighting(chosen=weighted if wins else plain, tried=(plain, weighted), reason=reason)


def _trial(weight: float, fits: Sequence[FoldFit], labels: np.ndarray) -> Trial:
    found = out_of_fold(fits, len(labels))
    return Trial(
        weight=weight,
        auc=sum(fit.auc for fit in fits) / len(fits),
        log_loss=sum(fit.log_loss for fit in fits) / len(fits),
        calibration_error=calibration_error(calibration(labels, found)),
        trees=round(sum(fit.trees for fit in fits) / len(fits)),
        probabilities=found,
    )
