from __future__ import annotations

import pytest

from src.nodes.node_05_train_model import train_model
from src.nodes.node_06_evaluate_model import evaluate_model
from tests.unit.churn_model.customers import customers

TRAINING = {"n_trials": 5, "folds": 3, "max_trees": 60, "seed": 3}


@pytest.fixture(scope="session")
def train():
    return customers(2_400, seed=1)


@pytest.fixture(scope="session")
def test():
    return customers(1_000, seed=2, first_key=10_001)


@pytest.fixture(scope="session")
def trained(train):
    return train_model(train, **TRAINING, threads=2)


@pytest.fixture(scope="session")
def report(trained, train, test):
    return evaluate_model(trained["model"], train, test, bootstrap=60, shap_rows=300, seed=3)
