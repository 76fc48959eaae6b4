"""Nodes and edges: an edge leads from what was read to what was made of it.

A node is an object of the catalogue, or one version of a dataset or model, by the object's number:
it keeps its edges when it is renamed, and is another one when it is replaced. What was dropped
stays as a node.

Source: Snowflake, "ML Lineage" (which relationships there are), "Data lineage" (data movement and
object dependency).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..names import Path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..catalog import Entry

_TABLE = """
create table if not exists lineage_nodes (
    id integer primary key autoincrement, object integer not null, kind text not null,
    database text not null, schema text not null, name text not null, version text not null,
    created text not null, unique (object, version));
create table if not exists lineage_edges (
    source integer not null, target integer not null, unique (source, target));
"""
_NODE = "n.id, n.object, n.kind, n.database, n.schema, n.name, n.version, n.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An object or version, as it stands or as it was last known; ``id`` is 0 without edges."""

    id: int
    object: int
    kind: str
    path: Path
    version: str
    created: datetime
    stands: bool


class Graph:
    """What was made of what; ``account.part(Graph)``."""

    def __init__(self, account: Account) -> None:
        self._account = account
        account.catalog.table(_TABLE)

    def add(self, sources: Iterable[Node], target: Node) -> None:
        """Store that *target* was made of *sources*; what is known already changes nothing."""
        with self._account.catalog.transaction():
            to = self._stored(target)
            for source in sources:
                if source.object == target.object and source.version == target.version:
                    continue
                self._account.catalog.execute(
                    "insert or ignore into lineage_edges values (?, ?)", (self._stored(source), to)
                )

    def _stored(self, node: Node) -> int:
        found = self._number(node)
        if found:
            return found
        values = (node.object, node.kind, *node.path, node.version, node.created.isoformat())
        made = self._account.catalog.execute(
            "insert into lineage_nodes (object, kind, database, schema, name, version, created) "
            "values (?, ?, ?, ?, ?, ?, ?) returning id",
            values,
        )
        return int(made[0][0])

    def _number(self, node: Node) -> int:
        found = self._account.catalog.execute(
            "select id from lineage_nodes where object = ? and version = ?",
            (node.object, node.version),
        )
        return int(found[0][0]) if found else 0

    def of(self, entry: Entry, version: str = "") -> Node:
        """Return the node of an object that stands, or of one of its versions."""
        created = entry.created_on
        if version:
            created = datetime.fromisoformat(entry.properties["versions"][version]["created_on"])
        node = Node(
            id=0,
            object=entry.id,
            kind=entry.kind,
            path=entry.path,
            version=version,
            created=created,
            stands=True,
        )
        return self._with_number(node)

    def _with_number(self, node: Node) -> Node:
        return replace(node, id=self._number(node))

    def get(self, number: int) -> Node | None:
        """Return a node by its number."""
        found = self._account.catalog.execute(
            f"select {_NODE} from lineage_nodes n where n.id = ?", (number,)
        )
        return self._read(found[0]) if found else None

    def versions(self, node: Node) -> list[Node]:
        """Return the versions of an object that have edges, and the object itself."""
        found = self._account.catalog.execute(
            f"select {_NODE} from lineage_nodes n where n.object = ? order by n.id", (node.object,)
        )
        return [self._read(row) for row in found]

    def above(self, node: Node) -> list[Node]:
        """Return what *node* was made of."""
        return self._next(node, "source", "target")

    def below(self, node: Node) -> list[Node]:
        """Return what was made of *node*."""
        return self._next(node, "target", "source")

    def _next(self, node: Node, there: str, here: str) -> list[Node]:
        found = self._account.catalog.execute(
            f"select {_NODE} from lineage_edges e join lineage_nodes n on n.id = e.{there} "
            f"where e.{here} = ? order by n.id",
            (node.id,),
        )
        return [self._read(row) for row in found]

    def _read(self, row: tuple[Any, ...]) -> Node:
        number, thing, kind, database, schema, name, version, created = row
        path, stands = Path(database, schema, name), False
        now = self._account.catalog.execute(
            "select database, schema, name, properties from objects where id = ?", (thing,)
        )
        if now:
            path = Path(*now[0][:3])
            stands = not version or version in json.loads(now[0][3]).get("versions", {})
        return Node(
            id=number,
            object=thing,
            kind=kind,
            path=path,
            version=version,
            created=datetime.fromisoformat(created),
            stands=stands,
        )
