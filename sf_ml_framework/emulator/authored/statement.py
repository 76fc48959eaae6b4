"""Read CREATE FUNCTION, CREATE PROCEDURE and WITH .. AS PROCEDURE.

Source: Snowflake, "CREATE FUNCTION", "CREATE PROCEDURE", "CALL (with anonymous procedure)"; the
statements of Snowpark 1.56, ``_internal/udf_utils.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..faults import invalid, unsupported
from ..names import Path
from ..reader import Reader
from ..registry import Call
from . import kinds
from .routine import Argument, Routine

_PROPERTIES = {
    "RUNTIME_VERSION",
    "COMMENT",
    "IMPORTS",
    "PACKAGES",
    "ARTIFACT_REPOSITORY",
    "HANDLER",
    "EXTERNAL_ACCESS_INTEGRATIONS",
    "RESOURCE_CONSTRAINT",
    "SECRETS",
    "TARGET_PATH",
}
_LANGUAGES = ("PYTHON", "SQL")
_IGNORED = (("CALLED", "ON", "NULL", "INPUT"), ("MEMOIZABLE",), ("VOLATILE",), ("NOT", "NULL"))
"""Clauses that change nothing here: defaults, and a hint to remember results."""


@dataclass(slots=True)
class _Read:
    """What was read so far."""

    returns: str = ""
    columns: tuple[Argument, ...] | None = None
    language: str = "SQL"
    strict: bool = False
    immutable: bool = False
    execute_as: str = "OWNER"
    body: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)


def routine(call: Call, kind: str, path: Path, *, anonymous: bool = False) -> Routine:
    """Return what the statement defines; the reader is after the name.

    Raises:
        SnowflakeError: it cannot be read, or asks for what this emulator does not run.
    """
    reader = call.reader
    arguments = _arguments(reader)
    reader.accept("COPY", "GRANTS")
    read = _Read()
    _returns(reader, read)
    while not reader.done and not _clause(reader, read, kind, anonymous=anonymous):
        pass
    _check(read, kind, path)
    found = read.properties
    return Routine(
        kind=kind,
        path=path,
        arguments=arguments,
        returns=read.returns,
        columns=read.columns,
        language=read.language,
        body=read.body,
        handler=str(found.get("HANDLER", "")),
        imports=_list(found, "IMPORTS"),
        packages=_list(found, "PACKAGES"),
        runtime=str(found.get("RUNTIME_VERSION", "")),
        aggregate="AGGREGATE" in call.flags,
        strict=read.strict,
        immutable=read.immutable,
        secure="SECURE" in call.flags,
        execute_as=read.execute_as,
        owner=call.session.role,
        comment=str(found.get("COMMENT", "")),
        identity=call.account.stages.new_id(),
        temporary=anonymous or bool({"TEMPORARY", "TEMP"} & call.flags),
        created=call.account.clock.now().isoformat(),
        integrations=_list(found, "EXTERNAL_ACCESS_INTEGRATIONS"),
    )


def _arguments(reader: Reader) -> tuple[Argument, ...]:
    reader.expect("(")
    found: list[Argument] = []
    while not reader.accept(")"):
        name = reader.name()[0]
        reader.accept("IN")
        kind = kinds.read(reader)
        default = None
        if reader.accept("DEFAULT"):
            default = _expression(reader)
        elif found and found[-1].default is not None:
            raise invalid("Optional arguments must come after all required arguments.")
        found.append(Argument(name, kind, default))
        if reader.peek().text != ")":
            reader.expect(",")
    return tuple(found)


def _expression(reader: Reader) -> str:
    """Pass an expression up to the comma or bracket after it, and return its text."""
    start, depth = reader.peek().start, 0
    end = start
    while depth or reader.peek().text not in {",", ")"}:
        token = reader.next()
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        end = token.end
    return reader.sql[start:end]


def _returns(reader: Reader, read: _Read) -> None:
    reader.expect("RETURNS")
    if not reader.accept("TABLE"):
        read.returns = kinds.read(reader)
        reader.accept("NOT", "NULL")
        return
    reader.expect("(")
    columns = []
    while not reader.accept(")"):
        columns.append(Argument(reader.name()[0], kinds.read(reader)))
        if reader.peek().text != ")":
            reader.expect(",")
    read.columns = tuple(columns)


def _clause(reader: Reader, read: _Read, kind: str, *, anonymous: bool) -> bool:
    """Read one clause; True when it was the body, the last."""
    if reader.accept("LANGUAGE"):
        read.language = reader.next().word
    elif reader.accept("STRICT") or reader.accept("RETURNS", "NULL", "ON", "NULL", "INPUT"):
        read.strict = True
    elif any(reader.accept(*words) for words in _IGNORED):
        pass
    elif reader.accept("IMMUTABLE"):
        read.immutable = True
    elif kind == "PROCEDURE" and reader.accept("EXECUTE", "AS"):
        read.execute_as = _rights(reader)
    elif reader.peek().word in _PROPERTIES and reader.peek(1).text == "=":
        key = reader.next().word
        reader.next()
        read.properties[key] = reader.value()
    elif anonymous and reader.peek().word == "CALL":
        return True
    elif reader.accept("AS"):
        read.body = _body(reader, anonymous=anonymous)
        # An anonymous procedure's CALL comes after its body.
        return not anonymous
    else:
        reader.fail()
    return False


def _rights(reader: Reader) -> str:
    if reader.accept("RESTRICTED", "CALLER"):
        raise unsupported("EXECUTE AS RESTRICTED CALLER.")
    word = reader.next().word
    if word not in {"OWNER", "CALLER"}:
        reader.at -= 1
        reader.fail()
    return word


def _body(reader: Reader, *, anonymous: bool) -> str:
    if reader.peek().kind in {"STRING", "DOLLAR"}:
        text = reader.string()
        if not anonymous:
            reader.end()
        return text
    if anonymous or reader.peek().word not in {"BEGIN", "DECLARE"}:
        reader.fail()
    return reader.rest()


def _list(found: dict[str, Any], key: str) -> tuple[str, ...]:
    given = found.get(key) or []
    if not isinstance(given, list):
        raise invalid(f"invalid value for property '{key}'")
    return tuple(str(one) for one in given)


def _check(read: _Read, kind: str, path: Path) -> None:
    if read.language not in _LANGUAGES:
        raise unsupported(f"{kind.lower()}s in {read.language}; Python and SQL are known here.")
    if "SECRETS" in read.properties:
        raise unsupported(f"SECRETS of a {kind.lower()}.")
    if read.language == "SQL":
        if read.body is None:
            raise invalid(f"{kind.capitalize()} {path.name} has no body.")
        return
    for needed in ("RUNTIME_VERSION", "HANDLER"):
        if needed not in read.properties:
            raise invalid(f"Missing option '{needed}' for a {kind.lower()} in Python.")
    if read.body is None and not read.properties.get("IMPORTS"):
        raise invalid(f"{kind.capitalize()} {path.name} has neither a body nor imports.")
