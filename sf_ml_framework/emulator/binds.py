"""Put bound values and session variables into a statement's text.

Source: connector 4.8, ``connection._process_params_qmarks`` and
``converter.to_snowflake_bindings``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .faults import SnowflakeError
from .lexer import Token, quote, tokenize
from .names import join, parts_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAGE_ARGUMENTS = {"GET_PRESIGNED_URL", "BUILD_SCOPED_FILE_URL", "BUILD_STAGE_FILE_URL"}
"""Functions that take a stage without quotes."""
_SETTLED = re.compile(r"\$|@|identifier|scoped|file://|snow://", re.IGNORECASE)
_BEFORE_NUMBERED = {"(", ",", "=", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "*", "/", "||", "=>"}


def replace(text: str, tokens: list[Token], change: Callable[[int], tuple[int, str] | None]) -> str:
    """Return *text* with tokens replaced: ``change(index)`` gives (how many tokens, new text)."""
    parts: list[str] = []
    at = index = 0
    while index < len(tokens):
        changed = change(index)
        if changed is None:
            index += 1
            continue
        count, new = changed
        parts.append(text[at : tokens[index].start])
        parts.append(new)
        at = tokens[index + count - 1].end
        index += count
    parts.append(text[at:])
    return "".join(parts)


def literal(binding: Mapping[str, Any]) -> str:  # noqa: PLR0911
    """Return one bound value as SQL."""
    kind, value = str(binding.get("type", "TEXT")).upper(), binding.get("value")
    if value is None:
        return "NULL"
    text = str(value)
    match kind:
        case "FIXED":
            return _number(text)
        case "REAL":
            return f"{_number(text)}::DOUBLE"
        case "BOOLEAN":
            return "TRUE" if text.lower() in {"true", "1"} else "FALSE"
        case "DATE":
            day = (_EPOCH + timedelta(milliseconds=int(text))).date()
            return f"'{day.isoformat()}'::DATE"
        case "TIME":
            moment = _EPOCH + timedelta(microseconds=int(text) // 1000)
            return f"'{moment.time().isoformat()}'::TIME"
        case "TIMESTAMP_NTZ":
            return f"'{_moment(text)}'::TIMESTAMP_NTZ"
        case "TIMESTAMP_LTZ" | "TIMESTAMP_TZ":
            return f"'{_moment(text.partition(' ')[0])}+00:00'::TIMESTAMP_LTZ"
        case "BINARY":
            return f"TO_BINARY({quote(text)}, 'HEX')"
        case "VARIANT" | "OBJECT" | "ARRAY":
            return f"PARSE_JSON({quote(text)})"
        case _:
            return quote(text)


def _number(text: str) -> str:
    try:
        float(text)
    except ValueError:
        message = f"Numeric value '{text}' is not recognized"
        raise SnowflakeError(message, number=100038, state="22018") from None
    return f"({text})" if text.startswith("-") else text


def _moment(nanoseconds: str) -> str:
    moment = _EPOCH + timedelta(microseconds=int(nanoseconds) // 1000)
    return moment.replace(tzinfo=None).isoformat(sep=" ")


def bind(text: str, bindings: Mapping[str, Mapping[str, Any]] | None) -> str:
    """Return *text* with ``?`` and ``:1`` replaced; ``IDENTIFIER(?)`` becomes the name itself."""
    if not bindings:
        return text
    if any(isinstance(one.get("value"), list) for one in bindings.values()):
        return _bind_rows(text, bindings)
    return _filled(text, tokenize(text), bindings)


def _filled(text: str, tokens: list[Token], bindings: Mapping[str, Mapping[str, Any]]) -> str:
    """Return *text*, whose tokens are *tokens*, with one value in each place."""
    taken = 0

    def change(index: int) -> tuple[int, str] | None:
        nonlocal taken
        token = tokens[index]
        if token.kind == "BIND":
            taken += 1
            key = str(taken)
        elif token.text == ":" and _numbered(tokens, index):
            key = tokens[index + 1].text
        else:
            return None
        if key not in bindings:
            raise SnowflakeError(
                f"SQL compilation error:\nBind variable {token.text} not set.",
                number=2049,
                state="42601",
            )
        return 1 if token.kind == "BIND" else 2, literal(bindings[key])

    return replace(text, tokens, change)


def _numbered(tokens: list[Token], index: int) -> bool:
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    if following is None or following.kind not in {"NUMBER", "WORD"}:
        return False
    if following.kind == "WORD" or following.start != tokens[index].end:
        return False
    before = tokens[index - 1]
    return (
        index == 0
        or before.text in _BEFORE_NUMBERED
        or (
            # v:1 is a path into a variant; a bind stands apart from the word before it.
            before.kind == "WORD" and before.end < tokens[index].start
        )
    )


def _bind_rows(text: str, bindings: Mapping[str, Mapping[str, Any]]) -> str:
    """Expand ``VALUES (?, ?)`` for an array binding, one tuple for each row.

    Source: Snowflake, "Array binding": one INSERT with arrays as values.
    """
    tokens = tokenize(text)
    places = [i for i, t in enumerate(tokens) if t.text.upper() == "VALUES"]
    start = next((i for i in reversed(places) if tokens[i + 1].text == "("), None)
    if start is None:
        raise SnowflakeError(
            "SQL compilation error:\nArray Bind currently not supported for this statement.",
            number=2099,
            state="42601",
        )
    depth, end = 0, start + 1
    for end in range(start + 1, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[end].text, 0)
        if depth == 0:
            break
    group = text[tokens[start + 1].start : tokens[end].end]
    places_of_row = tokenize(group)
    columns = [bindings[str(i + 1)] for i in range(len(bindings))]
    many = max(len(c["value"]) for c in columns if isinstance(c.get("value"), list))
    made = []
    for row in range(many):
        values = {
            str(i + 1): {
                **c,
                "value": c["value"][row] if isinstance(c["value"], list) else c["value"],
            }
            for i, c in enumerate(columns)
        }
        made.append(_filled(group, places_of_row, values))
    return text[: tokens[start + 1].start] + ", ".join(made) + text[tokens[end].end :]


def settle(text: str, tokens: list[Token], variables: Mapping[str, Any]) -> str:
    """Return *text* with ``$name``, ``IDENTIFIER('..')`` and ``SCOPED TEMPORARY`` made plain.

    Raises:
        SnowflakeError: a session variable that is not set.
    """
    if not _SETTLED.search(text):
        return text

    def change(index: int) -> tuple[int, str] | None:
        token = tokens[index]
        if token.kind == "VARIABLE" and not token.text[1:].isdigit():
            return 1, _variable(_set(token, variables))
        if (
            token.word == "SCOPED"
            and tokens[index + 1 : index + 2]
            and tokens[index + 1].word
            in {
                "TEMPORARY",
                "TEMP",
            }
        ):
            return 1, ""
        if (
            token.kind in {"STAGE", "FILE"}
            and index > 1
            and tokens[index - 2].word in _STAGE_ARGUMENTS
        ):
            return 1, quote(token.text)
        if token.kind == "FILE" and index and tokens[index - 1].word == "FROM":
            return 1, quote(token.text)  # FROM snow://dataset/..., which sqlglot cannot read
        return _identifier(tokens, index, variables)

    return replace(text, tokens, change)


def _set(token: Token, variables: Mapping[str, Any]) -> Any:
    name = token.text[1:].upper()
    if name not in variables:
        raise SnowflakeError(
            f"SQL compilation error:\nerror line 1 at position {token.start}\n"
            f"Session variable '{token.text.upper()}' does not exist",
            number=2211,
            state="02000",
        )
    return variables[name]


def _identifier(
    tokens: list[Token], index: int, variables: Mapping[str, Any]
) -> tuple[int, str] | None:
    if tokens[index].word != "IDENTIFIER" or len(tokens) < index + 4:
        return None
    opening, inner, closing = tokens[index + 1 : index + 4]
    if opening.text != "(" or closing.text != ")":
        return None
    if inner.kind in {"STRING", "DOLLAR"}:
        return 4, join(parts_of(inner.value))
    if inner.kind == "VARIABLE" and inner.text[1:].upper() in variables:
        return 4, join(parts_of(str(variables[inner.text[1:].upper()])))
    return None


def _variable(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    return str(value) if isinstance(value, int | float) else quote(str(value))
