"""XGBoost on several machines: what is asked of Snowflake's estimator, and what comes back.

The estimator is in the image of the Container Runtime alone. A module of its name stands in for
it: it writes down what it is asked, and fits on this machine.
"""

import json
import logging
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sf_ml_framework.places.snowflake.distributed import COUNT, fit_xgboost

xgboost = pytest.importorskip("xgboost")

GOLDEN = Path(__file__).parent / "distributed_calls.json"
SETTINGS = {"objective": "binary:logistic", "max_depth": 2, "tree_method": "hist"}
DRAWN = np.random.default_rng(1)
FEATURES = pd.DataFrame({"age": DRAWN.random(60), "spend": DRAWN.random(60)})
LABELS = (FEATURES["age"] > 0.5).astype("int32").to_numpy()


def fit():
    return fit_xgboost(FEATURES, LABELS, settings=SETTINGS, trees=3, seed=7)


@pytest.fixture
def two_machines(monkeypatch):
    monkeypatch.setenv(COUNT, "2")


@pytest.fixture(params=["booster", "estimator"])
def asked(request, monkeypatch, two_machines):
    """What the estimator is asked; it returns the booster, or itself."""
    calls = []

    class XGBScalingConfig:
        def __init__(self, **given):
            calls.append({"XGBScalingConfig": given})

    class XGBEstimator:
        def __init__(self, **given):
            config = type(given.pop("scaling_config")).__name__
            calls.append({"XGBEstimator": {**given, "scaling_config": config}})
            self.trees, self.params = given["n_estimators"], given["params"]

        def fit(self, features, labels):
            calls.append({"fit": [list(features.columns), features.shape, labels.shape]})
            model = xgboost.XGBClassifier(**self.params, n_estimators=self.trees)
            self._sklearn_estimator = model.fit(features, labels)
            return model.get_booster() if request.param == "booster" else self

    names = ("snowflake.ml.modeling.distributors", "snowflake.ml.modeling.distributors.xgboost")
    modules = {name: types.ModuleType(name) for name in names}
    modules[names[1]].XGBEstimator = XGBEstimator
    modules[names[1]].XGBScalingConfig = XGBScalingConfig
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return calls


def test_the_estimator_is_asked_as_in_the_golden_file(asked):
    fit()

    assert json.loads(json.dumps(asked)) == json.loads(GOLDEN.read_text())


def test_what_several_machines_fitted_is_of_the_type_that_one_returns(asked):
    model = fit()

    alone = xgboost.XGBClassifier(**SETTINGS, n_estimators=3, seed=7).fit(FEATURES, LABELS)
    assert type(model) is xgboost.XGBClassifier
    assert model.get_booster().feature_names == ["age", "spend"]
    np.testing.assert_allclose(model.predict_proba(FEATURES), alone.predict_proba(FEATURES))
    assert model.predict(FEATURES).tolist() == alone.predict(FEATURES).tolist()


@pytest.mark.parametrize("count", [None, "1", "many"])
def test_one_machine_never_asks_for_the_distributed_estimator(monkeypatch, count):
    monkeypatch.delenv(COUNT, raising=False)
    if count:
        monkeypatch.setenv(COUNT, count)
    monkeypatch.setitem(sys.modules, "snowflake.ml.modeling.distributors.xgboost", None)

    assert fit().n_estimators == 3


def test_without_the_container_runtime_one_machine_fits_and_says_so(
    monkeypatch, two_machines, caplog
):
    monkeypatch.setitem(sys.modules, "snowflake.ml.modeling.distributors.xgboost", None)

    with caplog.at_level(logging.WARNING):
        model = fit()

    assert "2 machines and no image of the Container Runtime" in caplog.text
    assert model.get_booster().num_boosted_rounds() == 3


def test_the_same_seed_gives_the_same_model_on_one_machine():
    assert fit().get_booster().save_raw() == fit().get_booster().save_raw()
