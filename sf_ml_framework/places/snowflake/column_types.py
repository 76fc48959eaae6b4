"""Types of columns in the account, and the tables that lazily have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sf_ml_framework.manifest.types import decimal_of
from sf_ml_framework.places.snowflake.names import Names, account_column, our_column
from sf_ml_framework.values.columns import (
    FLOATS,
    INTEGERS,
    TEXTS,
    StoredColumn,
    arrow_schema,
)

_TYPES: Mapping[str, str] = {
    **dict.fromkeys(INTEGERS, "NUMBER(38,0)"),
    **dict.fromkeys(FLOATS, "FLOAT"),
    **dict.fromkeys(TEXTS, "VARCHAR"),
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME(6)",
    # An instant, kept in UTC; shown in the session's time zone, which is UTC in ours.
    "timestamp": "TIMESTAMP_LTZ(6)",
    "timestamp_ntz": "TIMESTAMP_NTZ(6)",
    "binary": "BINARY",
}

_BITS = {"integer": 64, "int32": 32, "int8": 8, "int16": 16}
_UNSIGNED_BITS = {"uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64}


def sql_type(type_name: str) -> str:
    """Return the type of the account for a type of the catalog."""
    if decimal := decimal_of(type_name):
        return f"NUMBER({decimal[0]},{decimal[1]})"
    return _TYPES[type_name]


def whole_range(type_name: str) -> tuple[int, int] | None:
    """Return the least and the greatest value of a type of whole numbers; none for others.

    The account keeps all of them as numbers of 38 digits, so it does not watch them itself.
    """
    if type_name in _BITS:
        half = 2 ** (_BITS[type_name] - 1)
        return -half, half - 1
    if type_name in _UNSIGNED_BITS:
        return 0, 2 ** _UNSIGNED_BITS[type_name] - 1
    return None


def lazy_table(backend: Any, names: Names, name: str, columns: Sequence[StoredColumn]) -> Any:
    """Return an object of the account as an Ibis table with our names and the promised types.

    The account is not asked for its columns: it has wider types, which would hide what is known.
    """
    import ibis.expr.operations as ops
    from ibis import Schema

    promised = Schema.from_pyarrow(arrow_schema(columns))
    theirs = Schema({account_column(each): promised[each] for each in promised})
    namespace = ops.Namespace(catalog=names.database, database=names.schema)
    table = ops.DatabaseTable(
        name=name, schema=theirs, source=backend, namespace=namespace
    ).to_expr()
    return table.select(**{each: table[account_column(each)] for each in promised})


def described(rows: Iterable[Mapping[str, Any]]) -> tuple[StoredColumn, ...]:
    """Return the columns that ``DESCRIBE`` tells of an object that is not ours."""
    return tuple(
        StoredColumn(our_column(row["name"]), _named(str(row["type"]).upper())) for row in rows
    )


def _named(theirs: str) -> str:
    """Return the type of the catalog that holds every value of a type of the account."""
    head, _, rest = theirs.partition("(")
    if head in ("NUMBER", "DECIMAL", "NUMERIC"):
        precision, _, scale = rest.rstrip(")").partition(",")
        places = int(scale or 0)
        return f"decimal({precision},{places})" if places else "integer"
    return _NAMED.get(head, "string")


_NAMED = {
    "FLOAT": "float",
    "DOUBLE": "float",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP_NTZ": "timestamp_ntz",
    "TIMESTAMP_LTZ": "timestamp",
    "TIMESTAMP_TZ": "timestamp",
    "BINARY": "binary",
}
