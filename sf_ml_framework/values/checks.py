"""What the catalog demands of the values of a column, checked while a table streams by.

One pass of Arrow's own kernels over the columns concerned. A library of checks such as pandera
would need the whole table as a frame in memory, for questions that ``min_max`` and ``is_in``
answer batch by batch.

A NaN counts as missing, for pandas cannot tell the two apart; ranges and allowed values are not
asked of what is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import ColumnSpec
from sf_ml_framework.values.columns import INTEGERS, arrow_type, family, is_checked
from sf_ml_framework.values.repeats import repeated

EXAMPLES = 3
"""How many broken values a message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the catalog demands of the values of a column, as values of its type."""

    minimum: Any
    """None where there is no such bound."""
    maximum: Any
    allowed: tuple[Any, ...]


@dataclass(slots=True)
class Broken:
    """One demand, and what broke it so far."""

    demand: str
    count: int = 0
    examples: list[Any] = field(default_factory=list)

    def add(self, array: Any, mask: Any) -> None:
        """Count the values of *array* that *mask* names, and keep some as examples."""
        import pyarrow.compute as pc

        count = pc.sum(mask).as_py() or 0
        if count and len(self.examples) < EXAMPLES:
            # A null in a mask would keep a row of nothing.
            found = array.filter(mask.fill_null(False))
            self.examples += found.slice(0, EXAMPLES - len(self.examples)).to_pylist()
        self.count += count

    def __str__(self) -> str:
        shown = [] if all(each is None for each in self.examples) else self.examples
        example = f", as {', '.join(map(_shown, shown))}" if shown else ""
        return f"{self.count:,} {'value' if self.count == 1 else 'values'} {self.demand}{example}"


class ColumnChecks:
    """Watches the columns of one table.

    Args:
        columns: those of the catalog.
        what: the table for a person, at the head of the message.

    Raises:
        DataError: a bound or an allowed value is none of its column's type.
    """

    def __init__(self, columns: Sequence[ColumnSpec], *, what: str) -> None:
        self._what = what
        self._watched = [_ColumnCheck(each, what) for each in columns if is_checked(each)]

    @property
    def names(self) -> list[str]:
        """Columns of which anything is demanded."""
        return [each.name for each in self._watched]

    def update(self, batch: Any) -> None:
        """Look at a batch, or at a whole table."""
        for watched in self._watched:
            watched.update(batch.column(watched.name))

    def finish(self, *, remedy: str) -> None:
        """Say whether every demand was met.

        Raises:
            DataError: names every demand that was not, with counts and examples.
        """
        broken = [line for watched in self._watched for line in watched.broken()]
        refuse_broken(broken, what=self._what, remedy=remedy)


def refuse_broken(lines: Sequence[str], *, what: str, remedy: str) -> None:
    """Say whether every demand was met: that *lines* is empty.

    Raises:
        DataError: shows every line.
    """
    if lines:
        count = "a check" if len(lines) == 1 else f"{len(lines)} checks"
        shown = "".join(f"\n  {line}" for line in lines)
        raise DataError(f"{what} breaks {count} of its columns:{shown}", remedy=remedy)


def bounds_of(spec: ColumnSpec, what: str) -> Bounds:
    """Return what is demanded of the values of a column.

    Args:
        spec: the column.
        what: its table for a person, at the head of a message.

    Raises:
        DataError: a bound or an allowed value is none of the column's type.
    """
    return Bounds(
        minimum=_bound(spec, spec.minimum, math.ceil, what),
        maximum=_bound(spec, spec.maximum, math.floor, what),
        allowed=tuple(_value(spec, each, what) for each in spec.allowed),
    )


class _ColumnCheck:
    def __init__(self, spec: ColumnSpec, what: str) -> None:
        import pyarrow as pa

        self.name = spec.name
        self._spec = spec
        self._is_float = family(spec.type) == "float"
        kind, bounds = arrow_type(spec.type), bounds_of(spec, what)
        self._minimum = _scalar(bounds.minimum, kind)
        self._maximum = _scalar(bounds.maximum, kind)
        self._allowed = pa.array(bounds.allowed, kind) if bounds.allowed else None
        self._null = Broken("missing")
        self._below = Broken(f"below {spec.minimum}")
        self._above = Broken(f"above {spec.maximum}")
        self._other = Broken("not allowed")
        self._seen: list[Any] = []

    def update(self, array: Any) -> None:
        import pyarrow.compute as pc

        if self._is_float:
            array = _without_nan(array)
        if not self._spec.nullable and array.null_count:
            self._null.add(array, pc.is_null(array))
        if self._minimum is not None or self._maximum is not None:
            self._ranges(array)
        if self._allowed is not None:
            fits = pc.is_in(array, value_set=self._allowed)
            self._other.add(array, pc.and_(pc.invert(fits), pc.is_valid(array)))
        if self._spec.unique:
            self._seen.append(_copied(array))

    def _ranges(self, array: Any) -> None:
        import pyarrow.compute as pc

        ends = pc.min_max(array)
        low, high = ends["min"], ends["max"]
        if not low.is_valid:
            return
        if self._minimum is not None and pc.less(low, self._minimum).as_py():
            self._below.add(array, pc.less(array, self._minimum))
        if self._maximum is not None and pc.greater(high, self._maximum).as_py():
            self._above.add(array, pc.greater(array, self._maximum))

    def broken(self) -> list[str]:
        found = [self._null, self._below, self._above, self._other]
        if self._seen:
            count, examples = repeated(self._seen, EXAMPLES)
            found.append(Broken("not unique", count, examples))
        return [f"{self.name}: {each}" for each in found if each.count]


def _copied(array: Any) -> Any:
    """Return *array* in memory of its own: one that came from DuckDB holds its whole batch.

    A column of a whole table is left where it is; so is the table.
    """
    import pyarrow as pa

    if isinstance(array, pa.ChunkedArray):
        return array
    return pa.concat_arrays([array, array.slice(0, 0)])


def _without_nan(array: Any) -> Any:
    import pyarrow.compute as pc

    total = pc.sum(array).as_py()
    if total is None or math.isfinite(total):
        # A sum is one pass and no copy, and a single NaN would spoil it.
        return array
    return pc.if_else(pc.is_nan(array), None, array)


def _scalar(value: Any, kind: Any) -> Any:
    import pyarrow as pa

    return None if value is None else pa.scalar(value, kind)


def _bound(spec: ColumnSpec, bound: Any, towards: Any, what: str) -> Any:
    if bound is None:
        return None
    if spec.type in INTEGERS and isinstance(bound, float) and math.isfinite(bound):
        bound = towards(bound)
    return _value(spec, bound, what)


def _value(spec: ColumnSpec, value: Any, what: str) -> Any:
    """Return a bound or an allowed value of the catalog as a value of its column."""
    convert = _CONVERTERS.get(family(spec.type), int)
    try:
        return convert(value)
    except (ValueError, OverflowError, InvalidOperation) as error:
        raise DataError(
            f"{what}: column {spec.name!r} is {spec.type}, and the {value!r} of its checks is none",
            remedy="mend the column's minimum, maximum or allowed values in the catalog",
        ) from error


def _moment(value: Any) -> datetime:
    """Return a time in UTC, which the catalog's times are where they do not say otherwise."""
    moment = datetime.fromisoformat(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "date": lambda value: date.fromisoformat(str(value)),
    "time": lambda value: time.fromisoformat(str(value)),
    "timestamp": _moment,
    "timestamp_ntz": lambda value: _moment(value).replace(tzinfo=None),
    "decimal": lambda value: Decimal(str(value)),
    "string": str,
    "float": float,
    "boolean": bool,
    "binary": lambda value: str(value).encode(),
}


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, date | datetime | Decimal) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
