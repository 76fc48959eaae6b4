"""Staged files of comma-separated values.

Source: Snowflake, "CREATE FILE FORMAT" (CSV), "Querying data in staged files".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError

if TYPE_CHECKING:
    from ..engine import Connection
    from ..results import ResultSet
    from ..stages import StageFile

_COUNT = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


def listed(files: list[StageFile]) -> str:
    """Return the files as the engine's list."""
    return "[" + ", ".join(_text(str(f.path)) for f in files) + "]"


def source(files: list[StageFile], options: dict[str, Any], *, typed: bool = False) -> str:
    """Return the engine's table function that reads *files* and finds their columns by itself."""
    made = {**_options(options), "null_padding": "true"}
    if not typed:
        made["all_varchar"] = "true"
    return _function(files, made)


def read(
    connection: Connection,
    files: list[StageFile],
    options: dict[str, Any],
    *,
    width: int,
    exact: bool,
) -> ResultSet:
    """Return the rows as COLUMN1 .., at least *width* of them.

    Raises:
        SnowflakeError: 100080, they are to be *exact* and a row has another number of columns.
    """
    if exact:
        try:
            return connection.aside(f"select * from {_wide(files, options, width)}")
        except SnowflakeError as error:
            if match := _COUNT.search(error.message):
                raise _miscounted(files[0], match[2], width) from None
    try:
        table = source(files, options)
        names = [row[0] for row in connection.aside(f"describe select * from {table}").rows]
        picked = [f'"{name}" as "COLUMN{i + 1}"' for i, name in enumerate(names)]
        picked += [f'null::varchar as "COLUMN{i + 1}"' for i in range(len(names), width)]
        return connection.aside(f"select {', '.join(picked)} from {table}")
    except SnowflakeError:
        # Rows of several lengths, or texts of several lines: the engine is told how many columns.
        most = max(width, _most(connection, files, options))
        ragged = {"null_padding": "true", "parallel": "false"}
        return connection.aside(f"select * from {_wide(files, options, most, **ragged)}")


def _miscounted(file: StageFile, found: str, width: int) -> SnowflakeError:
    return SnowflakeError(
        f"Number of columns in file ({found}) does not match that of the corresponding table "
        f"({width}), use file format option error_on_column_count_mismatch=false to ignore this "
        f"error\n  File '{file.name}'",
        number=100080,
        state="22000",
    )


def _most(connection: Connection, files: list[StageFile], options: dict[str, Any]) -> int:
    """Return how many columns a row has at most: delimiters in quotes are counted too."""
    made = _options(options)
    if made["delim"] == "''":
        return 1
    lines = {**made, "delim": "''", "quote": "''", "escape": "''", "header": "false"}
    lines |= {"auto_detect": "false", "columns": "{'l': 'VARCHAR'}"}
    count = f"(length(l) - length(replace(l, {made['delim']}, ''))) / length({made['delim']})"
    found = connection.aside(
        f"select coalesce(max({count}), 0)::int + 1 from {_function(files, lines)}"
    )
    return int(found.rows[0][0])


def _wide(files: list[StageFile], options: dict[str, Any], width: int, **more: str) -> str:
    columns = ", ".join(f"'COLUMN{i + 1}': 'VARCHAR'" for i in range(width))
    made = {**_options(options), "auto_detect": "false", "columns": f"{{{columns}}}", **more}
    return _function(files, made)


def _function(files: list[StageFile], made: dict[str, str]) -> str:
    return f"read_csv({listed(files)}, {', '.join(f'{k} = {v}' for k, v in made.items())})"


def _options(options: dict[str, Any]) -> dict[str, str]:
    delimiter = str(options.get("FIELD_DELIMITER", ","))
    enclosed = str(options.get("FIELD_OPTIONALLY_ENCLOSED_BY") or "")
    enclosed = "" if enclosed.upper() == "NONE" else enclosed
    nulls = options.get("NULL_IF", ["\\N"])
    nulls = [str(n) for n in (nulls if isinstance(nulls, list) else [nulls])]
    if options.get("EMPTY_FIELD_AS_NULL", True):
        nulls.append("")
    made = {
        "header": "true" if options.get("PARSE_HEADER") else "false",
        "delim": _text({"NONE": ""}.get(delimiter.upper(), delimiter).replace("\\t", "\t")),
        "quote": _text(enclosed),
        "escape": _text(enclosed),
        "nullstr": "[" + ", ".join(_text(n) for n in nulls) + "]",
        "skip": str(int(options.get("SKIP_HEADER", 0))),
    }
    compression = str(options.get("COMPRESSION", "AUTO")).lower()
    if compression in {"gzip", "zstd", "none"}:
        made["compression"] = f"'{compression}'"
    return made


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
