"""Documents: a dict or a dataclass as JSON that a person can read, and back."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import Frame


def encoded(value: Any, what: str) -> bytes:
    """Return a dict, a struct or a dataclass as JSON, the same bytes for equal values.

    Args:
        value: the document.
        what: the document for a person, at the head of a message.

    Raises:
        DataError: it is none of these, or JSON would lose something of it.
    """
    if not (isinstance(value, Mapping | msgspec.Struct) or dataclasses.is_dataclass(value)):
        raise DataError(
            f"{what} cannot be made of a {type(value).__name__}",
            remedy="return a dict or a dataclass",
        )
    text = json.dumps(plain_json(value, what), indent=1, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode("utf-8", "surrogatepass")


def decoded(data: bytes, frame: Frame, dataclass: str, what: str) -> Any:
    """Return the document in *data* as a dict, or as the *dataclass* of that name.

    Raises:
        DataError: it is no JSON, does not fit the dataclass, or is asked for as something else.
    """
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{what} is no JSON: {error}", remedy="mend the file") from error
    match frame:
        case "document" | "any":
            return value
        case "dataclass":
            return _as_dataclass(value, dataclass, what)
    raise DataError(
        f"{what} is a document, and cannot be given as a {frame}",
        remedy="annotate the argument as dict, or with a dataclass",
    )


def plain_json(value: Any, what: str) -> Any:
    """Return *value* as JSON holds it: NumPy's numbers as Python's, times in ISO 8601.

    Raises:
        DataError: something in it would be lost; says where.
    """
    return _plain(value, "", what)


def _plain(value: Any, at: str, what: str) -> Any:
    if value is None or (isinstance(value, bool | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, at, what)
    if isinstance(value, float) and not math.isfinite(value):
        raise DataError(
            f"{what}: {at or 'it'} is {value}, which JSON cannot hold",
            remedy="write None, or leave it out",
        )
    if isinstance(value, int | float):
        return float(value) if isinstance(value, float) else int(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | Path):
        return str(value)
    return _plain_container(value, at, what)


def _plain_container(value: Any, at: str, what: str) -> Any:
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return _plain_items(fields, at, what)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return _plain_items(fields, at, what)
    if isinstance(value, Mapping):
        return _plain_items(value, at, what)
    if isinstance(value, list | tuple):
        return [_plain(each, f"{at}[{index}]", what) for index, each in enumerate(value)]
    if isinstance(value, set | frozenset):
        return [_plain(each, at, what) for each in sorted(value)]
    # NumPy's scalars and arrays, and pandas' timestamps, without importing either.
    for method in ("tolist", "item"):
        convert = getattr(value, method, None)
        if callable(convert) and type(value).__module__.partition(".")[0] in ("numpy", "pandas"):
            return _plain(convert(), at, what)
    raise DataError(
        f"{what}: {at or 'it'} is a {type(value).__name__}, which JSON cannot hold",
        remedy="turn it into numbers, texts, lists and dicts",
    )


def _plain_items(items: Mapping[Any, Any], at: str, what: str) -> dict[str, Any]:
    plain = {}
    for key, each in items.items():
        if not isinstance(key, str):
            raise DataError(
                f"{what}: {at or 'it'} has the key {key!r}, which JSON would make a text",
                remedy="use texts as keys",
            )
        plain[str(key)] = _plain(each, f"{at}.{key}" if at else str(key), what)
    return plain


def _as_dataclass(value: Any, name: str, what: str) -> Any:
    module, _, qualname = name.partition(":")
    kind: Any = import_module(module)
    for part in qualname.split("."):
        kind = getattr(kind, part)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise DataError(
            f"{what} does not fit {qualname}: {error}",
            remedy="run the node that makes it again, or mend the dataclass",
        ) from error
