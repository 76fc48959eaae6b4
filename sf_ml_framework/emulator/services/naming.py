"""Names that Snowpark Container Services takes: never quoted, and valid as DNS labels.

Source: Snowflake, "CREATE SERVICE", "CREATE COMPUTE POOL", "CREATE IMAGE REPOSITORY" (quoted names
are not supported, nor for the database and schema), "Service specification reference".
"""

from __future__ import annotations

import re

from ..faults import SnowflakeError, not_found
from ..names import Path
from ..registry import Call

_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*")
_SERVICE = re.compile(r"[A-Z][A-Z0-9_]*")
LABEL_LENGTH = 63
"""The longest DNS label. Source: RFC 1035."""


def refused(message: str, *, number: int = 1008, state: str = "22023") -> SnowflakeError:
    """Return a refusal of what the statement says."""
    return SnowflakeError(f"SQL compilation error:\n{message}", number=number, state=state)


def plain(call: Call) -> tuple[str, ...]:
    """Read a name whose parts are not quoted."""
    start = call.reader.at
    parts = call.reader.name()
    for token in call.reader.tokens[start : call.reader.at]:
        if token.kind == "QUOTED":
            raise refused(
                f"invalid identifier '{token.text}': quoted names are not supported for this "
                "object type.",
                number=1003,
                state="42000",
            )
    return parts


def account_name(call: Call) -> Path:
    """Read the unquoted name of an object of the account, such as a compute pool."""
    parts = plain(call)
    if len(parts) != 1:
        raise refused(f"too many parts in the name {'.'.join(parts)}", number=1003, state="42000")
    return Path("", "", parts[0])


def schema_object(call: Call, command: str) -> Path:
    """Read the unquoted name of an object in a schema; its schema must stand."""
    path = call.session.resolve(plain(call), command)
    return standing(call, path)


def standing(call: Call, path: Path) -> Path:
    """Return *path*; its schema must stand and neither it nor the database need quotes."""
    for part in (path.database, path.schema):
        if not _PLAIN.fullmatch(part):
            raise refused(
                f"database or schema '{part}' needs quotes, which this object type does not allow."
            )
    if call.account.catalog.find("SCHEMA", Path(path.database, "", path.schema)) is None:
        raise not_found("SCHEMA", f"{path.database}.{path.schema}")
    return path


def service_name(path: Path) -> Path:
    """Return *path* if its name can be a service's: a DNS label once ``_`` is written ``-``."""
    if len(path.name) > LABEL_LENGTH or not _SERVICE.fullmatch(path.name):
        raise refused(
            f"Invalid service name '{path.name}'. A service name starts with a letter, holds only "
            f"letters, digits and underscores, and has at most {LABEL_LENGTH} characters."
        )
    return path
