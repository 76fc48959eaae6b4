"""Cut Snowflake SQL into tokens and statements.

Not sqlglot's tokenizer: that one takes everything after PUT, CALL or EXECUTE as one string, and the
``//`` of ``file://`` as a comment. This one keeps positions, so that text can be replaced in place.

Source: Snowflake, "String & binary data types" (escapes, dollar quotes), "Identifier requirements".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .faults import syntax_error

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|//[^\n]*|/\*.*?\*/)
  | (?P<FILE>file://(?:[^\s;'"])+|snow://(?:"(?:[^"]|"")*"|[^\s;,'"()])+)
  | (?P<DOLLAR>\$\$.*?\$\$)
  | (?P<STRING>'(?:[^'\\]|\\.|'')*')
  | (?P<QUOTED>"(?:[^"]|"")*")
  | (?P<STAGE>@(?:~|%?(?:"(?:[^"]|"")*"|[\w$]+)(?:\.%?(?:"(?:[^"]|"")*"|[\w$]+))*)
      (?:/[^\s,;()']*)?)
  | (?P<NUMBER>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<WORD>[^\W\d][\w$]*)
  | (?P<VARIABLE>\$\w+)
  | (?P<BIND>\?)
  | (?P<OP>->>|:=|=>|::|<>|!=|<=|>=|\|\||->|.)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_LOOPS = {"IF", "FOR", "WHILE", "LOOP", "REPEAT"}
_STARTS = {";", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT"}
"""What stands before a statement inside a block."""
_ESCAPE = re.compile(r"''|\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)


class Token(NamedTuple):
    """One token; *text* is as written, ``start`` and ``end`` (exclusive) its place."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The upper-cased word, or the operator; empty for literals and quoted names."""
        return self.text.upper() if self.kind in {"WORD", "OP"} else ""

    @property
    def value(self) -> str:
        """The value of a string or dollar-quoted literal."""
        if self.kind == "DOLLAR":
            return self.text[2:-2]
        return unquote(self.text) if self.kind == "STRING" else self.text


def unquote(literal: str) -> str:
    """Return the value of a single-quoted literal."""

    def one(match: re.Match[str]) -> str:
        escape = match[1]
        if escape is None:
            return "'"
        if len(escape) > 1:
            return chr(int(escape[1:], 16))
        return _ESCAPES.get(escape, escape)

    return _ESCAPE.sub(one, literal[1:-1])


def quote(value: str) -> str:
    """Return *value* as a single-quoted literal that Snowflake and DuckDB both read."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def tokenize(sql: str) -> list[Token]:
    """Return the tokens of *sql*, without comments and white space."""
    found: list[Token] = []
    for match in _TOKEN.finditer(sql):
        kind, text = match.lastgroup or "", match[0]
        if kind == "OP" and text in "'\"":
            raise syntax_error(f"parse error line 1 at position {match.start()} near '<EOF>'.")
        if kind != "space":
            found.append(Token(kind, text, *match.span()))
    return found


def split(sql: str) -> list[str]:
    """Return the statements of *sql*; a scripting block is one statement."""
    if ";" not in sql and sql.strip():
        return [sql.strip()]
    tokens = tokenize(sql)
    parts: list[str] = []
    start = 0
    depth = 0
    first = 0
    seen: set[str] = set()
    for index, token in enumerate(tokens):
        depth += _nesting(tokens, index, first, seen)
        if token.word in {"BEGIN", "DECLARE"}:
            seen.add(token.word)
        if token.text == ";" and depth <= 0:
            if index > first:
                parts.append(sql[start : token.start].strip())
            start, first, depth = token.end, index + 1, 0
            seen.clear()
    if first < len(tokens):
        parts.append(sql[start:].strip())
    return parts


def _nesting(tokens: list[Token], index: int, first: int, seen: set[str]) -> int:
    """Return by how much the token opens or closes a scripting block or CASE.

    *seen* says which of BEGIN and DECLARE the statement has had before.
    """
    word = tokens[index].word
    if not word or (not seen and word not in {"BEGIN", "DECLARE"}):
        return 0
    after = tokens[index + 1].word if index + 1 < len(tokens) else ""
    before = tokens[index - 1].word if index else ""
    # A block starts a statement, or is the body of CREATE TASK .. AS DECLARE .. BEGIN .. END.
    if word == "DECLARE" and (index == first or before == "AS"):
        return 1
    if word == "BEGIN":
        if after in {";", "", "TRANSACTION", "WORK", "NAME"}:
            return 0
        # DECLARE .. BEGIN .. END is one level, opened by DECLARE.
        return 0 if seen == {"DECLARE"} else 1
    if before != "END" and (word == "CASE" or (word in _LOOPS and before in _STARTS)):
        return 1
    return -int(word == "END")
