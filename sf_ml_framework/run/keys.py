"""Keys of nodes: values in canonical form, and how two keys differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from sf_ml_framework.run.records import NodeKey, Reason
from sf_ml_framework.run.source_graph import WHOLE_PROJECT

_ENCODER = msgspec.json.Encoder(order="sorted")
_LARGEST = 2**63
_SHOWN = 40
"""Characters of a value that a reason shows."""

_CATALOG = "catalog:"


def canonical(value: Any) -> Any:
    """Return *value* such that JSON holds it without loss: 1 is not 1.0, and NaN stays NaN."""
    match value:
        case Mapping():
            return {_name(name): canonical(each) for name, each in value.items()}
        case list() | tuple():
            return [canonical(each) for each in value]
        case set() | frozenset():
            return {"$set": sorted((canonical(each) for each in value), key=_ENCODER.encode)}
        case _:
            return _canonical_scalar(value)


def catalog_name(dataset: str) -> str:
    """Return the name under which a key holds what the catalog says of *dataset*."""
    return _CATALOG + dataset


def differences(
    old: NodeKey, new: NodeKey, *, function: str, kinds: Mapping[str, str]
) -> Iterator[Reason]:
    """Yield what differs between two keys of one node, the most telling first.

    Args:
        old: the key of the last success.
        new: the key of now.
        function: the node's ``module:qualname``.
        kinds: what each piece of *new*'s code is.
    """
    if old.scheme != new.scheme:
        detail = f"keys are made in another way: scheme {old.scheme} → {new.scheme}"
        yield Reason(kind="scheme_changed", detail=detail)
    yield from _code(old.code, new.code, function, kinds)
    for name, before, after in _changed(old.params, new.params):
        yield Reason(kind="params_changed", detail=f"{name}: {before} → {after}")
    yield from _inputs(old.inputs, new.inputs)
    for name, before, after in _changed(old.libraries, new.libraries, plain=True):
        yield Reason(kind="library_changed", detail=f"{name}: {before} → {after}")
    for name, before, after in _changed(old.outputs, new.outputs, plain=True):
        yield Reason(kind="binding_changed", detail=f"output {name}: {before} → {after}")


def _code(
    old: Mapping[str, str], new: Mapping[str, str], function: str, kinds: Mapping[str, str]
) -> Iterator[Reason]:
    own = function.partition(":")[2]
    changed = [name for name in new if name in old and old[name] != new[name]]
    for name in sorted(changed, key=lambda name: (name != function, name)):
        yield Reason(kind="code_changed", detail=f"{name} ({_role(name, own, function, kinds)})")
    for name in sorted(set(new) - set(old)):
        role = f"{kinds.get(name, 'code')} that {own} now reaches"
        yield Reason(kind="code_changed", detail=f"{name} ({role})")
    for name in sorted(set(old) - set(new)):
        yield Reason(kind="code_changed", detail=f"{name} ({own} no longer reaches it)")


def _role(name: str, own: str, function: str, kinds: Mapping[str, str]) -> str:
    kind = kinds.get(name, "code")
    if name == function:
        return "the node's own function"
    if name == WHOLE_PROJECT:
        return kind
    if name.startswith(_CATALOG):
        return "columns or checks of the dataset"
    if kind == "argument":
        return "type as which the argument is asked for"
    if kind == "statements":
        return f"statements of a module that {own} imports"
    return f"{kind} that {own} reaches"


def _inputs(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Reason]:
    rebound = {}
    for name in old.keys() | new.keys():
        before, after = (each.get(name, "").rpartition("#")[0] for each in (old, new))
        if before != after:
            rebound[name] = f"input {name}: {before or 'none'} → {after or 'none'}"
    for name in sorted(new):
        if name not in rebound and old[name] != new[name]:
            yield Reason(kind="input_changed", detail=new[name].rpartition("#")[0])
    for name in sorted(rebound):
        yield Reason(kind="binding_changed", detail=rebound[name])


def _changed(
    old: Mapping[str, Any], new: Mapping[str, Any], *, plain: bool = False
) -> Iterator[tuple[str, str, str]]:
    """Yield name, value before and value now, by their canonical texts: 1 is not 1.0."""
    for name in sorted(old.keys() | new.keys()):
        before, after = (
            _ENCODER.encode(each[name]).decode() if name in each else "none" for each in (old, new)
        )
        if before != after:
            yield name, _short(before, plain=plain), _short(after, plain=plain)


def _short(text: str, *, plain: bool) -> str:
    text = text.strip('"') if plain else text
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _canonical_scalar(value: object) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -_LARGEST <= value < _LARGEST else {"$int": str(value)}
        case float():
            return value if math.isfinite(value) else {"$float": str(value)}
        case _:
            return {"$other": f"{type(value).__qualname__} {value!r}"}


def _name(name: object) -> str:
    # A name of the author's that looks like a mark of ours gets one more sign.
    text = name if isinstance(name, str) else f"$key {canonical(name)!r}"
    return f"${text}" if isinstance(name, str) and text.startswith("$") else text
