"""How good predicted probabilities are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """One tenth of the rows, by rising probability."""

    rows: int
    predicted: float
    """Mean probability."""
    observed: float
    """Share of positives."""


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the area under the ROC curve, ties counted by half.

    Equal to scikit-learn's, without its checks: it is called thousands of times here.
    """
    from scipy.stats import rankdata

    positives = int(labels.sum())
    ranks = rankdata(scores)[labels == 1].sum()
    pairs = positives * (len(labels) - positives)
    return float((ranks - positives * (positives + 1) / 2) / pairs)


def calibration(labels: np.ndarray, probabilities: np.ndarray) -> list[CalibrationBin]:
    """Return ten bins with equally many rows each, by rising probability."""
    import numpy as np

    order = np.argsort(probabilities, kind="stable")
    return [
        CalibrationBin(
            rows=len(part),
            predicted=float(probabilities[part].mean()),
            observed=float(labels[part].mean()),
        )
        for part in np.array_split(order, CALIBRATION_BINS)
        if len(part)
    ]


def calibration_error(bins: list[CalibrationBin]) -> float:
    """Return the expected calibration error: mean gap of predicted and observed, by rows."""
    total = sum(found.rows for found in bins)
    return sum(found.rows * abs(found.predicted - found.observed) for found in bins) / total


def scores_of(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> dict[str, float]:
    """Return every metric of the report, by name.

    Args:
        labels: 0 or 1, one per row.
        probabilities: of label 1, one per row.
        threshold: from which probability on a row counts as positive.
    """
    from sklearn import metrics

    decided = probabilities >= threshold
    return {
        "auc": float(metrics.roc_auc_score(labels, probabilities)),
        "pr_auc": float(metrics.average_precision_score(labels, probabilities)),
        "accuracy": float(metrics.accuracy_score(labels, decided)),
        "precision": float(metrics.precision_score(labels, decided, zero_division=0)),
        "recall": float(metrics.recall_score(labels, decided, zero_division=0)),
        "f1": float(metrics.f1_score(labels, decided, zero_division=0)),
        "log_loss": float(metrics.log_loss(labels, probabilities)),
        "brier": float(metrics.brier_score_loss(labels, probabilities)),
        "calibration_error": calibration_error(calibration(labels, probabilities)),
    }
