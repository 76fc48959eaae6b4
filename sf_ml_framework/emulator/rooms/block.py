"""Snowflake Scripting, read: from the tokens of a block to a small tree.

Source: Snowflake, "Snowflake Scripting developer guide": blocks, LET, IF, FOR, WHILE,
RETURN, EXCEPTION.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

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
class If:
    """Conditions with their bodies; the last condition may be empty, for ELSE."""

    branches: tuple[tuple[str, tuple[Node, ...]], ...]


@dataclass(frozen=True, slots=True)
class For:
    """``FOR x IN low TO high`` or, without *high*, over the rows of a result."""

    name: str
    low: str
    high: str | None
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class While:
    """``WHILE (condition) DO``."""

    condition: str
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Return:
    """``RETURN e``."""

    value: str


@dataclass(frozen=True, slots=True)
class Jump:
    """``BREAK``, ``CONTINUE`` or ``RAISE``."""

    kind: str


@dataclass(frozen=True, slots=True)
class Block:
    """``DECLARE .. BEGIN .. EXCEPTION WHEN .. END``."""

    body: tuple[Node, ...]
    handlers: tuple[tuple[str, tuple[Node, ...]], ...] = field(default=())


Node: TypeAlias = Sql | Assign | If | For | While | Return | Jump | Block


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
            declared.append(_assign(reader, new=True))
    reader.expect("BEGIN")
    reader.accept(";")
    body = _body(reader, "EXCEPTION", "END")
    handlers: list[tuple[str, tuple[Node, ...]]] = []
    if reader.accept("EXCEPTION"):
        while reader.accept("WHEN"):
            names = [reader.name()[0]]
            while reader.accept("OR"):
                names.append(reader.name()[0])
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


def _node(reader: Reader) -> Node:  # noqa: PLR0911
    word = reader.peek().word
    if word in {"DECLARE", "BEGIN"} and reader.peek(1).word not in {";", "TRANSACTION", "WORK"}:
        return _block(reader)
    if reader.accept("LET"):
        return _assign(reader, new=True)
    if reader.peek(1).text == ":=":
        return _assign(reader, new=False)
    if reader.accept("IF"):
        return _if(reader)
    if reader.accept("FOR"):
        return _for(reader)
    if reader.accept("WHILE"):
        condition = reader.bracketed()
        if not reader.accept("DO"):
            reader.expect("LOOP")
        return While(condition, _ended(reader))
    if reader.accept("RETURN"):
        return Return(_until(reader))
    if word in {"BREAK", "CONTINUE", "RAISE", "EXIT"}:
        reader.next()
        _until(reader)
        return Jump({"EXIT": "BREAK"}.get(word, word))
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
    low = _until(reader, "TO", "DO", "LOOP")
    high = _until(reader, "DO", "LOOP") if reader.accept("TO") else None
    reader.next()
    return For(name, low, high, _ended(reader))


def _ended(reader: Reader) -> tuple[Node, ...]:
    body = _body(reader, "END")
    reader.expect("END")
    if reader.peek().word in {"FOR", "WHILE", "LOOP"}:
        reader.next()
    reader.accept(";")
    return body
