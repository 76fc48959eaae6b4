"""What statements add to the lineage, once they have run.

A table or view that a query reads is a source of what the query fills or defines. A model's sources
are in its MANIFEST.yml, where the client writes them.

Source: Snowflake, "Data lineage" (CTAS, INSERT, MERGE, views, clones), "ML Lineage" (feature views,
datasets, models); snowflake-ml 2.6, ``model_manifest.py`` (``lineage_sources``).
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..access.kinds import TABLES
from ..access.references import references
from ..dynamic.definition import tables_of
from ..dynamic.refresh import FACT
from ..faults import SnowflakeError
from ..models.store import folder, manifest
from ..names import Path, parts_of
from ..router import table_parts, target_of
from .graph import Graph, Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..catalog import Entry
    from ..session import Session

_SCRATCH = "$MADE$"
"""How the name ends that a dynamic table has while it is made."""


class Recorder:
    """Adds to the lineage; ``account.part(Recorder)``."""

    def __init__(self, account: Account, graph: Graph) -> None:
        self._account = account
        self._graph = graph
        self._fresh: set[tuple[str, Path]] = set()

    def created(self, entry: Entry) -> None:
        """Follow a new object of the catalogue: a dynamic table knows what it reads."""
        if entry.kind in {"TABLE", "VIEW"}:
            self._fresh.add((entry.kind, entry.path))
        if entry.kind != "DYNAMIC TABLE":
            return
        tree = self._account.router.parse(str(entry.properties["query"]))
        made = self._account.catalog.get(entry.kind, entry.path)
        self._graph.add(self._tables(tables_of(tree)), self._graph.of(made))

    def ran(self, session: Session, tree: exp.Expr) -> None:
        """Follow a statement of the engine that filled or defined a table or view."""
        target = target_of(tree)
        if target is None:
            return
        path = session.resolve(table_parts(target))
        if isinstance(tree, exp.Create) and not self._made(tree, path):
            return
        if FACT in session.facts or not _fills(tree) or path.name.endswith(_SCRATCH):
            return
        entry = self._table(path)
        if entry is None or ("TABLE", path) in session.temporary:
            return
        self._graph.add(self._read(session, tree, path), self._graph.of(entry))

    def _made(self, tree: exp.Create, path: Path) -> bool:
        """Say whether a CREATE made what it names: with IF NOT EXISTS it may have stood."""
        key = (str(tree.args.get("kind") or "").upper(), path)
        made = key in self._fresh
        self._fresh.discard(key)
        return made

    def dataset(self, session: Session, path: Path, version: str, query: str) -> None:
        """Follow a new version of a dataset that holds the rows of *query*."""
        entry = self._account.catalog.get("DATASET", path)
        tree = self._account.router.parse(query)
        self._graph.add(self._read(session, tree, path), self._graph.of(entry, version))

    def model(self, session: Session, path: Path, version: str, files: FilePath) -> None:
        """Follow a new version of a model, made of *files*.

        Its sources are those that the manifest names, and the version that the files are of.
        """
        entry = self._account.catalog.get("MODEL", path)
        sources = self._copied(files)
        for source in manifest(files).get("lineage_sources") or []:
            try:
                sources += self._named(session, source, path)
            except SnowflakeError:
                continue  # the manifest is the client's: what it names may not stand
        if sources:
            self._graph.add(sources, self._graph.of(entry, version))

    def _copied(self, files: FilePath) -> list[Node]:
        """Return the version of a model whose files these are, if they are one's."""
        for entry in self._account.catalog.all("MODEL"):
            if folder(self._account, entry) in files.parents:
                return [self._graph.of(entry, files.name)]
        return []

    def _named(self, session: Session, source: dict[str, Any], path: Path) -> Iterable[Node]:
        named = str(source.get("entity", ""))
        if source.get("type") == "QUERY":
            return self._read(session, self._account.router.parse(named), path)
        if source.get("type") != "DATASET":
            return []  # an experiment, which there are none of
        entry = self._account.catalog.get("DATASET", session.resolve(parts_of(named)))
        version = str(source.get("version", ""))
        return [self._graph.of(entry, version if version in entry.properties["versions"] else "")]

    def _read(self, session: Session, tree: exp.Expr, target: Path) -> list[Node]:
        return self._tables(
            path for kind, path in references(session, tree) if kind == "SELECT" and path != target
        )

    def _tables(self, paths: Iterable[Path]) -> list[Node]:
        return [self._graph.of(entry) for path in paths if (entry := self._table(path))]

    def _table(self, path: Path) -> Entry | None:
        for kind in TABLES:
            entry = self._account.catalog.find(kind, path)
            if entry is not None:
                return entry
        return None


def _fills(tree: exp.Expr) -> bool:
    """Say whether a statement fills a table from others, or defines a view on them."""
    if isinstance(tree, exp.Create):
        return isinstance(tree.expression, exp.Query) or bool(tree.args.get("clone"))
    if isinstance(tree, exp.Insert):
        return isinstance(tree.expression, exp.Query)
    return isinstance(tree, exp.Merge) or (isinstance(tree, exp.Update) and "from_" in tree.args)
