"""Judge the churn model on the test rows, explain it, and draw what a reader should see."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from src.customers import KEY
from src.modelling import attributions, baseline, curves, threshold
from src.modelling.columns import features_of, labels_of
from src.modelling.curves import Judged
from src.modelling.drawing import Headline
from src.modelling.explain import Explanation, explain
from src.modelling.importance import gain_shares
from src.modelling.intervals import Interval, intervals
from src.modelling.scores import calibration, scores_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xgboost

    from sf_ml_framework import Report

MODEL, BASELINE = "XGBoost", "logistic regression"

NAMES = {
    "auc": "AUC",
    "pr_auc": "PR-AUC (average precision)",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "log_loss": "log loss",
    "brier": "Brier score",
    "calibration_error": "calibration error",
}

FALLBACK_FOLDS = 3
"""Parts of the cross-validation that finds a threshold for a model that carries none."""

ADDITIVITY_TOLERANCE = 1e-3
"""Float32 sums of a few hundred trees differ by less; a wrong explanation by far more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Everything the evaluation found out; the report is written from it."""

    labels: np.ndarray
    model: Judged
    baseline: Judged
    reason: str
    """Why the model's threshold is what it is."""
    intervals: Mapping[str, Mapping[str, Interval]]
    explanation: Explanation
    customer: int
    """Place of the one explained customer among the explained rows."""
    customer_key: Any
    gain: Mapping[str, float]

    @property
    def gaps(self) -> Mapping[str, Interval]:
        """Intervals of what the model adds to the baseline."""
        return self.intervals[f"{MODEL} - {BASELINE}"]


def evaluate_model(
    model: xgboost.XGBClassifier,
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    bootstrap: int = 500,
    shap_rows: int = 2000,
    seed: int = 42,
) -> Report:
    """Return the model's report: metrics with intervals, baseline, explanations and pictures.

    Nothing is chosen on the test rows: thresholds come from out-of-fold predictions of the
    training rows.

    Args:
        model: as ``train_model`` returns it.
        train: the rows it was trained on; the baseline learns from them.
        test: rows that it has never seen.
        bootstrap: how often the test rows are drawn again for the intervals.
        shap_rows: how many test rows are explained, at most.
        seed: of the draws.

    Raises:
        ValueError: a feature of the model is missing, or the target is not usable.
        ArithmeticError: the explanations do not add up to the predictions.
    """
    found = _judge(model, train, test, bootstrap=bootstrap, shap_rows=shap_rows, seed=seed)
    return _report(found, rows={"train": len(train), "test": len(test)}, bootstrap=bootstrap)


def _judge(
    model: xgboost.XGBClassifier,
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    bootstrap: int,
    shap_rows: int,
    seed: int,
) -> Judgement:
    names = model.get_booster().feature_names
    seen, seen_labels = features_of(train, names), labels_of(train)
    unseen, labels = features_of(test, names), labels_of(test)
    carried = threshold.threshold_of(model)
    chosen = carried or _out_of_fold_threshold(model, seen, seen_labels, seed)
    judged = _judged(MODEL, labels, baseline.probabilities_of(model, unseen), chosen.value)
    plain = _judge_baseline(seen, seen_labels, unseen, labels, seed)
    sample = _sample(len(test), shap_rows, seed)
    explanation = _checked(explain(model, unseen.iloc[sample]))
    riskiest = int(explanation.margins.argmax())
    keys = test[KEY] if KEY in test.columns else test.index.to_series()
    drawn = intervals(
        labels,
        {one.name: one.probabilities for one in (judged, plain)},
        {one.name: one.threshold for one in (judged, plain)},
        resamples=bootstrap,
        seed=seed,
    )
    return Judgement(
        labels=labels,
        model=judged,
        baseline=plain,
        reason=chosen.reason,
        intervals=drawn,
        explanation=explanation,
        customer=riskiest,
        customer_key=keys.iloc[sample[riskiest]],
        gain=gain_shares(model.get_booster()),
    )


def _judged(name: str, labels: np.ndarray, probabilities: np.ndarray, value: float) -> Judged:
    return Judged(
        name=name,
        probabilities=probabilities,
        threshold=value,
        scores=scores_of(labels, probabilities, value),
    )


