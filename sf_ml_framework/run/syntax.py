"""The canonical form of Python source: one text for all ways of writing one thing.

Comments, white space, quotes, brackets that change nothing, docstrings and other bare
constants, ``pass``, decorators and annotations of functions leave no trace. Annotations in
the body of a class do count: dataclasses and structs are made of them. The text is written
by a walk of our own, because ``ast.dump`` differs between versions of Python.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

_UNSAID = frozenset(
    {"ctx", "type_comment", "kind", "type_ignores", "type_params", "returns", "decorator_list"}
)
_IMPORTERS = frozenset({"import_module", "__import__"})
_FIELDS: dict[type, tuple[str, ...]] = {
    cls: tuple(field for field in cls._fields if field not in _UNSAID)
    for cls in vars(ast).values()
    if isinstance(cls, type) and issubclass(cls, ast.AST)
}


class ImportWords(NamedTuple):
    """One imported name, as written: ``from <module> import <name> as <bound>``."""

    bound: str
    """The name that the module gets; empty for ``import a.b``, which also loads ``a.b``."""
    module: str
    name: str = ""
    """Empty when the module itself is bound, ``*`` for a star import."""
    level: int = 0


class Canonical:
    """Collects the canonical text of statements and the names that they use.

    ``uses`` are names that may be the module's own, with the attributes that follow
    (``np.random.default_rng``); a name that is surely local is left out, every doubtful one is in.
    """

    def __init__(self) -> None:
        self.uses: set[str] = set()
        self.calls: set[str] = set()
        """The part of ``uses`` that is called."""
        self.imports: list[ImportWords] = []
        """Imports inside functions."""
        self.modules: set[str] = set()
        """Modules that are imported by a call with a constant name."""
        self._parts: list[str] = []
        self._local: set[str] = set()
        self._global: set[str] = set()
        self._depth = 0
        self._in_class = False

    def digest(self) -> str:
        """Return the SHA-256 of all that was added."""
        text = "\0".join(self._parts)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def add(self, node: ast.AST) -> None:
        """Add a statement or an expression."""
        self._visit(node)

    def add_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Add a function that stands in the module itself, so that its locals hide globals."""
        self._parts += (type(node).__name__, node.name)
        self._arguments(node.args)
        outside, self.uses = self.uses, set()
        self._local = {arg.arg for arg in _arguments_of(node.args)}
        self._statements(node.body)
        hidden = self._local - self._global
        self.uses = outside | {use for use in self.uses if use.split(".", 1)[0] not in hidden}

    def _visit(self, node: ast.AST) -> None:
        special = _SPECIAL.get(type(node))
        if special is not None:
            special(self, node)
        else:
            self._generic(node)

    def _generic(self, node: ast.AST) -> None:
        cls = type(node)
        parts = self._parts
        parts.append(cls.__name__)
        for field in _FIELDS[cls]:
            value = getattr(node, field, None)
            # An empty field says nothing, so a version of Python may add one.
            if value is None or value == []:
                continue
            parts.append("." + field)
            if isinstance(value, ast.AST):
                self._visit(value)
            elif isinstance(value, list):
                self._list(value)
            else:
                self._scalar(value)
        parts.append(";")

    def _list(self, values: list[Any]) -> None:
        if values and isinstance(values[0], ast.stmt):
            self._statements(values)
            return
        self._parts.append("[")
        for value in values:
            if isinstance(value, ast.AST):
                self._visit(value)
            elif value is None:
                # ``{**x}`` has no key and ``*, a`` no default: neither is the constant None.
                self._parts.append("~")
            else:
                self._scalar(value)
        self._parts.append("]")

    def _statements(self, body: list[ast.stmt]) -> None:
        self._parts.append("{")
        for statement in body:
            if not is_silent(statement):
                self._visit(statement)
        self._parts.append("}")

    def _scalar(self, value: object) -> None:
        match value:
            case str():
                text = f"s{len(value)}:{value}"
            case bool() | None:
                text = f"c{value}"
            case int():
                text = f"i{value:x}"
            case bytes():
                text = f"b{value.hex()}"
            case _:
                text = f"{type(value).__name__}:{value!r}"
        self._parts.append(text)

    def _name(self, node: ast.Name) -> None:
        self._parts.append("n" + node.id)
        if isinstance(node.ctx, ast.Load):
            self.uses.add(node.id)
        elif self._depth == 0:
            self._local.add(node.id)

    def _attribute(self, node: ast.Attribute) -> None:
        dotted = dotted_name(node)
        if dotted:
            self._parts.append("n" + dotted)
            self.uses.add(dotted)
        else:
            self._generic(node)

    def _call(self, node: ast.Call) -> None:
        name = dotted_name(node.func)
        wanted = _constant_import(name, node)
        if wanted:
            self.modules.add(wanted)
            before = set(self.uses)
            self._generic(node)
            # The call is understood: it is no import of a computed name.
            self.uses -= {name} - before
            return
        if name:
            self.calls.add(name)
        self._generic(node)

    def _constant(self, node: ast.Constant) -> None:
        self._scalar(node.value)

    def _joined(self, node: ast.JoinedStr) -> None:
        values: list[ast.expr] = []
        for value in node.values:
            last = values[-1] if values else None
            if isinstance(value, ast.Constant) and isinstance(last, ast.Constant):
                values[-1] = ast.Constant(str(last.value) + str(value.value))
            elif not (isinstance(value, ast.Constant) and value.value == ""):
                values.append(value)
        if not values:
            self._scalar("")
        elif len(values) == 1 and isinstance(values[0], ast.Constant):
            self._constant(values[0])
        else:
            self._parts.append("JoinedStr")
            self._list(values)

    def _formatted(self, node: ast.FormattedValue) -> None:
        self._parts.append(f"FormattedValue{node.conversion}")
        self._visit(node.value)
        spec = node.format_spec
        if isinstance(spec, ast.JoinedStr) and spec.values:
            self._visit(spec)
        self._parts.append(";")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._parts += (type(node).__name__, node.name)
        if self._depth == 0:
            self._local.add(node.name)
        self._arguments(node.args)
        in_class, self._in_class = self._in_class, False
        self._depth += 1
        self._statements(node.body)
        self._depth -= 1
        self._in_class = in_class

    def _class(self, node: ast.ClassDef) -> None:
        self._parts += ("ClassDef", node.name)
        if self._depth == 0:
            self._local.add(node.name)
        self._list([*node.bases])
        self._list([*node.keywords])
        in_class, self._in_class = self._in_class, True
        self._depth += 1
        self._statements(node.body)
        self._depth -= 1
        self._in_class = in_class

    def _scope(self, node: ast.AST) -> None:
        self._depth += 1
        self._generic(node)
        self._depth -= 1

    def _lambda(self, node: ast.Lambda) -> None:
        self._parts.append("Lambda")
        self._arguments(node.args)
        self._depth += 1
        self._visit(node.body)
        self._depth -= 1

    def _arguments(self, node: ast.arguments) -> None:
        self._parts.append("(")
        for mark, group in (("/", node.posonlyargs), ("", node.args), ("*", node.kwonlyargs)):
            self._parts += (f"{mark}{arg.arg}" for arg in group)
            self._parts.append(",")
        self._parts += (f"*{arg.arg}" if arg else "~" for arg in (node.vararg, node.kwarg))
        self._list([*node.defaults])
        self._list([*node.kw_defaults])
        self._parts.append(")")

    def _annotated(self, node: ast.AnnAssign) -> None:
        if self._in_class:
            self._parts.append("AnnAssign")
            self._visit(node.target)
            self._visit(_unquoted(node.annotation))
            if node.value is not None:
                self._visit(node.value)
            self._parts.append(";")
        elif node.value is not None:
            self._generic(ast.Assign(targets=[node.target], value=node.value))

    def _global_names(self, node: ast.Global) -> None:
        self._generic(node)
        self._global.update(node.names)
        self.uses.update(node.names)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for words in import_words(node):
            self.imports.append(words)
            self._parts.append(f"import {words.level} {words.module} {words.name} {words.bound}")


