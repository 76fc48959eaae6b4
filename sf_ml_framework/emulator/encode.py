"""Write result sets as the clients read them: JSON rows or Arrow streams.

Source: connector 4.8, ``converter.py`` (JSON) and ``nanoarrow_cpp/ArrowIterator`` (Arrow).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .results import Column, ResultSet

_EPOCH = date(1970, 1, 1)


def json_rows(result: ResultSet) -> list[list[str | None]]:
    """Return the rows as strings."""
    writers = [_writer(column) for column in result.columns]
    return [
        [None if v is None else write(v) for write, v in zip(writers, row, strict=True)]
        for row in result.rows
    ]


def _writer(column: Column) -> Callable[[Any], str]:  # noqa: PLR0911
    match column.type:
        case "boolean":
            return lambda v: "1" if v else "0"
        case "date":
            return lambda v: str((v - _EPOCH).days)
        case "time":
            return _time
        case "timestamp_ntz" | "timestamp_ltz":
            return _timestamp
        case "timestamp_tz":
            return lambda v: f"{_timestamp(v)} 1440"
        case "binary":
            return lambda v: bytes(v).hex().upper()
        case "fixed":
            return _fixed
        case _:
            return str


def _fixed(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _time(value: time) -> str:
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return f"{seconds}.{value.microsecond:06d}000"


def _timestamp(value: datetime) -> str:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    micros = (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    return f"{sign}{micros // 1_000_000}.{micros % 1_000_000:06d}000"


def arrow_stream(result: ResultSet, start: int, length: int) -> bytes:
    """Return rows ``start`` to ``start + length`` as one Arrow IPC stream."""
    part = result.table.slice(start, length)
    arrays: list[Any] = []
    fields: list[pa.Field] = []
    for column, values in zip(result.columns, part.columns, strict=True):
        converted = _to_wire(values, column)
        meta = {
            "logicalType": column.type.upper(),
            "precision": str(column.precision or 38),
            "scale": str(_scale(column)),
            "charLength": str(column.length or 0),
        }
        arrays.append(converted)
        fields.append(pa.field(column.name, converted.type, metadata=meta))
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _scale(column: Column) -> int:
    if column.type.startswith("time"):
        return 9
    return column.scale or 0


def _to_wire(values: pa.ChunkedArray, column: Column) -> Any:  # noqa: PLR0911
    kind = values.type
    if pa.types.is_timestamp(kind):
        return _timestamp_struct(values, zoned=column.type == "timestamp_tz")
    if pa.types.is_time(kind):
        return pc.multiply(values.cast(pa.time64("us")).cast(pa.int64()), 1000)
    if pa.types.is_null(kind):
        return values.cast(pa.string())
    if pa.types.is_float32(kind):
        return values.cast(pa.float64())
    if pa.types.is_unsigned_integer(kind):
        return values.cast(pa.int64())
    if pa.types.is_decimal(kind) and kind.scale == 0:
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid:  # wider than 64 bits: the client reads decimals as well
            return values
    return values


def _timestamp_struct(values: pa.ChunkedArray, *, zoned: bool) -> pa.StructArray:
    array = (
        pa.concat_arrays([c.cast(pa.timestamp("ns", tz=c.type.tz)) for c in values.chunks])
        if (values.num_chunks)
        else pa.array([], pa.timestamp("ns"))
    )
    nanos = array.cast(pa.int64())
    rest = _modulo(nanos)
    seconds = pc.divide(pc.subtract(nanos, rest), 1_000_000_000)
    fraction = rest.cast(pa.int32())
    parts = [seconds, fraction]
    names = ["epoch", "fraction"]
    if zoned:
        parts.append(pa.array([1440] * len(array), pa.int32()))
        names.append("timezone")
    mask = pc.is_null(array)
    fields = [pa.field(n, p.type, nullable=False) for n, p in zip(names, parts, strict=True)]
    filled = [pc.fill_null(p, pa.scalar(0, p.type)) for p in parts]
    return pa.StructArray.from_arrays(filled, fields=fields, mask=mask)


def _modulo(nanos: pa.Array) -> pa.Array:
    unit = 1_000_000_000
    rest = pc.subtract(nanos, pc.multiply(pc.divide(nanos, unit), unit))
    return pc.if_else(pc.less(rest, 0), pc.add(rest, unit), rest)
