"""What an hour of a machine or a warehouse costs in credits, as far as it is published.

The rates are a dated file beside this one; a project may lay its own over it. What neither says
is unknown, and whoever asks says so.

Source: Snowflake, "Snowflake Service Consumption Table", "Understanding compute cost" (warehouses
by the second, a minute at least).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import msgspec

from sf_ml_framework.errors import SettingsError

SHIPPED = Path(__file__).with_name("rates.json")
"""The rates that come with the framework."""

_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Natural = Annotated[int, msgspec.Meta(ge=0)]


class Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One instance family."""

    credits: _Positive | None = None
    """Of one node for an hour; none: nobody has published it."""
    cpu: float = 0
    """Processors that containers get; 0: not known."""
    memory_gib: float = 0
    """Memory that containers get; 0: not known."""


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates of one day."""

    as_of: str
    """Day from which they hold."""
    source: str = ""
    pool_minimum_seconds: _Natural = 300
    """What a node of a pool is billed at least, each time that it starts."""
    warehouse_minimum_seconds: _Natural = 60
    warehouses: dict[str, _Positive] = {}
    """Credits of an hour, by size as ``CREATE WAREHOUSE`` spells it."""
    families: dict[str, Family] = {}

    def of_pool(self, family: str) -> float | None:
        """Return what one node costs an hour while it is up; none where that is not known."""
        found = self.families.get(family)
        return found.credits if found else None


@cache
def shipped() -> Rates:
    """Return the rates that come with the framework."""
    return msgspec.json.decode(SHIPPED.read_bytes(), type=Rates)


def laid_over(own: Mapping[str, Any], origin: str) -> Rates:
    """Return the shipped rates with *own* laid over them, family by family.

    Args:
        own: as in the shipped file, as much of it as differs; ``as_of`` must be said.
        origin: where it stands, for an error.

    Raises:
        SettingsError: it says what cannot be.
    """
    base: dict[str, Any] = msgspec.to_builtins(shipped())
    merged: dict[str, Any] = {**base, "source": origin, **own}
    if "as_of" not in own:
        raise SettingsError(f"{origin}: as_of is missing", remedy="say from which day they hold")
    for name in ("warehouses", "families"):
        given = own.get(name, {})
        if isinstance(given, Mapping):
            merged[name] = {**base[name], **{key: _one(base[name], key, given) for key in given}}
    try:
        return msgspec.convert(merged, Rates, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{origin}: {error}", remedy="write it as docs/reference/settings.md shows"
        ) from error


def _one(base: Mapping[str, Any], key: str, given: Mapping[str, Any]) -> Any:
    old, new = base.get(key), given[key]
    both = isinstance(old, Mapping) and isinstance(new, Mapping)
    return {**old, **new} if both else new  # type: ignore[dict-item]


def credits_per_hour(family: str, nodes: int, rates: Rates | None = None) -> float | None:
    """Return what so many nodes cost an hour while they run; none where nobody published it."""
    rate = (rates or shipped()).of_pool(family)
    return None if rate is None else rate * nodes
