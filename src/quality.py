"""How good the customers were before preprocessing, and after: a count for each rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.cleaning import FEATURES, RANGES, usable
from src.customers import CONTRACT_TYPES, KEY, TARGET

if TYPE_CHECKING:
    import ibis

    from sf_ml_framework import Report
    from src.preprocess_statistics import PreprocessStatistics
    from src.splitting import SplitRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """How many rows there are, and how many break a rule that costs them their place."""

    all: int
    repeated: int
    """Rows beyond the first of each key."""
    unusable: int
    """Rows without a key, a snapshot date, or a target of 0 or 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """How many values of each column break a rule."""

    missing: dict[str, int]
    impossible: dict[str, int]
    outliers: dict[str, int]
    """Above the cap, yet possible."""

    @property
    def all(self) -> int:
        """How many values break any rule."""
        return sum(sum(each.values()) for each in (self.missing, self.impossible, self.outliers))


def count_rows(customers: ibis.Table) -> Rows:
    """Count the rows of dated *customers*, and those that must go."""
    key = customers[KEY]
    found = (
        customers.aggregate(
            rows=customers.count(),
            keys=key.nunique(),
            with_key=key.count(),
            unusable=(~usable(customers)).sum(),
        )
        .to_pyarrow()
        .to_pylist()[0]
    )
    return Rows(
        all=found["rows"],
        repeated=found["with_key"] - found["keys"],
        unusable=found["unusable"] or 0,
    )


def count_values(customers: ibis.Table, caps: dict[str, int | float]) -> Values:
    """Count the values of dated *customers* that break a rule, in one pass."""
    counts: dict[str, ibis.Value] = {}
    for name in FEATURES:
        counts[f"missing {name}"] = customers[name].isnull()
    for rule in RANGES:
        counts[f"impossible {rule.column}"] = ~customers[rule.column].between(rule.low, rule.high)
        if rule.column in caps:
            value = customers[rule.column]
            counts[f"outliers {rule.column}"] = (value > caps[rule.column]) & (value <= rule.high)
    counts["impossible contract_type"] = ~customers["contract_type"].isin(CONTRACT_TYPES)
    sums = {name: breaks.sum() for name, breaks in counts.items()}
    found = customers.aggregate(**sums).to_pyarrow().to_pylist()[0]

    def of(kind: str) -> dict[str, int]:
        # A sum over no known value is null.
        return {
            name: int(found[f"{kind} {name}"] or 0)
            for name in FEATURES
            if f"{kind} {name}" in found
        }

    return Values(missing=of("missing"), impossible=of("impossible"), outliers=of("outliers"))


def quality_report(
    raw: ibis.Table,
    clean: ibis.Table,
    rows: Rows,
    statistics: PreprocessStatistics,
    rule: SplitRule,
) -> Report:
    """Return what was wrong with *raw*, what was done, and what of it is left in *clean*."""
    from sf_ml_framework import Report

    before, after = (count_values(table, statistics.caps) for table in (raw, clean))
    leavers = sum(found.rows for found in rule.classes if found.label == 1)
    return Report(
        title="Quality of the customers",
        metrics={
            "rows_before": rows.all,
            "rows_after": rule.rows,
            "training_rows": rule.training_rows,
            "missing_values": sum(before.missing.values()),
            "impossible_values": sum(before.impossible.values()),
            "outliers": sum(before.outliers.values()),
            "broken_rules_after": after.all,
            "churn_rate": leavers / rule.rows,
        },
        tables={
            "Rows that had to go": _rows_table(rows, rule),
            "Values that were mended": _values_table(before, after, statistics),
        },
        notes=(
            f"Medians and caps come from {statistics.rows:,} of {rule.training_rows:,} training"
            " rows; no row for testing had a part in them.",
        ),
    )


def _rows_table(rows: Rows, rule: SplitRule) -> list[dict[str, Any]]:
    # Rows only leave, so a key that was unique cannot be repeated afterwards; the split
    # counted what is left, one digest for each key.
    return [
        {
            "rule": f"{KEY}, snapshot date and a {TARGET} of 0 or 1 are there",
            "otherwise": "the row is dropped",
            "before": rows.unusable,
            "after": 0,
        },
        {
            "rule": f"{KEY} is unique",
            "otherwise": "the newest row is kept",
            "before": rows.repeated,
            "after": 0,
        },
        {"rule": "rows", "otherwise": "", "before": rows.all, "after": rule.rows},
    ]


def _values_table(
    before: Values, after: Values, statistics: PreprocessStatistics
) -> list[dict[str, Any]]:
    ranges = {found.column: found for found in RANGES}
    lines = []
    for name in FEATURES:
        filling = _filling(name, statistics)
        lines.append(("is known", filling, before.missing[name], after.missing[name], name))
        found = ranges.get(name)
        possible = f"is from {found.low:,} to {found.high:,}" if found else "is a known contract"
        lines.append((possible, filling, before.impossible[name], after.impossible[name], name))
        if name in statistics.caps:
            cap = f"{statistics.caps[name]:,}"
            counts = before.outliers[name], after.outliers[name]
            lines.append((f"is at most {cap}", f"becomes {cap}", *counts, name))
    return [
        {"rule": f"{name} {holds}", "otherwise": action, "before": old, "after": new}
        for holds, action, old, new, name in lines
    ]


def _filling(name: str, statistics: PreprocessStatistics) -> str:
    if name == "total_spend":
        return "becomes monthly spend x tenure"
    if name == "contract_type":
        return f"becomes {statistics.usual_contract}, the most frequent"
    return f"becomes {statistics.medians[name]:,}, the median"
