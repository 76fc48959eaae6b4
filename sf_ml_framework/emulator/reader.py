"""Read one statement token by token: words, names, properties."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .faults import invalid, syntax_error, unexpected
from .lexer import Token, tokenize
from .names import fold, parts_of

_END = Token("END", "", 0, 0)


@dataclass(frozen=True, slots=True)
class Word:
    """An unquoted value, such as ``XSMALL`` in ``WAREHOUSE_SIZE = XSMALL``."""

    text: str

    def __str__(self) -> str:
        return self.text


def only(found: Mapping[str, Any], known: Collection[str], kind: str) -> None:
    """Refuse properties that an object of *kind* does not take.

    Raises:
        SnowflakeError: 001008, with the first of them by name.
    """
    if unknown := set(found) - set(known):
        raise invalid(f"invalid property '{min(unknown)}' for '{kind}'")


class Reader:
    """A position in the tokens of one statement."""

    def __init__(self, sql: str, tokens: Sequence[Token] | None = None) -> None:
        self.sql = sql
        self.tokens = tokenize(sql) if tokens is None else list(tokens)
        while self.tokens and self.tokens[-1].text == ";":
            self.tokens.pop()
        self.at = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return a token without passing it; an empty one at the end."""
        index = self.at + ahead
        return self.tokens[index] if index < len(self.tokens) else _END

    def next(self) -> Token:
        """Pass one token."""
        token = self.peek()
        if token is _END:
            raise syntax_error("syntax error unexpected '<EOF>'.")
        self.at += 1
        return token

    @property
    def done(self) -> bool:
        """Whether all tokens are read."""
        return self.at >= len(self.tokens)

    def accept(self, *words: str) -> bool:
        """Pass *words* if they come next, all of them."""
        if all(self.peek(i).word == word for i, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Pass *words* or raise a syntax error at the first that differs."""
        for word in words:
            if self.peek().word != word:
                self.fail()
            self.at += 1

    def fail(self) -> None:
        """Raise the syntax error for the token that comes next."""
        token = self.peek()
        raise unexpected(token.text or "<EOF>", token.start)

    def end(self) -> None:
        """Raise a syntax error unless all is read."""
        if not self.done:
            self.fail()

    def rest(self) -> str:
        """Return the remaining text as written, and pass it."""
        if self.done:
            return ""
        text = self.sql[self.peek().start : self.tokens[-1].end]
        self.at = len(self.tokens)
        return text

    def name(self) -> tuple[str, ...]:
        """Read a name of one to four parts, or ``IDENTIFIER('..')``."""
        if self.peek().word == "IDENTIFIER" and self.peek(1).text == "(":
            self.at += 2
            written = self.next()
            text = written.value if written.kind in {"STRING", "DOLLAR"} else written.text
            self.expect(")")
            return parts_of(text)
        parts = [self._part()]
        while self.peek().text == ".":
            self.at += 1
            if self.peek().text == ".":
                parts.append("PUBLIC")
                continue
            parts.append(self._part())
        return tuple(parts)

    def last_name(self) -> tuple[str, ...]:
        """Read a name that ends the statement."""
        parts = self.name()
        self.end()
        return parts

    def _part(self) -> str:
        token = self.peek()
        if token.kind not in {"WORD", "QUOTED"}:
            self.fail()
        self.at += 1
        return fold(token.text)

    def string(self) -> str:
        """Read a string literal."""
        token = self.peek()
        if token.kind not in {"STRING", "DOLLAR"}:
            self.fail()
        self.at += 1
        return token.value

    def integer(self) -> int:
        """Read a whole number."""
        token = self.peek()
        if token.kind != "NUMBER" or not token.text.isdigit():
            self.fail()
        self.at += 1
        return int(token.text)

    def value(self) -> Any:  # noqa: PLR0911
        """Read a literal, a word, or a list in brackets; lists of ``k = v`` become dicts."""
        token = self.peek()
        if token.kind in {"STRING", "DOLLAR"}:
            self.at += 1
            return token.value
        if token.text in {"-", "+"}:
            self.at += 1
            inner = self.value()
            return -inner if token.text == "-" else inner
        if token.kind == "NUMBER":
            self.at += 1
            return int(token.text) if token.text.isdigit() else float(token.text)
        if token.text in {"(", "["}:
            return self._list(")" if token.text == "(" else "]")
        if token.kind in {"STAGE", "VARIABLE", "FILE"}:
            self.at += 1
            return token.text
        if token.word in {"TRUE", "FALSE"}:
            self.at += 1
            return token.word == "TRUE"
        if token.word == "NULL":
            self.at += 1
            return None
        if token.kind in {"WORD", "QUOTED"}:
            return Word(".".join(self._written()))
        return self.fail()

    def _written(self) -> list[str]:
        parts = [self.next().text]
        while self.peek().text == "." and self.peek(1).kind in {"WORD", "QUOTED"}:
            self.at += 1
            parts.append(self.next().text)
        return parts

    def _list(self, closing: str) -> Any:
        self.at += 1
        items: list[Any] = []
        pairs: dict[str, Any] = {}
        while self.peek().text != closing:
            if self.peek(1).text in {"=", "=>"} and self.peek().kind in {"WORD", "STRING"}:
                key = self.next()
                self.at += 1
                pairs[(key.value if key.kind == "STRING" else key.text).upper()] = self.value()
            else:
                items.append(self.value())
            if self.peek().text == ",":
                self.at += 1
            elif self.done:
                self.fail()
        self.at += 1
        return pairs or items

    def properties(self, *stop: str) -> dict[str, Any]:
        """Read ``KEY = value`` pairs until the end, or until a word in *stop* that has no ``=``.

        Keys are upper case. ``TAG (...)`` and ``WITH TAG (...)`` give a dict under ``TAG``.
        """
        found: dict[str, Any] = {}
        while not self.done:
            token = self.peek()
            if token.text == ",":
                self.at += 1
                continue
            if self.peek(1).text not in {"=", "=>"}:
                tag = 1 if token.word == "WITH" and self.peek(1).word == "TAG" else 0
                if self.peek(tag).word == "TAG" and self.peek(tag + 1).text == "(":
                    self.at += tag + 1
                    found["TAG"] = self.tags()
                    continue
                if token.word in stop:
                    return found
                self.fail()
            if token.kind != "WORD":
                self.fail()
            self.at += 2
            found[token.text.upper()] = self.value()
        return found

    def tags(self) -> dict[tuple[str, ...], str]:
        """Read ``(tag = 'value', ...)`` as a dict from tag names to values."""
        self.expect("(")
        found: dict[tuple[str, ...], str] = {}
        while not self.accept(")"):
            name = self.name()
            self.expect("=")
            found[name] = self.string()
            self.accept(",")
        return found

    def bracketed(self) -> str:
        """Pass a bracketed group and return the text inside."""
        if self.peek().text != "(":
            self.fail()
        start = self.next().end
        depth = 1
        while depth:
            token = self.next()
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "OP" else 0
        return self.sql[start : self.tokens[self.at - 1].start]
