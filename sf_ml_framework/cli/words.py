"""Counts, moments and lines as a person reads them; figures are those of ``show.words``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plural(count: int, word: str) -> str:
    """Return ``1 node``, ``2 nodes``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def rows(count: int | None) -> str:
    """Return ``100,000 rows``; empty where nothing was counted."""
    return "" if count is None else plural(count, "row")


def metrics(values: Mapping[str, Any], most: int) -> str:
    """Return metrics on one line; what is more than *most* of them is only counted."""
    from sf_ml_framework.show.words import number

    shown = [f"{name} {number(value)}" for name, value in values.items()]
    more = [f"and {len(shown) - most} more"] if len(shown) > most else []
    return ", ".join([*shown[:most], *more])


def local_time(utc: str) -> str:
    """Return a moment of the records (ISO 8601, UTC) on this machine's clock."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(utc)
    except ValueError:
        return utc
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