def _out_of_fold_threshold(
    model: Any, features: pd.DataFrame, labels: np.ndarray, seed: int
) -> threshold.Threshold:
    found = baseline.out_of_fold_of(model, features, labels, folds=FALLBACK_FOLDS, seed=seed)
    return threshold.choose(labels, found)


def _judge_baseline(
    seen: pd.DataFrame,
    seen_labels: np.ndarray,
    unseen: pd.DataFrame,
    labels: np.ndarray,
    seed: int,
) -> Judged:
    """Judge a logistic regression, which gets a threshold of its own by the same rule."""
    plain = baseline.fit_baseline(seen, seen_labels)
    chosen = _out_of_fold_threshold(plain, seen, seen_labels, seed)
    return _judged(BASELINE, labels, baseline.probabilities_of(plain, unseen), chosen.value)


def _sample(rows: int, wanted: int, seed: int) -> np.ndarray:
    """Return places of the rows to explain, in the table's order."""
    import numpy as np

    return np.sort(np.random.default_rng(seed).permutation(rows)[:wanted])


def _checked(explanation: Explanation) -> Explanation:
    error = explanation.additivity_error
    if not error < ADDITIVITY_TOLERANCE:
        raise ArithmeticError(f"SHAP values miss the predictions by {error:g} in log-odds")
    return explanation


def _report(found: Judgement, *, rows: Mapping[str, int], bootstrap: int) -> Report:
    from sf_ml_framework import Report

    gap = found.gaps["auc"]
    better = found.model.scores["auc"] - found.baseline.scores["auc"]
    explained = len(found.explanation.rows)
    return Report(
        title="Evaluation",
        metrics=_metrics(found, rows),
        tables=_tables(found),
        figures=_figures(found),
        notes=(
            f"Judged on {rows['test']:,} test rows that took no part in training or in any "
            f"choice, {found.labels.mean():.1%} of them leavers.",
            f"Threshold: {found.reason or 'given by the model'}.",
            f"Intervals: the middle 95% of {bootstrap} bootstrap resamples of the test rows.",
            f"Against {BASELINE} the model gains {better:+.4f} AUC "
            f"(interval {gap.low:+.4f} to {gap.high:+.4f}, paired).",
            f"SHAP: {explained:,} of {rows['test']:,} test rows explained, exactly, by the booster "
            f"itself; the parts miss the predicted log-odds by at most "
            f"{found.explanation.additivity_error:.1e}.",
        ),
    )


def _metrics(found: Judgement, rows: Mapping[str, int]) -> dict[str, float | int]:
    own = found.intervals[MODEL]
    return {
        **found.model.scores,
        "auc_low": own["auc"].low,
        "auc_high": own["auc"].high,
        "pr_auc_low": own["pr_auc"].low,
        "pr_auc_high": own["pr_auc"].high,
        "threshold": found.model.threshold,
        **{f"baseline_{name}": score for name, score in found.baseline.scores.items()},
        "auc_gain_over_baseline": found.model.scores["auc"] - found.baseline.scores["auc"],
        "train_rows": rows["train"],
        "test_rows": rows["test"],
        "explained_rows": len(found.explanation.rows),
        "shap_additivity_error": found.explanation.additivity_error,
    }


def _tables(found: Judgement) -> dict[str, list[dict[str, Any]]]:
    explanation = found.explanation
    return {
        "The model beside a baseline": [_metric_row(found, name) for name in NAMES],
        "Other thresholds on the test rows": _threshold_rows(found),
        "Calibration by tenths of the test rows": [
            {
                "tenth": place,
                "customers": part.rows,
                "predicted": round(part.predicted, 4),
                "observed": round(part.observed, 4),
            }
            for place, part in enumerate(calibration(found.labels, found.model.probabilities), 1)
        ],
        "Mean size of SHAP values": [
            {"feature": name, "log-odds": round(size, 4), "share of gain": round(share, 4)}
            for name, size in explanation.mean_sizes().items()
            for share in (found.gain[name],)
        ],
        f"Customer {found.customer_key}, feature by feature": _customer_rows(found),
    }


