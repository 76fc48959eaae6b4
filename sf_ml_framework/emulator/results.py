"""Result sets: columns with Snowflake types, and rows as Python values or as an Arrow table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

SELECT = 0x1000
DML = 0x3000
INSERT = 0x3100
UPDATE = 0x3200
DELETE = 0x3300
MERGE = 0x3400
COPY = 0x3600
SHOW = 0x4400
DESCRIBE = 0x4500
DDL = 0x6000
"""Statement types as the clients know them. Source: connector, ``STATEMENT_TYPE_ID_DML_SET``."""


_KINDS = {
    "text",
    "fixed",
    "real",
    "boolean",
    "date",
    "time",
    "binary",
    "variant",
    "object",
    "array",
}
_KINDS |= {"timestamp_ltz", "timestamp_ntz", "timestamp_tz"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; *type* is Snowflake's wire type in lower case (``text``, ``fixed``, ...)."""

    name: str
    type: str = "text"
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    nullable: bool = True

    def rowtype(self) -> dict[str, Any]:
        """Return the column as the query response describes it."""
        text, fixed = self.type == "text", self.type == "fixed"
        timed = self.type.startswith("time")
        length = self.length if self.length is not None else (16777216 if text else None)
        if self.type == "binary":
            length = self.length or 8388608
        return {
            "name": self.name,
            "database": "",
            "schema": "",
            "table": "",
            "nullable": self.nullable,
            "type": self.type,
            "byteLength": length,
            "length": length,
            "scale": (self.scale or 0) if fixed else (9 if timed else self.scale),
            "precision": (self.precision or 38) if fixed else (0 if timed else self.precision),
            "collation": None,
        }

    def arrow(self) -> pa.DataType:  # noqa: PLR0911
        """Return the Arrow type that holds this column's values."""
        match self.type:
            case "fixed":
                return pa.decimal128(38, self.scale) if self.scale else pa.int64()
            case "real":
                return pa.float64()
            case "boolean":
                return pa.bool_()
            case "date":
                return pa.date32()
            case "time":
                return pa.time64("us")
            case "timestamp_ntz":
                return pa.timestamp("us")
            case "timestamp_ltz" | "timestamp_tz":
                return pa.timestamp("us", tz="UTC")
            case "binary":
                return pa.binary()
            case _:
                return pa.string()


@dataclass(slots=True)
class ResultSet:
    """What a statement returned.

    ``table`` holds the rows; ``statement_type`` one of the numbers above; ``affected`` the rows
    that
    a DML statement changed; ``transfer`` the answer to PUT or GET, which the client carries out.
    """

    columns: list[Column]
    table: pa.Table
    statement_type: int = SELECT
    affected: int | None = None
    transfer: dict[str, Any] | None = None
    children: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows as Python values."""
        values = [column.to_pylist() for column in self.table.columns]
        return list(zip(*values, strict=True))

    def scalar(self) -> Any:
        """Return the first value of the first row, or None when there is none."""
        return self.table.column(0)[0].as_py() if self.table.num_rows else None

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as dicts by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


def make_column(spec: Column | str) -> Column:
    """Return a column from ``"name"`` (text) or ``"name type"``."""
    if isinstance(spec, Column):
        return spec
    # A name may have spaces ("primary key"): only a known type after the last one is a type.
    name, _, kind = spec.rpartition(" ")
    return Column(name, kind) if name and kind in _KINDS else Column(spec)


def rows(
    columns: Sequence[Column | str], values: Iterable[Sequence[Any]], statement_type: int = SELECT
) -> ResultSet:
    """Return a result set of Python *values*; a column is ``"name"`` or ``"name type"``."""
    made = [make_column(column) for column in columns]
    data = [list(row) for row in values]
    arrays = []
    for index, column in enumerate(made):
        cells = [_fit(row[index], column.type) for row in data]
        arrays.append(pa.array(cells, type=column.arrow()))
    schema = pa.schema([(c.name, c.arrow()) for c in made])
    return ResultSet(made, pa.Table.from_arrays(arrays, schema=schema), statement_type)


def status(message: str, statement_type: int = DDL) -> ResultSet:
    """Return the one-line answer of most DDL."""
    return rows(["status"], [(message,)], statement_type)


def done() -> ResultSet:
    """Return the answer ``Statement executed successfully``."""
    return status("Statement executed successfully.")


def empty(result: ResultSet) -> ResultSet:
    """Return *result* without rows, as describe-only answers."""
    return ResultSet(result.columns, result.table.slice(0, 0), result.statement_type)


def _fit(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind in {"text", "variant", "object", "array"} and not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value
