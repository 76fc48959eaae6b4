"""What one file of Python defines, imports and does, read from its text and never run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Set

import msgspec

from sf_ml_framework.run.syntax import (
    Canonical,
    ImportWords,
    dotted_name,
    import_words,
    is_silent,
)

BODY = "<module>"
"""Name of the piece that holds the statements of a module that define nothing."""

_DEEPEST = 5_000

LOOKUPS = frozenset({"globals", "eval", "exec", "__import__"})
"""Builtins through which code reaches what it does not name."""


class Import(msgspec.Struct, frozen=True, array_like=True):
    """One imported name, its module absolute."""

    bound: str
    module: str
    name: str = ""
    """Empty when the module itself is bound, ``*`` for a star import."""


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """One function, class or constant of a module, or its other statements."""

    kind: str
    digest: str
    uses: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    imports: tuple[Import, ...] = ()
    modules: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    """Names of the decorators: no part of the piece, but they may register it somewhere."""


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """One module. Every name it binds is in ``pieces``, in ``imports`` or in ``in_body``."""

    content: str
    """SHA-256 of the file."""
    pieces: dict[str, Piece]
    imports: tuple[Import, ...] = ()
    """Names that imports bind, those for type checkers included."""
    loads: tuple[Import, ...] = ()
    """Imports that are carried out when the module is."""
    in_body: tuple[str, ...] = ()
    """Names that are bound within a compound statement such as ``if`` or ``try``."""
    unused: tuple[str, ...] = ()
    """Imported names that nothing in the module uses: imported for their effect."""


def read_facts(module: str, source: bytes, content: str, *, is_package: bool) -> Facts:
    """Return the facts of *source*; of text that is no Python, only that it is there."""
    limit = sys.getrecursionlimit()
    # A sum of a thousand terms is a thousand levels deep.
    sys.setrecursionlimit(max(limit, _DEEPEST))
    try:
        tree = ast.parse(source)
        return _Reader(module, is_package=is_package).read(tree, content)
    except (SyntaxError, ValueError):
        return Facts(content, {BODY: Piece("file that is no Python", content)})
    except RecursionError:
        # What such a file names is not known, so it counts as one that may name anything.
        unread = Piece("file that is too deep to be read", content, uses=("__import__",))
        return Facts(content, {BODY: unread})
    finally:
        sys.setrecursionlimit(limit)


class _Reader:
    def __init__(self, module: str, *, is_package: bool) -> None:
        self._package = module if is_package else module.rpartition(".")[0]
        self._defined: dict[str, list[tuple[str, ast.stmt]]] = {}
        self._effects: list[ast.stmt] = []
        self._imports: list[Import] = []
        self._loads: list[Import] = []
        self._in_body: set[str] = set()

    def read(self, tree: ast.Module, content: str) -> Facts:
        for statement in _executed(tree.body):
            self._statement(statement)
        pieces = {name: self._piece(found) for name, found in self._defined.items()}
        pieces[BODY] = self._piece([("statements", statement) for statement in self._effects])
        used = {use.split(".", 1)[0] for piece in pieces.values() for use in piece.uses}
        used |= set(_names_in_main_guards(tree.body))
        bound = {imported.bound for imported in self._imports if imported.name != "*"}
        if len(bound) == len({imported.bound for imported in self._imports}):
            known = bound | pieces.keys() | self._in_body | LOOKUPS
            pieces = {name: _without_strangers(piece, known) for name, piece in pieces.items()}
        return Facts(
            content,
            pieces,
            tuple(self._imports),
            tuple(self._loads),
            tuple(sorted(self._in_body)),
            tuple(sorted(bound - used)),
        )

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import() | ast.ImportFrom():
                self._import(statement, loads=True)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(statement.name, "function", statement)
            case ast.ClassDef():
                self._define(statement.name, "class", statement)
            case ast.Assign(targets=targets):
                self._assign(targets, statement)
            case ast.AnnAssign(value=None):
                pass
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                self._assign([target], statement)
            case ast.If() if _is_type_checking(statement.test):
                for inner in _imports_within(statement.body):
                    self._import(inner, loads=False)
                for other in statement.orelse:
                    self._statement(other)
            case _ if type(statement).__name__ == "TypeAlias":
                self._assign([getattr(statement, "name")], statement)  # noqa: B009
            case _:
                self._effect(statement)

    def _define(self, name: str, kind: str, statement: ast.stmt) -> None:
        self._defined.setdefault(name, []).append((kind, statement))

    def _assign(self, targets: list[ast.expr], statement: ast.stmt) -> None:
        names = [name for target in targets for name in _plain_names(target)]
        for name in names:
            self._define(name, "constant", statement)
        plain = all(isinstance(t, ast.Name | ast.Tuple | ast.List) for t in targets)
        if not plain or not names:
            self._effects.append(statement)

    def _effect(self, statement: ast.stmt) -> None:
        self._effects.append(statement)
        for inner in _imports_within([statement]):
            self._import(inner, loads=True)
        for name in _names_bound(statement):
            self._in_body.add(name)

    def _import(self, node: ast.Import | ast.ImportFrom, *, loads: bool) -> None:
        for words in import_words(node):
            if words.module == "__future__":
                continue
            absolute = self._absolute(words)
            if absolute.bound:
                self._imports.append(absolute)
            if loads:
                self._loads.append(absolute)

    def _absolute(self, words: ImportWords) -> Import:
        if not words.level:
            return Import(words.bound, words.module, words.name)
        parents = self._package.split(".")
        kept = parents[: len(parents) - words.level + 1]
        module = ".".join([*kept, words.module] if words.module else kept)
        return Import(words.bound, module, words.name)

    def _piece(self, found: list[tuple[str, ast.stmt]]) -> Piece:
        text = Canonical()
        bases: set[str] = set()
        decorators: set[str] = set()
        for _, node in found:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                decorators |= {_root_of(decorator) for decorator in node.decorator_list}
            if isinstance(node, ast.ClassDef):
                bases |= {dotted_name(base) for base in node.bases}
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(found) == 1:
                text.add_function(node)
            else:
                text.add(node)
        return Piece(
            found[-1][0] if found else "statements",
            text.digest(),
            tuple(sorted(text.uses)),
            tuple(sorted(text.calls)),
            tuple(self._absolute(words) for words in text.imports),
            tuple(sorted(text.modules)),
            tuple(sorted(bases - {""})),
            tuple(sorted(decorators - {""})),
        )


def _without_strangers(piece: Piece, known: Set[str]) -> Piece:
    """Leave out the names that stand for builtins: nothing else gives them, without a star."""
    known = known | {imported.bound for imported in piece.imports}
    uses = tuple(use for use in piece.uses if use.split(".", 1)[0] in known)
    calls = piece.calls if piece.kind == "constant" else ()
    return msgspec.structs.replace(piece, uses=uses, calls=calls)


def _executed(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that an import carries out and that do something."""
    for statement in body:
        if isinstance(statement, ast.If) and _is_main_guard(statement.test):
            yield from _executed(statement.orelse)
        elif not is_silent(statement):
            yield statement


