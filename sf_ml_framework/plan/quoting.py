"""What cannot be bound in a statement, quoted: the one place where text becomes SQL.

DDL takes no binds, so names and values of a deployment go through here and nowhere else.

Source: Snowflake, "Identifier requirements", "String & binary data types" (escape sequences).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sf_ml_framework.errors import SettingsError
from sf_ml_framework.identifiers import why_not_identifier

_WORD = re.compile(r"[A-Z][A-Z_ ]*")


def name(text: str) -> str:
    """Return a name of one to three parts as SQL, unquoted: quotes are not for services and pools.

    Raises:
        SettingsError: a part is no unquoted identifier.
    """
    parts = text.split(".")
    for part in parts:
        why = why_not_identifier(part) if len(parts) <= 3 else "it has more than three parts"
        if why:
            raise SettingsError(
                f"{text!r} cannot be a name in Snowflake: {why}",
                remedy="choose another in mlops.yml or in the pipeline",
            )
    return text


def names(texts: Iterable[str]) -> str:
    """Return names joined by commas."""
    return ", ".join(map(name, texts))


def word(text: str) -> str:
    """Return a keyword of ours, such as a privilege or the kind of an object.

    Raises:
        ValueError: it is none.
    """
    if not _WORD.fullmatch(text):
        raise ValueError(f"{text!r} is no keyword")
    return text


def literal(text: str) -> str:
    """Return *text* as a string constant; every text can be one but for NUL.

    Raises:
        SettingsError: it holds NUL, which no client can send.
    """
    if "\0" in text:
        raise SettingsError(f"{text!r} holds a NUL", remedy="leave it out")
    for plain, escaped in _ESCAPES:
        text = text.replace(plain, escaped)
    return f"'{text}'"


# The backslash first, or the others' would be doubled. A line end as an escape keeps one
# statement on the lines that a reader expects; Snowflake reads both alike.
_ESCAPES = (("\\", "\\\\"), ("'", "''"), ("\n", "\\n"), ("\r", "\\r"))


def dollar(text: str, what: str) -> str:
    """Return *text* between two dollar signs, where nothing is an escape.

    Args:
        text: what to quote.
        what: what it is, for the error.

    Raises:
        SettingsError: it holds two dollar signs, which would end it and let the rest be SQL.
    """
    if "$$" in text or text.endswith("$") or "\0" in text:
        raise SettingsError(
            f"{what} holds '$$', which would end it in SQL",
            remedy="take the dollar signs out of the node's or the target's values",
        )
    return f"$${text}$$"
