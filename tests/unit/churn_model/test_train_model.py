from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from src.modelling.columns import features_of
from src.nodes.node_05_train_model import train_model
from tests.unit.churn_model.conftest import TRAINING
from tests.unit.churn_model.customers import FEATURES, customers

ROOT = Path(__file__).resolve().parents[3]


def test_two_runs_with_one_seed_give_one_model_to_the_byte(trained, train):
    """With another number of threads too: a laptop and a container must agree."""
    other = train_model(train, **TRAINING, threads=1)

    assert pickle.dumps(other["model"]) == pickle.dumps(trained["model"])
    assert other["report"].metrics == trained["report"].metrics
    assert other["report"].figures == trained["report"].figures


def test_the_booster_knows_its_features_by_name(trained):
    assert trained["model"].get_booster().feature_names == FEATURES


def test_the_model_finds_leavers_it_has_never_seen(trained, test):
    scores = trained["model"].predict_proba(features_of(test))[:, 1]

    assert roc_auc_score(test["churned"], scores) > 0.7


def test_the_score_of_the_search_is_no_flattery(trained):
    """Fresh rows score like the folds: early stopping did not look at what was scored."""
    fresh = customers(20_000, seed=99)
    scores = trained["model"].predict_proba(features_of(fresh))[:, 1]

    assert trained["report"].metrics["cv_auc"] == pytest.approx(
        roc_auc_score(fresh["churned"], scores), abs=0.03
    )


def test_the_report_tells_everything_about_the_search(trained):
    report = trained["report"]

    assert {
        "cv_auc",
        "cv_auc_deviation",
        "cv_log_loss",
        "threshold",
        "trees",
        "scale_pos_weight",
        "candidates",
        "pruned",
        "rows",
        "features",
    } <= set(report.metrics)
    assert len(report.tables["Every candidate"]) == TRAINING["n_trials"]
    assert [row["outcome"] for row in report.tables["Every candidate"]].count("winner") == 1
    assert {row["feature"] for row in report.tables["Feature importance"]} == set(FEATURES)
    assert not {"Seconds", "Versions"} & set(report.tables), "a run's own record has these"
    assert "With and without class weights" in report.tables
    assert list(report.figures) == [
        "The search",
        "Feature importance",
        "How the threshold was chosen",
    ]


def test_metrics_are_plain_numbers(trained, report):
    for name, value in {**trained["report"].metrics, **report.metrics}.items():
        assert type(value) in (int, float), name
        assert np.isfinite(value), name


def test_shuffling_noise_costs_next_to_nothing(trained):
    rows = trained["report"].tables["Feature importance"]
    falls = {row["feature"]: row["fall of AUC when shuffled"] for row in rows}

    assert falls["support_tickets"] > 0.02
    assert abs(falls["noise_a"]) < 0.02
    assert rows == sorted(rows, key=lambda row: -row["fall of AUC when shuffled"])


def test_the_order_of_rows_is_no_secret_feature(train):
    """The key is in the table, sorted by risk; the model must not see it."""
    frame = train.sort_values("churned", kind="stable")
    frame = frame.assign(customer_id=np.arange(len(frame)), noise_a=0.0, noise_b=0)

    found = train_model(frame, **{**TRAINING, "n_trials": 1})

    assert found["report"].metrics["cv_auc"] < 0.9


def test_a_text_column_is_told_in_the_notes(train):
    found = train_model(train.assign(contract="monthly"), **{**TRAINING, "n_trials": 1})

    assert any("contract" in note for note in found["report"].notes)


@pytest.mark.parametrize("node", ["node_05_train_model", "node_06_evaluate_model"])
def test_importing_a_node_loads_no_heavy_library(node):
    heavy = ("pandas", "numpy", "sklearn", "xgboost", "optuna", "matplotlib", "scipy")
    code = f"import sys, src.nodes.{node}; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
