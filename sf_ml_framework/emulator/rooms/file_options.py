"""The options that file formats, stages and COPY take, and the values of some.

Source: Snowflake, "CREATE FILE FORMAT", "CREATE STAGE", "COPY INTO <table>", "COPY INTO
<location>".
"""

from __future__ import annotations

import re
from typing import Any

from ..faults import invalid, unsupported
from ..reader import only

_TEXTS = "DATE_FORMAT TIME_FORMAT TIMESTAMP_FORMAT BINARY_FORMAT TRIM_SPACE NULL_IF"
_FORMATS = {
    "CSV": f"""COMPRESSION RECORD_DELIMITER FIELD_DELIMITER MULTI_LINE FILE_EXTENSION PARSE_HEADER
        SKIP_HEADER SKIP_BLANK_LINES ESCAPE ESCAPE_UNENCLOSED_FIELD FIELD_OPTIONALLY_ENCLOSED_BY
        ERROR_ON_COLUMN_COUNT_MISMATCH REPLACE_INVALID_CHARACTERS EMPTY_FIELD_AS_NULL
        SKIP_BYTE_ORDER_MARK
        ENCODING VALIDATE_UTF8 {_TEXTS}""",
    "JSON": f"""COMPRESSION MULTI_LINE FILE_EXTENSION ENABLE_OCTAL ALLOW_DUPLICATE STRIP_OUTER_ARRAY
        STRIP_NULL_VALUES REPLACE_INVALID_CHARACTERS IGNORE_UTF8_ERRORS SKIP_BYTE_ORDER_MARK
        {_TEXTS}""",
    "PARQUET": """COMPRESSION SNAPPY_COMPRESSION BINARY_AS_TEXT USE_LOGICAL_TYPE TRIM_SPACE
        USE_VECTORIZED_SCANNER REPLACE_INVALID_CHARACTERS NULL_IF""",
    "AVRO": "COMPRESSION TRIM_SPACE REPLACE_INVALID_CHARACTERS NULL_IF",
    "ORC": "TRIM_SPACE REPLACE_INVALID_CHARACTERS NULL_IF",
    "XML": """COMPRESSION IGNORE_UTF8_ERRORS PRESERVE_SPACE STRIP_OUTER_ELEMENT DISABLE_AUTO_CONVERT
        REPLACE_INVALID_CHARACTERS SKIP_BYTE_ORDER_MARK""",
}
_STAGE = {"FILE_FORMAT", "DIRECTORY", "ENCRYPTION", "COMMENT", "TAG", "COPY_OPTIONS"}
_LOAD = set(
    """FILES PATTERN FILE_FORMAT ON_ERROR SIZE_LIMIT PURGE RETURN_FAILED_ONLY MATCH_BY_COLUMN_NAME
    INCLUDE_METADATA ENFORCE_LENGTH TRUNCATECOLUMNS FORCE LOAD_UNCERTAIN_FILES FILE_PROCESSOR
    LOAD_MODE VALIDATION_MODE""".split()
)
_UNLOAD = set(
    """FILE_FORMAT OVERWRITE SINGLE MAX_FILE_SIZE INCLUDE_QUERY_ID DETAILED_OUTPUT HEADER
    VALIDATION_MODE""".split()
)
_NOT_HERE = (
    "VALIDATION_MODE",
    "SIZE_LIMIT",
    "RETURN_FAILED_ONLY",
    "INCLUDE_METADATA",
    "TRUNCATECOLUMNS",
    "FILE_PROCESSOR",
    "INCLUDE_QUERY_ID",
    "DETAILED_OUTPUT",
)
"""Options that change what comes out, and are not known to this emulator."""
_FALSE, _TRUE, _AUTO = {"FALSE"}, {"TRUE"}, {"AUTO"}
_HONOURED = {
    "DATE_FORMAT": _AUTO,
    "TIME_FORMAT": _AUTO,
    "TIMESTAMP_FORMAT": _AUTO,
    "BINARY_FORMAT": {"HEX"},
    "TRIM_SPACE": _FALSE,
    "ESCAPE": {"NONE"},
    "ESCAPE_UNENCLOSED_FIELD": {"NONE", "\\", "\\\\"},
    "RECORD_DELIMITER": {"\n", "\\N", "\r\n", "\\R\\N"},
    "MULTI_LINE": _TRUE,
    "ENCODING": {"UTF8", "UTF-8"},
    "REPLACE_INVALID_CHARACTERS": _FALSE,
    "VALIDATE_UTF8": _TRUE,
    "SKIP_BYTE_ORDER_MARK": _TRUE,
    "FILE_EXTENSION": {"NONE"},
    "ENABLE_OCTAL": _FALSE,
    "ALLOW_DUPLICATE": _FALSE,
    "STRIP_NULL_VALUES": _FALSE,
    "IGNORE_UTF8_ERRORS": _FALSE,
    "COMPRESSION": {"AUTO", "GZIP", "ZSTD", "SNAPPY", "NONE"},
}
"""What a file may be read or written with; any other value is refused, not ignored."""
_MATCHING = {"CASE_SENSITIVE", "CASE_INSENSITIVE", "NONE"}
_ERRORS = re.compile(r"CONTINUE|ABORT_STATEMENT|SKIP_FILE(_\d+%?)?")


