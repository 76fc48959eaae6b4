"""What the catalog demands of the values of a table, as one aggregate in the account.

The rows never leave the account: one pass counts what breaks each demand, and the same pass makes
the hash that stands for the content. Only where something is broken, a few values are fetched, to
show them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.errors import DataError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.manifest.model import ColumnSpec
from sf_ml_framework.places.snowflake.column_types import sql_type, whole_range
from sf_ml_framework.places.snowflake.names import account_column
from sf_ml_framework.values.checks import EXAMPLES, Broken, bounds_of, refuse_broken
from sf_ml_framework.values.columns import StoredColumn, family

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_SALT = "'mlops'"
"""A second hash of 64 bits over the same rows: two tables with both alike are not expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What stands for the rows of a table."""

    rows: int
    digest: str
    """Equal for equal rows in any order, and columns of equal names and types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demand:
    column: str
    """Our name."""
    broken: str
    """A condition of SQL on the rows that break it."""
    binds: tuple[Any, ...]
    said: str


class TableCheck:
    """Asks one table, or one query, whether it keeps the promises of the catalog.

    Args:
        account: the connection.
        source: a qualified name, or a query in parentheses; may hold no bind.
        columns: every column of it.
        specs: those of the catalog, of which something may be demanded.
        what: the table for a person, at the head of a message.

    Raises:
        DataError: a bound or an allowed value of the catalog is none of its column's type.
    """

    def __init__(
        self,
        account: Account,
        source: str,
        columns: Sequence[StoredColumn],
        specs: Sequence[ColumnSpec],
        what: str,
    ) -> None:
        self._account = account
        self._source = source
        self._columns = columns
        self._specs = specs
        self._what = what
        self._demands = [each for spec in specs for each in _demands(spec, what)]
        named = {spec.name: spec for spec in specs}
        self._demands += [
            each for column in columns for each in _whole(column, named.get(column.name))
        ]
        self._unique = [spec.name for spec in specs if spec.unique]

    def content(self, *, remedy: str) -> Content:
        """Check every row once, and return what stands for all of them.

        Raises:
            DataError: names every demand that is broken, with counts and examples.
        """
        selected = ["COUNT(*) AS n", *self._hashes()]
        binds: list[Any] = []
        for index, demand in enumerate(self._demands):
            selected.append(f"COUNT_IF({demand.broken}) AS d{index}")
            binds += demand.binds
        for index, name in enumerate(self._unique):
            column = _column(name)
            selected.append(f"COUNT({column}) - COUNT(DISTINCT {column}) AS u{index}")
        found = self._account.rows(f"SELECT {', '.join(selected)} FROM {self._source}", binds)[0]
        refuse_broken(self._broken(found), what=self._what, remedy=remedy)
        columns = [(each.name, each.type, each.categories, each.ordered) for each in self._columns]
        stands_for = (columns, int(found["n"]), int(found["h0"]), int(found["h1"]))
        digest = sha256(msgspec.json.encode(stands_for)).hexdigest()
        return Content(rows=int(found["n"]), digest=digest)

    def _hashes(self) -> list[str]:
        listed = ", ".join(_column(each.name) for each in self._columns)
        return [f"HASH_AGG({listed}) AS h0", f"HASH_AGG({_SALT}, {listed}) AS h1"]

    def _broken(self, found: dict[str, Any]) -> list[str]:
        lines = []
        for index, demand in enumerate(self._demands):
            if count := int(found[f"d{index}"] or 0):
                told = Broken(demand.said, count, self._examples(demand))
                lines.append(f"{demand.column}: {told}")
        for index, name in enumerate(self._unique):
            if int(found[f"u{index}"] or 0):
                lines.append(f"{name}: {self._repeated(name)}")
        return lines

    def _examples(self, demand: _Demand) -> list[Any]:
        rows = self._account.rows(
            f"SELECT {_column(demand.column)} AS v FROM {self._source}"
            f" WHERE {demand.broken} LIMIT {EXAMPLES}",
            demand.binds,
        )
        return [row["v"] for row in rows]

    def _repeated(self, name: str) -> Broken:
        column = _column(name)
        rows = self._account.rows(
            f"SELECT v, COUNT(*) OVER () AS n FROM (SELECT {column} AS v FROM {self._source}"
            f" WHERE {column} IS NOT NULL GROUP BY {column} HAVING COUNT(*) > 1)"
            f" LIMIT {EXAMPLES}"
        )
        return Broken("not unique", int(rows[0]["n"]), [row["v"] for row in rows])


