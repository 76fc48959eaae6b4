"""Session parameters: their defaults, and the values that they take.

Source: Snowflake, "Parameters".
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection
from typing import Any

from .faults import invalid, unsupported

SESSION_PARAMETERS: dict[str, Any] = {
    "AUTOCOMMIT": True,
    # Snowflake's default is America/Los_Angeles: here results do not depend on daylight saving.
    "TIMEZONE": "Etc/UTC",
    "CLIENT_SESSION_KEEP_ALIVE": False,
    "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": 3600,
    "CLIENT_PREFETCH_THREADS": 4,
    # 0 keeps bound arrays in the request: no upload before executemany.
    "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": 0,
    "CLIENT_RESULT_CHUNK_SIZE": 160,
    "CLIENT_TELEMETRY_ENABLED": False,
    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "ARROW",
    "PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS": True,
    # Without it a Snowpark session has one cursor for all threads, and they take each other's rows.
    "PYTHON_SNOWPARK_ENABLE_THREAD_SAFE_SESSION": True,
    "QUERY_TAG": "",
    "STATEMENT_TIMEOUT_IN_SECONDS": 172800,
    "LOCK_TIMEOUT": 43200,
    "MULTI_STATEMENT_COUNT": 1,
    "ERROR_ON_NONDETERMINISTIC_MERGE": True,
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "",
    "BINARY_OUTPUT_FORMAT": "HEX",
    "DATE_INPUT_FORMAT": "AUTO",
    "TIME_INPUT_FORMAT": "AUTO",
    "TIMESTAMP_INPUT_FORMAT": "AUTO",
    "BINARY_INPUT_FORMAT": "HEX",
    "WEEK_START": 0,
    "WEEK_OF_YEAR_POLICY": 0,
    "JSON_INDENT": 2,
    "USE_CACHED_RESULT": True,
    "TRANSACTION_DEFAULT_ISOLATION_LEVEL": "READ COMMITTED",
    "ABORT_DETACHED_QUERY": False,
}

_CHOICES: dict[str, Collection[str]] = {
    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": ("ARROW", "ARROW_FORCE", "JSON"),
    "TIMESTAMP_TYPE_MAPPING": ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"),
    "BINARY_OUTPUT_FORMAT": ("HEX", "BASE64"),
    "TRANSACTION_DEFAULT_ISOLATION_LEVEL": ("READ COMMITTED",),
}
_RANGES: dict[str, tuple[int, int]] = {
    "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": (900, 3600),
    "CLIENT_PREFETCH_THREADS": (1, 10),
    "CLIENT_RESULT_CHUNK_SIZE": (16, 160),
    "STATEMENT_TIMEOUT_IN_SECONDS": (0, 604800),
    "MULTI_STATEMENT_COUNT": (0, 2**31 - 1),
    "LOCK_TIMEOUT": (0, 2**31 - 1),
    "WEEK_START": (0, 7),
    "WEEK_OF_YEAR_POLICY": (0, 1),
    "JSON_INDENT": (0, 16),
}
_FIXED = {name for name in SESSION_PARAMETERS if name.endswith("PUT_FORMAT")}
_FIXED |= {"TIMEZONE", "TIMESTAMP_TYPE_MAPPING", "WEEK_START", "WEEK_OF_YEAR_POLICY"}
_FIXED |= {"QUOTED_IDENTIFIERS_IGNORE_CASE"}
"""What would change results, and changes none here: it keeps its default."""
_UTC = {"UTC", "ETC/UTC", "GMT", "ETC/GMT", "UCT", "ETC/UCT", "ZULU", "ETC/ZULU", "UNIVERSAL"}
RETENTION = "DATA_RETENTION_TIME_IN_DAYS"
_LONGEST_RETENTION = 90
_WORDS = {"TRUE": True, "FALSE": False, "1": True, "0": False}


def check_retention(value: object) -> None:
    """Refuse days of a table's retention that it cannot have.

    Raises:
        SnowflakeError: 001008.
    """
    text = str(value)
    if not text.isdigit() or int(text) > _LONGEST_RETENTION:
        raise invalid(f"invalid value [{value}] for parameter '{RETENTION}'")


def checked(name: str, value: Any) -> Any:
    """Return a parameter's value, as of its type.

    Raises:
        SnowflakeError: 001008, it is no value of this parameter; 000002, it is not known here.
    """
    found = _checked(name, value)
    default = SESSION_PARAMETERS[name]
    same = str(found).upper() == str(default).upper()
    if name in _FIXED and not same and not (name == "TIMEZONE" and found.upper() in _UTC):
        raise unsupported(f"{name} = {value} is not known to this emulator: it has {default!r}.")
    return found


def _checked(name: str, value: Any) -> Any:
    default = SESSION_PARAMETERS[name]
    refused = invalid(f"invalid value [{value}] for parameter '{name}'")
    if isinstance(default, bool):
        word = str(value).upper()
        if word not in _WORDS:
            raise refused
        return _WORDS[word]
    if isinstance(default, int):
        return _number(name, value)
    text = str(value)
    if name == "TIMEZONE" and not _zone(text):
        raise refused
    if name in _CHOICES and text.upper() not in _CHOICES[name]:
        raise refused
    return text


def _zone(text: str) -> bool:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _number(name: str, value: Any) -> int:
    lowest, highest = _RANGES.get(name, (0, 2**63 - 1))
    # A client sends numbers as text too.
    text = "" if isinstance(value, bool) else str(value)
    if not text.isascii() or not text.isdigit() or not lowest <= int(text[:20]) <= highest:
        raise invalid(f"invalid value [{value}] for parameter '{name}'")
    return int(text)
