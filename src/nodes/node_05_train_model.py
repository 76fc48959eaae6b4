"""Train the churn model: search its settings by cross-validation, then fit it on all rows."""

from __future__ import annotations

import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from src.modelling import threshold
from src.modelling.attributions import importance, progress
from src.modelling.columns import features_of, labels_of, left_out
from src.modelling.cores import available_cores
from src.modelling.curves import thresholds
from src.modelling.drawing import Headline
from src.modelling.final import fit_final
from src.modelling.folds import FIXED, PATIENCE, make_folds
from src.modelling.importance import ROWS_PER_FOLD, gain_shares, permutation_drops
from src.modelling.search import Search, search
from src.modelling.weighting import Weighting, weigh

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xgboost

    from sf_ml_framework import Report

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """Everything that training found out; the report is written from it."""

    model: xgboost.XGBClassifier
    features: pd.DataFrame
    labels: np.ndarray
    found: Search
    weighting: Weighting
    chosen: threshold.Threshold
    gain: dict[str, float]
    permutation: dict[str, tuple[float, float]]


def train_model(
    train: pd.DataFrame,
    *,
    n_trials: int = 10,
    folds: int = 3,
    max_trees: int = 300,
    seed: int = 42,
    threads: int | None = None,
) -> dict[str, Any]:
    """Return the churn model and the report of how it was found.

    The same rows and seed give the same model to the byte, with any number of threads.

    Args:
        train: one row per customer; every numeric column but key, date and target is a feature.
        n_trials: candidates of the search; the first is always the same.
        folds: parts of the stratified cross-validation.
        max_trees: where a fit ends that early stopping has not ended.
        seed: of folds, search, trees and shuffles.
        threads: fits side by side; as many as there are cores if None.

    Returns:
        ``model``, a fitted ``xgboost.XGBClassifier`` that carries its decision threshold, and
        ``report``.

    Raises:
        ValueError: the target is not usable, no column is numeric, or a class has too few rows.
    """
    features, labels = features_of(train), labels_of(train)
    trained = _train(
        features,
        labels,
        n_trials=n_trials,
        folds=folds,
        max_trees=max_trees,
        seed=seed,
        threads=threads or available_cores(),
    )
    return {"model": trained.model, "report": _report(trained, left_out(train))}


def _train(
    features: pd.DataFrame,
    labels: np.ndarray,
    *,
    n_trials: int,
    folds: int,
    max_trees: int,
    seed: int,
    threads: int,
) -> Trained:
    clock = _Clock()
    with ThreadPoolExecutor(threads) as pool:
        parts = make_folds(features, labels, folds=folds, seed=seed, pool=pool)
        clock.lap("cut and bin the folds")
        found = search(parts, n_trials=n_trials, max_trees=max_trees, seed=seed, pool=pool)
        clock.lap("search")
        weighting = weigh(found, labels, seed=seed, pool=pool)
        chosen = threshold.choose(labels, weighting.chosen.probabilities)
        clock.lap("class weights and threshold")
        settings = {**found.best.settings, "scale_pos_weight": weighting.chosen.weight}
        trees = weighting.chosen.trees
        fitting = pool.submit(
            fit_final, features, labels, settings=settings, trees=trees, seed=seed
        )
        permutation = permutation_drops(found.fits, features, labels, seed=seed, pool=pool)
        model = fitting.result()
        clock.lap("last fit and permutation importance, side by side")
    threshold.keep(model, chosen)
    return Trained(
        model=model,
        features=features,
        labels=labels,
        found=found,
        weighting=weighting,
        chosen=chosen,
        gain=gain_shares(model.get_booster()),
        permutation=permutation,
    )


