from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from sklearn import metrics

from src.modelling.intervals import SortedRows, intervals


def two_normals(rows: int, distance: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and scores whose true AUC is known: Phi(distance / sqrt 2)."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(rows) % 4 == 0).astype("int8")
    return labels, 1 / (1 + np.exp(-(rng.normal(size=rows) + distance * labels - 1.5)))


def of_one(labels, scores, **options):
    return intervals(labels, {"model": scores}, {"model": 0.4}, **options)["model"]


@pytest.mark.parametrize("decimals", [1, 8], ids=["with ties", "without ties"])
def test_a_resample_is_judged_as_scikit_learn_judges_weighted_rows(decimals):
    labels, scores = two_normals(200, 1.0, seed=0)
    scores = scores.round(decimals).clip(0.05, 0.95)
    counts = np.random.default_rng(1).poisson(1.0, (3, 200)).astype("float64")

    found = SortedRows(labels, scores, 0.4).metrics(counts)

    for line, weight in enumerate(counts):
        weigh = {"sample_weight": weight}
        called = scores >= 0.4
        expected = {
            "auc": metrics.roc_auc_score(labels, scores, **weigh),
            "pr_auc": metrics.average_precision_score(labels, scores, **weigh),
            "accuracy": metrics.accuracy_score(labels, called, **weigh),
            "precision": metrics.precision_score(labels, called, **weigh),
            "recall": metrics.recall_score(labels, called, **weigh),
            "f1": metrics.f1_score(labels, called, **weigh),
            "log_loss": metrics.log_loss(labels, scores, **weigh),
            "brier": metrics.brier_score_loss(labels, scores, **weigh),
        }
        assert {name: values[line] for name, values in found.items()} == pytest.approx(expected)


def test_95_percent_intervals_cover_the_truth_about_95_times_in_100():
    truth = NormalDist().cdf(1.0 / math.sqrt(2))

    found = [
        of_one(*two_normals(300, 1.0, seed), resamples=150, seed=seed)["auc"] for seed in range(100)
    ]

    assert 88 <= sum(one.low <= truth <= one.high for one in found) <= 99


def test_four_times_the_rows_halve_the_interval():
    few = of_one(*two_normals(500, 1.0, 0), resamples=300, seed=0)["auc"]
    many = of_one(*two_normals(2_000, 1.0, 0), resamples=300, seed=0)["auc"]

    assert (many.high - many.low) / (few.high - few.low) == pytest.approx(0.5, abs=0.12)


def test_the_same_seed_gives_the_same_interval():
    rows = two_normals(200, 1.0, 0)

    assert of_one(*rows, resamples=50, seed=5) == of_one(*rows, resamples=50, seed=5)
    assert of_one(*rows, resamples=50, seed=5) != of_one(*rows, resamples=50, seed=6)


def test_a_model_does_not_differ_from_itself():
    """Both see the same draws, so the difference is paired."""
    labels, scores = two_normals(200, 1.0, 0)

    found = intervals(
        labels, {"a": scores, "b": scores}, {"a": 0.4, "b": 0.4}, resamples=50, seed=0
    )["a - b"]

    assert all(gap.low == gap.high == 0 for gap in found.values())


def test_a_threshold_that_nobody_reaches_gives_zeros_and_no_error():
    labels, scores = two_normals(200, 1.0, 0)

    found = intervals(labels, {"a": scores}, {"a": 2.0}, resamples=20, seed=0)["a"]

    assert (found["precision"].high, found["recall"].high, found["f1"].high) == (0, 0, 0)
    assert found["accuracy"].low > 0.5
