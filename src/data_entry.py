"""What data entry does to good customers: gaps, slips of the decimal point, the impossible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.population import BLOCK, Block, random_stream

if TYPE_CHECKING:
    import numpy as np

MISSING_SHARES = {
    "age": 0.02,
    "contract_type": 0.005,
    "monthly_spend": 0.005,
    "total_spend": 0.015,
    "support_tickets": 0.004,
    "monthly_sessions": 0.03,
    "last_active_on": 0.01,
}
"""How often each value is missing; the other columns are complete."""

Gaps = dict[str, "np.ndarray"]
"""For each column that has gaps: true where the value is missing."""


def flawed(block: Block, seed: int, number: int) -> tuple[dict[str, np.ndarray], Gaps]:
    """Return the columns of *block* as they were entered, and where a value is missing.

    ``days_since_active`` and ``contract`` still stand for a date and a text. Who leaves was
    decided before: an error of entry drives nobody away.
    """
    rng = random_stream(seed, number, 1)
    columns = {
        "age": block.age.copy(),
        "tenure_months": block.tenure_months,
        "contract": block.contract,
        "monthly_spend": block.monthly_spend.copy(),
        "total_spend": block.total_spend.copy(),
        "support_tickets": block.support_tickets.copy(),
        "monthly_sessions": block.monthly_sessions.copy(),
        "num_products": block.num_products.copy(),
        "days_since_active": block.days_since_active.copy(),
        "churned": block.churned,
    }
    _exaggerate(columns, rng)
    _make_impossible(columns, rng)
    gaps = {
        name: rng.random(BLOCK, dtype="float32") < share for name, share in MISSING_SHARES.items()
    }
    # A customer of the first month has often no invoice yet.
    gaps["total_spend"] |= (block.tenure_months == 0) & (rng.random(BLOCK, dtype="float32") < 0.2)
    return columns, gaps


def _exaggerate(columns: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    """Put outliers, possible but far off, into *columns*."""
    import numpy as np

    for name, share, low, high in (
        ("monthly_spend", 0.003, 5.0, 20.0),
        ("total_spend", 0.002, 5.0, 15.0),
        ("monthly_sessions", 0.002, 10.0, 40.0),
    ):
        rows = _some(rng, share)
        grown = columns[name][rows] * rng.uniform(low, high, len(rows))
        columns[name][rows] = np.round(grown, 2)
    rows = _some(rng, 0.001)
    columns["support_tickets"][rows] += rng.integers(15, 60, len(rows), dtype="int32")


def _make_impossible(columns: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    """Put values into *columns* that nobody can have."""
    rows = _some(rng, 0.0005)
    columns["age"][rows] = rng.choice((0, 1, 150, 999), len(rows))
    rows = _some(rng, 0.0003)
    columns["monthly_spend"][rows] *= -1.0
    rows = _some(rng, 0.0003)
    columns["num_products"][rows] = 0
    rows = _some(rng, 0.0003)
    columns["days_since_active"][rows] = -rng.integers(1, 400, len(rows), dtype="int32")


def _some(rng: np.random.Generator, share: float) -> np.ndarray:
    """Return about *share* of the rows, by position, in no order; none of them twice."""
    import numpy as np

    return np.unique(rng.integers(0, BLOCK, rng.binomial(BLOCK, share)))