def _column(name: str) -> str:
    return quoted(account_column(name))


def _demands(spec: ColumnSpec, what: str) -> list[_Demand]:
    """Return what is demanded of each value; a NaN counts as missing, as in pandas."""
    bounds, column = bounds_of(spec, what), _column(spec.name)
    is_nan = f"{column} = 'NaN'::FLOAT" if family(spec.type) == "float" else ""
    found = []

    def demand(broken: str, said: str, values: Sequence[Any] = ()) -> None:
        binds = tuple(_bind(each) for each in values)
        found.append(_Demand(column=spec.name, broken=broken, binds=binds, said=said))

    mark = f"CAST(? AS {sql_type(spec.type)})"
    known = f"{column} IS NOT NULL AND NOT ({is_nan})" if is_nan else f"{column} IS NOT NULL"
    if not spec.nullable:
        demand(f"{column} IS NULL OR {is_nan}" if is_nan else f"{column} IS NULL", "missing")
    if bounds.minimum is not None:
        demand(f"{known} AND {column} < {mark}", f"below {spec.minimum}", [bounds.minimum])
    if bounds.maximum is not None:
        demand(f"{known} AND {column} > {mark}", f"above {spec.maximum}", [bounds.maximum])
    if bounds.allowed:
        marks = ", ".join([mark] * len(bounds.allowed))
        demand(f"{known} AND {column} NOT IN ({marks})", "not allowed", bounds.allowed)
    return found


def _whole(column: StoredColumn, spec: ColumnSpec | None) -> list[_Demand]:
    """Return the range of a type of whole numbers, which the account itself does not watch.

    Nothing is asked twice: bounds of the catalog within that range are enough.
    """
    limits = whole_range(column.type)
    if limits is None:
        return []
    low, high = (spec.minimum, spec.maximum) if spec else (None, None)
    are_numbers = isinstance(low, int | float) and isinstance(high, int | float)
    if are_numbers and limits[0] <= low and high <= limits[1]:  # type: ignore[operator]
        return []
    name = _column(column.name)
    broken = f"{name} NOT BETWEEN {limits[0]} AND {limits[1]}"
    said = f"beyond what {column.type} holds"
    return [_Demand(column=column.name, broken=broken, binds=(), said=said)]


def _bind(value: Any) -> Any:
    """Return a bound as a text that a cast in SQL reads exactly."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return repr(value) if isinstance(value, float) else str(value)


def refuse_lost(
    ask: Callable[[dict[str, Any]], dict[str, Any]],
    table: Any,
    types: dict[str, str],
    *,
    what: str,
    remedy: str,
) -> None:
    """Say whether a lazy table has values that a type of the catalog cannot hold unchanged.

    Args:
        ask: computes sums over *table*, by name.
        table: the Ibis table, before it is cast.
        types: the catalog's type of each column.
        what: the table for a person, at the head of a message.
        remedy: what to do about it.

    Raises:
        DataError: a value would lose something; names every column.
    """
    losing = {
        name: broken
        for name, wanted in types.items()
        if (broken := _losing(table[name], wanted)) is not None
    }
    if not losing:
        return
    found = ask({name: broken.sum() for name, broken in losing.items()})
    faults = [
        f"column {name!r} is {types[name]}, and {found[name]:,} of its values are not"
        for name in losing
        if found[name]
    ]
    if faults:
        raise DataError(f"{what}: {'; '.join(faults)}", remedy=remedy)


def _losing(column: Any, wanted: str) -> Any:
    """Return which values of an Ibis column a type of the catalog cannot hold; none when all."""
    given, to = column.type(), family(wanted)
    if to == "integer" and (given.is_floating() or given.is_decimal()):
        return column != column.floor()
    if to == "float" and given.is_integer():
        return column.abs() > 2**53
    if to == "date" and given.is_timestamp():
        return column != column.truncate("D")
    return None
