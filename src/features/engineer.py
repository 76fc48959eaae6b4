"""Put all features together, stage by stage, into one projection of the customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.customers import KEY, SNAPSHOT, TARGET
from src.features import encodings, risk, usage
from src.features.feature import Feature

if TYPE_CHECKING:
    import ibis

    from src.features.fitted import FeatureStatistics

KEPT = (
    "age",
    "tenure_months",
    "monthly_spend",
    "total_spend",
    "support_tickets",
    "monthly_sessions",
    "num_products",
    "missing_values",
    "is_high_value",
    "is_new_customer",
    "is_low_engagement",
    "days_since_active",
)
"""Columns of the preprocessed customers that are features as they are."""

STAGES: tuple[tuple[Feature, ...], ...] = (
    (
        *usage.RECENCY,
        *usage.RATIOS,
        *usage.LOGARITHMS,
        *encodings.SCALED,
        *encodings.CONTRACT,
        *encodings.BANDS,
    ),
    (*risk.INTERACTIONS, *risk.RISKS),
    risk.SCORES,
    risk.VERDICTS,
)
"""A feature may use the features of the stages before its own."""

FEATURES: tuple[Feature, ...] = tuple(feature for stage in STAGES for feature in stage)

_ENGINE_TYPES = {"float": "float64", "int32": "int32", "boolean": "boolean"}


def engineer(customers: ibis.Table, statistics: FeatureStatistics) -> ibis.Table:
    """Return one row of features for each of the preprocessed *customers*, in their order."""
    table = customers
    for stage in STAGES:
        table = table.mutate(
            **{feature.name: _value(feature, table, statistics) for feature in stage}
        )
    return table.select(KEY, SNAPSHOT, *KEPT, *(feature.name for feature in FEATURES), TARGET)


def _value(feature: Feature, table: ibis.Table, statistics: FeatureStatistics) -> ibis.Value:
    value = feature.of(table, statistics)
    if feature.type == "float":
        # Four decimals: engines agree to the digit, and a CSV is half as long. Rounding to a
        # number of digits is four times slower than this in DuckDB.
        value = (value * 10_000.0 + 0.5).floor() / 10_000.0
    return value.cast(_ENGINE_TYPES[feature.type])
