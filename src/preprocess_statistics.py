"""What preprocessing learns from the training rows; saved as data, applied as literals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.cleaning import WHOLE_NUMBERS
from src.customers import CONTRACT_TYPES

if TYPE_CHECKING:
    import ibis

MOST_ROWS = 500_000
"""Of more training rows than this, a sample of about as many is read: the error of a median or a
quantile is then below a thousandth of the rows, and memory is bounded."""

FILLED_BY_MEDIAN = (
    "age",
    "tenure_months",
    "monthly_spend",
    "support_tickets",
    "monthly_sessions",
    "num_products",
    "days_since_active",
)
CAPPED = ("monthly_spend", "total_spend", "support_tickets", "monthly_sessions")
HIGH_VALUE_QUANTILE = 0.75
LOW_ENGAGEMENT_QUANTILE = 0.25


class StatisticsError(ValueError):
    """The training rows do not tell what is to be learned from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessStatistics:
    """Figures of the training rows alone. Whole numbers for columns of whole numbers."""

    rows: int
    """How many rows they were fitted on."""
    cap_quantile: float
    medians: dict[str, int | float]
    usual_contract: str
    caps: dict[str, int | float]
    high_value_from: float
    """Monthly spend from which a customer is of high value."""
    low_engagement_up_to: float
    """Monthly sessions up to which a customer is little engaged."""


def fit_preprocess(training: ibis.Table, *, cap_quantile: float) -> PreprocessStatistics:
    """Return the statistics of *training*, whose values are plausible or missing.

    Raises:
        ValueError: *cap_quantile* is no share above one half.
        StatisticsError: a column has no value in any training row.
    """
    if not 0.5 < cap_quantile <= 1.0:
        raise ValueError(f"cap_quantile is {cap_quantile}; give a share above 0.5, up to 1")
    figures: dict[str, Any] = {"rows": training.count()}
    figures |= {f"median {name}": training[name].median() for name in FILLED_BY_MEDIAN}
    figures |= {f"cap {name}": training[name].quantile(cap_quantile) for name in CAPPED}
    figures |= {
        f"contract {name}": (training["contract_type"] == name).sum() for name in CONTRACT_TYPES
    }
    figures["high value"] = training["monthly_spend"].quantile(HIGH_VALUE_QUANTILE)
    figures["low engagement"] = training["monthly_sessions"].quantile(LOW_ENGAGEMENT_QUANTILE)
    found = training.aggregate(**figures).to_pyarrow().to_pylist()[0]
    without = [name.split(" ", 1)[1] for name, value in found.items() if value is None]
    if without:
        raise StatisticsError(
            f"no training row has a usable value in {', '.join(sorted(set(without)))};"
            " look at the quality of the raw customers"
        )
    return PreprocessStatistics(
        rows=found["rows"],
        cap_quantile=cap_quantile,
        medians={name: _fitting(name, found[f"median {name}"]) for name in FILLED_BY_MEDIAN},
        usual_contract=max(CONTRACT_TYPES, key=lambda name: found[f"contract {name}"]),
        caps={name: _fitting(name, found[f"cap {name}"]) for name in CAPPED},
        high_value_from=round(float(found["high value"]), 2),
        low_engagement_up_to=float(found["low engagement"]),
    )


def _fitting(column: str, value: float) -> int | float:
    """Return *value* as the column can hold it: a whole number, or cents."""
    return math.ceil(value) if column in WHOLE_NUMBERS else round(float(value), 2)
