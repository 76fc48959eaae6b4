"""The datasets of the churn project: what each is, and what must hold of its values.

Of raw customers little is promised, for preprocessing counts and mends what is wrong with them;
of everything after it, all that models and people rely on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sf_ml_framework import Column, DataCatalog, Dataset
from src.cleaning import RANGES
from src.customers import CONTRACT_TYPES, KEY, SNAPSHOT, TARGET
from src.features.engineer import FEATURES, KEPT
from src.features.feature import Feature

_CUSTOMERS = {
    "age": ("int32", "Age in years"),
    "tenure_months": ("int32", "Whole months as a customer"),
    "contract_type": ("category", "How long the contract binds"),
    "monthly_spend": ("float", "Money spent in the month before the snapshot"),
    "total_spend": ("float", "Money spent since becoming a customer"),
    "support_tickets": ("int32", "Support tickets in the year before the snapshot"),
    "monthly_sessions": ("int32", "Sessions in the month before the snapshot"),
    "num_products": ("int32", "Products that the customer has"),
}
_LAST_ACTIVE = ("date", "Day of the last activity")
_IDLE = ("int32", "Whole days from the last activity to the snapshot")
_MISSING = ("int32", "How many of the nine values were missing or impossible, and were filled")
_FLAGS = {
    "is_high_value": "Spends as much a month as the top quarter of the training rows",
    "is_new_customer": "A customer for three months at most",
    "is_low_engagement": "As few sessions a month as the bottom quarter of the training rows",
}


def _raw() -> tuple[Column, ...]:
    columns = {
        KEY: ("integer", "Number of the customer"),
        SNAPSHOT: ("date", "Day on which the customer is seen"),
        **_CUSTOMERS,
        "contract_type": ("string", "How long the contract binds"),
        "last_active_on": _LAST_ACTIVE,
        TARGET: ("int32", "1 if the customer left within a month after the snapshot, else 0"),
    }
    return tuple(
        Column(name=name, type=kind, description=text) for name, (kind, text) in columns.items()
    )


_KEYS = (
    Column(
        name=KEY,
        type="integer",
        description="Number of the customer",
        nullable=False,
        unique=True,
    ),
    Column(
        name=SNAPSHOT, type="date", description="Day on which the customer is seen", nullable=False
    ),
)
_TARGET = Column(
    name=TARGET,
    type="int32",
    description="1 if the customer left within a month after the snapshot, else 0: the target",
    nullable=False,
    allowed=(0, 1),
)


def _clean(names: Sequence[str]) -> tuple[Column, ...]:
    """Return those columns of the preprocessed customers: complete and within their ranges."""
    ranges = {found.column: found for found in RANGES}
    described = {**_CUSTOMERS, "days_since_active": _IDLE, "missing_values": _MISSING}
    described |= {name: ("boolean", text) for name, text in _FLAGS.items()}
    columns = []
    for name in names:
        kind, text = described[name]
        more: dict[str, Any] = {}
        if name in ranges:
            more = {"minimum": ranges[name].low, "maximum": ranges[name].high}
        elif name == "contract_type":
            more = {"allowed": CONTRACT_TYPES}
        elif name == "missing_values":
            more = {"minimum": 0, "maximum": 9}
        columns.append(Column(name=name, type=kind, description=text, nullable=False, **more))
    return tuple(columns)


def _feature(feature: Feature) -> Column:
    return Column(
        name=feature.name,
        type=feature.type,
        description=feature.description,
        nullable=False,
        minimum=feature.minimum,
        maximum=feature.maximum,
    )


_PREPROCESSED = (
    *_KEYS,
    *_clean((*_CUSTOMERS, "days_since_active", "missing_values", *_FLAGS)),
    _TARGET,
)
_FEATURES = (*_KEYS, *_clean(KEPT), *map(_feature, FEATURES), _TARGET)


def _table(name: str, description: str, columns: Sequence[Column]) -> Dataset:
    return Dataset(
        name=name,
        kind="table",
        description=description,
        entity="customer",
        join_keys=(KEY,),
        timestamp_column=SNAPSHOT,
        columns=columns,
    )


CATALOG = DataCatalog(
    [
        _table("raw_customers", "Customers as entered, one row each", _raw()),
        _table("preprocessed_customers", "Customers, complete and plausible", _PREPROCESSED),
        Dataset(
            name="preprocess_statistics",
            kind="document",
            description="Medians, caps and limits of the training rows, by which gaps are filled",
        ),
        Dataset(
            name="split_rule",
            kind="document",
            description="Which customers are for testing: the last digest of each class",
        ),
        Dataset(
            name="data_quality_report",
            kind="report",
            description="What was wrong with the raw customers, and what was done about it",
        ),
        _table("customer_features", "What a model learns from, one row per customer", _FEATURES),
        Dataset(
            name="feature_statistics",
            kind="document",
            description="Quartiles and shares of the training rows, from which features are made",
        ),
        _table("train_set", "Features of the customers to learn from", _FEATURES),
        _table("test_set", "Features of the customers that no step learns from", _FEATURES),
        Dataset(
            name="split_report",
            kind="report",
            description="Classes of both parts, and how far the parts differ",
        ),
        Dataset(
            name="churn_model",
            kind="model",
            description="XGBoost classifier: the probability that a customer leaves",
        ),
        Dataset(
            name="training_report",
            kind="report",
            description="How the model was found: search, folds, importance, settings",
        ),
        Dataset(
            name="evaluation_report",
            kind="report",
            description="How good the model is on customers it never saw, and why it says what",
        ),
    ]
)
