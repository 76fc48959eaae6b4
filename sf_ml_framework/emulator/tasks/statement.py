"""Read CREATE TASK and the clauses of ALTER TASK.

Source: Snowflake, "CREATE TASK", "CREATE OR ALTER TASK", "ALTER TASK".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..faults import invalid, syntax_error
from ..names import Path, parts_of
from ..registry import Call
from . import definition

NOT_IN_OR_ALTER = {
    "LOG_LEVEL",
    "USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS",
    "TARGET_COMPLETION_INTERVAL",
    "SERVERLESS_TASK_MIN_STATEMENT_SIZE",
    "SERVERLESS_TASK_MAX_STATEMENT_SIZE",
}
"""What CREATE OR ALTER TASK does not take, besides tags and contacts."""


@dataclass(slots=True)
class Clauses:
    """What stands between a task's name and its body."""

    parameters: dict[str, Any] = field(default_factory=dict)
    session: dict[str, Any] = field(default_factory=dict)
    tags: dict[tuple[str, ...], str] = field(default_factory=dict)
    comment: str = ""
    after: tuple[Path, ...] = ()
    finalize: Path | None = None
    user: str | None = None
    when: str | None = None
    body: str = ""


def clauses(call: Call) -> Clauses:
    """Read everything after the name of CREATE TASK.

    Raises:
        SnowflakeError: a clause or parameter is unknown, or has a value that it does not take.
    """
    reader, found = call.reader, Clauses()
    while not reader.accept("AS"):
        if reader.done:
            raise syntax_error("syntax error unexpected '<EOF>'.")
        if reader.accept("WITH", "CONTACT"):
            _no_or_alter(call, "CONTACT")
            reader.bracketed()
        elif reader.accept("WITH", "TAG") or (reader.peek().word == "TAG" and reader.accept("TAG")):
            _no_or_alter(call, "TAG")
            found.tags = reader.tags()
        elif reader.accept("AFTER"):
            found.after = names(call)
        elif reader.accept("EXECUTE", "AS", "USER"):
            found.user = reader.name()[0]
        elif reader.accept("WHEN"):
            found.when = definition.condition(_until_as(call))
        elif reader.peek().text == ",":
            reader.next()
        else:
            _parameter(call, found)
    found.body = definition.body(reader.rest())
    return found


def _no_or_alter(call: Call, word: str) -> None:
    if "OR ALTER" in call.flags:
        raise invalid(f"CREATE OR ALTER TASK does not take {word}")


def _parameter(call: Call, found: Clauses) -> None:
    token = call.reader.peek()
    key = token.word
    if token.kind != "WORD" or call.reader.peek(1).text != "=":
        call.reader.fail()
    if key in found.parameters or key in found.session:
        raise invalid(f"duplicate property '{key}' for 'TASK'")
    call.reader.at += 2
    if key == "FINALIZE":
        found.finalize = name(call)
        return
    value = call.reader.value()
    if key == "COMMENT":
        found.comment = str(value)
    elif key in definition.PARAMETERS:
        if "OR ALTER" in call.flags and key in NOT_IN_OR_ALTER:
            raise invalid(f"CREATE OR ALTER TASK does not take {key}")
        found.parameters[key] = definition.checked(call.account, key, value)
    else:
        found.session[key] = definition.session_parameter(key, value)


def _until_as(call: Call) -> str:
    """Read the condition, up to the AS that is in no bracket."""
    reader = call.reader
    start, end, depth = reader.peek().start, reader.peek().start, 0
    while depth or reader.peek().word != "AS":
        token = reader.next()
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "OP" else 0
        end = token.end
    return reader.sql[start:end]


def name(call: Call) -> Path:
    """Read the name of another task, also as a string."""
    token = call.reader.peek()
    if token.kind in {"STRING", "DOLLAR"}:
        call.reader.next()
        return call.session.resolve(parts_of(token.value))
    return call.session.resolve(call.reader.name())


def names(call: Call) -> tuple[Path, ...]:
    """Read names separated by commas."""
    found = [name(call)]
    while call.reader.peek().text == ",":
        call.reader.next()
        found.append(name(call))
    return tuple(dict.fromkeys(found))


def settings(call: Call) -> tuple[dict[str, Any], dict[str, Any], str | None]:
    """Read ``KEY = value ..`` of ALTER TASK SET: parameters, session parameters, comment."""
    reader = call.reader
    found = Clauses(comment="\0")
    while not reader.done:
        if reader.peek().text == ",":
            reader.next()
            continue
        if reader.peek().word == "FINALIZE":
            reader.fail()
        _parameter(call, found)
    comment = None if found.comment == "\0" else found.comment
    return found.parameters, found.session, comment
