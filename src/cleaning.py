"""What makes a customer's row usable: rules of validity, filled gaps, caps and flags.

Each function takes an Ibis table and returns another; everything that was fitted comes as
literals, so that all of it is one projection, row by row, in the order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.customers import CONTRACT_TYPES, KEY, SNAPSHOT, TARGET

if TYPE_CHECKING:
    import ibis

    from src.preprocess_statistics import PreprocessStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a value can be at all; one outside is an error of entry and counts as missing."""

    column: str
    low: float
    high: float


RANGES = (
    Range(column="age", low=16, high=110),
    Range(column="tenure_months", low=0, high=600),
    Range(column="monthly_spend", low=0, high=100_000),
    Range(column="total_spend", low=0, high=10_000_000),
    Range(column="support_tickets", low=0, high=1_000),
    Range(column="monthly_sessions", low=0, high=100_000),
    Range(column="num_products", low=1, high=100),
    Range(column="days_since_active", low=0, high=3_650),
)

FEATURES = (
    "age",
    "tenure_months",
    "contract_type",
    "monthly_spend",
    "total_spend",
    "support_tickets",
    "monthly_sessions",
    "num_products",
    "days_since_active",
)
WHOLE_NUMBERS = (
    "age",
    "tenure_months",
    "support_tickets",
    "monthly_sessions",
    "num_products",
    "days_since_active",
)
NEW_CUSTOMER_MONTHS = 3
"""Up to this tenure a customer counts as new."""


def dated(customers: ibis.Table) -> ibis.Table:
    """Add ``days_since_active``: whole days from the last activity to the snapshot."""
    days = customers[SNAPSHOT].delta(customers["last_active_on"], unit="day")
    others = [name for name in customers.columns if name != "last_active_on"]
    return customers.select(*others, days_since_active=days.cast("int32"))


def usable(customers: ibis.Table) -> ibis.ir.BooleanValue:
    """Return whether a row can be used: it has a key, a day and a target of 0 or 1."""
    known = customers[KEY].notnull() & customers[SNAPSHOT].notnull()
    return known & customers[TARGET].isin((0, 1)).fill_null(False)


def newest_of_each(customers: ibis.Table) -> ibis.Table:
    """Keep one row of each customer, the newest, and return them in the order of their keys.

    Which of several is kept depends on their values alone, not on their order. It sorts, so ask
    for it only where a key occurs more than once.
    """
    import ibis

    first = (KEY, SNAPSHOT, "days_since_active")
    order = [
        ibis.desc(customers[SNAPSHOT]),
        # The fewer days since the last activity, the newer is what the row says.
        ibis.asc(customers["days_since_active"]),
        *(ibis.desc(customers[name]) for name in customers.columns if name not in first),
    ]
    number = ibis.row_number().over(ibis.window(group_by=customers[KEY], order_by=order))
    return customers.filter(number == 0).order_by(KEY)


def plausible(customers: ibis.Table) -> ibis.Table:
    """Make each value missing that cannot be: out of its range, not a number, no known contract."""
    import ibis

    possible = {rule.column: customers[rule.column].between(rule.low, rule.high) for rule in RANGES}
    possible["contract_type"] = customers["contract_type"].isin(CONTRACT_TYPES)
    return customers.mutate(
        **{name: holds.ifelse(customers[name], ibis.null()) for name, holds in possible.items()}
    )


def complete(customers: ibis.Table, statistics: PreprocessStatistics) -> ibis.Table:
    """Fill what is missing and cap what is far off; ``missing_values`` counts what was filled.

    A missing total is what the customer pays now for as long as they have been one; everything
    else is filled with the median, or the most frequent contract, of the training rows.
    """
    import ibis

    missing = [customers[name].isnull().cast("int32") for name in FEATURES]
    filled = customers.mutate(
        missing_values=sum(missing[1:], start=missing[0]).cast("int32"),
        contract_type=customers["contract_type"].fill_null(statistics.usual_contract),
        **{name: customers[name].fill_null(value) for name, value in statistics.medians.items()},
    )
    total = filled["total_spend"].fill_null(filled["monthly_spend"] * filled["tenure_months"])
    values = {name: filled[name] for name in FEATURES} | {"total_spend": total}
    capped = {name: ibis.least(values[name], cap) for name, cap in statistics.caps.items()}
    return filled.mutate(
        **{name: value.cast(_type(name)) for name, value in (values | capped).items()}
    )


def flagged(customers: ibis.Table, statistics: PreprocessStatistics) -> ibis.Table:
    """Add the flags, and return the columns in the order of the catalog."""
    return customers.select(
        KEY,
        SNAPSHOT,
        *FEATURES,
        "missing_values",
        is_high_value=customers["monthly_spend"] >= statistics.high_value_from,
        is_new_customer=customers["tenure_months"] <= NEW_CUSTOMER_MONTHS,
        is_low_engagement=customers["monthly_sessions"] <= statistics.low_engagement_up_to,
        churned=customers[TARGET].cast("int32"),
    )


def _type(column: str) -> str:
    if column == "contract_type":
        return "string"
    return "int32" if column in WHOLE_NUMBERS else "float64"
