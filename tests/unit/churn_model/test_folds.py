from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from src.modelling.columns import features_of, labels_of
from src.modelling.folds import fit_fold, make_folds, out_of_fold
from src.modelling.search import FIRST
from tests.unit.churn_model.customers import customers


@pytest.fixture(scope="module")
def rows():
    frame = customers(1_200, seed=4)
    return features_of(frame), labels_of(frame)


@pytest.fixture(scope="module")
def folds(rows):
    with ThreadPoolExecutor(2) as pool:
        return make_folds(*rows, folds=3, seed=1, pool=pool)


def test_every_row_is_held_out_once(folds):
    held_out = np.concatenate([half.rows for fold in folds for half in fold.halves])

    assert sorted(held_out) == list(range(1_200))


def test_every_half_has_its_share_of_leavers(folds, rows):
    shares = [half.labels.mean() for fold in folds for half in fold.halves]

    assert shares == pytest.approx([rows[1].mean()] * 6, abs=0.01)


def test_a_fold_fits_on_the_rows_that_it_does_not_hold_out(folds):
    for fold in folds:
        assert fold.fit.num_row() == 1_200 - sum(len(half.rows) for half in fold.halves)


def test_each_half_is_scored_with_the_number_of_trees_that_the_other_chose(folds):
    """Rows that stopped a model flatter it."""
    fit = fit_fold(folds[0], FIRST, max_trees=60, seed=1)
    looks = range(10, fit.booster.num_boosted_rounds() + 1, 10)

    for mine, other, found in zip(
        fit.fold.halves, reversed(fit.fold.halves), fit.probabilities, strict=True
    ):
        best = min(
            looks,
            key=lambda trees: log_loss(
                other.labels, fit.booster.predict(other.matrix, iteration_range=(0, trees))
            ),
        )
        expected = fit.booster.predict(mine.matrix, iteration_range=(0, best))
        np.testing.assert_array_equal(found, expected)


def test_the_folds_auc_is_the_mean_of_its_halves(folds):
    fit = fit_fold(folds[1], FIRST, max_trees=30, seed=1)

    expected = [
        roc_auc_score(half.labels, found)
        for half, found in zip(fit.fold.halves, fit.probabilities, strict=True)
    ]

    assert fit.auc == pytest.approx(np.mean(expected))


def test_a_fit_stops_when_more_trees_do_not_help(folds):
    settings = {**FIRST, "learning_rate": 0.5, "max_depth": 8}

    fit = fit_fold(folds[0], settings, max_trees=500, seed=1)

    assert fit.booster.num_boosted_rounds() < 200
    assert fit.trees <= fit.booster.num_boosted_rounds()


def test_fits_side_by_side_find_what_one_after_the_other_finds(folds):
    work = [(fold, {**FIRST, "max_depth": depth}) for depth in (3, 5) for fold in folds]

    def fit(item):
        return fit_fold(*item, max_trees=40, seed=1)

    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(fit, work))

    for one, other in zip(map(fit, work), parallel, strict=True):
        assert one.booster.save_raw() == other.booster.save_raw()
        assert (one.auc, one.trees) == (other.auc, other.trees)


def test_every_row_gets_one_probability_from_a_model_that_never_saw_it(folds, rows):
    fits = [fit_fold(fold, FIRST, max_trees=30, seed=1) for fold in folds]

    found = out_of_fold(fits, len(rows[1]))

    assert np.isfinite(found).all()
    assert roc_auc_score(rows[1], found) == pytest.approx(
        np.mean([fit.auc for fit in fits]), abs=0.03
    )


def test_too_few_leavers_for_the_folds_are_an_error_that_counts_them():
    frame = customers(40).assign(churned=[1, 1, 1] + [0] * 37)

    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="6 rows of each class"):
        make_folds(features_of(frame), labels_of(frame), folds=3, seed=1, pool=pool)
