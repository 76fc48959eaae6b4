"""Dataclasses of documents for the tests: what a project would have in a module of its own."""

import datetime as dt
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cap:
    """A bound of one column."""

    column: str
    upper: float | None = None


@dataclass(frozen=True)
class Statistics:
    """What was fitted."""

    on: dt.date
    rows: int
    caps: tuple[Cap, ...] = ()
    medians: dict[str, float] = field(default_factory=dict)
