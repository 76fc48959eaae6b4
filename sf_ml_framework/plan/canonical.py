"""One form for values that Snowflake writes in several ways, so that a plan shows no ghosts."""

from __future__ import annotations

import json
import re
from typing import Any

_PARTS = re.compile(r"\$\$.*?\$\$|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|\s+", re.DOTALL)
_TYPES = {
    "TEXT": "VARCHAR",
    "STRING": "VARCHAR",
    "CHAR": "VARCHAR",
    "NUMBER": "NUMBER(38,0)",
    "INT": "NUMBER(38,0)",
    "INTEGER": "NUMBER(38,0)",
    "BIGINT": "NUMBER(38,0)",
    "DOUBLE": "FLOAT",
    "REAL": "FLOAT",
}


def sql(text: str) -> str:
    """Return a statement with its white space evened out, outside of quotes alone.

    A specification between dollar signs keeps its lines, without white space at their ends.
    """
    return _PARTS.sub(_even, text.replace("\r\n", "\n")).strip().rstrip(";").rstrip()


def _even(match: re.Match[str]) -> str:
    part = match[0]
    if part.startswith("$$"):
        lines = [line.rstrip() for line in part[2:-2].strip("\n").splitlines()]
        return "$$" + "\n".join(lines) + "$$"
    if part.startswith("--"):
        return part.rstrip() + "\n"
    return part if part[0] in "'\"" else " "


def json_text(text: str) -> str:
    """Return JSON as the one text that stands for its value; what is no JSON as it is."""
    if not text.strip():
        return ""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return "" if value in (None, {}) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def schedule(text: str) -> str:
    """Return a schedule as Snowflake shows it or as a person writes it: one text for both."""
    words = text.split()
    if len(words) == 2 and words[0].isdigit():
        return f"{int(words[0])} {words[1].upper().rstrip('S')[:6]}"
    if [word.upper() for word in words[:2]] == ["USING", "CRON"]:
        return " ".join(["USING", "CRON", *words[2:]])
    return " ".join(words)


def column_type(text: str) -> str:
    """Return a column's type without what every column of it has."""
    upper = re.sub(r"\s+", "", text.upper())
    upper = re.sub(r"^(VARCHAR|TEXT|STRING)\(\d+\)$", "VARCHAR", upper)
    return _TYPES.get(upper, upper)


def plain(text: str) -> str:
    """Return *text* as it is; SHOW gives ``null`` for what was never set."""
    return "" if text.lower() == "null" else text


def value(field: str, given: Any) -> Any:
    """Return a property of a task, a pool, a view or an alert as it is compared."""
    match field:
        case "body" | "condition" | "action":
            return sql(given)
        case "config":
            return json_text(given)
        case "schedule":
            return schedule(plain(given))
        case "after":
            return tuple(sorted(set(given)))
        case "error_integration" | "success_integration" | "warehouse":
            return plain(given).upper()
        case _:
            return given