def _names_in_main_guards(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.If) and _is_main_guard(statement.test):
            for inner in statement.body:
                yield from (n.id for n in ast.walk(inner) if isinstance(n, ast.Name))


def _is_main_guard(test: ast.expr) -> bool:
    match test:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            sides = {dotted_name(left), dotted_name(right)}
            values = [s.value for s in (left, right) if isinstance(s, ast.Constant)]
            return "__name__" in sides and values == ["__main__"]
        case _:
            return False


def _is_type_checking(test: ast.expr) -> bool:
    return dotted_name(test).rpartition(".")[2] == "TYPE_CHECKING"


def _plain_names(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Starred):
        yield from _plain_names(target.value)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _plain_names(element)


def _inner_bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        yield getattr(statement, field, [])
    for field in ("handlers", "cases"):
        for part in getattr(statement, field, []):
            yield part.body


def _statements_within(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of *body* and of the compound ones in it, not those of functions."""
    for statement in body:
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for inner in _inner_bodies(statement):
                yield from _statements_within(inner)


def _imports_within(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    for statement in _statements_within(body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement


def _names_bound(statement: ast.stmt) -> Iterator[str]:
    for inner in _statements_within([statement]):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield inner.name
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id


def _root_of(decorator: ast.expr) -> str:
    while isinstance(decorator, ast.Call):
        decorator = decorator.func
    return dotted_name(decorator)