_SPECIAL: dict[type, Any] = {
    ast.Name: Canonical._name,
    ast.Attribute: Canonical._attribute,
    ast.Call: Canonical._call,
    ast.Constant: Canonical._constant,
    ast.JoinedStr: Canonical._joined,
    ast.FormattedValue: Canonical._formatted,
    ast.FunctionDef: Canonical._function,
    ast.AsyncFunctionDef: Canonical._function,
    ast.ClassDef: Canonical._class,
    ast.Lambda: Canonical._lambda,
    ast.ListComp: Canonical._scope,
    ast.SetComp: Canonical._scope,
    ast.DictComp: Canonical._scope,
    ast.GeneratorExp: Canonical._scope,
    ast.AnnAssign: Canonical._annotated,
    ast.Global: Canonical._global_names,
    ast.Import: Canonical._import,
    ast.ImportFrom: Canonical._import,
}


def is_silent(statement: ast.stmt) -> bool:
    """Return whether *statement* does nothing: ``pass``, a docstring, another bare constant."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)


def dotted_name(node: ast.AST) -> str:
    """Return ``a.b.c`` for a name and its attributes; empty for every other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    names.append(node.id)
    return ".".join(reversed(names))


def import_words(node: ast.Import | ast.ImportFrom) -> list[ImportWords]:
    """Return what an import statement binds, one entry for each name."""
    if isinstance(node, ast.ImportFrom):
        module, level = node.module or "", node.level
        return [ImportWords(a.asname or a.name, module, a.name, level) for a in node.names]
    words: list[ImportWords] = []
    for alias in node.names:
        top, _, below = alias.name.partition(".")
        if alias.asname:
            words.append(ImportWords(alias.asname, alias.name))
            continue
        words.append(ImportWords(top, top))
        if below:
            words.append(ImportWords("", alias.name))
    return words


def _arguments_of(node: ast.arguments) -> Iterable[ast.arg]:
    yield from (*node.posonlyargs, *node.args, *node.kwonlyargs)
    yield from (arg for arg in (node.vararg, node.kwarg) if arg)


def _constant_import(name: str, call: ast.Call) -> str:
    """Return the module that a call of an importer names; empty when it must be computed."""
    if name.rpartition(".")[2] not in _IMPORTERS or len(call.args) != 1 or call.keywords:
        return ""
    (argument,) = call.args
    if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
        return ""
    return "" if argument.value.startswith(".") else argument.value


def _unquoted(annotation: ast.expr) -> ast.expr:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return annotation
    return annotation
