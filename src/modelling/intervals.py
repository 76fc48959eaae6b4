"""How far a metric might be off: bootstrap intervals, many resamples at once.

A resample is a count for each row, and every metric can be computed from counts over rows that
were sorted once. No resample sorts, copies or predicts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LEVEL = 0.95
CELLS_AT_ONCE = 2_000_000
"""Counts held in memory at a time: 16 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The middle 95 % of a metric's resamples."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.3f} to {self.high:.3f}"


def intervals(
    labels: np.ndarray,
    probabilities: Mapping[str, np.ndarray],
    thresholds: Mapping[str, float],
    *,
    resamples: int,
    seed: int,
) -> dict[str, dict[str, Interval]]:
    """Return an interval for each model and metric, and for each gap to the first model.

    Args:
        labels: 0 or 1, one per row.
        probabilities: by name of the model, the first being the one that others are compared with.
        thresholds: by name of the model.
        resamples: how often the rows are drawn with replacement.
        seed: of the draws. All models see the same draws, so that a gap's interval is that of
            paired differences, much narrower than two intervals side by side suggest.

    Returns:
        By name of the model; and under ``"<first> - <other>"`` the differences.
    """
    import numpy as np

    models = {
        name: SortedRows(labels, found, thresholds[name]) for name, found in probabilities.items()
    }
    drawn = _resampled(models, np.random.default_rng(seed), rows=len(labels), resamples=resamples)
    first, *others = drawn
    for other in others:
        drawn[f"{first} - {other}"] = {
            metric: values - drawn[other][metric] for metric, values in drawn[first].items()
        }
    return {name: _middles(metrics) for name, metrics in drawn.items()}


def _resampled(
    models: Mapping[str, SortedRows], rng: np.random.Generator, *, rows: int, resamples: int
) -> dict[str, dict[str, np.ndarray]]:
    """Return each model's metrics, one value per resample."""
    import numpy as np

    parts: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in models}
    size = max(1, CELLS_AT_ONCE // rows)
    for start in range(0, resamples, size):
        counts = _draw(rng, rows, min(size, resamples - start))
        for name, model in models.items():
            parts[name].append(model.metrics(counts))
    return {
        name: {metric: np.concatenate([part[metric] for part in found]) for metric in found[0]}
        for name, found in parts.items()
    }


def _draw(rng: np.random.Generator, rows: int, resamples: int) -> np.ndarray:
    """Return how often each row is drawn: one line per resample."""
    import numpy as np

    picks = rng.integers(0, rows, size=(resamples, rows), dtype="int32")
    picks += (np.arange(resamples, dtype="int32") * rows)[:, None]
    counts = np.bincount(picks.ravel(), minlength=resamples * rows)
    return counts.reshape(resamples, rows).astype("float64")


def _middles(metrics: Mapping[str, np.ndarray]) -> dict[str, Interval]:
    import numpy as np

    tail = (1 - LEVEL) / 2
    found = {}
    for metric, values in metrics.items():
        low, high = np.nanquantile(values, [tail, 1 - tail])
        found[metric] = Interval(low=float(low), high=float(high))
    return found


class SortedRows:
    """One model's rows, sorted by falling probability once for all resamples."""

    def __init__(self, labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> None:
        import numpy as np

        probabilities = probabilities.astype("float64")
        self.order = np.argsort(-probabilities, kind="stable")
        scores = probabilities[self.order]
        self.positive = labels[self.order].astype("float64")
        self.ends = np.flatnonzero(np.append(np.diff(scores) < 0, True))
        self.flagged = int((scores >= threshold).sum())
        likelihood = np.where(self.positive == 1, scores, 1 - scores)
        self.log_loss = -np.log(np.clip(likelihood, np.finfo("float32").eps, 1))
        self.brier = (self.positive - scores) ** 2

    def metrics(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Return each metric's values, one per line of *counts*."""
        import numpy as np

        weights = counts[:, self.order]
        hits = np.cumsum(weights * self.positive, axis=1)
        flagged = np.cumsum(weights, axis=1)
        rows, positives = flagged[:, -1], hits[:, -1]
        found = self._ranked(hits[:, self.ends], flagged[:, self.ends])
        found["log_loss"] = weights @ self.log_loss / rows
        found["brier"] = weights @ self.brier / rows
        if self.flagged:
            true, called = hits[:, self.flagged - 1], flagged[:, self.flagged - 1]
        else:
            true = called = np.zeros(len(weights))
        found["accuracy"] = (true + rows - called - (positives - true)) / rows
        found["precision"] = true / np.maximum(called, 1)
        found["recall"] = true / np.maximum(positives, 1)
        found["f1"] = 2 * true / np.maximum(called + positives, 1)
        return found

    @staticmethod
    def _ranked(hits: np.ndarray, flagged: np.ndarray) -> dict[str, np.ndarray]:
        """Return the areas under both curves, from running sums at the end of each score."""
        import numpy as np

        misses = flagged - hits
        steps = np.diff(hits, axis=1, prepend=0.0)
        widths = np.diff(misses, axis=1, prepend=0.0)
        area = (widths * (hits - steps / 2)).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(flagged > 0, hits / flagged, 0.0)
            return {
                "auc": area / (hits[:, -1] * misses[:, -1]),
                "pr_auc": (steps * precision).sum(axis=1) / hits[:, -1],
            }
