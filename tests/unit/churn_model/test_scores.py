from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from src.modelling.scores import auc, calibration, calibration_error, scores_of

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=2, max_size=40).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)
"""Few distinct scores, so that there are ties, among both classes."""


@given(rows=ROWS)
@settings(max_examples=80, deadline=None)
def test_the_quick_auc_is_scikit_learns(rows):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))

    assert auc(labels, scores / 10) == pytest.approx(metrics.roc_auc_score(labels, scores))


@given(rows=ROWS, threshold=st.floats(0.05, 0.95))
@settings(max_examples=40, deadline=None)
def test_precision_and_recall_count_the_rows_at_or_above_the_threshold(rows, threshold):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    called = scores / 10 >= threshold
    caught = int((called & (labels == 1)).sum())

    found = scores_of(labels, scores / 10, threshold)

    assert found["precision"] == pytest.approx(caught / max(1, called.sum()))
    assert found["recall"] == pytest.approx(caught / labels.sum())


def test_honest_probabilities_have_no_calibration_error_to_speak_of():
    rng = np.random.default_rng(0)
    chance = rng.beta(1, 7, 200_000)

    assert calibration_error(calibration((rng.random(200_000) < chance) * 1, chance)) < 0.003


def test_doubled_probabilities_are_off_by_their_mean():
    rng = np.random.default_rng(0)
    chance = rng.beta(1, 7, 200_000) / 2
    labels = (rng.random(200_000) < chance) * 1

    assert calibration_error(calibration(labels, 2 * chance)) == pytest.approx(
        chance.mean(), abs=0.003
    )


def test_calibration_bins_hold_every_row_once_by_rising_probability():
    rng = np.random.default_rng(0)
    found = calibration(rng.integers(0, 2, 103), rng.random(103))

    assert sum(part.rows for part in found) == 103
    assert [part.predicted for part in found] == sorted(part.predicted for part in found)
