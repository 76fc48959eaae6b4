"""Interactions of features, and scores that put them together. Weights are a person's guess.

No score was fitted to the target: a model that learns from them cannot see it through them.
"""

from __future__ import annotations

from src.features.feature import Feature, at_least, at_most, band, ratio

RISKY_DAYS = 90.0
RISKY_TICKETS = 5.0
CONTRACT_RISKS = (100, 40, 15)
"""In hundredths, by years that the contract binds."""
RISK_WEIGHTS = {
    "contract_risk": 0.35,
    "recency_risk": 0.25,
    "support_risk": 0.2,
    "engagement_risk": 0.2,
}
RISK_EDGES = (0.25, 0.4, 0.55)
LOYAL_MONTHS = 60.0

INTERACTIONS = (
    Feature(
        name="monthly_contract_tickets",
        type="int32",
        description="support tickets of a customer who can leave every month, else 0",
        of=lambda t, s: t.contract_is_monthly.ifelse(t.support_tickets, 0),
        minimum=0,
    ),
    Feature(
        name="new_customer_tickets",
        type="int32",
        description="support tickets of a new customer, else 0",
        of=lambda t, s: t.is_new_customer.ifelse(t.support_tickets, 0),
        minimum=0,
    ),
    Feature(
        name="disengaged_tickets",
        type="int32",
        description="support tickets of a little engaged customer, else 0",
        of=lambda t, s: t.is_low_engagement.ifelse(t.support_tickets, 0),
        minimum=0,
    ),
    Feature(
        name="tenure_by_contract",
        type="int32",
        description="months as a customer times years that the contract binds",
        of=lambda t, s: t.tenure_months * t.contract_label,
        minimum=0,
    ),
    Feature(
        name="products_by_sessions",
        type="int32",
        description="products times sessions of a month",
        of=lambda t, s: t.num_products * t.monthly_sessions,
        minimum=0,
    ),
    Feature(
        name="spend_by_recency",
        type="float",
        description="monthly spend times recency score: money of customers who are still active",
        of=lambda t, s: t.monthly_spend * t.recency_score,
        minimum=0,
    ),
    Feature(
        name="is_dormant_high_value",
        type="boolean",
        description="of high value, and not active for more than 30 days",
        of=lambda t, s: t.is_dormant & t.is_high_value,
    ),
    Feature(
        name="is_disengaged_monthly",
        type="boolean",
        description="little engaged, and free to leave every month",
        of=lambda t, s: t.is_low_engagement & t.contract_is_monthly,
    ),
)

RISKS = (
    Feature(
        name="recency_risk",
        type="float",
        description="days since the last activity, as a share of 90, at most 1",
        of=lambda t, s: at_most(ratio(t.days_since_active, RISKY_DAYS), 1.0),
        minimum=0,
        maximum=1,
    ),
    Feature(
        name="support_risk",
        type="float",
        description="support tickets, as a share of 5, at most 1",
        of=lambda t, s: at_most(ratio(t.support_tickets, RISKY_TICKETS), 1.0),
        minimum=0,
        maximum=1,
    ),
    Feature(
        name="contract_risk",
        type="float",
        description="1 if the contract can be ended every month, 0.4 if it binds a year, else 0.15",
        of=lambda t, s: ratio(
            t.contract_is_monthly.ifelse(
                CONTRACT_RISKS[0],
                t.contract_is_one_year.ifelse(CONTRACT_RISKS[1], CONTRACT_RISKS[2]),
            ),
            100.0,
        ),
        minimum=0,
        maximum=1,
    ),
    Feature(
        name="engagement_risk",
        type="float",
        description="1 without a session, 0 from twice the median of the training rows upwards",
        of=lambda t, s: at_least(
            1.0 - ratio(t.monthly_sessions, 2.0 * s.middle("monthly_sessions") or 1.0), 0.0
        ),
        minimum=0,
        maximum=1,
    ),
)

SCORES = (
    Feature(
        name="risk_score",
        type="float",
        description="weighted mean of the risks of contract, recency, support and engagement",
        of=lambda t, s: sum(t[name] * weight for name, weight in RISK_WEIGHTS.items()),
        minimum=0,
        maximum=1,
    ),
    Feature(
        name="loyalty_score",
        type="float",
        description="mean of years bound / 2, months as a customer / 60 (at most 1), recency score",
        of=lambda t, s: (
            (
                ratio(t.contract_label, 2.0)
                + at_most(ratio(t.tenure_months, LOYAL_MONTHS), 1.0)
                + t.recency_score
            )
            / 3.0
        ),
        minimum=0,
        maximum=1,
    ),
)

VERDICTS = (
    Feature(
        name="risk_band",
        type="int32",
        description="risk score 0: under 0.25, 1: under 0.4, 2: under 0.55, 3: more",
        of=lambda t, s: band(t.risk_score, *RISK_EDGES),
        minimum=0,
        maximum=3,
    ),
    Feature(
        name="value_at_risk",
        type="float",
        description="monthly spend times risk score",
        of=lambda t, s: t.monthly_spend * t.risk_score,
        minimum=0,
    ),
)
