"""Say in Snowflake's numbers and words what the engine refused."""

from __future__ import annotations

import re

import duckdb
from snowflake.connector.errors import Error as ConnectorError
from sqlglot.errors import SqlglotError

from .faults import (
    INTERNAL,
    SnowflakeError,
    already_exists,
    cancelled,
    cannot_perform,
    not_found,
    syntax_error,
    unsupported,
)

_PLACE = re.compile(r"[^\s'\",=]*/stages/\w+-[0-9a-f]+/")
_RULES: tuple[tuple[str, int, str, str], ...] = (
    # pattern in the engine's message, number, state, message with the pattern's groups
    (
        r'Referenced column "(.+?)" (?:was )?not found|does not have a column (?:named|with name) '
        r'"(.+?)"|Referenced update column (.+?) not found in table',
        904,
        "42000",
        "SQL compilation error: error line 1 at position 0\ninvalid identifier '{0}'",
    ),
    (
        r'Referenced table "(.+?)" not found',
        904,
        "42000",
        "SQL compilation error: error line 1 at position 0\ninvalid identifier '{0}'",
    ),
    (
        r"(?:Scalar|Aggregate|Table) (?:Macro )?Function with name \"?(.+?)\"? does not exist",
        2140,
        "42601",
        "SQL compilation error:\nUnknown function {0}.",
    ),
    (
        r"Set operations can only apply to expressions with the same number of result columns",
        1789,
        "42601",
        "SQL compilation error:\ninvalid number of result columns for set operator input branches",
    ),
    (
        r"More than one row returned by a subquery",
        90150,
        "22000",
        "Single-row subquery returns more than one row.",
    ),
    (
        r"No function matches the given name and argument types '(.+?)\((.*?)\)'\.",
        1044,
        "42P13",
        "SQL compilation error: error line 1 at position 0\n"
        "Invalid argument types for function '{0}': ({1})",
    ),
    (
        r"MERGE INTO command cannot affect the same target row more than once",
        100090,
        "42P18",
        "Duplicate row detected during DML action",
    ),
    (
        r"NOT NULL constraint failed: (?:.*\.)?(\S+)",
        100072,
        "22000",
        "NULL result in a non-nullable column",
    ),
    (r"[Dd]ivision by zero", 100051, "22012", "Division by zero"),
    (
        r"Could not convert string [\"'](.*?)[\"'] to (?:U?INT|DOUBLE|FLOAT|DECIMAL|HUGEINT)",
        100038,
        "22018",
        "Numeric value '{0}' is not recognized",
    ),
    (
        r"Could not convert string [\"'](.*?)[\"'] to BOOL",
        100037,
        "22018",
        "Boolean value '{0}' is not recognized",
    ),
    (
        r"(?:invalid date field format|date field value out of range): \"(.*?)\"",
        100040,
        "22007",
        "Date '{0}' is not recognized",
    ),
    (
        r"(?:invalid timestamp field format|timestamp field value out of range): \"(.*?)\"",
        100035,
        "22007",
        "Timestamp '{0}' is not recognized",
    ),
    (
        r"[Mm]alformed JSON|JSON transform error",
        100069,
        "22P02",
        "Error parsing JSON",
    ),
    (
        r'column "(.+?)" must appear in the GROUP BY',
        979,
        "42601",
        "SQL compilation error:\n'{0}' is not a valid group by expression",
    ),
    (
        r'Ambiguous reference to column name "(.+?)"',
        2028,
        "42601",
        "SQL compilation error:\nambiguous column name '{0}'",
    ),
    (
        r"has (\d+) columns but (\d+) values were supplied",
        2020,
        "21S01",
        "SQL compilation error:\nInsert value list does not match column list "
        "expecting {0} but got {1}",
    ),
    (
        r'Column with name "?(.+?)"? already exists',
        2025,
        "42S21",
        "SQL compilation error:\nduplicate column name '{0}' (here names that differ only in case "
        "count as the same)",
    ),
    (
        r"Could not cast value (\S+) to DECIMAL",
        100039,
        "22003",
        "Numeric value '{0}' is out of range",
    ),
    (r"out of range|overflow|Overflow", 100039, "22003", "Numeric value is out of range"),
    (
        r"[Cc]onflict on|Catalog write-write conflict|Could not commit|transaction conflict",
        625,
        "57014",
        "Statement has been aborted because another transaction has changed the same object",
    ),
)


def translate(error: BaseException) -> SnowflakeError:  # noqa: PLR0911, PLR0912
    """Return the Snowflake error for what DuckDB, fakesnow or sqlglot raised."""
    text = _text(error)
    if "INTERRUPT" in text.upper():
        return cancelled()
    if "Current transaction is aborted" in text:
        return given_up()
    for pattern, code, state, message in _RULES:
        if match := re.search(pattern, text):
            groups = [group.upper() if code == 2140 else group for group in match.groups() if group]
            return SnowflakeError(message.format(*groups), number=code, state=state)
    if absent := re.search(r'(Table|View|Sequence) with name "?(.+?)"? does not exist', text):
        return not_found("TABLE", absent[2])
    if re.search(r"Schema with name|Catalog .* does not exist|schema .* does not exist", text):
        return cannot_perform()
    if taken := re.search(r'with name "?(.+?)"? already exists', text):
        return already_exists(taken[1])
    if isinstance(error, SqlglotError):
        return syntax_error(text)
    if not isinstance(error, duckdb.Error | ConnectorError):
        return unsupported(f"the engine cannot run this statement ({type(error).__name__}: {text})")
    number: int | None = getattr(error, "errno", None)
    if number in {90105, 90106}:
        return SnowflakeError(text, number=number, state="22000")
    if "Parser Error" in text or "syntax error" in text or number == 1003:
        return syntax_error(text)
    if "Binder Error" in text or number == 2043:
        first = text.partition("\n")[0]
        return SnowflakeError(f"SQL compilation error:\n{first}", number=2049, state="42601")
    if "Conversion Error" in text or "Invalid Input" in text:
        return SnowflakeError(text, number=100038, state="22018")
    return SnowflakeError(
        text, number=number or INTERNAL, state=getattr(error, "sqlstate", None) or "XX000"
    )


def given_up() -> SnowflakeError:
    """Return 000002 for a transaction that a failed statement has ended here."""
    return unsupported(
        "a statement has failed in this transaction, and DuckDB cannot go on with it as "
        "Snowflake would; send ROLLBACK."
    )


def _text(error: BaseException) -> str:
    cause = error.__cause__
    text = str(getattr(error, "raw_msg", None) or (cause if cause is not None else error))
    for end in ("\n\n", "\nLINE ", "\nPossible fixes"):
        text = text.split(end, maxsplit=1)[0]
    # Where files are on the server is nobody's business.
    return _PLACE.sub("", text).strip()
