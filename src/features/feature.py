"""What a feature is: a name, a type, a meaning, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis

    from src.features.fitted import FeatureStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One column of ``customer_features``.

    ``of`` gets the customers, with all features of earlier stages, and the statistics of the
    training rows. The catalog reads the rest without loading Ibis.
    """

    name: str
    type: str
    """As in the catalog: ``float``, ``int32`` or ``boolean``."""
    description: str
    of: Callable[[ibis.Table, FeatureStatistics], ibis.Value]
    minimum: float | None = None
    maximum: float | None = None


def ratio(part: ibis.Value, whole: ibis.Value | float) -> ibis.Value:
    """Divide a whole number as a float: what it is otherwise, engines do not agree on.

    Snowflake takes 2 / 3 and 2 / 3.0 for decimals and keeps six digits.
    """
    return part.cast("float64") / whole


def at_least(value: ibis.Value, least: float) -> ibis.Value:
    """Return *value*, or *least* where it is smaller."""
    import ibis

    return ibis.greatest(value, least)


def at_most(value: ibis.Value, most: float) -> ibis.Value:
    """Return *value*, or *most* where it is greater."""
    import ibis

    return ibis.least(value, most)


def band(value: ibis.Value, *edges: float) -> ibis.Value:
    """Return how many of the rising *edges* the value has reached."""
    import ibis

    steps = [(value < edge, number) for number, edge in enumerate(edges)]
    return ibis.cases(*steps, else_=len(edges))