def _metric_row(found: Judgement, name: str) -> dict[str, Any]:
    """Write one metric of both models; the calibration error has no interval.

    Resampling adds noise to each tenth's share, which that error takes for miscalibration.
    """
    row: dict[str, Any] = {"metric": NAMES[name], MODEL: round(found.model.scores[name], 4)}
    interval = found.intervals[MODEL].get(name)
    row["95% interval"] = str(interval) if interval else ""
    row[BASELINE] = round(found.baseline.scores[name], 4)
    row["difference"] = round(found.model.scores[name] - found.baseline.scores[name], 4)
    gap = found.gaps.get(name)
    row["its interval"] = f"{gap.low:+.3f} to {gap.high:+.3f}" if gap else ""
    return row


def _threshold_rows(found: Judgement) -> list[dict[str, Any]]:
    chosen = found.model.threshold
    rows = []
    round_ones = [tenth / 10 for tenth in range(1, 10)]
    # A round one beside the chosen one would only repeat it.
    for value in sorted([chosen, *(one for one in round_ones if abs(one - chosen) > 0.02)]):
        called = found.model.probabilities >= value
        scores = scores_of(found.labels, found.model.probabilities, value)
        rows.append(
            {
                "threshold": f"{value:.3f}{' (chosen)' if value == chosen else ''}",
                "called": int(called.sum()),
                **{NAMES[name]: round(scores[name], 3) for name in ("precision", "recall", "f1")},
            }
        )
    return rows


def _customer_rows(found: Judgement) -> list[dict[str, Any]]:
    explanation, place = found.explanation, found.customer
    values = explanation.values[place]
    order = sorted(range(len(values)), key=lambda at: -abs(values[at]))
    return [
        {
            "feature": explanation.rows.columns[at],
            "value": float(explanation.rows.iloc[place, at]),
            "log-odds": round(float(values[at]), 4),
        }
        for at in order
    ]


def _figures(found: Judgement) -> dict[str, str]:
    return {**_curves(found), **_attributions(found)}


def _curves(found: Judgement) -> dict[str, str]:
    model, labels, both = found.model, found.labels, [found.model, found.baseline]
    scores, own = model.scores, found.intervals[MODEL]
    called = model.probabilities >= model.threshold
    caught, needless = int((labels[called] == 1).sum()), int((labels[called] == 0).sum())
    basis = f"{len(labels):,} test rows"
    marked = f"{basis}; the dot marks the chosen threshold"
    area = f"AUC {scores['auc']:.3f}, 95% interval {own['auc']}"
    precision = f"Average precision {scores['pr_auc']:.3f}, 95% interval {own['pr_auc']}"
    balance = f"{caught:,} of {int(labels.sum()):,} leavers found, with {needless:,} needless calls"
    honesty = (
        f"Predicted shares are off by {100 * scores['calibration_error']:.1f} points on average"
    )
    return {
        "ROC curve": curves.roc(labels, both, Headline(area, marked)),
        "Precision and recall": curves.precision_recall(labels, both, Headline(precision, marked)),
        "Confusion matrix": curves.confusion(
            labels, model, Headline(balance, f"{basis} at the threshold {model.threshold:.3f}")
        ),
        "Calibration": curves.calibrated(
            labels, both, Headline(honesty, f"each dot is a tenth of {basis}; below, all of them")
        ),
    }


def _attributions(found: Judgement) -> dict[str, str]:
    explanation = found.explanation
    sizes = explanation.mean_sizes()
    basis = f"{len(explanation.rows):,} of {len(found.labels):,} test rows explained"
    return {
        "Feature importance": attributions.importance(
            found.gain,
            sizes,
            label="mean size of SHAP value (log-odds)",
            headline=Headline(f"{next(iter(sizes))} moves the prediction most", basis),
        ),
        "SHAP summary": attributions.shap_summary(
            explanation, Headline("How each feature moves each customer's risk", basis)
        ),
        "One customer explained": attributions.one_customer(
            explanation,
            found.customer,
            headline=Headline(
                f"Why customer {found.customer_key} is expected to leave",
                "the highest risk among the explained rows, feature by feature",
            ),
        ),
    }


if __name__ == "__main__":
    from src.utils.run_node import main

    raise SystemExit(main(["--node", "evaluate_model"]))
