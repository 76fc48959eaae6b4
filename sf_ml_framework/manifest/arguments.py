"""How a node's datasets and parameters fill the arguments of its function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sf_ml_framework.author.dataset import Dataset
from sf_ml_framework.author.node import NodeConfig
from sf_ml_framework.errors import Fault, nearest
from sf_ml_framework.identifiers import why_not_version
from sf_ml_framework.manifest import signature
from sf_ml_framework.manifest.model import InputSpec, OutputSpec
from sf_ml_framework.manifest.signature import Argument, Signature


class Filled(msgspec.Struct, kw_only=True):
    """What fills the arguments of one node, and what is wrong with it."""

    inputs: tuple[InputSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    params: dict[str, Any] = {}
    param_types: dict[str, str] = {}
    reserved: tuple[str, ...] = ()
    faults: list[Fault] = []


def fill(node: NodeConfig, datasets: Mapping[str, Dataset]) -> Filled:
    """Return what fills the arguments of *node*'s function; never raises for a wrong one."""
    filled = Filled(outputs=outputs_of(node))
    asked = _read_signature(node, filled.faults)
    if asked is None:
        return filled
    arguments = {argument.name: argument for argument in asked.arguments}
    filled.faults += _unknown(node, asked, arguments)
    filled.inputs = tuple(
        _input(node, name, arguments.get(name), datasets, filled.faults) for name in node.inputs
    )
    filled.reserved = tuple(
        name
        for name in signature.RESERVED
        if name in arguments and name not in node.inputs and name not in node.params
    )
    _fill_params(node, arguments, filled)
    return filled


def outputs_of(node: NodeConfig) -> tuple[OutputSpec, ...]:
    """Return what is saved of the value that *node*'s function returns."""
    if isinstance(node.outputs, str):
        return (OutputSpec(dataset=node.outputs),)
    if isinstance(node.outputs, Mapping):
        return tuple(OutputSpec(dataset=name, key=key) for key, name in node.outputs.items())
    return tuple(OutputSpec(dataset=name) for name in node.outputs)


def split_version(text: str) -> tuple[str, str]:
    """Return dataset and version of ``raw_customers@v1.2.0``; the version is ``current`` else."""
    name, _, version = text.partition("@")
    return name, version or "current"


def _read_signature(node: NodeConfig, faults: list[Fault]) -> Signature | None:
    function: Callable[..., Any] = node.function
    qualname = getattr(function, "__qualname__", "")
    if not callable(function) or not getattr(function, "__module__", ""):
        faults.append(
            Fault(
                message=f"node {node.name!r} has the function {function!r}, which is none",
                remedy="give the function itself, as in function=preprocess_data",
                place=node.place,
            )
        )
        return None
    if "<" in qualname or not qualname:
        faults.append(
            Fault(
                message=f"node {node.name!r} has a function that cannot be found by name",
                remedy="define it with def at the top of a module: a container imports it by name",
                place=node.place,
            )
        )
        return None
    try:
        return signature.read(function)
    except (TypeError, ValueError) as error:
        faults.append(
            Fault(
                message=f"the arguments of {qualname!r} cannot be read: {error}",
                remedy="wrap it in a function of your own",
                place=node.place,
            )
        )
        return None


def _unknown(node: NodeConfig, asked: Signature, arguments: Mapping[str, Argument]) -> list[Fault]:
    """Return a fault for each name that the function does not take, or that is given twice."""
    # The brief's four-argument functions find their parameters in a plain dict.
    free = asked.takes_any or ("inputs" in arguments and "inputs" not in node.inputs)
    faults = [
        Fault(
            message=f"node {node.name!r} has the {kind} {name!r},"
            f" which {node.function.__name__}() does not take",
            remedy=nearest(name, arguments),
            place=node.place,
        )
        for kind, given in (("input", node.inputs), ("parameter", node.params))
        for name in given
        if name not in arguments and not free
    ]
    faults += [
        Fault(
            message=f"node {node.name!r} gives {name!r} both as an input and as a parameter",
            remedy="keep one of the two",
            place=node.place,
        )
        for name in node.inputs
        if name in node.params
    ]
    return faults


def _input(
    node: NodeConfig,
    name: str,
    argument: Argument | None,
    datasets: Mapping[str, Dataset],
    faults: list[Fault],
) -> InputSpec:
    text = node.inputs[name]
    dataset, version = split_version(text)
    if why := why_not_version(version):
        faults.append(
            Fault(
                message=f"node {node.name!r} reads {text!r}, whose version cannot be",
                remedy=why,
                place=node.place,
            )
        )
    declared = datasets.get(dataset)
    if argument is None or declared is None:
        return InputSpec(argument=name, dataset=dataset, version=version)
    found = signature.frame_of(argument, declared.kind)
    if found is None:
        wanted = ", ".join(signature.OF_KIND.get(declared.kind, ()))
        faults.append(
            Fault(
                message=f"argument {name!r} of node {node.name!r} is annotated"
                f" {argument.annotation!r}, as which a {declared.kind} cannot be loaded",
                remedy=f"a {declared.kind} is loaded as {wanted}; or drop the annotation",
                place=node.place,
            )
        )
    frame, dataclass = found or ("any", "")
    return InputSpec(
        argument=name, dataset=dataset, version=version, frame=frame, dataclass=dataclass
    )


def _fill_params(node: NodeConfig, arguments: Mapping[str, Argument], filled: Filled) -> None:
    given = dict(node.params)
    for name, argument in arguments.items():
        if name in node.inputs or name in filled.reserved:
            continue
        filled.param_types[name] = signature.json_type(argument)
        if name not in given and argument.required:
            filled.faults.append(
                Fault(
                    message=f"argument {name!r} of node {node.name!r} is filled by nothing",
                    remedy="name it in inputs or params, or give it a default",
                    place=node.place,
                )
            )
        elif name not in given:
            given[name] = argument.default
    for name, value in given.items():
        try:
            # Through JSON, so that a manifest that was stored equals the one that was built.
            filled.params[name] = msgspec.json.decode(msgspec.json.encode(value))
        except (TypeError, ValueError):
            filled.faults.append(
                Fault(
                    message=f"parameter {name!r} of node {node.name!r} is a"
                    f" {type(value).__name__}, which JSON cannot hold",
                    remedy="pass text, numbers, truth values, lists and dicts of them",
                    place=node.place,
                )
            )
            continue
        filled.faults += _ill_typed(node, name, filled)


def _ill_typed(node: NodeConfig, name: str, filled: Filled) -> list[Fault]:
    wanted = filled.param_types.get(name, "any")
    value = filled.params[name]
    if matches_type(value, wanted):
        return []
    return [
        Fault(
            message=f"parameter {name!r} of node {node.name!r} is {value!r}",
            remedy=f"the function asks for {wanted.replace('|', ' or ')}",
            place=node.place,
        )
    ]


_PYTHON: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def matches_type(value: Any, wanted: str) -> bool:
    """Return whether the JSON *value* is of the type *wanted*, as in ``integer|null``."""
    name, _, null = wanted.partition("|")
    if name == "any" or (value is None and null):
        return True
    if isinstance(value, bool) and name != "boolean":
        return False
    return isinstance(value, _PYTHON[name])
