"""What rooms register: statements, SHOW, DESCRIBE, functions, views, routes, rewrites, guards."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .lexer import Token
from .names import Path
from .reader import Reader
from .results import Column, ResultSet

if TYPE_CHECKING:
    from sqlglot import exp

    from .account import Account
    from .session import Session


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it will run: binds and variables are already in its text."""

    text: str
    tokens: Sequence[Token]

    @property
    def words(self) -> tuple[str, ...]:
        """The first words, upper case; enough to tell what kind of statement it is."""
        return tuple(token.word for token in self.tokens[:6])


@dataclass(slots=True)
class Call:
    """A statement on its way to a handler."""

    account: Account
    session: Session
    text: str
    reader: Reader
    flags: frozenset[str] = frozenset()
    describe: bool = False

    @property
    def or_replace(self) -> bool:
        """Whether OR REPLACE was there."""
        return "OR REPLACE" in self.flags

    @property
    def if_not_exists(self) -> bool:
        """Whether IF NOT EXISTS was there."""
        return "IF NOT EXISTS" in self.flags

    @property
    def if_exists(self) -> bool:
        """Whether IF EXISTS was there."""
        return "IF EXISTS" in self.flags


@dataclass(frozen=True, slots=True)
class Scope:
    """The part after IN of a SHOW: *kind* is ACCOUNT, DATABASE, SCHEMA or the room's own word."""

    kind: str
    path: Path

    @property
    def database(self) -> str | None:
        """The database to look in, or None for all."""
        return self.path.database or None

    @property
    def schema(self) -> str | None:
        """The schema to look in, or None for all."""
        return self.path.schema or None


@dataclass(slots=True)
class RestCall:
    """One REST request; ``parts`` are the values in the path, folded as identifiers are.

    ``written`` has them as they were sent.
    """

    account: Account
    session: Session
    parts: dict[str, str]
    query: dict[str, str]
    body: Any
    written: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A REST answer with another status than 200."""

    status: int
    body: Any


OURS = "ours"
"""What marks, in ``meta``, a table or function of a statement that no client has named."""
Row = dict[str, Any]
Handler = Callable[[Call], ResultSet | None]
ShowProvider = Callable[[Call, Scope], Iterable[Row]]
DescribeProvider = Callable[[Call, tuple[str, ...]], Iterable[Row]]
TableFunction = Callable[["Session", list[Any], dict[str, Any]], ResultSet]
View = Callable[["Session", str], ResultSet]
Rewrite = Callable[["Session", "exp.Expr"], "exp.Expr"]
Guard = Callable[["Session", Statement], None]
Route = Callable[[RestCall], Any]
Written = Callable[["Session", "exp.Expr"], Callable[[], None] | None]
"""Says for a statement that writes rows what to ask after it; None when there is nothing."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """``CREATE [OR REPLACE] TASK|PIPE`` as steps of (alternatives, optional)."""

    steps: tuple[tuple[frozenset[tuple[str, ...]], bool], ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Return the pattern that *text* describes."""
        steps = []
        for optional, plain in re.findall(r"\[([^\]]+)\]|(\S+)", text):
            words = (optional or plain).split("|")
            steps.append((frozenset(tuple(w.split()) for w in words), bool(optional)))
        return cls(tuple(steps))

    @property
    def first(self) -> Iterable[str]:
        """The words that a statement of this pattern can start with."""
        return [words[0] for words in self.steps[0][0]]

    def match(self, tokens: Sequence[Token]) -> tuple[int, frozenset[str]] | None:
        """Return how many tokens the pattern takes and which optional groups, or None."""
        at = 0
        flags: set[str] = set()
        for alternatives, optional in self.steps:
            for words in sorted(alternatives, key=len, reverse=True):
                if tuple(t.word for t in tokens[at : at + len(words)]) == words:
                    at += len(words)
                    flags.add(" ".join(words))
                    break
            else:
                if not optional:
                    return None
        return at, frozenset(flags)


@dataclass(frozen=True, slots=True)
class Registered:
    """A statement handler with its pattern."""

    pattern: Pattern
    handler: Handler
    reads: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A SHOW or DESCRIBE provider with its columns."""

    columns: tuple[Column | str, ...]
    provide: Any
    terse: tuple[str, ...] = ()


@dataclass(slots=True)
class Registry:
    """All that was registered for one account."""

    statements: dict[str, list[Registered]] = field(default_factory=lambda: defaultdict(list))
    shows: dict[str, Shown] = field(default_factory=dict)
    describes: dict[str, Shown] = field(default_factory=dict)
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    table_functions: dict[str, TableFunction] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    early: list[Rewrite] = field(default_factory=list)
    """Rewrites before the others, while other statements of the session may run."""
    rewrites: list[Rewrite] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    """What must hold of a table's rows after they were written."""
    routes: list[tuple[str, str, Route]] = field(default_factory=list)

    def add_statement(self, pattern: str, handler: Handler, *, reads: bool) -> None:
        """Register a statement handler."""
        parsed = Pattern.parse(pattern)
        for word in parsed.first:
            self.statements[word].append(Registered(parsed, handler, reads))

    def handlers(self, tokens: Sequence[Token]) -> list[tuple[int, frozenset[str], Registered]]:
        """Return the handlers for a statement, the longest match first."""
        found = [
            (*matched, registered)
            for registered in self.statements.get(tokens[0].word if tokens else "", ())
            if (matched := registered.pattern.match(tokens))
        ]
        return sorted(found, key=lambda one: -one[0])
