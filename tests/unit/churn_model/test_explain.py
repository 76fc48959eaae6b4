from __future__ import annotations

import numpy as np
import pytest

from src.modelling.columns import features_of
from src.modelling.explain import explain


@pytest.fixture(scope="module")
def rows(test):
    return features_of(test).iloc[:200]


@pytest.fixture(scope="module")
def found(trained, rows):
    return explain(trained["model"], rows, threads=2)


def test_the_parts_add_up_to_the_prediction(trained, rows, found):
    margins = found.average + found.values.sum(axis=1)

    assert found.additivity_error < 1e-4
    np.testing.assert_allclose(
        1 / (1 + np.exp(-margins)), trained["model"].predict_proba(rows)[:, 1], atol=1e-5
    )


def test_the_values_are_the_boosters_own_exact_ones(trained, rows, found):
    import xgboost

    booster = trained["model"].get_booster()
    whole = booster.predict(xgboost.DMatrix(rows), pred_contribs=True)

    np.testing.assert_array_equal(found.values.astype("float32"), whole[:, :-1])
    assert found.average == pytest.approx(float(whole[0, -1]))


def test_any_number_of_threads_explains_alike(trained, rows, found):
    for threads in (1, 3, 500):
        other = explain(trained["model"], rows, threads=threads)
        np.testing.assert_array_equal(other.values, found.values)


def test_explaining_leaves_the_model_as_it_was(trained, rows):
    before = bytes(trained["model"].get_booster().save_raw())

    explain(trained["model"], rows, threads=2)

    assert bytes(trained["model"].get_booster().save_raw()) == before


def test_features_that_matter_come_before_noise(found):
    names = list(found.mean_sizes())

    assert names.index("support_tickets") < names.index("noise_a")
    assert names.index("is_dormant") < names.index("noise_b")
