"""A table shaped like the churn project's training rows, made in memory for the benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FLAGS = 15
LATENT = 12


def churn_frame(
    rows: int, features: int = 55, *, rate: float = 0.12, seed: int = 0
) -> pd.DataFrame:
    """Return *rows* customers with correlated features, of whom about *rate* left.

    A few hidden traits drive both the features and the risk, with an interaction, a kink and a
    wave in it that a linear model cannot follow, and noise that no model can.
    """
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    traits = rng.normal(size=(rows, LATENT))
    numbers = features - FLAGS
    mix = rng.normal(size=(LATENT, numbers)) * (rng.random((LATENT, numbers)) < 0.25)
    values = traits @ mix + rng.normal(size=(rows, numbers)) * 0.7
    values[:, ::3] = np.exp(values[:, ::3] / 2)
    noisy = traits[:, rng.integers(0, LATENT, FLAGS)] + rng.normal(size=(rows, FLAGS)) / 2
    flags = noisy > rng.normal(size=FLAGS) * 0.7
    risk = _risk(traits) + rng.normal(size=rows)
    names = [f"feature_{number:02d}" for number in range(features)]
    frame = pd.DataFrame(np.hstack([values, flags.astype(float)]), columns=names)
    frame.insert(0, "customer_id", np.arange(1, rows + 1))
    frame.insert(1, "snapshot_date", pd.Timestamp("2026-01-31"))
    chance = _chance(risk, rate)
    return frame.assign(churned=(rng.random(rows) < chance).astype("int64"))


def _risk(traits: np.ndarray) -> np.ndarray:
    import numpy as np

    kink = 0.6 * np.maximum(traits[:, 4], 0)
    wave = 0.7 * np.sin(2 * traits[:, 5])
    return 1.1 * traits[:, 0] - 0.9 * traits[:, 1] + 0.8 * traits[:, 2] * traits[:, 3] + kink + wave


def _chance(risk: np.ndarray, rate: float) -> np.ndarray:
    """Return the logistic of *risk*, shifted so that its mean is *rate*."""
    import numpy as np

    low, high = -20.0, 20.0
    for _ in range(60):
        shift = (low + high) / 2
        chance = 1 / (1 + np.exp(-(risk + shift)))
        low, high = (low, shift) if chance.mean() > rate else (shift, high)
    return chance
