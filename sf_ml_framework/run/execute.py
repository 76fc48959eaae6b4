"""Run one node once: the same function in a container and on a laptop."""

from __future__ import annotations

import importlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from sf_ml_framework.errors import FrameworkError, NodeError
from sf_ml_framework.manifest.model import DatasetSpec, NodeSpec
from sf_ml_framework.run import memory
from sf_ml_framework.run.bindings import Bindings, OutputBinding, looks_like_path
from sf_ml_framework.run.outcome import Failure, LoadingError, Outcome, ResultError, failure_of
from sf_ml_framework.run.ports import Place
from sf_ml_framework.run.records import Saved
from sf_ml_framework.run.trace import author_trace, one_line

_TAKES_ANY = 0x08
"""Flag of a code object that takes ``**kwargs``: ``inspect.CO_VARKEYWORDS``."""

LARGEST_RETURN_VALUE = 64 * 1024
"""Bytes of JSON that a journal keeps of what a node without outputs returns."""


def attempt(
    node: NodeSpec, bindings: Bindings, datasets: Mapping[str, DatasetSpec], place: Place
) -> Outcome | Failure:
    """Run *node* once and return what came of it; only what stops the process passes through."""
    memory.reset_peak()
    began = time.perf_counter()
    result: Outcome | Failure
    try:
        result = execute(node, bindings, datasets, place)
    except Exception as error:  # noqa: BLE001 -- errors are data from here on
        result = failure_of(error)
    return msgspec.structs.replace(
        result,
        seconds=time.perf_counter() - began,
        peak_memory_bytes=memory.peak_bytes(),
    )


def execute(
    node: NodeSpec, bindings: Bindings, datasets: Mapping[str, DatasetSpec], place: Place
) -> Outcome:
    """Run *node*: load what its function takes, call it, save what it returns.

    Args:
        node: what to run.
        bindings: what fills it; versions of inputs are resolved.
        datasets: the catalog, at least what *bindings* names.
        place: where data is loaded from and saved to.

    Raises:
        NodeError: the author's function failed or returned something else than declared.
        DataError: an input or an output is not what the catalog promises.
    """
    function = _function(node)
    arguments = _arguments(function, node, bindings, datasets, place)
    returned = _call(function, node, arguments)
    # What was loaded may be large, and is of no use while the results are saved.
    arguments.clear()
    values = _values(node.name, bindings.outputs, returned)
    saved = tuple(_save(node, datasets[each.dataset], each, value, place) for each, value in values)
    return Outcome(
        outputs=saved,
        metrics=_metrics([(each.dataset, value) for each, value in values]),
        return_value=None if bindings.outputs else _json_or_none(returned),
    )


def _function(node: NodeSpec) -> Callable[..., Any]:
    module_name, _, qualname = node.function.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in qualname.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise LoadingError(
            f"node {node.name!r} cannot be imported: {one_line(error)}",
            node=node.name,
            kind=type(error).__name__,
            trace=author_trace(error),
            remedy=f"mend what importing {module_name} needs",
        ) from error
    return found  # type: ignore[no-any-return]


def _arguments(
    function: Callable[..., Any],
    node: NodeSpec,
    bindings: Bindings,
    datasets: Mapping[str, DatasetSpec],
    place: Place,
) -> dict[str, Any]:
    """Return what *function* is called with; only what it takes is loaded."""
    parameters, takes_any = _parameters(function)
    reserved = _reserved(node, bindings, place)
    filled: dict[str, Any] = {name: reserved[name]() for name in node.reserved}
    filled |= {
        name: value for name, value in bindings.params.items() if takes_any or name in parameters
    }
    for spec in bindings.inputs:
        if takes_any or spec.argument in parameters:
            filled[spec.argument] = place.load(
                datasets[spec.dataset], spec.version, frame=spec.frame, dataclass=spec.dataclass
            )
    return filled


def _parameters(function: Callable[..., Any]) -> tuple[Collection[str], bool]:
    """Return the names that *function* takes, and whether it takes any other besides."""
    code = getattr(function, "__code__", None)
    if code is not None and not hasattr(function, "__wrapped__"):
        # What inspect would find, without importing it into every worker.
        count = code.co_argcount + code.co_kwonlyargcount
        return code.co_varnames[:count], bool(code.co_flags & _TAKES_ANY)
    import inspect

    parameters = inspect.signature(function).parameters
    return parameters, any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def _reserved(node: NodeSpec, bindings: Bindings, place: Place) -> dict[str, Callable[[], Any]]:
    """Return how to get each reserved argument: asking a place for its objects may be slow."""
    return {
        "feature_store": lambda: place.feature_store,
        "model_registry": lambda: place.model_registry,
        "inputs": lambda: {
            **{each.argument: _text(each.dataset, each.version) for each in bindings.inputs},
            **bindings.params,
            **bindings.more_inputs,
        },
        "outputs": lambda: {
            **{
                each.key or each.declared: _text(each.dataset, each.version)
                for each in bindings.outputs
            },
            **bindings.more_outputs,
        },
    }


