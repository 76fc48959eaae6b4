"""Names of objects: parts, quoting, and how a partial name is completed.

Source: Snowflake, "Identifier requirements", "Object name resolution".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .faults import syntax_error

_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*")
_PART = re.compile(r'"(?:[^"]|"")*"|[^\W\d][\w$]*')


class Path(NamedTuple):
    """A full name; parts that this kind of object does not have are empty."""

    database: str
    schema: str
    name: str

    def __str__(self) -> str:
        return ".".join(quoted(part) for part in self if part)


def fold(part: str) -> str:
    """Return the stored form of one written part: quoted as is, otherwise upper case."""
    if part.startswith('"') and part.endswith('"') and len(part) > 1:
        return part[1:-1].replace('""', '"')
    return part.upper()


def quoted(part: str) -> str:
    """Return how a stored part is written, quoted only where it must be."""
    return part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"'


def always_quoted(part: str) -> str:
    """Return the part in double quotes."""
    return '"' + part.replace('"', '""') + '"'


def parts_of(text: str) -> tuple[str, ...]:
    """Return the stored parts of a written name such as ``db."My schema".t``."""
    found: list[str] = []
    at = 0
    text = text.strip()
    while True:
        match = _PART.match(text, at)
        if match is None:
            # db..table means the public schema.
            if found and text[at : at + 1] == ".":
                found.append("PUBLIC")
                at += 1
                continue
            raise syntax_error(f"invalid identifier '{text}'")
        found.append(fold(match[0]))
        at = match.end()
        if at == len(text):
            return tuple(found)
        if text[at] != ".":
            raise syntax_error(f"invalid identifier '{text}'")
        at += 1


def join(parts: Sequence[str]) -> str:
    """Return a written name from stored parts."""
    return ".".join(quoted(part) for part in parts)
