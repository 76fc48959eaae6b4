from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from src.modelling.threshold import choose, threshold_of
from tests.unit.churn_model.test_scores import ROWS


@given(rows=ROWS, other=st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_no_other_threshold_has_a_higher_f1(rows, other):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    scores = scores / 10

    chosen = choose(labels, scores)

    best = f1_score(labels, scores >= chosen.value)
    assert best >= f1_score(labels, scores >= other, zero_division=0) - 1e-12


def test_the_threshold_lies_between_two_scores():
    """On a score itself, an engine that rounds differently would decide differently."""
    chosen = choose(np.array([1, 1, 0, 0]), np.array([0.9, 0.7, 0.3, 0.1]))

    assert chosen.value == pytest.approx(0.5)


def test_the_reason_says_what_was_asked_and_what_was_not():
    chosen = choose(np.array([1, 0]), np.array([0.9, 0.1]))

    assert "2 out-of-fold predictions" in chosen.reason
    assert "no test row" in chosen.reason


def test_a_trained_model_carries_its_threshold_through_a_pickle(trained):
    copy = pickle.loads(pickle.dumps(trained["model"]))

    assert threshold_of(copy) == threshold_of(trained["model"])
    assert threshold_of(copy).value == trained["report"].metrics["threshold"]


def test_a_trained_model_carries_its_threshold_through_xgboosts_own_format(trained, tmp_path):
    """The Model Registry keeps models in that format."""
    import xgboost

    trained["model"].save_model(tmp_path / "model.ubj")
    copy = xgboost.XGBClassifier()
    copy.load_model(tmp_path / "model.ubj")

    assert threshold_of(copy) == threshold_of(trained["model"])
