"""The shapes of what a client sends: statements and REST calls with values and random names out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[2] / "golden" / "client_statements"
_TEXT = re.compile(r"\$\$.*?\$\$|'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_PATH = re.compile(r"(file|snow)://[^\s;,'\")]+")
_UUID = re.compile(
    r"[0-9a-f]{8}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{12}", re.IGNORECASE
)
# Ten letters and digits drawn at random: one such name in twenty-six has no digit, so that only
# what stands before it tells it from a word.
_DRAWN = re.compile(
    r"\b(SNOWPARK_TEMP(?:_[A-Z]+)+|\w+_INFERENCE_INPUT|TMP_RESULT)_[A-Z0-9]{10}\b", re.IGNORECASE
)
_RANDOM = re.compile(r"_(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{8,}\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w\"])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b", re.IGNORECASE)
_LIST = re.compile(r"(\((?:[?#](?: :: \w+(?:\(#\))?)?,? ?)+\))(?:,? \1)+")
_SPACE = re.compile(r"\s+")


def shape(sql: str) -> str:
    """Return *sql* with texts as ``?``, numbers as ``#``, random parts of names as ``~``."""
    made = _PATH.sub(r"\1://~", sql)
    made = _TEXT.sub("?", made)
    made = _UUID.sub("~", made)
    made = _DRAWN.sub(r"\1_~", made)
    made = _RANDOM.sub("_~", made)
    made = _NUMBER.sub("#", made)
    made = _SPACE.sub(" ", made).strip()
    return _LIST.sub(r"\1, ..", made)


def shapes(lines: Iterable[dict[str, Any]]) -> list[str]:
    """Return the different shapes of a record's statements and REST calls, sorted."""
    found = set()
    for line in lines:
        if line["what"] == "statement":
            found.add(shape(line["sql"]))
        elif line["what"] == "rest":
            found.add("REST " + _NUMBER.sub("#", _UUID.sub("~", line["route"])))
    return sorted(found)


def differences(client: str, found: list[str], *, record: bool) -> str:
    """Return how *found* differs from the golden file, or write it when *record*."""
    file = GOLDEN / f"{client}.json"
    if record:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return ""
    known = json.loads(file.read_text(encoding="utf-8"))
    new = [f"+ {one}" for one in found if one not in known]
    gone = [f"- {one}" for one in known if one not in found]
    return "\n".join([*new, *gone])
