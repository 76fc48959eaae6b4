"""What a task tells of its node: JSON in the task's return value, which has room for 10 kB.

It is the one word of a container that stands in the account's own history of tasks, so it says how
the node ended, why, and what to do; outputs and metrics as far as there is room.

Source: Snowflake, "SYSTEM$SET_RETURN_VALUE".
"""

from __future__ import annotations

from typing import Any

import msgspec

from sf_ml_framework.run.outcome import failure_of
from sf_ml_framework.run.records import NodeRun

LEFT_OUT = "_left_out"
"""Ends the key that counts what of a mapping there was no room for: ``metrics_left_out``."""

_ROOM_FOR_COUNT = len(f',"metrics{LEFT_OUT}":1000000000')
_SHORTEST = 60
"""Bytes below which a piece of a text says nothing."""


def outcome(node_run: NodeRun, longest: int) -> str:
    """Return what *node_run* came to, as JSON of at most *longest* bytes."""
    told: dict[str, Any] = {
        "node": node_run.node,
        "run_id": node_run.run_id,
        "status": node_run.status,
        "reason": node_run.reason.kind,
        "seconds": round(node_run.seconds, 3),
        "detail": node_run.reason.detail,
    }
    if node_run.error:
        told |= {"error": node_run.error, "remedy": node_run.remedy}
        told["exit_code"] = node_run.exit_code
    told["outputs"] = {f"{saved.dataset}@{saved.version}": saved.rows for saved in node_run.outputs}
    told["metrics"] = node_run.metrics
    return within(told, longest)


def refusal(node: str, run_id: str, error: Exception, longest: int) -> str:
    """Return why *node* could not run, as JSON of at most *longest* bytes."""
    failure = failure_of(error)
    told = {"node": node, "run_id": run_id, "status": "failed", "exit_code": failure.exit_code}
    return within({**told, "error": failure.error, "remedy": failure.remedy}, longest)


def within(told: dict[str, Any], longest: int) -> str:
    """Return *told* as JSON, its last entries cut or left out where it would be too long.

    A text is cut, for its beginning tells most; of a mapping the first entries stay.

    Args:
        told: what JSON can hold.
        longest: bytes of UTF-8.
    """
    kept = dict(told)
    for key in reversed(told):
        over = len(_json(kept)) - longest
        if over <= 0:
            break
        value = kept.pop(key)
        room = len(_json(value)) - over
        if isinstance(value, str) and room > _SHORTEST:
            kept[key] = _beginning(value, room)
        elif isinstance(value, dict):
            some = _first(value, room - _ROOM_FOR_COUNT)
            if some:
                kept[key] = some
                kept[f"{key}{LEFT_OUT}"] = len(value) - len(some)
    return _json(kept).decode()


def _beginning(text: str, room: int) -> str:
    """Return as much of *text* as takes at most *room* bytes of JSON."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(_json(text[:middle] + "...")) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "..."


def _first(values: dict[str, Any], room: int) -> dict[str, Any]:
    """Return the first entries of *values* that take at most *room* bytes of JSON together."""
    some: dict[str, Any] = {}
    used = len("{}")
    for name, value in values.items():
        used += len(_json({name: value})) - len("{}") + len(",")
        if used > room:
            break
        some[name] = value
    return some


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # Half a character, as in the name of a file that is no UTF-8.
        return msgspec.json.encode(_whole(value))


def _whole(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {_whole(name): _whole(one) for name, one in value.items()}
        case _:
            return value
