"""Small tables of customers whose risk is known, for the tests of the model."""

from __future__ import annotations

import numpy as np
import pandas as pd

FEATURES = [
    "tenure_months",
    "monthly_spend",
    "support_tickets",
    "is_dormant",
    "contract_is_monthly",
    "spend_trend",
    "noise_a",
    "noise_b",
]


def customers(rows: int, *, seed: int = 0, first_key: int = 1) -> pd.DataFrame:
    """Return customers of whom about an eighth left; two features say nothing at all."""
    rng = np.random.default_rng(seed)
    tenure = rng.integers(0, 72, rows).astype("int32")
    tickets = rng.poisson(1.5, rows).astype("int32")
    dormant, monthly = rng.random(rows) < 0.2, rng.random(rows) < 0.5
    trend = rng.normal(size=rows)
    risk = -3.4 + 0.6 * tickets * monthly + 1.4 * dormant - 0.03 * tenure + 0.8 * np.sin(2 * trend)
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(first_key, first_key + rows),
            "snapshot_date": pd.Timestamp("2026-06-30"),
            "tenure_months": tenure,
            "monthly_spend": rng.lognormal(3, 0.6, rows),
            "support_tickets": tickets,
            "is_dormant": dormant,
            "contract_is_monthly": monthly,
            "spend_trend": trend,
            "noise_a": rng.normal(size=rows),
            "noise_b": rng.integers(0, 5, rows),
        }
    )
    chance = 1 / (1 + np.exp(-risk))
    return frame.assign(churned=(rng.random(rows) < chance).astype("int32"))
