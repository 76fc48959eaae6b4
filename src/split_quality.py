"""Whether a split is sound: classes as the rule says, no shared customer, parts alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from src.customers import KEY, TARGET
from src.drift import Drift, drift_of
from src.splitting import SplitError, SplitRule, is_test, sample_of_both

if TYPE_CHECKING:
    import ibis

    from sf_ml_framework import Report

COMPARED = (
    "age",
    "tenure_months",
    "monthly_spend",
    "total_spend",
    "support_tickets",
    "monthly_sessions",
    "num_products",
    "days_since_active",
    "risk_score",
)
MOST_COMPARED = 100_000
"""Of each part, about so many rows at most are compared."""


def examine(features: ibis.Table, rule: SplitRule) -> Report:
    """Check the parts of *features* and return what was found.

    Raises:
        SplitError: one or more checks failed; all of them are named.
    """
    counts = _counts(features, rule)
    faults = [*_other_rows(counts, rule), *_shared_keys(features)]
    if faults:
        raise SplitError(_sentence(faults))
    drifts = _drifts(features, rule)
    faults = [
        f"{drift.column} differs between the parts (PSI {drift.psi:.3f} of at most"
        f" {drift.psi_limit:.3f}, KS {drift.ks:.3f} of at most {drift.ks_limit:.3f})"
        for drift in drifts
        if drift.too_far
    ]
    if faults:
        raise SplitError(_sentence(faults))
    return _report(rule, drifts)


def _sentence(faults: list[str]) -> str:
    return "the split is not sound: " + "; ".join(faults)


def _counts(features: ibis.Table, rule: SplitRule) -> dict[tuple[Any, bool], int]:
    """Return how many rows of each class are in training (False) and in testing (True)."""
    parts = features.select(TARGET, for_testing=is_test(features, rule))
    rows = (
        parts.group_by(TARGET, "for_testing")
        .agg(rows=lambda group: group.count())
        .to_pyarrow()
        .to_pylist()
    )
    return {(row[TARGET], bool(row["for_testing"])): row["rows"] for row in rows}


def _other_rows(counts: dict[tuple[Any, bool], int], rule: SplitRule) -> list[str]:
    """Return a fault for each class and part whose rows are not those of the rule."""
    wanted = {
        (found.label, part): found.test_rows if part else found.rows - found.test_rows
        for found in rule.classes
        for part in (False, True)
    }
    return [
        f"{counts.get((label, part), 0):,} {'testing' if part else 'training'} rows have {TARGET}"
        f" {label}, not {wanted.get((label, part), 0):,} as when the rule was fitted"
        for label, part in sorted(counts.keys() | wanted.keys(), key=str)
        if counts.get((label, part), 0) != wanted.get((label, part), 0)
    ]


def _shared_keys(features: ibis.Table) -> list[str]:
    """Return a fault if a customer may be in both parts.

    A row's part follows from key and target, so only a key that occurs twice can be in both; no
    such key is let through, whatever its targets.
    """
    key = features[KEY]
    found = features.aggregate(rows=key.count(), keys=key.nunique()).to_pyarrow().to_pylist()[0]
    repeated = found["rows"] - found["keys"]
    return (
        [f"{repeated:,} rows repeat a {KEY}, which may then be in both parts"] if repeated else []
    )


def _drifts(features: ibis.Table, rule: SplitRule) -> list[Drift]:
    narrow = features.select(KEY, TARGET, *COMPARED)
    sample = sample_of_both(narrow, rule, at_most=MOST_COMPARED).to_pyarrow()
    for_testing = sample["for_testing"].to_numpy()
    columns = {name: sample[name].to_numpy() for name in COMPARED}
    return [
        drift_of(name, values[~for_testing], values[for_testing])
        for name, values in columns.items()
    ]


def _report(rule: SplitRule, drifts: list[Drift]) -> Report:
    from sf_ml_framework import Report

    return Report(
        title="Quality of the split",
        metrics={
            "training_rows": rule.training_rows,
            "test_rows": rule.test_rows,
            "training_churn_rate": _churn_rate(rule, testing=False),
            "test_churn_rate": _churn_rate(rule, testing=True),
            "shared_customers": 0,
            "worst_psi": max(drift.psi for drift in drifts),
            "worst_ks": max(drift.ks for drift in drifts),
        },
        tables={
            "Customers of each class": _classes_table(rule),
            "Drift between the parts": _drift_table(drifts),
        },
        notes=(
            f"Who is for testing follows from customer, class and seed {rule.seed} alone.",
            f"Drift is measured on about {MOST_COMPARED:,} rows of each part at most; few rows may"
            " differ by more, since chance does more to them.",
        ),
    )


def _classes_table(rule: SplitRule) -> list[dict[str, Any]]:
    return [
        {
            TARGET: found.label,
            "training": found.rows - found.test_rows,
            "testing": found.test_rows,
            "share for testing": found.test_rows / found.rows,
        }
        for found in rule.classes
    ]


def _drift_table(drifts: list[Drift]) -> list[dict[str, Any]]:
    return [
        {
            "column": drift.column,
            "PSI": drift.psi,
            "PSI at most": drift.psi_limit,
            "KS": drift.ks,
            "KS at most": drift.ks_limit,
        }
        for drift in drifts
    ]


def _churn_rate(rule: SplitRule, *, testing: bool) -> float:
    rows = {
        found.label: found.test_rows if testing else found.rows - found.test_rows
        for found in rule.classes
    }
    return rows.get(1, 0) / sum(rows.values())
