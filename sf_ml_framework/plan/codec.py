"""Plans and observed states as files: complete in themselves, the same bytes for the same value."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.plan.changes import Plan
from sf_ml_framework.plan.objects import FORMAT, Observed

_ENCODER = msgspec.json.Encoder(order="sorted")

T = TypeVar("T", Plan, Observed)


def encode(value: Plan | Observed) -> bytes:
    """Return *value* as indented JSON with sorted keys and a line end; ``decode`` reads it."""
    return msgspec.json.format(_ENCODER.encode(value), indent=1) + b"\n"


def decode(data: bytes, kind: type[T], origin: str) -> T:
    """Return the value that *data* holds.

    Args:
        data: what ``encode`` made.
        kind: what it should be.
        origin: where it is from, for the error.

    Raises:
        OperatorError: it is another thing, or of another format.
    """
    what, command = _WORDS[kind]
    try:
        value = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{origin} is no {what}: {error}", remedy=command) from error
    if value.format != FORMAT:
        raise OperatorError(
            f"{origin} has format {value.format}, and this version reads {FORMAT}", remedy=command
        )
    return value


def read_plan(file: Path) -> Plan:
    """Return the plan that ``mlops plan --out`` wrote.

    Raises:
        OperatorError: it cannot be read, or is none.
    """
    return decode(_bytes(file), Plan, str(file))


def read_state(file: Path) -> Observed:
    """Return the state that ``mlops state pull`` wrote.

    Raises:
        OperatorError: it cannot be read, or is none.
    """
    return decode(_bytes(file), Observed, str(file))


_WORDS: dict[type, tuple[str, str]] = {
    Plan: ("plan", "make it again: mlops plan --out FILE"),
    Observed: ("state", "make it again: mlops state pull --out FILE"),
}


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise OperatorError(
            f"{file} cannot be read: {error.strerror or error}", remedy="name a file that exists"
        ) from error
