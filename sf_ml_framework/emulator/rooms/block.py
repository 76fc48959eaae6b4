"""Snowflake Scripting, read: from the tokens of a block to a small tree.

Source: Snowflake, "Snowflake Scripting developer guide": blocks, LET, IF, CASE, FOR, WHILE, REPEAT,
LOOP, RETURN, EXCEPTION, cursors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ..faults import syntax_error, unsupported
from ..reader import Reader


@dataclass(frozen=True, slots=True)
class Sql:
    """One statement, as text."""

    text: str


@dataclass(frozen=True, slots=True)
class Assign:
    """``LET x kind := e`` (*new*) or ``x := e``; an expression in brackets may be a query."""

    name: str
    value: str | None
    new: bool
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """``c CURSOR FOR query``; *query* may be the name of a result."""

    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Fault:
    """``e EXCEPTION (number, message)``."""

    name: str
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """``OPEN c [USING (values)]``, ``FETCH c INTO names`` and ``CLOSE c``, by their *verb*."""

    verb: str
    cursor: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with their bodies; the last condition may be empty, for ELSE."""

    branches: tuple[tuple[str, tuple[Node, ...]], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """``CASE (value) WHEN ..``: the first branch whose value is equal; an empty one is ELSE."""

    value: str
    branches: tuple[tuple[str, tuple[Node, ...]], ...]


@dataclass(frozen=True, slots=True)
class For:
    """``FOR x IN low TO high`` or, without *high*, over the rows of a result."""

    name: str
    low: str
    high: str | None
    body: tuple[Node, ...]
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class While:
    """``WHILE (condition) DO``; without a condition ``LOOP``; *until* is for REPEAT."""

    condition: str
    body: tuple[Node, ...]
    until: str = ""


@dataclass(frozen=True, slots=True)
class Return:
    """``RETURN e``."""

    value: str


@dataclass(frozen=True, slots=True)
class Jump:
    """``BREAK`` or ``CONTINUE``."""

    kind: str


@dataclass(frozen=True, slots=True)
class Raise:
    """``RAISE e``, or ``RAISE`` alone, which raises again what a handler has caught."""

    name: str
    line: int
    position: int


@dataclass(frozen=True, slots=True)
class Block:
    """``DECLARE .. BEGIN .. EXCEPTION WHEN .. END``."""

    body: tuple[Node, ...]
    handlers: tuple[tuple[str, tuple[Node, ...]], ...] = field(default=())


Node: TypeAlias = (
    Sql | Assign | Cursor | Fault | Fetch | If | Case | For | While | Return | Jump | Raise | Block
)
_AGAIN = {"BREAK": "BREAK", "EXIT": "BREAK", "CONTINUE": "CONTINUE", "ITERATE": "CONTINUE"}


def parse(text: str) -> Block:
    """Return the block that *text* is.

    Raises:
        SnowflakeError: it is no block.
    """
    reader = Reader(text)
    block = _block(reader)
    reader.end()
    return block


def _block(reader: Reader) -> Block:
    declared: list[Node] = []
    if reader.accept("DECLARE"):
        while reader.peek().word != "BEGIN":
            declared.append(_declared(reader))
    reader.expect("BEGIN")
    reader.accept(";")
    body = _body(reader, "EXCEPTION", "END")
    handlers: list[tuple[str, tuple[Node, ...]]] = []
    if reader.accept("EXCEPTION"):
        while reader.accept("WHEN"):
            names = [reader.name()[0]]
            while reader.accept("OR"):
                names.append(reader.name()[0])
            if reader.accept("CONTINUE"):
                raise unsupported("a handler that goes on (CONTINUE) is not known here.")
            reader.accept("EXIT")
            reader.expect("THEN")
            inner = _body(reader, "WHEN", "END")
            handlers.extend((name, inner) for name in names)
    reader.expect("END")
    reader.accept(";")
    return Block((*declared, *body), tuple(handlers))


def _body(reader: Reader, *stop: str) -> tuple[Node, ...]:
    found: list[Node] = []
    while reader.peek().word not in stop:
        found.append(_node(reader))
    return tuple(found)


def _node(reader: Reader) -> Node:
    word = reader.peek().word
    if word in {"DECLARE", "BEGIN"} and reader.peek(1).word not in {";", "TRANSACTION", "WORK"}:
        return _block(reader)
    if reader.peek(1).text == ":=":
        return _assign(reader, new=False)
    if word in _READERS:
        reader.next()
        return _READERS[word](reader)
    if word in _AGAIN:
        reader.next()
        if _until(reader):
            raise unsupported(f"{word} with a label is not known to this emulator.")
        return Jump(_AGAIN[word])
    return Sql(_until(reader))


def _until(reader: Reader, *stop: str) -> str:
    """Pass and return the text up to a semicolon or a word of *stop*, outside brackets."""
    first = reader.peek()
    depth, end = 0, first.start
    while not reader.done:
        token = reader.peek()
        if depth == 0 and (token.text == ";" or token.word in stop):
            break
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "OP" else 0
        end = reader.next().end
    text = reader.sql[first.start : end]
    if not stop:
        reader.expect(";")
    return text


def _declared(reader: Reader) -> Node:
    """Read what follows LET, or stands in DECLARE."""
    if reader.peek(1).word == "CURSOR":
        name = reader.name()[0]
        reader.next()
        reader.expect("FOR")
        return Cursor(name, _until(reader))
    if reader.peek(1).word == "EXCEPTION":
        name = reader.name()[0]
        reader.next()
        given = reader.value() if reader.peek().text == "(" else [-20000, ""]
        reader.expect(";")
        match given:
            case [int() as number, str() as message]:
                return Fault(name, number, message)
        raise syntax_error(f"Exception '{name}' takes a number and a message.")
    return _assign(reader, new=True)


def _assign(reader: Reader, *, new: bool) -> Assign:
    name, kind = reader.name()[0], ""
    if new:
        # A type may stand between the name and its value.
        kind = reader.peek().word if reader.peek().kind == "WORD" else ""
        kind = "" if kind == "DEFAULT" else kind
        while reader.peek().text not in {":=", ";"} and reader.peek().word != "DEFAULT":
            reader.next()
    if reader.peek().text == ";":
        reader.next()
        return Assign(name, None, new, kind)
    reader.next()
    return Assign(name, _until(reader), new, kind)


def _raise(reader: Reader) -> Raise:
    before = reader.sql[: reader.tokens[reader.at - 1].start]
    name = "" if reader.peek().text == ";" else reader.name()[0]
    reader.expect(";")
    return Raise(name, before.count("\n") + 1, len(before) - before.rfind("\n") - 1)


def _open(reader: Reader) -> Fetch:
    name = reader.name()[0]
    given: tuple[str, ...] = ()
    if reader.accept("USING"):
        given = tuple(part.strip() for part in reader.bracketed().split(","))
    reader.expect(";")
    return Fetch("OPEN", name, given)


def _fetch(reader: Reader) -> Fetch:
    name = reader.name()[0]
    reader.expect("INTO")
    names = []
    while not reader.accept(";"):
        reader.accept(":")
        names.append(reader.name()[0])
        reader.accept(",")
    return Fetch("FETCH", name, tuple(names))


def _close(reader: Reader) -> Fetch:
    name = reader.name()[0]
    reader.expect(";")
    return Fetch("CLOSE", name)


def _case(reader: Reader) -> Case:
    value = _until(reader, "WHEN")
    branches = []
    while reader.accept("WHEN"):
        wanted = _until(reader, "THEN")
        reader.expect("THEN")
        branches.append((wanted, _body(reader, "WHEN", "ELSE", "END")))
    if reader.accept("ELSE"):
        branches.append(("", _body(reader, "END")))
    reader.expect("END")
    reader.accept("CASE")
    reader.accept(";")
    return Case(value, tuple(branches))


def _if(reader: Reader) -> If:
    branches = []
    condition = reader.bracketed()
    while True:
        reader.expect("THEN")
        branches.append((condition, _body(reader, "ELSEIF", "ELSE", "END")))
        if not reader.accept("ELSEIF"):
            break
        condition = reader.bracketed()
    if reader.accept("ELSE"):
        branches.append(("", _body(reader, "END")))
    reader.expect("END", "IF")
    reader.accept(";")
    return If(tuple(branches))


def _for(reader: Reader) -> For:
    name = reader.name()[0]
    reader.expect("IN")
    reverse = reader.accept("REVERSE")
    low = _until(reader, "TO", "DO", "LOOP")
    high = _until(reader, "DO", "LOOP") if reader.accept("TO") else None
    reader.next()
    return For(name, low, high, _ended(reader), reverse)


def _while(reader: Reader) -> While:
    condition = reader.bracketed()
    if not reader.accept("DO"):
        reader.expect("LOOP")
    return While(condition, _ended(reader))


def _repeat(reader: Reader) -> While:
    body = _body(reader, "UNTIL")
    reader.expect("UNTIL")
    until = reader.bracketed()
    reader.expect("END", "REPEAT")
    _labelled(reader)
    return While("", body, until)


def _ended(reader: Reader) -> tuple[Node, ...]:
    body = _body(reader, "END")
    reader.expect("END")
    if reader.peek().word in {"FOR", "WHILE", "LOOP"}:
        reader.next()
    _labelled(reader)
    return body


def _labelled(reader: Reader) -> None:
    """Pass the label of a loop, which nothing here jumps to, and the semicolon."""
    if reader.peek().kind == "WORD" and reader.peek(1).text == ";":
        reader.next()
    reader.accept(";")


_READERS: dict[str, Callable[[Reader], Node]] = {
    "LET": _declared,
    "IF": _if,
    "CASE": _case,
    "FOR": _for,
    "WHILE": _while,
    "LOOP": lambda reader: While("", _ended(reader)),
    "REPEAT": _repeat,
    "RETURN": lambda reader: Return(_until(reader)),
    "RAISE": _raise,
    "OPEN": _open,
    "FETCH": _fetch,
    "CLOSE": _close,
}
