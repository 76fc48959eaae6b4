"""What a person changes for one run: ``--inputs``, ``--outputs`` and ``--params``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NoReturn

import msgspec

from sf_ml_framework.errors import UsageError

_NEAR = 12
"""Characters shown on each side of the place where JSON breaks."""


class Overrides(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What this run changes of what the nodes declare.

    A key is ``node.name`` for one node, or a bare ``name`` for every selected node that has it.
    """

    inputs: dict[str, Any] = {}
    """Parameters, and datasets of arguments."""
    outputs: dict[str, Any] = {}
    """Output key or dataset → ``name@version``."""
    params: dict[str, str] = {}
    """Parameters as typed after ``--params``; read as the type that each function asks for."""

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs or self.params)


def parse(inputs: str = "", outputs: str = "", params: Iterable[str] = ()) -> Overrides:
    """Return the overrides that a command line holds; empty texts change nothing.

    Raises:
        UsageError: a text is no JSON object, or a parameter is no ``name=value``.
    """
    return Overrides(
        inputs=_json_object(inputs, "--inputs"),
        outputs=_json_object(outputs, "--outputs"),
        params=_assignments(params),
    )


def _json_object(text: str, option: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    remedy = f"""write a JSON object, as in {option} '{{"name": "value"}}'"""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        near = text[max(0, error.pos - _NEAR) : error.pos + _NEAR]
        raise UsageError(
            f"{option} is no JSON: {error.msg} at line {error.lineno}, column {error.colno},"
            f" near {near!r}",
            remedy=remedy,
        ) from None
    except ValueError as error:
        raise UsageError(f"{option} is no JSON: {error}", remedy=remedy) from None
    if not isinstance(value, dict):
        raise UsageError(f"{option} is JSON, but no object: {text.strip()[:40]}", remedy=remedy)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in it")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"JSON has no {text}")


def _assignments(texts: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(
                f"--params {text!r} names no parameter and value",
                remedy="write --params name=value",
            )
        found[name.strip()] = value
    return found