class _Clock:
    """Logs how long each step took. A report does not hold it: the same seed, the same report."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        _LOGGER.info("%.2f s: %s", now - self._last, step)
        self._last = now


def _report(trained: Trained, unused: list[str]) -> Report:
    from sf_ml_framework import Report

    found = trained.found
    pruned = sum(tried.pruned for tried in found.candidates)
    notes = [
        f"{len(found.candidates)} candidates on {len(found.fits)} stratified folds, "
        f"{pruned} of them pruned after one fold. Each half of a fold's held-out rows chose a "
        f"number of trees (no gain for {PATIENCE}) that was scored on the other half. The AUC of "
        f"a pruned one is corrected for how easy its only fold is.",
        f"Class weights: {trained.weighting.reason}.",
        f"Threshold: {trained.chosen.reason}.",
        f"Permutation importance: fall of AUC on {ROWS_PER_FOLD:,} held-out rows of each fold "
        f"(fewer if the fold has fewer), by the winner's models of the search.",
    ]
    if unused:
        notes.append(f"Not numeric and therefore not used: {', '.join(unused)}.")
    return Report(
        title="Training",
        metrics=_metrics(trained),
        tables=_tables(trained),
        figures=_figures(trained),
        notes=tuple(notes),
    )


def _metrics(trained: Trained) -> dict[str, float | int]:
    import numpy as np

    best, chosen = trained.found.best, trained.weighting.chosen
    return {
        "cv_auc": best.auc,
        "cv_auc_deviation": float(np.std(best.aucs)),
        "cv_log_loss": chosen.log_loss,
        "cv_calibration_error": chosen.calibration_error,
        "threshold": trained.chosen.value,
        "trees": chosen.trees,
        "scale_pos_weight": chosen.weight,
        "candidates": len(trained.found.candidates),
        "pruned": sum(tried.pruned for tried in trained.found.candidates),
        "rows": len(trained.labels),
        "features": trained.features.shape[1],
        "share_of_leavers": float(trained.labels.mean()),
    }


def _tables(trained: Trained) -> dict[str, list[dict[str, Any]]]:
    found = trained.found
    chosen = trained.weighting.chosen
    settings = {**FIXED, **found.best.settings, "n_estimators": chosen.trees}
    settings["scale_pos_weight"] = chosen.weight
    names = sorted(trained.permutation, key=lambda name: -trained.permutation[name][0])
    return {
        "The winner's settings": [{"setting": k, "value": _short(v)} for k, v in settings.items()],
        "Every candidate": [_candidate_row(found, tried) for tried in found.candidates],
        "With and without class weights": [
            {
                "scale_pos_weight": round(tried.weight, 2),
                "AUC": round(tried.auc, 4),
                "log loss": round(tried.log_loss, 4),
                "calibration error": round(tried.calibration_error, 4),
                "trees": tried.trees,
            }
            for tried in trained.weighting.tried
        ],
        "Feature importance": [
            {
                "feature": name,
                "fall of AUC when shuffled": round(trained.permutation[name][0], 5),
                "deviation over folds": round(trained.permutation[name][1], 5),
                "share of gain": round(trained.gain[name], 4),
            }
            for name in names
        ],
    }


def _candidate_row(found: Search, tried: Any) -> dict[str, Any]:
    winner = tried.number == found.best.number
    return {
        "candidate": tried.number + 1,
        "AUC": round(found.comparable_auc(tried), 4),
        "log loss": round(tried.log_loss, 4),
        "folds": len(tried.aucs),
        "trees": tried.trees,
        "outcome": "winner" if winner else "pruned" if tried.pruned else "complete",
        **{name: _short(value) for name, value in tried.settings.items()},
    }


def _short(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _figures(trained: Trained) -> dict[str, str]:
    found, chosen = trained.found, trained.chosen
    drops = {name: mean for name, (mean, _) in trained.permutation.items()}
    winner = f"Candidate {found.best.number + 1} won with an AUC of {found.best.auc:.4f}"
    return {
        "The search": progress(
            found, Headline(winner, f"mean over the held-out rows of {len(found.fits)} folds")
        ),
        "Feature importance": importance(
            trained.gain,
            drops,
            label="fall of AUC when shuffled",
            headline=Headline(
                f"{max(drops, key=lambda name: drops[name])} would be missed most",
                "measured on held-out rows; whiskers: deviation over folds",
            ),
            deviations={name: spread for name, (_, spread) in trained.permutation.items()},
        ),
        "How the threshold was chosen": thresholds(
            trained.labels,
            trained.weighting.chosen.probabilities,
            chosen.value,
            Headline(
                f"{chosen.value:.3f} balances precision and recall best",
                f"highest F1 on {len(trained.labels):,} out-of-fold predictions of training rows",
            ),
        ),
    }


if __name__ == "__main__":
    from src.utils.run_node import main

    raise SystemExit(main(["--node", "train_model"]))