def of_format(options: dict[str, Any]) -> None:
    """Refuse options that files of this type do not have.

    Raises:
        SnowflakeError: 001008, an option or its value.
    """
    kind = str(options.get("TYPE", "CSV")).upper()
    if kind not in _FORMATS:
        raise invalid(f"invalid value '{kind}' for property 'TYPE'")
    only(options, {"TYPE", *_FORMATS[kind].split()}, "FILE FORMAT")
    skipped = options.get("SKIP_HEADER", 0)
    if type(skipped) is not int or skipped < 0:
        raise invalid(f"invalid value '{skipped}' for property 'SKIP_HEADER'")


def honoured(options: dict[str, Any]) -> None:
    """Refuse values that would change what is read or written, and are not known here.

    Raises:
        SnowflakeError: 000002, with the option.
    """
    for name, known in _HONOURED.items():
        value = options.get(name)
        if value is not None and str(value).upper() not in known:
            raise unsupported(f"{name} = {value!r} of a file format is not known to this emulator.")


def of_stage(options: dict[str, Any]) -> None:
    """Refuse properties that an internal stage does not have.

    Raises:
        SnowflakeError: 001008, a property or its value.
    """
    only(options, _STAGE, "STAGE")
    _inner(options, "DIRECTORY", {"ENABLE", "AUTO_REFRESH"})
    _inner(options, "ENCRYPTION", {"TYPE"})
    kind = str((options.get("ENCRYPTION") or {}).get("TYPE", "SNOWFLAKE_FULL")).upper()
    if kind not in {"SNOWFLAKE_FULL", "SNOWFLAKE_SSE"}:
        raise invalid(f"invalid value '{kind}' for property 'ENCRYPTION'")
    given = options.get("FILE_FORMAT")
    if isinstance(given, dict) and "FORMAT_NAME" not in given:
        of_format(given)


def _inner(options: dict[str, Any], name: str, known: set[str]) -> None:
    given = options.get(name, {})
    if not isinstance(given, dict):
        raise invalid(f"invalid value '{given}' for property '{name}'")
    only(given, known, name)


def of_load(options: dict[str, Any]) -> None:
    """Refuse what COPY INTO a table does not take, or this emulator does not know of it."""
    only(options, _LOAD, "COPY INTO <table>")
    _known(options)
    matching = str(options.get("MATCH_BY_COLUMN_NAME", "NONE")).upper()
    if matching not in _MATCHING:
        raise invalid(f"invalid value '{matching}' for property 'MATCH_BY_COLUMN_NAME'")
    on_error = str(options.get("ON_ERROR", "ABORT_STATEMENT")).upper()
    if not _ERRORS.fullmatch(on_error):
        raise invalid(f"invalid value '{on_error}' for property 'ON_ERROR'")
    if on_error.startswith("SKIP_FILE_"):
        raise unsupported(f"ON_ERROR = {on_error} is not known to this emulator.")
    if options.get("ENFORCE_LENGTH") is False:
        raise unsupported("ENFORCE_LENGTH = FALSE is not known to this emulator.")


def of_unload(options: dict[str, Any]) -> None:
    """Refuse what COPY INTO a location does not take, or this emulator does not know of it."""
    only(options, _UNLOAD, "COPY INTO <location>")
    _known(options)


def _known(options: dict[str, Any]) -> None:
    for name in _NOT_HERE:
        if options.get(name) not in {None, False}:
            raise unsupported(f"{name} of COPY is not known to this emulator.")


def matcher(pattern: object) -> re.Pattern[str]:
    """Return a PATTERN as it can be asked.

    Raises:
        SnowflakeError: 001008, it is no regular expression.
    """
    try:
        return re.compile(str(pattern))
    except re.error as error:
        raise invalid(f"invalid regular expression '{pattern}': {error}") from None
