"""Customers as they might be: hidden traits drive what is seen, and who leaves.

Customers come in blocks of a fixed size, each with a random stream of its own. So a customer
depends on the seed and on their number alone, however many others are generated, and in
whatever portions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

COHORT = 1_000
"""In each run of this many customers, the same number leaves."""
BLOCK = 20 * COHORT
CHURN_RATE = 0.12

CONTRACT_SHARES = (0.55, 0.25, 0.20)
MEAN_TENURE_MONTHS = (18.0, 32.0, 44.0)
CONTRACT_DISCOUNTS = (1.0, 0.92, 0.85)
PRODUCT_SHARES = (0.42, 0.30, 0.16, 0.08, 0.04)
LONGEST_TENURE = 180
LONGEST_ABSENCE = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The customers of one block, one array entry each, without errors of data entry."""

    age: np.ndarray
    contract: np.ndarray
    """Index of ``CONTRACT_TYPES``."""
    tenure_months: np.ndarray
    num_products: np.ndarray
    monthly_spend: np.ndarray
    total_spend: np.ndarray
    support_tickets: np.ndarray
    monthly_sessions: np.ndarray
    days_since_active: np.ndarray
    churned: np.ndarray


def random_stream(seed: int, block: int, purpose: int) -> np.random.Generator:
    """Return the random stream of one block for one purpose: streams never overlap."""
    import numpy as np

    return np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, block, purpose))))


def simulate(seed: int, block: int) -> Block:
    """Return all ``BLOCK`` customers of the block with that number."""
    import numpy as np

    rng = random_stream(seed, block, 0)
    engagement = rng.standard_normal(BLOCK, dtype="float32")
    contract = _chosen(rng, CONTRACT_SHARES)
    mean_tenure = np.array(MEAN_TENURE_MONTHS, dtype="float32")[contract]
    tenure = np.minimum(
        rng.standard_exponential(BLOCK, dtype="float32") * mean_tenure, LONGEST_TENURE
    ).astype("int32")
    products = 1 + _chosen(rng, PRODUCT_SHARES).astype("int32")
    spend, total, price_rise = _spending(rng, contract, tenure, products)
    sessions = np.exp(
        2.2 + 0.75 * engagement + 0.1 * products + 0.3 * rng.standard_normal(BLOCK, dtype="float32")
    ).astype("int32")
    absence = rng.standard_exponential(BLOCK, dtype="float32") * np.exp(2.1 - 0.7 * engagement)
    days = np.minimum(absence, LONGEST_ABSENCE).astype("int32")
    tickets = rng.poisson(0.7 * np.exp(0.7 * rng.standard_normal(BLOCK, dtype="float32")))
    age = np.clip(45 + 15 * rng.standard_normal(BLOCK, dtype="float32"), 18, 95).astype("int32")
    risk = (
        _loyalty(contract, tenure, products, age)
        + _discontent(contract, tenure, tickets)
        + _withdrawal(sessions, days, spend)
        + 2.5 * np.clip(price_rise, -0.3, 0.6)
    )
    return Block(
        age=age,
        contract=contract,
        tenure_months=tenure,
        num_products=products,
        monthly_spend=spend,
        total_spend=total,
        support_tickets=tickets.astype("int32"),
        monthly_sessions=sessions,
        days_since_active=days,
        churned=_leavers(rng, risk),
    )


def _chosen(rng: np.random.Generator, shares: tuple[float, ...]) -> np.ndarray:
    """Return an index of *shares* for each customer, as often as they say."""
    import numpy as np

    drawn = rng.random(BLOCK, dtype="float32")
    chosen = np.zeros(BLOCK, dtype="int8")
    for edge in np.cumsum(shares)[:-1]:
        chosen += drawn >= np.float32(edge)
    return chosen


def _spending(
    rng: np.random.Generator, contract: np.ndarray, tenure: np.ndarray, products: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return spend a month, spend so far, and by what share today's price exceeds the old one."""
    import numpy as np

    discount = np.array(CONTRACT_DISCOUNTS, dtype="float32")[contract]
    spread = np.exp(0.35 * rng.standard_normal(BLOCK, dtype="float32"))
    spend = _cents((14.0 + 12.0 * products) * discount * spread)
    price_rise = 0.06 + 0.12 * rng.standard_normal(BLOCK, dtype="float32")
    total = _cents(spend * tenure / np.maximum(1.0 + price_rise, 0.5))
    return spend, total, np.where(tenure > 0, price_rise, 0.0)


def _loyalty(
    contract: np.ndarray, tenure: np.ndarray, products: np.ndarray, age: np.ndarray
) -> np.ndarray:
    import numpy as np

    bound = np.array((0.0, -1.3, -2.2), dtype="float32")[contract]
    habit = -0.55 * np.log1p(tenure / 6.0)
    # Two or three products bind a customer; more were often sold, not wanted.
    bundle = np.array((0.0, 0.0, -0.5, -0.7, 0.2, 0.6), dtype="float32")[products]
    return bound + habit + bundle + 0.25 * ((age - 48.0) / 20.0) ** 2


def _discontent(contract: np.ndarray, tenure: np.ndarray, tickets: np.ndarray) -> np.ndarray:
    import numpy as np

    trouble = np.sqrt(tickets) + 0.6 * (tickets >= 3)
    # Who is new, or may leave tomorrow, forgives less.
    return trouble * (0.45 + 0.35 * (contract == 0) + 0.35 * (tenure < 6))


def _withdrawal(sessions: np.ndarray, days: np.ndarray, spend: np.ndarray) -> np.ndarray:
    import numpy as np

    absence = 0.9 * (days > 30) + 0.5 * (days > 14) + 0.006 * days
    price_of_a_session = np.log(spend / (sessions + 1.0))
    return absence + 0.45 * price_of_a_session - 0.25 * np.log1p(sessions)


def _leavers(rng: np.random.Generator, risk: np.ndarray) -> np.ndarray:
    """Return 1 for whoever leaves: a logistic model whose intercept fits each cohort exactly."""
    import numpy as np

    luck = rng.random(BLOCK, dtype="float32").clip(1e-6, 1 - 1e-6)
    urge = (1.15 * risk + np.log(luck / (1.0 - luck))).reshape(-1, COHORT)
    leave = round(COHORT * CHURN_RATE)
    leavers = np.argpartition(urge, -leave, axis=1)[:, -leave:]
    churned = np.zeros_like(urge, dtype="int32")
    np.put_along_axis(churned, leavers, 1, axis=1)
    return churned.reshape(-1)


def _cents(values: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.rint(values.astype("float64") * 100.0) / 100.0
