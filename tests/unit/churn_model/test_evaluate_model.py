from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from src.modelling.columns import features_of
from src.modelling.threshold import REASON, VALUE, threshold_of
from src.nodes.node_06_evaluate_model import evaluate_model

FIGURES = [
    "ROC curve",
    "Precision and recall",
    "Confusion matrix",
    "Calibration",
    "Feature importance",
    "SHAP summary",
    "One customer explained",
]

METRICS = {
    "auc",
    "pr_auc",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "log_loss",
    "brier",
    "calibration_error",
}


def again(trained, train, test, **changed):
    options = {"bootstrap": 60, "shap_rows": 300, "seed": 3, **changed}
    return evaluate_model(trained["model"], train, test, **options)


def test_the_report_has_every_promised_picture(report):
    assert list(report.figures) == FIGURES


def test_the_report_has_every_promised_metric_of_model_and_baseline(report):
    assert set(report.metrics) >= METRICS
    assert set(report.metrics) >= {f"baseline_{name}" for name in METRICS}
    assert {"auc_low", "auc_high", "threshold", "explained_rows"} <= set(report.metrics)


def test_the_metrics_are_scikit_learns(report, trained, test):
    scores = trained["model"].predict_proba(features_of(test))[:, 1].astype("float64")
    called = scores >= threshold_of(trained["model"]).value
    truth = test["churned"]

    expected = {
        "auc": metrics.roc_auc_score(truth, scores),
        "pr_auc": metrics.average_precision_score(truth, scores),
        "accuracy": metrics.accuracy_score(truth, called),
        "precision": metrics.precision_score(truth, called),
        "recall": metrics.recall_score(truth, called),
        "f1": metrics.f1_score(truth, called),
        "log_loss": metrics.log_loss(truth, scores),
        "brier": metrics.brier_score_loss(truth, scores),
    }

    assert {name: report.metrics[name] for name in expected} == pytest.approx(expected)


def test_each_metric_lies_in_its_interval(report):
    for row in report.tables["The model beside a baseline"]:
        if row["95% interval"]:
            low, high = map(float, row["95% interval"].split(" to "))
            assert low - 0.001 <= row["XGBoost"] <= high + 0.001, row["metric"]


def test_two_evaluations_with_one_seed_are_alike(report, trained, train, test):
    other = again(trained, train, test)

    assert other == report


def test_the_threshold_does_not_depend_on_the_test_rows(report, trained, train, test):
    """Chosen there, it would be judged by rows that chose it."""
    turned = test.assign(churned=1 - test["churned"])

    other = again(trained, train, turned)

    assert other.metrics["threshold"] == report.metrics["threshold"]
    assert other.metrics["f1"] != report.metrics["f1"]
    thresholds = [row["threshold"] for row in other.tables["Other thresholds on the test rows"]]
    assert sum("chosen" in shown for shown in thresholds) == 1


def test_a_model_that_carries_no_threshold_gets_one_from_the_training_rows(trained, train, test):
    import copy

    foreign = copy.deepcopy(trained["model"])
    foreign.get_booster().set_attr(**{VALUE: None, REASON: None})

    found = again({"model": foreign}, train, test)

    assert f"{len(train):,} out-of-fold predictions" in " ".join(found.notes)
    assert found.metrics["threshold"] == pytest.approx(
        threshold_of(trained["model"]).value, abs=0.12
    )


def test_the_notes_say_how_many_rows_were_explained(report, test):
    assert any(f"300 of {len(test):,} test rows explained" in note for note in report.notes)
    assert report.metrics["explained_rows"] == 300
    assert report.metrics["shap_additivity_error"] < 1e-4


def test_all_rows_are_explained_if_there_are_fewer_than_asked_for(trained, train, test):
    found = again(trained, train, test.iloc[:150], shap_rows=2_000)

    assert found.metrics["explained_rows"] == 150


def test_the_explained_customer_is_the_riskiest_of_the_explained_and_named(trained, train, test):
    few = test.iloc[:150]
    report = again(trained, train, few, shap_rows=150)
    shown = next(name for name in report.tables if name.startswith("Customer"))
    key = int(shown.split()[1].rstrip(","))

    scores = trained["model"].predict_proba(features_of(few))[:, 1]
    assert key == few["customer_id"].iloc[int(scores.argmax())]
    parts = sum(row["log-odds"] for row in report.tables[shown])
    assert parts > 0


def test_columns_may_come_in_another_order(report, trained, train, test):
    found = again(trained, train, test[list(test.columns)[::-1]])

    assert found.metrics == report.metrics


def test_a_missing_feature_is_named(trained, train, test):
    with pytest.raises(ValueError, match="spend_trend"):
        again(trained, train, test.drop(columns="spend_trend"))


def test_a_model_beats_the_baseline_where_features_interact(report):
    assert report.metrics["auc_gain_over_baseline"] > 0
    assert np.isclose(
        report.metrics["auc"] - report.metrics["baseline_auc"],
        report.metrics["auc_gain_over_baseline"],
    )
