"""Encodings: contracts and ages as numbers, and values against those of the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.customers import CONTRACT_TYPES
from src.features.feature import Feature, band, ratio

if TYPE_CHECKING:
    import ibis

    from src.features.fitted import FeatureStatistics

AGE_EDGES = (30, 50, 65)
TENURE_EDGES = (4, 13, 25, 49)


def _by_contract(t: ibis.Table, values: dict[str, float]) -> ibis.Value:
    import ibis

    pairs = [(t.contract_type == name, values[name]) for name in CONTRACT_TYPES]
    return ibis.cases(*pairs, else_=0)


def _scaled(t: ibis.Table, s: FeatureStatistics, column: str) -> ibis.Value:
    return ratio(t[column] - s.middle(column), s.spread(column))


SCALED = (
    Feature(
        name="monthly_spend_scaled",
        type="float",
        description="monthly spend from the training median, in interquartile ranges",
        of=lambda t, s: _scaled(t, s, "monthly_spend"),
    ),
    Feature(
        name="monthly_sessions_scaled",
        type="float",
        description="sessions of a month from the training median, in interquartile ranges",
        of=lambda t, s: _scaled(t, s, "monthly_sessions"),
    ),
    Feature(
        name="support_tickets_scaled",
        type="float",
        description="support tickets from the training median, in interquartile ranges",
        of=lambda t, s: _scaled(t, s, "support_tickets"),
    ),
    Feature(
        name="tenure_scaled",
        type="float",
        description="tenure from the training median, in interquartile ranges",
        of=lambda t, s: _scaled(t, s, "tenure_months"),
    ),
)

CONTRACT = (
    Feature(
        name="contract_is_monthly",
        type="boolean",
        description="the contract can be ended every month",
        of=lambda t, s: t.contract_type == "month_to_month",
    ),
    Feature(
        name="contract_is_one_year",
        type="boolean",
        description="the contract binds for a year",
        of=lambda t, s: t.contract_type == "one_year",
    ),
    Feature(
        name="contract_is_two_year",
        type="boolean",
        description="the contract binds for two years",
        of=lambda t, s: t.contract_type == "two_year",
    ),
    Feature(
        name="contract_label",
        type="int32",
        description="years that the contract binds: 0, 1 or 2",
        of=lambda t, s: _by_contract(t, {name: n for n, name in enumerate(CONTRACT_TYPES)}),
        minimum=0,
        maximum=2,
    ),
    Feature(
        name="contract_frequency",
        type="float",
        description="share of the training rows with the same contract",
        # In DuckDB 0.25 is a decimal, and to compute with it is ten times slower than with this.
        of=lambda t, s: ratio(
            _by_contract(
                t, {name: round(share * 1e6) for name, share in s.contract_shares.items()}
            ),
            1e6,
        ),
        minimum=0,
        maximum=1,
    ),
    Feature(
        name="spend_vs_contract",
        type="float",
        description="monthly spend against the median of the training rows with the same contract",
        of=lambda t, s: t.monthly_spend / _by_contract(t, s.contract_spend),
        minimum=0,
    ),
)

BANDS = (
    Feature(
        name="age_band",
        type="int32",
        description="age 0: under 30, 1: 30 to 49, 2: 50 to 64, 3: 65 and more",
        of=lambda t, s: band(t.age, *AGE_EDGES),
        minimum=0,
        maximum=3,
    ),
    Feature(
        name="age_is_under_30",
        type="boolean",
        description="younger than 30",
        of=lambda t, s: t.age < AGE_EDGES[0],
    ),
    Feature(
        name="age_is_30_to_49",
        type="boolean",
        description="from 30 to 49 years old",
        of=lambda t, s: (t.age >= AGE_EDGES[0]) & (t.age < AGE_EDGES[1]),
    ),
    Feature(
        name="age_is_50_to_64",
        type="boolean",
        description="from 50 to 64 years old",
        of=lambda t, s: (t.age >= AGE_EDGES[1]) & (t.age < AGE_EDGES[2]),
    ),
    Feature(
        name="age_is_65_plus",
        type="boolean",
        description="65 years old or more",
        of=lambda t, s: t.age >= AGE_EDGES[2],
    ),
    Feature(
        name="tenure_band",
        type="int32",
        description="a customer for 0: up to 3 months, 1: a year, 2: two, 3: four, 4: longer",
        of=lambda t, s: band(t.tenure_months, *TENURE_EDGES),
        minimum=0,
        maximum=4,
    ),
    Feature(
        name="spend_quartile",
        type="int32",
        description="0 to 3: the quarter of the training rows, by monthly spend",
        of=lambda t, s: band(t.monthly_spend, *s.quartiles["monthly_spend"]),
        minimum=0,
        maximum=3,
    ),
    Feature(
        name="sessions_quartile",
        type="int32",
        description="0 to 3: the quarter of the training rows, by monthly sessions",
        of=lambda t, s: band(t.monthly_sessions, *s.quartiles["monthly_sessions"]),
        minimum=0,
        maximum=3,
    ),
)
