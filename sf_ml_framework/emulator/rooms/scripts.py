"""EXECUTE IMMEDIATE FROM: the statements of a file on a stage, which may be a Jinja template.

Source: Snowflake, "EXECUTE IMMEDIATE FROM": a template is rendered when it starts with ``--!jinja``
or USING gives it variables; the answer is the last statement's; a file runs others at most five
deep; relative paths are of the file that names them. Not there: include, import and extends of
other files in a template, ``SnowflakeFile`` and DRY_RUN, each refused by name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..faults import SnowflakeError, not_found, syntax_error, unsupported
from ..lexer import split
from ..results import ResultSet
from .stages import require_stage

if TYPE_CHECKING:
    from ..registry import Call
    from ..session import Session

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 5
_DIRECTIVE = re.compile(r"\A\ufeff?\s{0,10}(?:--|#)!jinja2?[^\n]*\n?")
_LOADS = re.compile(r"\{%-?\s*(include|import|from|extends)\b|\b(SnowflakeFile)\b")
_RUNNING = "script"


def run_script(call: Call) -> ResultSet:
    """Run the file that stands after FROM and return the last statement's answer.

    Raises:
        SnowflakeError: the file is not there, or what its first failing statement was refused with.
    """
    where = _written(call)
    using = _using(call)
    if call.reader.accept("DRY_RUN"):
        raise unsupported("EXECUTE IMMEDIATE FROM .. DRY_RUN is not known to this emulator.")
    call.reader.end()
    text = _text(call, where)
    directive = _DIRECTIVE.match(text)
    if directive or using:
        text = _rendered(text[directive.end() :] if directive else text, using)
    return _run(call, where, split(text))


def _written(call: Call) -> str:
    """Read ``@stage/file``, quoted or not; a relative path belongs to the file that runs."""
    token = call.reader.next()
    written = token.value if token.kind in {"STRING", "DOLLAR"} else token.text
    if written.startswith(("@", "snow://")):
        return written
    outer: list[str] = call.session.facts.get(_RUNNING, [])
    if not outer or token.kind != "STRING" or written.startswith("/"):
        call.reader.at -= 1
        call.reader.fail()
    stage, *folders = outer[-1].split("/")
    return "/".join(_joined(stage, [*folders[:-1], *written.split("/")]))


def _joined(stage: str, parts: list[str]) -> list[str]:
    made: list[str] = []
    for part in parts:
        if part == ".." and made:
            made.pop()
        elif part != ".":
            made.append(part)
    return [stage, *made]


def _using(call: Call) -> dict[str, Any]:
    """Read ``USING (name => value, ..)``."""
    found: dict[str, Any] = {}
    if call.reader.accept("USING"):
        call.reader.expect("(")
        while not call.reader.accept(")"):
            name = call.reader.next()
            if name.kind not in {"WORD", "QUOTED"} or not call.reader.accept("=>"):
                call.reader.fail()
            value = call.reader.value()
            found[name.text.strip('"')] = value if isinstance(value, int | float) else str(value)
            call.reader.accept(",")
    return found


def _text(call: Call, where: str) -> str:
    if where.startswith("@"):
        require_stage(call.account, call.session, where.partition("/")[0], "READ")
    file = call.account.stages.locate(call.session, where).target
    if not file.is_file():
        raise not_found("File", where)
    if file.stat().st_size > MAX_BYTES:
        raise SnowflakeError(f"File '{where}' is larger than 10 MB.", number=1501, state="22023")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SnowflakeError(f"File '{where}' is no UTF-8.", number=1501, state="22023") from None


def _rendered(text: str, using: dict[str, Any]) -> str:
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    if loads := _LOADS.search(text):
        word = loads[1] or loads[2]
        raise unsupported(f"{word} in a template is not known to this emulator.")
    try:
        return SandboxedEnvironment(undefined=StrictUndefined).from_string(text).render(using)
    except TemplateError as error:
        raise SnowflakeError(
            f"Jinja2 template rendering failed: {error}", number=1501, state="22023"
        ) from None


def _run(call: Call, where: str, statements: list[str]) -> ResultSet:
    if not statements:
        raise syntax_error(f"File '{where}' has no statement.")
    session: Session = call.session
    running: list[str] = session.facts.setdefault(_RUNNING, [])
    if len(running) >= MAX_DEPTH:
        raise SnowflakeError(
            f"Files run each other more than {MAX_DEPTH} deep.", number=1501, state="22023"
        )
    running.append(where)
    result: ResultSet | None = None
    try:
        for number, statement in enumerate(statements, 1):
            try:
                result = call.account.run(session, statement)
            except SnowflakeError as error:
                raise SnowflakeError(
                    f"Uncaught exception of type 'STATEMENT_ERROR' in file {where}, statement "
                    f"{number}:\n{error.message}",
                    number=error.number,
                    state=error.state,
                ) from error
    finally:
        running.pop()
    if result is None:  # pragma: no cover - there is a statement
        raise syntax_error(f"File '{where}' has no statement.")
    return result
