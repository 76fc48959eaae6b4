"""How good the model is: on the rows kept back, and over many ways of keeping rows back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sf_ml_framework import Report
from telco import figures
from telco.features import PLAIN
from telco.nodes import split_customers
from telco.training import fit_model, logistic_regression, split_target

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MODEL, BASELINE = "model", "logistic regression"


def evaluate_churn_model(model: Any, train: pd.DataFrame, test: pd.DataFrame) -> Report:
    """Judge *model* on the test rows, beside a logistic regression on the plain features."""
    features, churned = split_target(test)
    chances = {
        MODEL: model.predict_proba(features)[:, 1],
        BASELINE: baseline_chances(train, test),
    }
    scores = {name: _scores(churned, values) for name, values in chances.items()}
    return Report(
        title="Evaluation",
        metrics={
            **scores[MODEL],
            "baseline_auc": scores[BASELINE]["auc"],
            "auc_gain": scores[MODEL]["auc"] - scores[BASELINE]["auc"],
            "test_customers": len(test),
        },
        tables={
            "On the test rows": [
                {"": name, **{key: round(value, 4) for key, value in each.items()}}
                for name, each in scores.items()
            ],
            "Whom to call first": _tenths(churned, chances[MODEL]),
        },
        figures={
            "Receiver operating characteristic": figures.roc(churned, chances),
            "Calibration, tenths of the test rows": figures.calibration(churned, chances),
        },
        notes=(
            f"The model never saw these {len(test):,} rows. The baseline is a logistic regression"
            " on the plain features, fitted on the same training rows.",
        ),
    )


def baseline_chances(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Return what a logistic regression on the plain features of *train* predicts for *test*."""
    (learn, churned), (ask, _) = split_target(train), split_target(test)
    names = list(PLAIN)
    fitted = logistic_regression().fit(learn[names], churned)
    return fitted.predict_proba(ask[names])[:, 1]  # type: ignore[no-any-return]


def _scores(churned: np.ndarray, chances: np.ndarray) -> dict[str, float]:
    from sklearn import metrics

    return {
        "auc": float(metrics.roc_auc_score(churned, chances)),
        "average_precision": float(metrics.average_precision_score(churned, chances)),
        "log_loss": float(metrics.log_loss(churned, chances)),
        "brier_score": float(metrics.brier_score_loss(churned, chances)),
    }


def _tenths(churned: np.ndarray, chances: np.ndarray) -> list[dict[str, Any]]:
    """Return one row for each tenth of the customers, the likeliest to churn first."""
    import numpy as np

    order = np.argsort(-chances, kind="stable")
    rows, found = [], 0
    for number, tenth in enumerate(np.array_split(order, 10), start=1):
        found += int(churned[tenth].sum())
        rows.append(
            {
                "tenth": number,
                "customers": len(tenth),
                "predicted": round(float(chances[tenth].mean()), 3),
                "churned": round(float(churned[tenth].mean()), 3),
                "churners found so far": round(found / int(churned.sum()), 3),
            }
        )
    return rows


class Interval(NamedTuple):
    """A mean and where it lies with 95 % confidence."""

    mean: float
    low: float
    high: float


def interval_of(values: Sequence[float], *, overlap: float = 0.0) -> Interval:
    """Return the mean of *values* with the t-interval of 95 %.

    Args:
        values: one for each repetition, two at least.
        overlap: rows judged on over rows learnt from, when repetitions draw from the same rows:
            widens the interval as Nadeau and Bengio (2003) propose. 0 takes *values* to be
            independent.
    """
    import numpy as np
    from scipy import stats

    count = len(values)
    if count < 2:
        raise ValueError(f"an interval needs two values at least, not {count}")
    mean, variance = float(np.mean(values)), float(np.var(values, ddof=1))
    half = float(stats.t.ppf(0.975, count - 1)) * (variance * (1 / count + overlap)) ** 0.5
    return Interval(mean, mean - half, mean + half)


def measure_holdouts(
    features: pd.DataFrame,
    *,
    holdouts: int = 10,
    test_share: float = 0.2,
    max_depth: int = 3,
    learning_rate: float = 0.1,
) -> Report:
    """Fit anew for each of *holdouts* seeded splits, and report the mean AUC with its interval.

    One split says little on 7,043 rows: AUC moves by a hundredth with its seed. Split number
    *i* has the seed *i*; the rows that are kept back take part in no choice of the model.
    """
    from sklearn.metrics import roc_auc_score

    rows: list[dict[str, Any]] = []
    for seed in range(holdouts):
        train, test = split_customers(features, test_share=test_share, seed=seed)
        fitted = fit_model(train, max_depth=max_depth, learning_rate=learning_rate, seed=seed)
        unseen, churned = split_target(test)
        auc = roc_auc_score(churned, fitted.model.predict_proba(unseen)[:, 1])
        plain_auc = roc_auc_score(churned, baseline_chances(train, test))
        rows.append(
            {
                "seed": seed,
                MODEL: float(auc),
                BASELINE: float(plain_auc),
                "trees": len(fitted.curve),
            }
        )
        print(f"hold-out {seed + 1} of {holdouts}: AUC {auc:.4f}")  # noqa: T201 -- its log
    return _holdout_report(rows, test_share)


def _holdout_report(rows: Sequence[dict[str, Any]], test_share: float) -> Report:
    model, baseline = [row[MODEL] for row in rows], [row[BASELINE] for row in rows]
    mean = interval_of(model)
    wide = interval_of(model, overlap=test_share / (1 - test_share))
    gain = interval_of([a - b for a, b in zip(model, baseline, strict=True)])
    return Report(
        title="Hold-outs",
        metrics={
            "mean_auc": mean.mean,
            "mean_auc_low": mean.low,
            "mean_auc_high": mean.high,
            "mean_auc_low_overlap": wide.low,
            "mean_auc_high_overlap": wide.high,
            "mean_baseline_auc": sum(baseline) / len(baseline),
            "mean_auc_gain": gain.mean,
            "mean_auc_gain_low": gain.low,
            "mean_auc_gain_high": gain.high,
            "holdouts": len(rows),
        },
        tables={"AUC of each hold-out": list(rows)},
        figures={"AUC of each hold-out": figures.holdouts(model, baseline, (mean.low, mean.high))},
        notes=(
            f"Mean AUC {mean.mean:.4f}, 95 % interval {mean.low:.4f} to {mean.high:.4f}"
            f" (t, {len(rows)} hold-outs).",
            "Hold-outs are drawn from the same customers, so that interval is too narrow for what"
            " other customers would give; widened for the overlap (Nadeau and Bengio 2003) it is"
            f" {wide.low:.4f} to {wide.high:.4f}.",
        ),
    )
