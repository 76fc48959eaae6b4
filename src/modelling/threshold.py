"""From which probability on a customer counts as leaving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import xgboost

VALUE, REASON = "decision_threshold", "decision_threshold_reason"
"""Attributes of a booster: they survive pickling and the Model Registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A probability, and why this one."""

    value: float
    reason: str


def choose(labels: np.ndarray, probabilities: np.ndarray) -> Threshold:
    """Return the threshold of the highest F1 on rows that the probabilities' models never saw.

    F1 asks for few missed leavers and few needless calls alike. At 12 % leavers, accuracy would
    choose to call nobody, and 0.5 would miss most leavers.

    Args:
        labels: 0 or 1, one per row.
        probabilities: out-of-fold, one per row.
    """
    import numpy as np

    order = np.argsort(-probabilities, kind="stable")
    scores, hits = probabilities[order].astype("float64"), labels[order].cumsum(dtype="int64")
    # Rows of one score fall on the same side: only the last of them may end the list.
    ends = np.flatnonzero(np.append(np.diff(scores) < 0, True))
    f1 = 2 * hits[ends] / (ends + 1 + hits[-1])
    best = int(np.argmax(f1))
    lower = scores[ends[best] + 1] if ends[best] + 1 < len(scores) else 0.0
    value = float((scores[ends[best]] + lower) / 2)
    reason = (
        f"{value:.3f} has the highest F1 ({f1[best]:.3f}) on {len(labels):,} out-of-fold "
        f"predictions of the training rows; no test row was asked"
    )
    return Threshold(value=value, reason=reason)


def keep(model: xgboost.XGBClassifier, threshold: Threshold) -> None:
    """Write *threshold* into *model*: a probability without it decides nothing."""
    model.get_booster().set_attr(**{VALUE: repr(threshold.value), REASON: threshold.reason})


def threshold_of(model: xgboost.XGBClassifier) -> Threshold | None:
    """Return the threshold that *model* carries, or None if it was trained elsewhere."""
    attributes = model.get_booster().attributes()
    if VALUE not in attributes:
        return None
    return Threshold(value=float(attributes[VALUE]), reason=attributes.get(REASON, ""))
