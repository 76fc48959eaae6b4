"""Functions that the declarations of test_build.py name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow

if TYPE_CHECKING:
    import ibis
    import pandas as pd


@dataclass(frozen=True)
class Statistics:
    median: float


def make(*, rows: int = 10, name: str | None = None) -> pyarrow.Table:
    """Make the rows.

    More of it here.
    """


def clean(raw: ibis.Table, statistics: Statistics, *, share: float = 0.5) -> ibis.Table: ...


def train(table: pd.DataFrame, extra: pyarrow.Table | None = None, **options: Any) -> Any: ...


def odd(table: set) -> None: ...


def brief(feature_store, model_registry, inputs, outputs): ...


def untyped(table, size): ...
