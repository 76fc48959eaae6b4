"""How far two samples of one column differ, and how far chance alone would take them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

BINS = 10
MOST_PSI = 0.1
"""From here on, populations are commonly held to differ."""
MOST_KS = 0.05
LUCK = 1e-7
"""How seldom two samples of one population may differ by more than they are allowed to."""
CHI_SQUARE = 52.0
"""Exceeded once in ten million times by chi-square with ``BINS - 1`` degrees of freedom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The difference between the parts in one column."""

    column: str
    psi: float
    """Population stability index over tenths of the training rows."""
    ks: float
    """Kolmogorov-Smirnov statistic: greatest gap of the two distribution functions."""
    psi_limit: float
    ks_limit: float

    @property
    def too_far(self) -> bool:
        """Whether the parts differ by more than is harmless, and more than chance explains."""
        return self.psi > self.psi_limit or self.ks > self.ks_limit


def drift_of(column: str, train: np.ndarray, test: np.ndarray) -> Drift:
    """Compare two samples, in any order and of any size but none, without missing values."""
    chance = 1.0 / len(train) + 1.0 / len(test)
    return Drift(
        column=column,
        psi=_stability_index(train, test),
        ks=_greatest_gap(train, test),
        psi_limit=max(MOST_PSI, CHI_SQUARE * chance),
        ks_limit=max(MOST_KS, math.sqrt(-math.log(LUCK / 2.0) / 2.0 * chance)),
    )


def _stability_index(train: np.ndarray, test: np.ndarray) -> float:
    import numpy as np

    edges = np.unique(np.quantile(train, np.arange(1, BINS) / BINS))
    shares = []
    for sample in (train, test):
        counts = np.bincount(np.searchsorted(edges, sample, side="left"), minlength=len(edges) + 1)
        # Half a row more in each bin: the logarithm of an empty one is not to be had.
        shares.append((counts + 0.5) / (counts + 0.5).sum())
    expected, found = shares
    return float(((found - expected) * np.log(found / expected)).sum())


def _greatest_gap(train: np.ndarray, test: np.ndarray) -> float:
    import numpy as np

    values = np.unique(np.concatenate([train, test]))
    below = [
        np.searchsorted(np.sort(sample), values, side="right") / len(sample)
        for sample in (train, test)
    ]
    return float(np.abs(below[0] - below[1]).max())
