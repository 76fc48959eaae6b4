"""The types that a column of a table may have, under the names that a catalog uses."""

from __future__ import annotations

import re

NAMES = (
    "integer",
    "int32",
    "float",
    "boolean",
    "string",
    "date",
    "timestamp",
    "timestamp_ntz",
    "category",
    "binary",
)
"""``integer`` has 64 bits; ``timestamp`` is UTC in microseconds, ``timestamp_ntz`` has no zone;
``category`` is a string of few values."""

_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")


def decimal_of(type_name: str) -> tuple[int, int] | None:
    """Return precision and scale of ``decimal(p,s)``; none for every other type."""
    match = _DECIMAL.fullmatch(type_name)
    if not match:
        return None
    precision, scale = int(match[1]), int(match[2])
    return (precision, scale) if 1 <= precision <= 38 and scale <= precision else None


def why_not_type(type_name: str) -> str:
    """Return why *type_name* names no type; empty when it does."""
    if type_name in NAMES or decimal_of(type_name):
        return ""
    return f"a column's type is one of {', '.join(NAMES)} or decimal(p,s)"
