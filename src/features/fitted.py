"""What features need to know of the training rows; saved as data, applied as literals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.customers import CONTRACT_TYPES

if TYPE_CHECKING:
    import ibis

COLUMNS = ("monthly_spend", "monthly_sessions", "support_tickets", "tenure_months")
QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureStatistics:
    """Figures of the training rows alone.

    Quartiles and medians, no means: a few far-off customers cannot move them, and a sum of
    floats would depend on the order in which an engine adds them up.
    """

    rows: int
    """How many rows they were fitted on."""
    quartiles: dict[str, tuple[float, float, float]]
    contract_shares: dict[str, float]
    contract_spend: dict[str, float]
    """Median monthly spend of each contract; of all customers for one that nobody has."""

    def middle(self, column: str) -> float:
        """Return the median of *column*."""
        return self.quartiles[column][1]

    def spread(self, column: str) -> float:
        """Return the distance of the outer quartiles of *column*; 1 if they are the same."""
        return round(self.quartiles[column][2] - self.quartiles[column][0], 6) or 1.0


def fit_features(training: ibis.Table) -> FeatureStatistics:
    """Return the statistics of *training*: at least one row, without nulls."""
    figures: dict[str, Any] = {"rows": training.count()}
    for name in COLUMNS:
        for quarter in QUARTERS:
            figures[f"{name} {quarter}"] = training[name].quantile(quarter)
    for name in CONTRACT_TYPES:
        has_it = training["contract_type"] == name
        figures[f"rows {name}"] = has_it.sum()
        figures[f"spend {name}"] = training["monthly_spend"].median(where=has_it)
    found = training.aggregate(**figures).to_pyarrow().to_pylist()[0]
    quartiles = {name: _quartiles(found, name) for name in COLUMNS}
    # Spend is divided by it.
    usual_spend = quartiles["monthly_spend"][1] or 1.0
    return FeatureStatistics(
        rows=found["rows"],
        quartiles=quartiles,
        contract_shares={
            name: round(found[f"rows {name}"] / found["rows"], 6) for name in CONTRACT_TYPES
        },
        contract_spend={
            name: round(float(found[f"spend {name}"] or usual_spend), 6) for name in CONTRACT_TYPES
        },
    )


def _quartiles(found: dict[str, Any], name: str) -> tuple[float, float, float]:
    low, middle, high = (round(float(found[f"{name} {quarter}"]), 6) for quarter in QUARTERS)
    return low, middle, high