def _text(dataset: str, version: str) -> str:
    return version if looks_like_path(version) else f"{dataset}@{version}"


def _call(function: Callable[..., Any], node: NodeSpec, arguments: Mapping[str, Any]) -> Any:
    try:
        return function(**arguments)
    except Exception as error:
        raise NodeError(
            f"node {node.name!r} failed: {one_line(error)}",
            node=node.name,
            kind=type(error).__name__,
            trace=author_trace(error),
        ) from error
    except SystemExit as error:
        raise NodeError(
            f"node {node.name!r} called sys.exit({'' if error.code is None else repr(error.code)})",
            node=node.name,
            kind="exit",
            trace=author_trace(error),
            remedy="return from the function, or raise an error that says what is wrong",
        ) from error


def _values(
    node: str, outputs: Sequence[OutputBinding], returned: Any
) -> list[tuple[OutputBinding, Any]]:
    """Return each output with its value.

    Raises:
        ResultError: *returned* does not fit the outputs.
    """
    if not outputs:
        return []
    if any(output.key for output in outputs):
        fits = isinstance(returned, Mapping) and set(returned) == {each.key for each in outputs}
        values = [returned[each.key] for each in outputs] if fits else []
        wanted = f"a dict with the keys {_list(each.key for each in outputs)}"
    elif len(outputs) == 1:
        fits, values, wanted = returned is not None, [returned], f"{outputs[0].declared!r}"
    else:
        fits = isinstance(returned, tuple | list) and len(returned) == len(outputs)
        values = list(returned) if fits else []
        wanted = f"{len(outputs)} values, {_list(each.declared for each in outputs)}"
    if not fits:
        raise ResultError(
            f"node {node!r} returned {_described(returned)}, and its outputs ask for {wanted}",
            node=node,
            remedy="let the function return what `outputs` of its NodeConfig names",
        )
    for output, value in zip(outputs, values, strict=True):
        if value is None:
            raise ResultError(
                f"node {node!r} returned None for {output.key or output.declared!r}",
                node=node,
                remedy="return a value for each output",
            )
    return list(zip(outputs, values, strict=True))


def _described(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return (
            f"a dict with the keys {_list(str(key) for key in value)}" if value else "an empty dict"
        )
    if isinstance(value, tuple | list):
        return f"{len(value)} value{'' if len(value) == 1 else 's'}"
    return f"one {type(value).__name__}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _save(
    node: NodeSpec, dataset: DatasetSpec, output: OutputBinding, value: Any, place: Place
) -> Saved:
    try:
        return place.save(dataset, output.version, value)
    except FrameworkError:
        raise
    except Exception as error:
        # A lazy table is computed only now, so what fails here is the author's expression.
        raise NodeError(
            f"output {dataset.name!r} of node {node.name!r} cannot be made: {one_line(error)}",
            node=node.name,
            kind=type(error).__name__,
            trace=author_trace(error),
        ) from error


def _metrics(values: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the metrics of every report; two of one name are told apart by their dataset."""
    module = sys.modules.get("sf_ml_framework.author.report")
    if module is None:
        # Whoever made a report has imported it.
        return {}
    reports = [(name, value.metrics) for name, value in values if isinstance(value, module.Report)]
    times = Counter(metric for _, metrics in reports for metric in metrics)
    return {
        metric if times[metric] == 1 else f"{name}.{metric}": _plain(value)
        for name, metrics in reports
        for metric, value in metrics.items()
    }


def _plain(value: Any) -> Any:
    """Return a number of NumPy's as Python's own, and what JSON cannot hold as text."""
    item = getattr(value, "item", None)
    value = item() if callable(item) else value
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _json_or_none(value: Any) -> Any:
    """Return *value* when a journal can keep it."""
    try:
        encoded = msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError):
        return None
    # Decoded again, so that what is kept is what will be read.
    return msgspec.json.decode(encoded) if len(encoded) <= LARGEST_RETURN_VALUE else None
