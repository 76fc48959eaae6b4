"""``INSERT INTO t VALUES`` of many rows of constants: read as a table, not as an expression.

``executemany`` and array binds become such statements. Through the parser and the engine's rewrites
1,000 rows of 60 columns took minutes; what is read here takes the same rules and far less time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from .lexer import Token

FEWEST_TOKENS = 400
"""A statement that is shorter is parsed as it is."""
_CASTS = {"DOUBLE", "DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ"}
"""Casts that binds write, and that storing the value in its column makes anyhow."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """The statement with one row of NULL, and the rows."""

    text: str
    table: pa.Table


def read(text: str, tokens: Sequence[Token]) -> Bulk | None:
    """Return the rows of a long INSERT of constants, or None when it is something else."""
    if len(tokens) < FEWEST_TOKENS or [t.word for t in tokens[:2]] != ["INSERT", "INTO"]:
        return None
    start = next((i for i, t in enumerate(tokens[:FEWEST_TOKENS]) if t.word == "VALUES"), None)
    if start is None or any(t.word == "SELECT" for t in tokens[:start]):
        return None
    rows = _Rows(tokens, start + 1)
    if not rows.all():
        return None
    nulls = ", ".join(["NULL"] * len(rows.columns))
    table = pa.table({f"C{i}": column for i, column in enumerate(rows.arrays())})
    return Bulk(f"{text[: tokens[start].start]} VALUES ({nulls})", table)


class _Rows:
    """Reads ``(c, c), (c, c)`` to the end; each column has constants of one kind."""

    def __init__(self, tokens: Sequence[Token], at: int) -> None:
        self._tokens = tokens
        self._at = at
        self.columns: list[list[str | None]] = []
        self._kinds: list[str] = []

    def all(self) -> bool:
        """Read every row; False when one has another length or no constant."""
        while self._row():
            if self._at == len(self._tokens):
                return True
            if not self._accept(","):
                return False
        return False

    def arrays(self) -> list[pa.Array]:
        """Return the columns; numbers and dates as text, which their column's type reads."""
        found = []
        for kind, column in zip(self._kinds, self.columns, strict=True):
            if kind == "BOOLEAN":
                found.append(pa.array([v if v is None else v == "TRUE" for v in column]))
            else:
                found.append(pa.array(column, pa.string()))
        return found

    def _accept(self, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].text == text:
            self._at += 1
            return True
        return False

    def _row(self) -> bool:
        if not self._accept("("):
            return False
        first = not self.columns
        index = 0
        while True:
            if first:
                self.columns.append([])
                self._kinds.append("")
            elif index == len(self.columns):
                return False
            if not self._value(index):
                return False
            index += 1
            if self._accept(")"):
                return index == len(self.columns)
            if not self._accept(","):
                return False

    def _value(self, index: int) -> bool:
        """Read one constant: a literal, perhaps with its sign, in brackets, with a cast."""
        opened = self._accept("(")
        sign = "-" if self._accept("-") else ""
        if self._at >= len(self._tokens):
            return False
        token = self._tokens[self._at]
        self._at += 1
        value: str | None = None
        kind = ""
        if token.kind == "NUMBER":
            kind, value = "NUMBER", sign + token.text
        elif sign:
            return False
        elif token.kind in {"STRING", "DOLLAR"}:
            kind, value = "TEXT", token.value
        elif token.word in {"TRUE", "FALSE"}:
            kind, value = "BOOLEAN", token.word
        elif token.word != "NULL":
            return False
        if opened and not self._accept(")"):
            return False
        if self._accept("::"):
            kind = self._tokens[self._at].word if self._at < len(self._tokens) else ""
            self._at += 1
            if kind not in _CASTS:
                return False
        self.columns[index].append(value)
        known = self._kinds[index]
        self._kinds[index] = known or kind
        return not kind or not known or known == kind
