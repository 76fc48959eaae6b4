"""What each statement needs: declared by the rooms, asked before the statement runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..faults import SnowflakeError, cannot_perform
from ..names import Path, parts_of
from ..reader import Reader
from ..registry import Pattern, Statement
from .kinds import ACCOUNT_KINDS, DATABASE_KINDS

if TYPE_CHECKING:
    from ..account import Account
    from ..lexer import Token
    from ..session import Session

_VERBS = {"CREATE", "ALTER", "DROP", "EXECUTE", "DESCRIBE", "USE", "TRUNCATE", "UNDROP"}
_OPTIONAL = {
    "CREATE": ("[OR REPLACE|OR ALTER]", "[IF NOT EXISTS]"),
    "ALTER": ("", "[IF EXISTS]"),
    "DROP": ("", "[IF EXISTS]"),
    "TRUNCATE": ("", "[IF EXISTS]"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One line of what a statement needs; see the package's docstring."""

    statement: str
    privilege: str
    on: str
    kind: str = ""
    then: str = ""
    uses: str = ""
    named: str = ""
    hidden: bool = False
    """Answer 002043 as USE does, whatever is missing."""
    source: str = ""

    @property
    def pattern(self) -> Pattern:
        """The statement's words, with what may stand between them."""
        first, _, rest = self.statement.partition(" ")
        before, after = _OPTIONAL.get(first, ("", ""))
        return Pattern.parse(f"{first} {before} {rest} {after}")

    @property
    def object_kind(self) -> str:
        """The kind of the object that the statement names."""
        if self.kind:
            return self.kind
        plain = [w for w in _plain(self.statement).split() if w not in _VERBS]
        return " ".join(plain)


def _plain(pattern: str) -> str:
    """Return *pattern* without its optional words."""
    while "[" in pattern:
        before, _, rest = pattern.partition("[")
        pattern = before + rest.partition("]")[2]
    return pattern


_TAGGING = Need(statement="ALTER", privilege="OWNERSHIP", on="", then="SET TAG|UNSET TAG")


@dataclass(frozen=True, slots=True)
class _Matched:
    need: Need
    taken: int
    flags: frozenset[str]


