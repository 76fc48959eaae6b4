"""What a node tells a person: metrics, tables, pictures and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The value of a dataset of the kind ``report``.

    ``metrics`` are compared between runs. ``tables`` hold rows as dicts, or a pandas frame;
    ``figures`` hold matplotlib figures (saved as SVG), SVG texts or PNG bytes. The keys of both
    are the captions that a reader sees; everything keeps its order.
    """

    title: str
    metrics: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
