"""From the published file to the rows that a model learns from and is judged on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sf_ml_framework import Report

if TYPE_CHECKING:
    import ibis
    import pandas as pd

YES_OR_NO = (
    "senior_citizen",
    "partner",
    "dependents",
    "phone_service",
    "multiple_lines",
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
    "paperless_billing",
    "churn",
)
SAFEGUARDS = ("online_security", "online_backup", "device_protection", "tech_support")
ADD_ONS = (*SAFEGUARDS, "streaming_tv", "streaming_movies")


def clean_customers(raw: ibis.Table) -> tuple[ibis.Table, Report]:
    """Name and type the published columns, and fill the blank total charges.

    Args:
        raw: the published file. ``TotalCharges`` is blank for customers who have just joined.

    Returns:
        One row per customer, and a report of what was met. A blank total is 0.0 where the
        tenure is 0, for nothing has been billed yet; elsewhere it stays null, which the
        catalog refuses: nobody could tell what it should be.
    """
    import ibis

    # The file has no declared columns, so a reader of CSV may have taken them for texts, or for
    # numbers and truth values: what each is, is said here.
    named = raw.rename("snake_case").mutate(
        tenure=ibis._.tenure.cast("int64"),
        monthly_charges=ibis._.monthly_charges.cast("float64"),
    )
    # The extras also say "No internet service", the lines "No phone service": both mean no, and
    # another column holds why.
    flags = {
        name: named[name].cast("string").lower().isin(["yes", "true", "1"]) for name in YES_OR_NO
    }
    total = named.total_charges.cast("string").strip().nullif("").cast("float64")
    joined_now = total.isnull() & (named.tenure == 0)
    filled = ibis.cases((joined_now, 0.0), else_=total)
    customers = named.mutate(**flags, total_charges=filled).rename(churned="churn")
    counts = named.aggregate(
        customers=named.count(),
        ids=named.customer_id.nunique(),
        blank=total.isnull().sum(),
        joined_now=joined_now.sum(),
        churned=flags["churn"].sum(),
    )
    return customers, _cleaning_report(**counts.to_pyarrow().to_pylist()[0])


def _cleaning_report(
    *, customers: int, ids: int, blank: int, joined_now: int, churned: int
) -> Report:
    return Report(
        title="Cleaning",
        metrics={
            "customers": customers,
            "repeated_customers": customers - ids,
            "blank_total_charges": blank,
            "blank_total_charges_filled": joined_now,
            "churn_rate": churned / customers,
        },
        notes=(
            f"TotalCharges is blank for {blank} of {customers:,} customers."
            f" {joined_now} of these have a tenure of 0 months: nothing was billed yet,"
            " so the total became 0.",
            "'No internet service' and 'No phone service' count as no.",
        ),
    )


def make_features(customers: ibis.Table) -> ibis.Table:
    """Return the numbers that a model takes for each customer, and the target.

    Every feature is of the customer's own row, so nothing is learnt here that could leak.
    """
    features = {**_plain(customers), **_derived(customers)}
    numbers = {
        name: value.cast("int64") if value.type().is_boolean() else value
        for name, value in features.items()
    }
    return customers.select("customer_id", **numbers, churned=customers.churned)


def _plain(c: ibis.Table) -> dict[str, ibis.Value]:
    """Return the features that restate a column."""
    import ibis

    months = ibis.cases(
        (c.contract == "Month-to-month", 1), (c.contract == "One year", 12), else_=24
    )
    return {
        "is_male": c.gender == "Male",
        "is_senior": c.senior_citizen,
        "has_partner": c.partner,
        "has_dependents": c.dependents,
        "tenure_months": c.tenure,
        "has_phone": c.phone_service,
        "has_multiple_lines": c.multiple_lines,
        "has_dsl": c.internet_service == "DSL",
        "has_fiber": c.internet_service == "Fiber optic",
        **{f"has_{name}": c[name] for name in ADD_ONS},
        "contract_months": months.cast("int64"),
        "has_paperless_billing": c.paperless_billing,
        "pays_by_check": c.payment_method == "Electronic check",
        "pays_by_mail": c.payment_method == "Mailed check",
        "pays_by_card": c.payment_method == "Credit card (automatic)",
        "monthly_charges": c.monthly_charges,
        "total_charges": c.total_charges,
    }


def _derived(c: ibis.Table) -> dict[str, ibis.Value]:
    """Return the features computed of several columns, or of one by more than a name."""
    import ibis

    fiber, monthly = c.internet_service == "Fiber optic", c.contract == "Month-to-month"
    log_tenure = (c.tenure + 1.0).ln()
    average = ibis.cases((c.tenure > 0, c.total_charges / c.tenure), else_=c.monthly_charges)
    return {
        "log_tenure": log_tenure,
        "is_new": c.tenure <= 1,
        "is_in_first_quarter": c.tenure <= 3,
        "is_in_first_year": c.tenure <= 12,
        "is_monthly": monthly,
        "is_two_year": c.contract == "Two year",
        "average_charges": average,
        "charges_rise": c.monthly_charges - average,
        "add_ons": sum(c[name].cast("int64") for name in ADD_ONS),
        "safeguards": sum(c[name].cast("int64") for name in SAFEGUARDS),
        "monthly_with_fiber": monthly & fiber,
        "monthly_by_check": monthly & (c.payment_method == "Electronic check"),
        "monthly_log_tenure": monthly.cast("int64") * log_tenure,
        "fiber_log_tenure": fiber.cast("int64") * log_tenure,
    }


def split_customers(
    features: pd.DataFrame, *, test_share: float = 0.2, seed: int = 42
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to learn from and the rows to judge on, with the same share of churn."""
    from sklearn.model_selection import train_test_split

    # The order in which rows are stored is no part of the data, so the split must not hang on it.
    ordered = features.sort_values("customer_id")
    train, test = train_test_split(
        ordered, test_size=test_share, random_state=seed, stratify=ordered["churned"]
    )
    return train, test
