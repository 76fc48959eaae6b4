"""Values between SQL and Python: every value travels as text, with the SQL type it has.

Source: Snowflake, "SQL-Python data type mappings".
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

_TRUE = {"true", "1", "t"}


def base(kind: str) -> str:
    """Return ``NUMBER`` of ``NUMBER(38, 0)``."""
    return kind.split("(", maxsplit=1)[0].strip()


def _scale(kind: str) -> int:
    _, _, inside = kind.partition("(")
    parts = inside.rstrip(")").split(",")
    return int(parts[1]) if len(parts) > 1 else 0


def from_text(text: str | None, kind: str) -> Any:  # noqa: PLR0911
    """Return the Python value that a handler gets."""
    if text is None:
        return None
    match base(kind):
        case "NUMBER":
            return int(Decimal(text)) if _scale(kind) == 0 else Decimal(text)
        case "FLOAT":
            return float(text)
        case "BOOLEAN":
            return text.lower() in _TRUE
        case "DATE":
            return date.fromisoformat(text)
        case "TIME":
            return time.fromisoformat(text)
        case "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ":
            return datetime.fromisoformat(text)
        case "BINARY":
            return bytes.fromhex(text)
        case "VARIANT" | "OBJECT" | "ARRAY":
            return json.loads(text)
    return text


def to_text(value: Any, kind: str) -> str | None:  # noqa: PLR0911
    """Return what a handler gave as text that SQL casts to *kind*.

    Raises:
        TypeError: the value is none of that type.
    """
    if missing(value):
        return None
    if hasattr(value, "item") and not hasattr(value, "to_pydatetime"):
        value = value.item() if getattr(value, "size", 1) == 1 else value.tolist()
    match base(kind):
        case "VARIANT" | "OBJECT" | "ARRAY":
            return json.dumps(plain(value))
        case "BINARY":
            return bytes(value).hex()
        case "NUMBER":
            return str(int(value) if isinstance(value, bool) else Decimal(str(value)))
        case "FLOAT":
            return repr(float(value))
        case "BOOLEAN":
            if not isinstance(value, bool | int):
                raise TypeError(f"expected bool, got {type(value).__name__}")
            return str(bool(value)).lower()
        case "DATE" | "TIME" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ":
            if not isinstance(value, date | time | str):
                raise TypeError(f"expected {base(kind)}, got {type(value).__name__}")
            return value if isinstance(value, str) else value.isoformat()
    return value if isinstance(value, str) else str(value)


def missing(value: Any) -> bool:
    """Say whether a value is SQL's NULL."""
    if value is None or str(value) in {"<NA>", "NaT"}:
        return True
    return type(value).__name__.startswith("float") and math.isnan(value)


def plain(value: Any) -> Any:  # noqa: PLR0911
    """Return a value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def frame(rows: list[list[str | None]], kinds: list[str]) -> Any:
    """Return rows as the DataFrame that a vectorized handler gets; columns are numbered."""
    import pandas as pd

    columns = {}
    for index, kind in enumerate(kinds):
        values = [from_text(row[index], kind) for row in rows]
        columns[index] = pd.Series(values, dtype=_dtype(kind, values))
    return pd.DataFrame(columns, index=range(len(rows)))


def _dtype(kind: str, values: list[Any]) -> str:
    holes = any(value is None for value in values)
    match base(kind):
        case "NUMBER" if _scale(kind) == 0:
            wide = any(value is not None and abs(value) >= 2**63 for value in values)
            return "object" if wide else ("Int64" if holes else "int64")
        case "NUMBER" | "FLOAT":
            return "float64"
        case "BOOLEAN":
            return "boolean" if holes else "bool"
        case "DATE" | "TIMESTAMP_NTZ":
            return "datetime64[ns]"
    return "object"
