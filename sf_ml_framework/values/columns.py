"""Types of columns under the names of the catalog, and what they are in Arrow.

A table without declared columns keeps the types that its node gave it, under the same names and
a few more. ``category`` is text in a file, and a dictionary of texts in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from sf_ml_framework.manifest.model import ColumnSpec
from sf_ml_framework.manifest.types import decimal_of

INTEGERS = ("integer", "int32", "int8", "int16", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float", "float32")
TIMESTAMPS = ("timestamp", "timestamp_ntz")
TEXTS = ("string", "category")


class StoredColumn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column of a stored table."""

    name: str
    type: str
    """One of the names below, or ``decimal(p,s)``."""
    categories: tuple[str, ...] = ()
    """Values of a category in their order; empty when they are those that occur, sorted."""
    ordered: bool = False


_ARROW: Mapping[str, tuple[str, ...]] = {
    "integer": ("int64",),
    "float": ("float64",),
    "boolean": ("bool_",),
    "category": ("string",),
    "date": ("date32",),
    "timestamp": ("timestamp", "us", "UTC"),
    "timestamp_ntz": ("timestamp", "us"),
    "time": ("time64", "us"),
}
"""Name of the function of pyarrow that makes a type, and its arguments, where names differ."""


def arrow_type(name: str) -> Any:
    """Return the Arrow type in which columns of the type *name* are stored."""
    import pyarrow as pa

    if decimal := decimal_of(name):
        return pa.decimal128(*decimal)
    function, *arguments = _ARROW.get(name, (name,))
    return getattr(pa, function)(*arguments)


def arrow_schema(columns: Iterable[StoredColumn]) -> Any:
    """Return the Arrow schema in which a table with *columns* is stored."""
    import pyarrow as pa

    return pa.schema([(column.name, arrow_type(column.type)) for column in columns])


def type_name(arrow: Any) -> str:
    """Return the name of an Arrow type; empty when no file could keep it."""
    from pyarrow import types

    if types.is_dictionary(arrow):
        inner = type_name(arrow.value_type)
        return "category" if inner == "string" else inner
    if types.is_decimal(arrow):
        fits = arrow.precision <= 38 and 0 <= arrow.scale <= arrow.precision
        return f"decimal({arrow.precision},{arrow.scale})" if fits else ""
    if types.is_timestamp(arrow):
        return "timestamp" if arrow.tz else "timestamp_ntz"
    if types.is_integer(arrow):
        return "integer" if arrow.bit_width == 64 and types.is_signed_integer(arrow) else str(arrow)
    for name, matches in _NAMES_OF_FAMILIES.items():
        if any(getattr(types, f"is_{each}")(arrow) for each in matches):
            return name
    return ""


_NAMES_OF_FAMILIES: Mapping[str, Sequence[str]] = {
    "float": ("float64",),
    "float32": ("float32", "float16"),
    "boolean": ("boolean",),
    "string": ("string", "large_string", "string_view", "null"),
    "date": ("date",),
    "time": ("time",),
    "binary": ("binary", "large_binary", "binary_view", "fixed_size_binary"),
}


def family(name: str) -> str:
    """Return what kind of value a type holds; within a family, values can be converted."""
    if name in INTEGERS:
        return "integer"
    if name in FLOATS:
        return "float"
    if name in TEXTS:
        return "string"
    return "decimal" if decimal_of(name) else name


def declared(columns: Iterable[ColumnSpec]) -> tuple[StoredColumn, ...]:
    """Return the columns of the catalog as they are stored.

    A category of which the catalog names all values has them in that order.
    """
    return tuple(
        StoredColumn(
            name=column.name,
            type=column.type,
            categories=tuple(map(str, column.allowed)) if column.type == "category" else (),
        )
        for column in columns
    )


def digest_of_checks(columns: Iterable[ColumnSpec]) -> str:
    """Return what stands for the checks of *columns*; empty when there is nothing to check."""
    checks = [
        (each.name, each.type, each.nullable, each.unique, each.minimum, each.maximum, each.allowed)
        for each in columns
        if is_checked(each)
    ]
    return sha256(msgspec.json.encode(checks)).hexdigest()[:16] if checks else ""


def is_checked(column: ColumnSpec) -> bool:
    """Return whether anything but the type of *column* is demanded."""
    return bool(
        not column.nullable
        or column.unique
        or column.minimum is not None
        or column.maximum is not None
        or column.allowed
    )


def why_not_promised(stands: Sequence[StoredColumn], wanted: Sequence[ColumnSpec]) -> str:
    """Return in what stored columns differ from those of the catalog; empty when in nothing.

    A catalog without columns promises none.
    """
    types = {column.name: column.type for column in stands}
    promised = {column.name: column.type for column in wanted}
    if not promised or (list(types) == list(promised) and types == promised):
        return ""
    differing = [name for name in promised if types.get(name) != promised[name]]
    differing += [name for name in types if name not in promised]
    if not differing:
        return "its columns stand in another order"
    return "; ".join(_difference(name, types, promised) for name in differing)


def _difference(name: str, stands: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    if name not in stands:
        return f"column {name!r} is missing"
    if name not in wanted:
        return f"the catalog has no column {name!r}"
    return f"column {name!r} is {stands[name]} and not {wanted[name]}"
