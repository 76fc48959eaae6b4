"""COPY INTO a location.

Source: Snowflake, "COPY INTO <location>".
"""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, unsupported
from ..names import join
from ..results import ResultSet, rows
from .file_options import of_unload
from .formats import resolve
from .stages import location, plain

if TYPE_CHECKING:
    from ..registry import Call


def unload(call: Call) -> ResultSet:
    """Run ``COPY INTO @stage FROM table | (query)``."""
    reader, session, account = call.reader, call.session, call.account
    written = location(reader)
    reader.expect("FROM")
    if reader.peek().text == "(":
        sql = reader.bracketed()
    else:
        sql = f"SELECT * FROM {join(session.resolve(reader.name()))}"
    if reader.peek().word == "PARTITION":
        raise unsupported("PARTITION BY of COPY INTO <location> is not known to this emulator.")
    options = plain(reader.properties())
    of_unload(options)
    chosen = resolve(account, session, options.get("FILE_FORMAT"), written)
    result = account.router.run(session, sql)
    if str(chosen["TYPE"]).upper() == "JSON":
        _one_object(result)
    data, suffix = _written(result, chosen, header=bool(options.get("HEADER")))
    where = account.stages.locate(session, written)
    if options.get("SINGLE"):
        target = (
            where.target
            if where.inside and not written.rstrip("'").endswith("/")
            else where.target / "data"
        )
    elif not where.inside or written.rstrip("'").endswith("/"):
        target = where.target / f"data_0_0_0{suffix}"
    else:
        target = where.target.with_name(f"{where.target.name}_0_0_0{suffix}")
    if target.exists() and not options.get("OVERWRITE"):
        raise SnowflakeError(
            f"Files already existing at the unload destination: {written}. Use overwrite option to "
            "force unloading.",
            number=1030,
            state="0A000",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    made = [(result.table.num_rows, len(data), len(data))]
    return rows(["rows_unloaded fixed", "input_bytes fixed", "output_bytes fixed"], made)


def _one_object(result: ResultSet) -> None:
    """Source: Snowflake, "COPY INTO <location>" (TYPE = JSON): one VARIANT column."""
    kinds = [column.type for column in result.columns]
    if len(kinds) != 1 or kinds[0] not in {"variant", "object", "array"}:
        raise SnowflakeError(
            "SQL compilation error:\nJSON file format can produce one and only one column of type "
            "variant, object, or array. Use CSV file format if you want to load more than one "
            "column.",
            number=2019,
            state="0A000",
        )


def _written(result: ResultSet, options: dict[str, Any], *, header: bool) -> tuple[bytes, str]:
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = str(options["TYPE"]).upper()
    compression = str(options.get("COMPRESSION", "AUTO")).upper()
    if kind == "PARQUET":
        sink = pa.BufferOutputStream()
        table = result.table
        if not header:
            table = table.rename_columns([f"_COL_{i}" for i in range(table.num_columns)])
        pq.write_table(table, sink, compression="snappy")
        return sink.getvalue().to_pybytes(), ".snappy.parquet"
    if kind == "JSON":
        lines = [
            row[0] if isinstance(row[0], str) else json.dumps(row[0], default=str)
            for row in result.rows
        ]
        data = "".join(line + "\n" for line in lines).encode()
    elif kind == "CSV":
        data = _csv(result, options, header=header)
    else:
        raise unsupported(f"unloading {kind} is not known to this emulator.")
    suffix = f".{kind.lower()}"
    if compression in {"AUTO", "GZIP"}:
        return gzip.compress(data, mtime=0), suffix + ".gz"
    return data, suffix


def _csv(result: ResultSet, options: dict[str, Any], *, header: bool) -> bytes:
    enclosed = str(options.get("FIELD_OPTIONALLY_ENCLOSED_BY") or "")
    delimiter = str(options.get("FIELD_DELIMITER", ",")).replace("\\t", "\t")
    nulls = options.get("NULL_IF", ["\\N"])
    null = str((nulls if isinstance(nulls, list) else [nulls])[0]) if nulls else ""
    out = io.StringIO()

    def cell(value: Any) -> str:
        if value is None:
            return null
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if enclosed and isinstance(value, str):
            return enclosed + text.replace(enclosed, enclosed * 2) + enclosed
        return text

    if header:
        out.write(delimiter.join(cell(c.name) for c in result.columns) + "\n")
    for row in result.rows:
        out.write(delimiter.join(cell(value) for value in row) + "\n")
    return out.getvalue().encode()
