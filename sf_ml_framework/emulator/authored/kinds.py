"""SQL types of arguments and results: names, aliases, which call fits which overload.

Source: Snowflake, "Summary of data types", "Data type conversion", "Overloading procedures and
functions"; the names that DESCRIBE FUNCTION shows.
"""

from __future__ import annotations

from ..faults import invalid, unsupported
from ..reader import Reader
from ..results import Column

_INTEGERS = {"INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"}
_ALIASES = {
    **dict.fromkeys(_INTEGERS, "NUMBER"),
    **dict.fromkeys(("NUMERIC", "DECIMAL", "NUMBER", "DEC"), "NUMBER"),
    **dict.fromkeys(("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "REAL"), "FLOAT"),
    **dict.fromkeys(("VARCHAR", "STRING", "TEXT", "CHAR", "CHARACTER", "NVARCHAR"), "VARCHAR"),
    **dict.fromkeys(("BOOLEAN", "BOOL"), "BOOLEAN"),
    **dict.fromkeys(("BINARY", "VARBINARY"), "BINARY"),
    **dict.fromkeys(("TIMESTAMP_NTZ", "DATETIME", "TIMESTAMP", "TIMESTAMPNTZ"), "TIMESTAMP_NTZ"),
    **dict.fromkeys(("TIMESTAMP_LTZ", "TIMESTAMPLTZ"), "TIMESTAMP_LTZ"),
    **dict.fromkeys(("TIMESTAMP_TZ", "TIMESTAMPTZ"), "TIMESTAMP_TZ"),
    **{one: one for one in ("DATE", "TIME", "VARIANT", "OBJECT", "ARRAY")},
}
_UNKNOWN = {"GEOGRAPHY", "GEOMETRY", "VECTOR", "MAP", "FILE", "INTERVAL"}
_WIRE = {"fixed": "NUMBER", "real": "FLOAT", "text": "VARCHAR"}
_PRECISION = 38


def read(reader: Reader) -> str:
    """Read a type and return it as DESCRIBE shows it, such as ``NUMBER(38,0)`` or ``VARCHAR``.

    Raises:
        SnowflakeError: there is no such type, or this emulator does not know it.
    """
    token = reader.next()
    word = token.word
    if word in _UNKNOWN:
        raise unsupported(f"arguments and results of type {word}.")
    if word == "DOUBLE":
        reader.accept("PRECISION")
    kind = _ALIASES.get(word)
    if kind is None:
        raise invalid(f"Unsupported data type '{token.text}'.")
    inside = _numbers(reader) if reader.peek().text == "(" else []
    if kind != "NUMBER":
        return kind
    precision = inside[0] if inside else _PRECISION
    return f"NUMBER({precision},{inside[1] if len(inside) > 1 else 0})"


def _numbers(reader: Reader) -> list[int]:
    text = reader.bracketed()
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise unsupported(f"arguments and results of type (..{text}).") from None


def read_all(reader: Reader) -> tuple[str, ...]:
    """Read ``(NUMBER, VARCHAR)``, the argument types that tell overloads apart."""
    reader.expect("(")
    found = []
    while not reader.accept(")"):
        found.append(plain(read(reader)))
        if reader.peek().text != ")":
            reader.expect(",")
    return tuple(found)


def plain(kind: str) -> str:
    """Return a type without its precision, as signatures have it."""
    return kind.split("(", maxsplit=1)[0]


def of_column(column: Column) -> str:
    """Return the type of a result's column, as signatures have it."""
    return _WIRE.get(column.type, column.type.upper())


_COERCIBLE = {
    "VARCHAR": {"NUMBER", "FLOAT", "BOOLEAN", "DATE", "TIME", "TIMESTAMP_NTZ", "VARIANT"}
    | {"TIMESTAMP_LTZ", "TIMESTAMP_TZ"},
    "NUMBER": {"FLOAT", "VARCHAR", "BOOLEAN", "VARIANT"},
    "FLOAT": {"NUMBER", "VARCHAR", "BOOLEAN", "VARIANT"},
    "BOOLEAN": {"VARCHAR", "VARIANT"},
    "DATE": {"VARCHAR", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ", "VARIANT"},
    "TIME": {"VARCHAR", "VARIANT"},
    "TIMESTAMP_NTZ": {"VARCHAR", "DATE", "TIME", "TIMESTAMP_LTZ", "TIMESTAMP_TZ", "VARIANT"},
    "TIMESTAMP_LTZ": {"VARCHAR", "DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_TZ", "VARIANT"},
    "TIMESTAMP_TZ": {"VARCHAR", "DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "VARIANT"},
    "ARRAY": {"VARIANT"},
    "OBJECT": {"VARIANT"},
}
_CLOSE = {("NUMBER", "FLOAT"), ("DATE", "TIMESTAMP_NTZ"), ("ARRAY", "VARIANT")}
_CLOSE |= {("OBJECT", "VARIANT")}


def cost(given: str, wanted: str) -> int | None:
    """Return how far a value's type is from an argument's: 0 the same, None it does not fit.

    An untyped NULL, and a VARIANT, fit any.
    """
    if given == wanted or given in {"VOID", "NULL"}:
        return 0
    if given == "VARIANT":
        return 5
    if wanted not in _COERCIBLE.get(given, set()):
        return None
    return 1 if (given, wanted) in _CLOSE else 3
