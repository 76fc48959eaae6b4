"""Dicts, lists, texts and whole numbers as YAML: a specification, and no more of the language.

Written here because a library written in Python takes four milliseconds for one job, which is two
seconds for a large graph, and one written in C does not indent lists as people do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

Value = str | int | Sequence["Value"] | Mapping[str, "Value"]

_PLAIN = re.compile(r"(?:--)?[A-Za-z_/](?:[\w./@:+=-]*[\w/])?|\d+(?:[KMGT]i?|m)", re.ASCII)
"""A text that needs no quotes: no white space, no mark of YAML's, no number but a quantity."""

_WORDS = frozenset("true false yes no on off null nan inf y n".split())
"""Texts that some readers take for a truth value or for nothing."""

_SHOWN = re.compile(
    "|".join(
        (
            r"[ !#-\[\]-~]",
            "[\u00a0-\u2027\u202a-\ud7ff]",
            "[\ue000-\ufefe\uff00-\ufffd]",
            "[\U00010000-\U0010ffff]",
        )
    )
)
"""What YAML can show as it is between double quotes."""


def dump(value: Mapping[str, Value]) -> str:
    """Return *value* as YAML, keys in their order; any reader reads the same value back.

    Raises:
        ValueError: a text holds half of a character, which no file can hold.
    """
    return "".join(f"{line}\n" for line in _lines(value, ""))


def _lines(value: Mapping[str, Value] | Sequence[Value], indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entry(f"{indent}{scalar(key)}:", inner, indent)
        return
    for inner in value:
        if isinstance(inner, Mapping) and inner:
            first, *rest = _lines(inner, f"{indent}  ")
            yield f"{indent}- {first.lstrip(' ')}"
            yield from rest
        else:
            yield from _entry(f"{indent}-", inner, indent)


def _entry(head: str, value: Value, indent: str) -> Iterator[str]:
    if isinstance(value, str | int):
        yield f"{head} {scalar(value)}"
    elif not value:
        yield f"{head} {'{}' if isinstance(value, Mapping) else '[]'}"
    else:
        yield head
        yield from _lines(value, f"{indent}  ")


def scalar(value: str | int) -> str:
    """Return a text or a whole number; a text is quoted where it could be read as another thing."""
    if isinstance(value, int):
        return f"{value:d}"
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return '"' + "".join(map(_letter, value)) + '"'


def _letter(letter: str) -> str:
    if _SHOWN.fullmatch(letter):
        return letter
    if letter in '"\\':
        return f"\\{letter}"
    code = ord(letter)
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError(f"{letter!r} is half of a character")
    return {"\n": "\\n", "\t": "\\t"}.get(letter) or f"\\u{code:04x}"
