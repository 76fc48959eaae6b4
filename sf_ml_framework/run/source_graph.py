"""Which pieces of a project a function reaches by name, found without running any of it.

A function reaches what it names, and what that names. What an import carries out counts too:
statements that define nothing, and what is registered by a decorator, by a call in an assignment
or by subclassing. Where a name alone does not tell what is used (a star import, a module that
is passed about, ``globals()``), the whole module counts. Where not even the module can be told
(an import of a computed name), every file of the project does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, NamedTuple

from sf_ml_framework.run.source_facts import BODY, LOOKUPS, Facts, Import
from sf_ml_framework.run.source_files import SourceFiles

WHOLE_PROJECT = "<project>"
"""Stands among the code for every file of the project."""

_COMPUTED = frozenset({
    "__import__",
    "importlib.import_module",
    "importlib.__import__",
    "importlib.util.spec_from_file_location",
    "pkgutil.walk_packages",
    "pkgutil.iter_modules",
    "runpy.run_path",
    "runpy.run_module",
    "sys.modules",
})  # fmt: skip


class Target(NamedTuple):
    """What a name stands for."""

    sort: Literal["piece", "whole", "library"]
    module: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.module}:{self.name}" if self.name else self.module


@dataclass(slots=True)
class Reach:
    """What a function reaches."""

    code: dict[str, str] = field(default_factory=dict)
    """Hash of each piece, by ``module:name``."""
    kinds: dict[str, str] = field(default_factory=dict)
    libraries: set[str] = field(default_factory=set)
    """Dotted names that belong to libraries, those of Python among them."""
    computed: list[str] = field(default_factory=list)
    """Who imports by a computed name, so that anything may be reached, one sentence each."""
    absent: list[str] = field(default_factory=list)
    """Names that were asked for and that no module of the project defines."""
    outside: list[str] = field(default_factory=list)
    """Names that were asked for and that belong to libraries."""


class _Links(NamedTuple):
    digest: str
    kind: str
    targets: tuple[Target, ...]
    loads: tuple[str, ...]
    computed: str


class SourceGraph:
    """The pieces of a project and what each names; every piece is looked at once."""

    def __init__(self, files: SourceFiles) -> None:
        self._files = files
        self._links: dict[tuple[str, str, bool], _Links] = {}
        self._loaded: dict[str, tuple[Target, ...]] = {}
        self._bound: dict[str, dict[str, list[Import]]] = {}
        self._carried: dict[Import, tuple[str, ...]] = {}

    def reach(self, names: Iterable[str]) -> Reach:
        """Return what the pieces *names*, each ``module:qualname``, reach."""
        walk = _Walk(self)
        for name in names:
            module, _, qualname = name.partition(":")
            targets = self.follow(module, qualname.split("."))
            if any(target.sort == "whole" for target in targets) or not targets:
                walk.reach.absent.append(name)
            if any(target.sort == "library" for target in targets):
                walk.reach.outside.append(name)
            walk.demand(targets)
        walk.finish()
        return walk.reach

    def facts(self, module: str) -> Facts | None:
        """Return the facts of a module of the project."""
        return self._files.facts(module)

    def follow(
        self, module: str, names: list[str], seen: frozenset[str] = frozenset()
    ) -> list[Target]:
        """Return what ``module.name.name`` stands for, through every re-export."""
        facts = self._files.facts(module)
        library = [Target("library", ".".join([module, *names]))]
        if not names or not self._files.is_project(module):
            return [Target("whole", module)] if facts else library
        step = f"{module}:{names[0]}"
        if step in seen:
            return []
        found = self._resolve_in(module, facts, names, seen | {step}) if facts else []
        if found:
            return found
        below = f"{module}.{names[0]}"
        if self._files.is_project(below):
            return self.follow(below, names[1:], seen | {step})
        # Not seen to be bound: set from outside, or by ``__getattr__``. A folder without a file
        # hides no library of its name.
        return [Target("whole", module)] if facts else library

    def links(self, module: str, name: str, *, whole: bool) -> _Links:
        """Return what one piece names; for the body of a *whole* module all that it imports."""
        key = (module, name, whole)
        if key not in self._links:
            self._links[key] = self._link(module, name, whole=whole)
        return self._links[key]

    def loaded(self, module: str) -> tuple[Target, ...]:
        """Return the pieces that count as soon as *module* is imported."""
        if module not in self._loaded:
            facts = self._files.facts(module)
            self._loaded[module] = tuple(self._at_import(module, facts)) if facts else ()
        return self._loaded[module]

    def modules_of(self, imported: Import) -> tuple[str, ...]:
        """Return the modules of the project that *imported* carries out, packages first."""
        if imported not in self._carried:
            self._carried[imported] = tuple(self._modules_of(imported))
        return self._carried[imported]

    def _modules_of(self, imported: Import) -> Iterator[str]:
        parts = imported.module.split(".")
        names = [".".join(parts[: end + 1]) for end in range(len(parts))]
        if imported.name not in ("", "*"):
            names.append(f"{imported.module}.{imported.name}")
        yield from (name for name in names if self._files.is_project(name))

    def resolve(self, module: str, use: str, local: Iterable[Import] = ()) -> list[Target]:
        """Return what the dotted name *use* stands for in *module*; nothing for a builtin."""
        facts = self._files.facts(module)
        names = use.split(".")
        seen = frozenset({f"{module}:{names[0]}"})
        found = self._imported(local, names, seen)
        if facts:
            found += self._resolve_in(module, facts, names, seen)
        return found

    def _resolve_in(
        self, module: str, facts: Facts, names: list[str], seen: frozenset[str]
    ) -> list[Target]:
        found = [Target("piece", module, names[0])] if names[0] in facts.pieces else []
        if names[0] in facts.in_body:
            found.append(Target("piece", module, BODY))
        found += self._imported(self._imports_of(module, facts).get(names[0], ()), names, seen)
        return found or self._starred(module, facts, names, seen)

    def _imports_of(self, module: str, facts: Facts) -> dict[str, list[Import]]:
        bound = self._bound.get(module)
        if bound is None:
            bound = self._bound[module] = {}
            for imported in facts.imports:
                bound.setdefault("*" if imported.name == "*" else imported.bound, []).append(
                    imported
                )
        return bound

    def _imported(
        self, imports: Iterable[Import], names: list[str], seen: frozenset[str]
    ) -> list[Target]:
        found: list[Target] = []
        for imported in imports:
            if imported.bound == names[0]:
                inner = [imported.name] if imported.name else []
                found += self.follow(imported.module, inner + names[1:], seen)
        return found

    def _starred(
        self, module: str, facts: Facts, names: list[str], seen: frozenset[str]
    ) -> list[Target]:
        for imported in self._imports_of(module, facts).get("*", ()):
            if self._files.is_project(imported.module):
                inner = self._files.facts(imported.module)
                found = self._resolve_in(imported.module, inner, names, seen) if inner else []
                # ``__all__`` may name a module of the package, and the star then imports it.
                below = f"{imported.module}.{names[0]}"
                if not found and self._files.is_project(below):
                    found = self.follow(below, names[1:], seen)
                if found:
                    return found
        return []

    def _link(self, module: str, name: str, *, whole: bool) -> _Links:
        facts = self._files.facts(module)
        if facts is None:
            return _Links("", "", (), (), "")
        piece = facts.pieces[name]
        imports = self._imports_of(module, facts)
        bindings: list[str] = []
        targets: set[Target] = set()
        computed = ""
        for use in {*piece.uses, *imports} - {"*"} if whole and name == BODY else piece.uses:
            found = self.resolve(module, use, piece.imports)
            targets.update(found)
            if not found and use in LOOKUPS - _COMPUTED:
                targets.add(Target("whole", module))
            computed = computed or _computed(use, found)
            if found != [Target("piece", module, use.split(".", 1)[0])]:
                bindings += (f"{use}={target}" for target in found)
        stars = {each.module for each in imports.get("*", ())}
        for each in stars.union(piece.modules):
            targets.update(self.follow(each, []))
        targets |= self._libraries(piece.imports)
        # The text alone does not tell what an imported name stands for.
        text = "\n".join([piece.digest, *sorted(bindings)])
        return _Links(
            sha256(text.encode()).hexdigest()[:16],
            piece.kind,
            tuple(targets),
            tuple(m for imported in piece.imports for m in self.modules_of(imported)),
            f"{module}:{name} imports by a computed name ({computed})" if computed else "",
        )

    def _libraries(self, imports: Iterable[Import]) -> set[Target]:
        return {
            Target("library", f"{i.module}.{i.name}".strip(".*"))
            for i in imports
            if not self._files.is_project(i.module)
        }

    def _at_import(self, module: str, facts: Facts) -> Iterator[Target]:
        yield Target("piece", module, BODY)
        for name, piece in facts.pieces.items():
            if any(self._may_register(module, decorator) for decorator in piece.decorators):
                yield Target("piece", module, name)
            if piece.kind == "constant" and any(self._is_function(module, c) for c in piece.calls):
                yield Target("piece", module, name)
        for imported in facts.loads:
            if imported.bound in facts.unused:
                yield from self._libraries([imported])

    def _may_register(self, module: str, decorator: str) -> bool:
        """Return whether *decorator* is the project's own, or a library's that says so."""
        ours = any(target.sort != "library" for target in self.resolve(module, decorator))
        return ours or "register" in decorator

    def _is_function(self, module: str, use: str) -> bool:
        for target in self.resolve(module, use):
            facts = self._files.facts(target.module) if target.sort == "piece" else None
            if facts and facts.pieces[target.name].kind == "function":
                return True
        return False


def _computed(use: str, found: Iterable[Target]) -> str:
    """Return through which importer *use* may reach anything; empty when it is none."""
    names = {target.module for target in found if target.sort == "library"} or {use}
    return next(iter(sorted(names & _COMPUTED)), "")


class _Walk:
    """One closure over the graph."""

    def __init__(self, graph: SourceGraph) -> None:
        self.reach = Reach()
        self._graph = graph
        self._queue: list[Target] = []
        self._done: set[Target] = set()
        self._loaded: set[str] = set()
        self._heirs: dict[Target, list[Target]] = {}
        """Subclasses that stand in loaded modules, by the class they extend."""

    def demand(self, targets: Iterable[Target]) -> None:
        self._queue += (target for target in targets if target not in self._done)

    def finish(self) -> None:
        while self._queue:
            target = self._queue.pop()
            if target in self._done:
                continue
            self._done.add(target)
            match target.sort:
                case "library":
                    self.reach.libraries.add(target.module)
                case "whole":
                    self._whole(target.module)
                case "piece":
                    self._piece(target)
                    self.demand(self._heirs.get(target, ()))

    def _piece(self, target: Target) -> None:
        self._load(target.module)
        whole = target.name == BODY and Target("whole", target.module) in self._done
        links = self._graph.links(target.module, target.name, whole=whole)
        name = f"{target.module}:{target.name}"
        self.reach.code[name] = links.digest
        self.reach.kinds[name] = links.kind
        if links.computed and links.computed not in self.reach.computed:
            self.reach.computed.append(links.computed)
        for module in links.loads:
            self._load(module)
        self.demand(links.targets)

    def _whole(self, module: str) -> None:
        self._load(module)
        facts = self._graph.facts(module)
        if facts:
            self.demand(Target("piece", module, name) for name in facts.pieces)
            # The body was perhaps seen before the module was known to count whole.
            self._done.discard(Target("piece", module, BODY))
            self.demand([Target("piece", module, BODY)])

    def _load(self, module: str) -> None:
        if module in self._loaded:
            return
        self._loaded.add(module)
        if "." in module:
            self._load(module.rpartition(".")[0])
        facts = self._graph.facts(module)
        if not facts:
            return
        self.demand(self._graph.loaded(module))
        for imported in facts.loads:
            for each in self._graph.modules_of(imported):
                self._load(each)
        for name, piece in facts.pieces.items():
            for base in piece.bases:
                self._note_heir(module, name, base)

    def _note_heir(self, module: str, name: str, base: str) -> None:
        heir = Target("piece", module, name)
        for parent in self._graph.resolve(module, base):
            if parent.sort == "piece" and parent != heir:
                self._heirs.setdefault(parent, []).append(heir)
                if parent in self._done:
                    self.demand([heir])
