"""What a node's function asks for, read from its signature without calling it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import msgspec

from sf_ml_framework.manifest.model import Frame, Kind

RESERVED = ("feature_store", "model_registry", "inputs", "outputs")
"""Arguments that get the platform's own objects and the merged plain dicts."""

FRAMES: dict[tuple[str, str], Frame] = {
    ("ibis", "Table"): "ibis",
    ("pandas", "DataFrame"): "pandas",
    ("polars", "DataFrame"): "polars",
    ("pyarrow", "Table"): "arrow",
    ("pyarrow", "RecordBatchReader"): "arrow_batches",
}
"""The table types a function may ask for, by top package and name of the class."""

OF_KIND: dict[Kind, tuple[Frame, ...]] = {
    "table": ("ibis", "pandas", "polars", "arrow", "arrow_batches", "any"),
    "document": ("document", "dataclass", "any"),
    "model": ("model", "any"),
    "report": ("any",),
}

_JSON_TYPES = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "list": "array",
    "tuple": "array",
    "Sequence": "array",
    "dict": "object",
    "Mapping": "object",
}


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """One argument of a function."""

    name: str
    required: bool
    default: Any = None
    annotation: str = ""
    """Full name of the annotated type, such as ``pandas.DataFrame``; empty without one."""
    optional: bool = False
    """Whether the annotation admits None."""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What a function can be called with."""

    arguments: tuple[Argument, ...]
    takes_any: bool
    """Whether it has ``**kwargs``."""
    place: str
    """``file:line`` of the function."""


def read(function: Callable[..., Any]) -> Signature:
    """Return what *function* asks for.

    Raises:
        ValueError: Python cannot tell, as for some built-in functions.
        TypeError: it is not callable.
    """
    plain = inspect.unwrap(function)
    arguments, takes_any = [], False
    names = _Names(plain)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_any = True
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            annotation, optional = names.of(parameter.annotation)
            required = parameter.default is parameter.empty
            arguments.append(
                Argument(
                    name=parameter.name,
                    required=required,
                    default=None if required else parameter.default,
                    annotation=annotation,
                    optional=optional,
                )
            )
    code = getattr(plain, "__code__", None)
    place = f"{code.co_filename}:{code.co_firstlineno}" if code else ""
    return Signature(arguments=tuple(arguments), takes_any=takes_any, place=place)


def frame_of(argument: Argument, kind: Kind) -> tuple[Frame, str] | None:
    """Return as what *argument* takes a dataset of *kind*, and its dataclass if it is one.

    None when the framework cannot make what the annotation asks for.
    """
    if not argument.annotation or argument.annotation in ("typing.Any", "builtins.object"):
        return "any", ""
    top, name = argument.annotation.split(".")[0], argument.annotation.rsplit(".", 1)[-1]
    if kind == "model":
        return "model", ""
    frame: Frame | None = None
    dataclass = ""
    if kind == "table":
        frame = FRAMES.get((top, name))
    elif kind == "report":
        frame = "any" if (top, name) == ("sf_ml_framework", "Report") else None
    elif name in ("dict", "Mapping", "MutableMapping"):
        frame = "document"
    elif found := _dataclass(argument.annotation):
        frame, dataclass = "dataclass", found
    return (frame, dataclass) if frame else None


def json_type(argument: Argument) -> str:
    """Return the JSON type that *argument* takes: ``integer``, ``number|null``…, or ``any``."""
    name = _JSON_TYPES.get(argument.annotation.rsplit(".", 1)[-1], "any")
    return f"{name}|null" if argument.optional and name != "any" else name


def _dataclass(full_name: str) -> str:
    """Return ``module:qualname`` of the dataclass of that name; empty when it is none."""
    parts = full_name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module_name, qualname = ".".join(parts[:cut]), ".".join(parts[cut:])
        try:
            found: Any = import_module(module_name)
            for part in parts[cut:]:
                found = getattr(found, part)
        except (ImportError, AttributeError):
            continue
        return f"{module_name}:{qualname}" if dataclasses.is_dataclass(found) else ""
    return ""


class _Names:
    """Full names of annotated types, also of those imported for type checkers alone."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.scope: Mapping[str, Any] = getattr(function, "__globals__", {})
        self.module = getattr(function, "__module__", "")
        self.imports: dict[str, str] | None = None

    def of(self, annotation: Any) -> tuple[str, bool]:
        """Return the full name of *annotation* and whether it admits None."""
        if annotation is inspect.Parameter.empty:
            return "", False
        if isinstance(annotation, str):
            try:
                return self._text(ast.parse(annotation, mode="eval").body)
            except SyntaxError:
                return annotation, False
        if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
            members = typing.get_args(annotation)
            names = [self.of(member)[0] for member in members if member is not types.NoneType]
            return (names[0] if len(names) == 1 else " | ".join(names)), len(names) < len(members)
        return _name(typing.get_origin(annotation) or annotation), False

    def _text(self, node: ast.expr) -> tuple[str, bool]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            left, right = self._text(node.left), self._text(node.right)
            names = [name for name, _ in (left, right) if name != "None"]
            return " | ".join(names), len(names) < 2 or left[1] or right[1]
        if isinstance(node, ast.Constant):
            return self.of(node.value) if isinstance(node.value, str) else (str(node.value), False)
        if isinstance(node, ast.Subscript):
            name = self._text(node.value)[0]
            if name == "typing.Optional":
                return self._text(node.slice)[0], True
            return name, False
        return self._dotted(ast.unparse(node)), False

    def _dotted(self, text: str) -> str:
        head, _, tail = text.partition(".")
        found = self.scope.get(head, getattr(sys.modules.get("builtins"), head, None))
        if isinstance(found, types.ModuleType):
            for part in tail.split(".") if tail else ():
                found = getattr(found, part, None)
        if isinstance(found, type) or typing.get_origin(found):
            return _name(typing.get_origin(found) or found)
        if self.imports is None:
            self.imports = _imports(sys.modules.get(self.module))
        return ".".join(filter(None, (self.imports.get(head, head), tail)))


def _name(annotation: Any) -> str:
    name = getattr(annotation, "__qualname__", getattr(annotation, "_name", str(annotation)))
    return f"{getattr(annotation, '__module__', '')}.{name}".lstrip(".")


def _imports(module: types.ModuleType | None) -> dict[str, str]:
    """Return the full name behind each name that *module* imports, in any block of it."""
    try:
        tree = ast.parse(inspect.getsource(module)) if module else None
    except (OSError, TypeError, SyntaxError):
        tree = None
    found: dict[str, str] = {}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            for alias in node.names:
                full = alias.name if alias.asname else alias.name.split(".")[0]
                found[alias.asname or full] = full
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found
