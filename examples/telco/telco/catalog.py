"""The datasets: what each column means, its type, and what must hold of its values."""

from __future__ import annotations

from collections.abc import Sequence

from sf_ml_framework import Column, DataCatalog, Dataset
from telco.features import DERIVED, PLAIN

INTERNET_SERVICES = ("DSL", "Fiber optic", "No")
CONTRACTS = ("Month-to-month", "One year", "Two year")
PAYMENT_METHODS = (
    "Bank transfer (automatic)",
    "Credit card (automatic)",
    "Electronic check",
    "Mailed check",
)

_MONTHS = {"tenure_months": 100, "contract_months": 24, "add_ons": 6, "safeguards": 4}
_DOLLARS = ("monthly_charges", "total_charges", "average_charges")
_REAL = ("charges_rise", "log_tenure", "monthly_log_tenure", "fiber_log_tenure", *_DOLLARS)


def _flag(name: str, description: str) -> Column:
    return Column(name=name, type="boolean", description=description, nullable=False)


def _choice(name: str, description: str, allowed: Sequence[str]) -> Column:
    return Column(
        name=name, type="category", description=description, nullable=False, allowed=allowed
    )


def _feature(name: str, description: str) -> Column:
    if name in _REAL:
        least = None if name == "charges_rise" else 0.0
        return Column(
            name=name, type="float", description=description, nullable=False, minimum=least
        )
    return Column(
        name=name,
        type="integer",
        description=description,
        nullable=False,
        minimum=0,
        maximum=_MONTHS.get(name, 1),
    )


_ID = Column(
    name="customer_id",
    type="string",
    description="The company's number of the customer",
    nullable=False,
    unique=True,
)
_CHURNED = _flag("churned", "Whether the customer left in the last month: the target")

CUSTOMER_COLUMNS = (
    _ID,
    _choice("gender", "Gender of the customer", ("Female", "Male")),
    _flag("senior_citizen", PLAIN["is_senior"]),
    _flag("partner", PLAIN["has_partner"]),
    _flag("dependents", PLAIN["has_dependents"]),
    Column(
        name="tenure",
        type="integer",
        description=PLAIN["tenure_months"],
        nullable=False,
        minimum=0,
        maximum=100,
    ),
    _flag("phone_service", PLAIN["has_phone"]),
    _flag("multiple_lines", PLAIN["has_multiple_lines"]),
    _choice("internet_service", "Kind of internet connection", INTERNET_SERVICES),
    _flag("online_security", PLAIN["has_online_security"]),
    _flag("online_backup", PLAIN["has_online_backup"]),
    _flag("device_protection", PLAIN["has_device_protection"]),
    _flag("tech_support", PLAIN["has_tech_support"]),
    _flag("streaming_tv", PLAIN["has_streaming_tv"]),
    _flag("streaming_movies", PLAIN["has_streaming_movies"]),
    _choice("contract", "Term of the contract", CONTRACTS),
    _flag("paperless_billing", PLAIN["has_paperless_billing"]),
    _choice("payment_method", "How the bill is paid", PAYMENT_METHODS),
    Column(
        name="monthly_charges",
        type="float",
        description=PLAIN["monthly_charges"],
        nullable=False,
        minimum=0.0,
    ),
    Column(
        name="total_charges",
        type="float",
        description=PLAIN["total_charges"],
        nullable=False,
        minimum=0.0,
    ),
    _CHURNED,
)

FEATURE_COLUMNS = (
    _ID,
    *(_feature(name, description) for name, description in {**PLAIN, **DERIVED}.items()),
    _CHURNED,
)


def _customers(name: str, description: str, columns: Sequence[Column]) -> Dataset:
    return Dataset(
        name=name,
        description=description,
        entity="customer",
        join_keys=("customer_id",),
        columns=columns,
    )


CATALOG = DataCatalog(
    [
        # No columns here: the file's own names (customerID, TotalCharges) are not those of a
        # catalog, and one of its numbers is blank in places. Cleaning names and types them.
        Dataset(
            name="raw_customers",
            description="IBM's Telco sample as it was published, one row per customer",
            path="data/telco_customer_churn.csv",
        ),
        _customers("customers", "Cleaned and typed, one row per customer", CUSTOMER_COLUMNS),
        _customers("features", "Numbers that a model takes, and the target", FEATURE_COLUMNS),
        _customers("train_customers", "Features to learn from", FEATURE_COLUMNS),
        _customers("test_customers", "Features to judge on, never learnt from", FEATURE_COLUMNS),
        Dataset(
            name="churn_model",
            kind="model",
            description="Boosted trees and a logistic regression, voting on the chance of churn",
        ),
        Dataset(name="cleaning_report", kind="report", description="What cleaning met and did"),
        Dataset(name="training_report", kind="report", description="How the model was chosen"),
        Dataset(name="evaluation_report", kind="report", description="How good the model is"),
        Dataset(
            name="holdout_report",
            kind="report",
            description="How good such a model is over many hold-outs, with its interval",
        ),
    ]
)