class Needs:
    """All that was declared for one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._by_word: dict[str, list[tuple[Pattern, Need]]] = {}
        self.all: list[Need] = []

    def add(self, need: Need) -> None:
        """Declare one line; ``A|B`` kinds in the statement are so many lines."""
        for word in need.statement.split(" ")[0].split("|"):
            one = replace(need, statement=need.statement.replace(need.statement.split()[0], word))
            self.all.append(one)
            self._by_word.setdefault(word, []).append((one.pattern, one))

    def check(self, session: Session, statement: Statement) -> None:
        """Refuse a statement for which *session* lacks a privilege.

        Raises:
            SnowflakeError: see :meth:`.rights.Rights.require`.
        """
        first = statement.words[:1]
        candidates = self._by_word.get(first[0], []) if first else []
        if not candidates:
            return
        tokens = list(statement.tokens)
        while tokens and tokens[-1].text == ";":
            tokens.pop()
        matched = [
            _Matched(need, *found)
            for pattern, need in candidates
            if (found := pattern.match(tokens)) is not None
        ]
        if not matched:
            return
        longest = max(one.taken for one in matched)
        matched = [m for m in matched if m.taken == longest]
        if self._follows(replace(matched[0], need=_TAGGING), tokens):
            # Source: Snowflake, "Object tagging": APPLY TAG, or APPLY on the tag and OWNERSHIP.
            if self._account.access.globally(session, "APPLY TAG"):
                return
            kind = matched[0].need.object_kind
            matched = [replace(matched[0], need=replace(_TAGGING, kind=kind, on=kind, then=""))]
        for one in self._that_hold(matched, statement):
            try:
                self._check(session, statement, one)
            except SnowflakeError as error:
                if one.need.hidden and error.number in {2003, 3001}:
                    raise cannot_perform() from None
                raise

    def _that_hold(self, matched: list[_Matched], statement: Statement) -> list[_Matched]:
        following = [
            one for one in matched if one.need.then and self._follows(one, statement.tokens)
        ]
        if following:
            return following + [one for one in matched if one.need.uses and not one.need.then]
        return [one for one in matched if not one.need.then]

    def _follows(self, one: _Matched, tokens: Sequence[Token]) -> bool:
        at = one.taken
        reader = _reader(tokens, at)
        try:
            reader.name()
        except SnowflakeError:
            return False
        words = [tuple(words.split()) for words in one.need.then.split("|")]
        return any(
            tuple(reader.peek(i).word for i in range(len(wanted))) == wanted for wanted in words
        )

    def _check(self, session: Session, statement: Statement, one: _Matched) -> None:
        need, rights = one.need, self._account.access
        if need.on == "ACCOUNT":
            rights.require(session, need.privilege, "ACCOUNT", Path("", "", ""))
            return
        if need.uses:
            for used in self._used(session, statement.tokens, need):
                rights.require(session, need.privilege, need.on, used)
            return
        path = self._named(session, statement.tokens, one)
        if path is None:
            return
        kind = need.object_kind
        if one.flags & {"OR REPLACE", "OR ALTER"}:
            rights.require(session, "OWNERSHIP", kind, path)
        if need.on == kind:
            rights.require(session, need.privilege, kind, path)
        elif need.on == "SCHEMA":
            rights.require_places(session, kind, path)
            rights.require(session, need.privilege, "SCHEMA", Path(path.database, "", path.schema))
        elif need.on == "DATABASE":
            rights.require_places(session, kind, path)
            rights.require(session, need.privilege, "DATABASE", Path("", "", path.database))

    def _named(self, session: Session, tokens: Sequence[Token], one: _Matched) -> Path | None:
        at = one.taken
        if one.need.named:
            found = _after(tokens, one.need.named)
            if found is None:
                return self._here(session)
            at = found
        return self._path(session, one.need.object_kind, tokens, at)

    def _here(self, session: Session) -> Path | None:
        if session.database is None or session.schema is None:
            return None
        return Path(session.database, session.schema, "")

    def _used(self, session: Session, tokens: Sequence[Token], need: Need) -> list[Path]:
        """Return the objects named after the phrase ``uses``: one, or a list in brackets."""
        found: list[Path] = []
        for start in _all_after(tokens, need.uses):
            starts = [start]
            if start < len(tokens) and tokens[start].text == "(":
                starts = _listed(tokens, start)
            paths = [self._path(session, need.on, tokens, at) for at in starts]
            found += [path for path in paths if path is not None]
        return found

    def _path(self, session: Session, kind: str, tokens: Sequence[Token], at: int) -> Path | None:
        reader = _reader(tokens, at)
        try:
            token = reader.peek()
            parts = parts_of(token.value) if token.kind == "STRING" else reader.name()
            return path_of(session, kind, parts)
        except SnowflakeError:
            return None  # the statement says itself what is wrong with the name


def path_of(session: Session, kind: str, parts: tuple[str, ...]) -> Path:
    """Return the path of an object of *kind* from its written parts."""
    if kind in ACCOUNT_KINDS:
        return Path("", "", parts[-1])
    if kind in DATABASE_KINDS:
        return session.resolve_schema(parts)
    return session.resolve(parts)


def _reader(tokens: Sequence[Token], at: int) -> Reader:
    reader = Reader("")
    reader.tokens = list(tokens)
    reader.at = at
    return reader


def _listed(tokens: Sequence[Token], at: int) -> list[int]:
    """Return where the names of a list in brackets start."""
    found = [at + 1]
    while at < len(tokens) and tokens[at].text != ")":
        at += 1
        if at < len(tokens) and tokens[at].text == ",":
            found.append(at + 1)
    return found


def _after(tokens: Sequence[Token], phrase: str) -> int | None:
    return next(iter(_all_after(tokens, phrase)), None)


def _all_after(tokens: Sequence[Token], phrase: str) -> list[int]:
    words = phrase.split()
    size = len(words)
    return [
        at + size
        for at in range(len(tokens) - size + 1)
        if all(tokens[at + i].word == word for i, word in enumerate(words))
    ]
