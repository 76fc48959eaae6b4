"""Recency, ratios, intensities and logarithms: how a customer uses and pays, by one measure."""

from __future__ import annotations

from src.features.feature import Feature, at_least, at_most, band, ratio

RECENCY_DAYS = 30.0
"""After so many days without activity, about a third of the recency score is left."""
DORMANT_DAYS = 30
RECENCY_EDGES = (8, 15, 31, 61)
MONTHS_BEFORE_ADULT = 16 * 12

RECENCY = (
    Feature(
        name="recency_score",
        type="float",
        description="1 for a customer active today, falling to 0: exp(-days since active / 30)",
        of=lambda t, s: (-ratio(t.days_since_active, RECENCY_DAYS)).exp(),
        minimum=0,
        maximum=1,
    ),
    Feature(
        name="is_dormant",
        type="boolean",
        description="not active for more than 30 days",
        of=lambda t, s: t.days_since_active > DORMANT_DAYS,
    ),
    Feature(
        name="inactive_share",
        type="float",
        description="share of the time as a customer that the present absence takes, at most 1",
        of=lambda t, s: at_most(ratio(t.days_since_active, (t.tenure_months + 1) * 30.0), 1.0),
        minimum=0,
        maximum=1,
    ),
    Feature(
        name="recency_band",
        type="int32",
        description="last active within 0: a week, 1: two, 2: a month, 3: two months; 4: before",
        of=lambda t, s: band(t.days_since_active, *RECENCY_EDGES),
        minimum=0,
        maximum=4,
    ),
)

RATIOS = (
    Feature(
        name="tenure_years",
        type="float",
        description="years as a customer",
        of=lambda t, s: ratio(t.tenure_months, 12.0),
        minimum=0,
    ),
    Feature(
        name="revenue_per_product",
        type="float",
        description="monthly spend for each product",
        of=lambda t, s: t.monthly_spend / t.num_products,
        minimum=0,
    ),
    Feature(
        name="session_intensity",
        type="float",
        description="sessions of a month for each product",
        of=lambda t, s: ratio(t.monthly_sessions, t.num_products),
        minimum=0,
    ),
    Feature(
        name="spend_per_session",
        type="float",
        description="monthly spend for each session of the month, one more counted than there were",
        of=lambda t, s: t.monthly_spend / (t.monthly_sessions + 1),
        minimum=0,
    ),
    Feature(
        name="average_monthly_spend",
        type="float",
        description="total spend for each month as a customer; in the first month, the total",
        of=lambda t, s: t.total_spend / at_least(t.tenure_months, 1),
        minimum=0,
    ),
    Feature(
        name="spend_trend",
        type="float",
        description="monthly spend against its average so far, at most 10; 1 in the first month",
        of=lambda t, s: (t.tenure_months == 0).ifelse(
            1.0,
            at_most(ratio(t.monthly_spend * t.tenure_months, at_least(t.total_spend, 1.0)), 10.0),
        ),
        minimum=0,
        maximum=10,
    ),
    Feature(
        name="tickets_per_product",
        type="float",
        description="support tickets for each product",
        of=lambda t, s: ratio(t.support_tickets, t.num_products),
        minimum=0,
    ),
    Feature(
        name="tickets_per_session",
        type="float",
        description="support tickets for each session of a month, one more counted than there were",
        of=lambda t, s: ratio(t.support_tickets, t.monthly_sessions + 1),
        minimum=0,
    ),
    Feature(
        name="tickets_per_tenure_year",
        type="float",
        description="support tickets for each year as a customer, the year begun counted whole",
        of=lambda t, s: ratio(t.support_tickets, ratio(t.tenure_months, 12.0) + 1.0),
        minimum=0,
    ),
    Feature(
        name="products_per_tenure_year",
        type="float",
        description="products for each year as a customer, the year begun counted whole",
        of=lambda t, s: ratio(t.num_products, ratio(t.tenure_months, 12.0) + 1.0),
        minimum=0,
    ),
    Feature(
        name="spend_per_year_of_age",
        type="float",
        description="monthly spend for each year of age",
        of=lambda t, s: t.monthly_spend / t.age,
        minimum=0,
    ),
    Feature(
        name="tenure_share_of_life",
        type="float",
        description="share of the life since the sixteenth birthday spent as a customer, at most 1",
        of=lambda t, s: at_most(
            ratio(t.tenure_months, at_least(t.age * 12 - MONTHS_BEFORE_ADULT, 12)), 1.0
        ),
        minimum=0,
        maximum=1,
    ),
)

LOGARITHMS = (
    Feature(
        name="log_monthly_spend",
        type="float",
        description="natural logarithm of monthly spend + 1",
        of=lambda t, s: (t.monthly_spend + 1.0).ln(),
        minimum=0,
    ),
    Feature(
        name="log_total_spend",
        type="float",
        description="natural logarithm of total spend + 1",
        of=lambda t, s: (t.total_spend + 1.0).ln(),
        minimum=0,
    ),
    Feature(
        name="log_tenure",
        type="float",
        description="natural logarithm of months as a customer + 1",
        of=lambda t, s: (t.tenure_months + 1.0).ln(),
        minimum=0,
    ),
)
