from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from src.modelling.columns import features_of, labels_of
from src.modelling.folds import make_folds
from src.modelling.search import FIRST, batch_sizes, search, space
from src.modelling.weighting import WORTHWHILE_AUC, weigh
from tests.unit.churn_model.customers import customers

FRAME = customers(1_200, seed=5)


def searched(threads: int, n_trials: int = 8, seed: int = 8):
    with ThreadPoolExecutor(threads) as pool:
        folds = make_folds(features_of(FRAME), labels_of(FRAME), folds=3, seed=seed, pool=pool)
        return search(folds, n_trials=n_trials, max_trees=40, seed=seed, pool=pool)


@pytest.fixture(scope="module")
def found():
    return searched(threads=2)


def test_the_same_seed_finds_the_same_with_any_number_of_threads(found):
    """What is proposed and pruned must not depend on which fit ended first."""
    other = searched(threads=5)

    assert found.candidates == other.candidates
    assert found.best.number == other.best.number


def test_another_seed_proposes_something_else(found):
    other = searched(threads=2, n_trials=3, seed=7)

    assert other.candidates[1].settings != found.candidates[1].settings


def test_a_sensible_guess_is_tried_first(found):
    assert found.candidates[0].settings == FIRST


def test_the_first_guess_lies_within_the_space():
    for name, distribution in space().items():
        assert distribution.low <= FIRST[name] <= distribution.high


def test_the_winner_has_the_highest_auc_of_all_that_saw_every_fold(found):
    whole = [one for one in found.candidates if not one.pruned]

    assert found.best.auc == max(one.auc for one in whole)
    assert [fit.auc for fit in found.fits] == list(found.best.aucs)


def test_a_candidate_goes_on_only_among_the_best_quarter_on_its_first_fold(found):
    """Folds differ more than candidates do, so a score is compared on its own fold alone."""
    assert {one.pruned for one in found.candidates[3:]} == {True, False}

    for one in found.candidates[3:]:
        first, batch = one.number % 3, 3 * (one.number // 3)
        earlier = [other.aucs[first] for other in found.candidates[:batch] if not other.pruned]
        score = one.aucs[0] if one.pruned else one.aucs[first]
        assert one.pruned == (score < np.percentile(earlier, 75))
        assert len(one.aucs) == (1 if one.pruned else 3)


def test_a_pruned_candidates_score_is_corrected_for_its_fold(found):
    one = next(one for one in found.candidates if one.pruned)
    whole = [other for other in found.candidates if not other.pruned]
    easy = sum(other.aucs[one.number % 3] - other.auc for other in whole) / len(whole)

    assert found.comparable_auc(one) == pytest.approx(one.auc - easy)


@pytest.mark.parametrize(
    ("n_trials", "folds", "sizes"),
    [(1, 3, [1]), (3, 3, [3]), (8, 3, [3, 3, 2]), (10, 3, [3, 3, 4]), (11, 5, [5, 6])],
)
def test_no_candidate_is_left_to_a_batch_of_its_own(n_trials, folds, sizes):
    assert batch_sizes(n_trials, folds) == sizes


def test_a_single_candidate_is_a_search_too():
    assert searched(threads=1, n_trials=1).best.settings == FIRST


def test_weights_are_used_only_if_they_rank_better(found):
    """They spoil probabilities, so they must earn their place."""
    with ThreadPoolExecutor(2) as pool:
        weighting = weigh(found, labels_of(FRAME), seed=8, pool=pool)

    plain, weighted = weighting.tried
    wins = weighted.auc - plain.auc > WORTHWHILE_AUC
    assert weighting.chosen is (weighted if wins else plain)
    assert (plain.weight, plain.auc) == (1.0, pytest.approx(found.best.auc))
    assert weighted.calibration_error > 3 * plain.calibration_error
    assert "calibration error" in weighting.reason
