"""The questions that SYSTEM$DGQL is asked: a node, and its edges one step up or down.

Source: Snowpark 1.56, ``lineage.py`` (``_DGQLQueryBuilder``), such as ``{V(domain: TABLE,
name:"DB.S.T") {upstream: E(edgeType:[DATA_LINEAGE, OBJECT_DEPENDENCY],direction:IN){S {domain,
name}, T {domain, name}, properties}}}``. The language is not documented: what that client does not
send is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..faults import SnowflakeError, invalid

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(\w+)|([{}():,\[\]]))\s*', re.DOTALL)
_DIRECTIONS = {"upstream": "IN", "downstream": "OUT"}
_EDGES = {"DATA_LINEAGE", "OBJECT_DEPENDENCY"}
_KEYS = {"domain", "name", "id", "parentName", "parentId"}
FIELDS = frozenset(
    {"domain", "refinedDomain", "userDomain", "name", "properties", "schema", "db"}
    | {"status", "createdOn", "id"}
)


@dataclass(frozen=True, slots=True)
class Edges:
    """One direction that is asked for, with the fields that are wanted of its nodes."""

    direction: str
    source: tuple[str, ...]
    target: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A node, by its domain and name or number, and the directions that are asked for."""

    domain: str
    name: str
    number: str
    parent: str
    edges: tuple[Edges, ...]


def parse(text: str) -> Question:
    """Return the question that *text* asks.

    Raises:
        SnowflakeError: 001008, it is none that is known.
    """
    return _Parser(text).question()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, bool]] = []
        """Each token, and whether it is a string."""
        self._at = at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise _bad(text[at : at + 20])
            if match[1] is not None:
                # The client escapes quotes and nothing else.
                self._tokens.append((match[1].replace('\\"', '"'), True))
            else:
                self._tokens.append((match[2] or match[3], False))
            at = match.end()

    def question(self) -> Question:
        self._expect("{", "V", "(")
        given = {}
        while not self._accept(")"):
            key = self._word(_KEYS)
            self._expect(":")
            given[key] = self._next()[0]
            self._accept(",")
        if "domain" not in given or ("name" in given) == ("id" in given):
            raise _bad("V takes a domain, and a name or an id")
        self._expect("{")
        edges = []
        while not self._accept("}"):
            edges.append(self._edges())
            self._accept(",")
        self._expect("}")
        if self._at < len(self._tokens):
            raise _bad(self._tokens[self._at][0])
        return Question(
            domain=given["domain"].upper(),
            name=given.get("name", ""),
            number=given.get("id", ""),
            parent=given.get("parentName", ""),
            edges=tuple(edges),
        )

    def _edges(self) -> Edges:
        direction = self._word(set(_DIRECTIONS))
        self._expect(":", "E", "(", "edgeType", ":", "[")
        while not self._accept("]"):
            self._word(_EDGES)
            self._accept(",")
        self._expect(",", "direction", ":", _DIRECTIONS[direction], ")", "{", "S")
        source = self._fields()
        self._expect(",", "T")
        target = self._fields()
        self._expect(",", "properties", "}")
        return Edges(direction, source, target)

    def _fields(self) -> tuple[str, ...]:
        self._expect("{")
        found = []
        while not self._accept("}"):
            found.append(self._word(set(FIELDS)))
            self._accept(",")
        return tuple(found)

    def _next(self) -> tuple[str, bool]:
        if self._at >= len(self._tokens):
            raise _bad("the end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _word(self, allowed: set[str]) -> str:
        token, literal = self._next()
        if literal or token not in allowed:
            raise _bad(token)
        return token

    def _expect(self, *wanted: str) -> None:
        for one in wanted:
            self._word({one})

    def _accept(self, wanted: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (wanted, False):
            self._at += 1
            return True
        return False


def _bad(near: str) -> SnowflakeError:
    return invalid(f"Invalid argument for SYSTEM$DGQL: unexpected '{near[:60]}'")
