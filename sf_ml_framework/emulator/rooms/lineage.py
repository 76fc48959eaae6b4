"""Lineage: GET_LINEAGE, and SYSTEM$DGQL, which Snowpark's and snowflake-ml's ``lineage`` ask.

Source: Snowpark 1.56, ``lineage.py`` (the question, and the fields it reads of the answer);
snowflake-ml 2.6, ``lineage/lineage_node.py``; Snowflake, "ML Lineage", behaviour change 1933 (VIEW
LINEAGE is PUBLIC's until it is revoked, and what a role may not see stays hidden from it),
"GET_LINEAGE (SNOWFLAKE.CORE)".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..access.kinds import TABLES
from ..faults import SnowflakeError, invalid, not_found, unsupported
from ..lineage import dgql
from ..lineage.graph import Graph, Node
from ..lineage.recording import Recorder
from ..models import store
from ..names import Path, fold, parts_of, quoted
from ..results import ResultSet, rows

if TYPE_CHECKING:
    from ..account import Account
    from ..catalog import Entry
    from ..session import Session

_DOMAINS = {"TABLE": TABLES, "VIEW": TABLES, "DATASET": ("DATASET",), "MODULE": ("MODEL",)}
_FEATURE_VIEW = "SNOWML_FEATURE_STORE_OBJECT"
"""The tag that the Feature Store puts on its views. Source: snowflake-ml, ``feature_store.py``."""
_SIDE = ["OBJECT_DATABASE", "OBJECT_SCHEMA", "OBJECT_NAME", "OBJECT_DOMAIN", "OBJECT_VERSION"]
_SIDE += ["COLUMN_NAME", "STATUS"]
_COLUMNS = [f"{end}_{column}" for end in ("SOURCE", "TARGET") for column in _SIDE]
_COLUMNS += ["DISTANCE fixed", "PROCESS variant"]
_FARTHEST = 5
_HIDDEN = '"***MASKED***"'


def install(account: Account) -> None:
    """Register the function and what records the lineage."""
    graph = Graph(account)
    recorder = Recorder(account, graph)
    account.parts |= {Graph: graph, Recorder: recorder}
    account.catalog.created.append(recorder.created)
    account.observe(lambda session, tree, result: recorder.ran(session, tree))
    account.function("SYSTEM$DGQL", lambda session, text: answer(account, session, str(text)))
    account.table_function("GET_LINEAGE", lambda s, args, named: table(account, s, args, named))


def answer(account: Account, session: Session, text: str) -> str:
    """Answer a question as JSON."""
    question = dgql.parse(text)
    if not account.access.globally(session, "VIEW LINEAGE"):
        raise not_lineage()
    seen = _Seen(account, session)
    nodes = seen.asked(question)
    found = {edges.direction: seen.edges(nodes, edges) for edges in question.edges}
    return json.dumps({"data": {"V": found}})


def table(account: Account, session: Session, args: list[Any], named: dict[str, Any]) -> ResultSet:
    """Return the edges up or down from an object, at most :data:`_FARTHEST` steps away."""
    if named or not 3 <= len(args) <= 5:
        raise invalid("GET_LINEAGE takes an object, its domain, a direction, a distance, a version")
    given = [*args, None, None][:5]
    direction, farthest = str(given[2]).upper(), _FARTHEST if given[3] is None else given[3]
    if direction not in {"UPSTREAM", "DOWNSTREAM"}:
        raise invalid(f"invalid direction '{given[2]}' for GET_LINEAGE")
    if not isinstance(farthest, int) or not 1 <= farthest <= _FARTHEST:
        raise invalid(f"the distance of GET_LINEAGE is from 1 to {_FARTHEST}")
    if not account.access.globally(session, "VIEW LINEAGE"):
        raise not_lineage()
    seen = _Seen(account, session)
    start = seen.named(str(given[1]).upper(), str(given[0]), str(given[4] or ""))
    found = seen.walk(start, up=direction == "UPSTREAM", farthest=farthest)
    return rows(_COLUMNS, [(*seen.row(s), *seen.row(t), far, None) for s, t, far in found])


def not_lineage() -> SnowflakeError:
    """Return 003001 for a role without VIEW LINEAGE."""
    return SnowflakeError(
        "SQL access control error:\nInsufficient privileges to view lineage: VIEW LINEAGE on the "
        "account is needed.",
        number=3001,
        state="42501",
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """The lineage as one session may see it."""

    account: Account
    session: Session

    def asked(self, question: dgql.Question) -> list[Node]:
        """Return the nodes that a question is about: an object stands for its versions too."""
        graph = self.account.part(Graph)
        if question.number:
            node = graph.get(int(question.number)) if question.number.isdigit() else None
            if node is None:
                raise not_found("Lineage node", question.number)
            return [node] if self._may(node) else []
        entry = self._entry(question)
        if not self._may(graph.of(entry)):
            raise not_found(entry.kind, str(entry.path))
        if question.parent:
            return [graph.of(entry, _version(entry, question.name))]
        node = graph.of(entry)
        return graph.versions(node) if "versions" in entry.properties else [node]

    def _entry(self, question: dgql.Question) -> Entry:
        if question.domain not in _DOMAINS:
            raise unsupported(f"lineage of domain {question.domain} is not known to this emulator.")
        written = question.parent or question.name
        path = self.session.resolve(parts_of(written))
        for kind in _DOMAINS[question.domain]:
            entry = self.account.catalog.find(kind, path)
            if entry is not None:
                return entry
        raise not_found(question.domain, str(path))

    def _may(self, node: Node) -> bool:
        kind = "TABLE" if node.kind in TABLES else node.kind
        return not node.stands or self.account.access.sees(self.session, kind, node.path)

    def named(self, domain: str, name: str, version: str) -> list[Node]:
        """Return the nodes that GET_LINEAGE is asked about; a model means its default version."""
        if domain not in {"TABLE", "DATASET", "MODULE"}:
            raise unsupported(f"lineage of domain {domain} is not known to this emulator.")
        if domain == "MODULE" and not version:
            entry = store.get(self.account, self.session.resolve(parts_of(name)))
            version = store.resolve(entry, None)
        named, parent = (version, name) if version else (name, "")
        question = dgql.Question(domain=domain, name=named, number="", parent=parent, edges=())
        return self.asked(question)

    def walk(self, start: list[Node], *, up: bool, farthest: int) -> list[tuple[Node, Node, int]]:
        """Return the edges from *start*, each with how many steps away it is; each node once."""
        found: list[tuple[Node, Node, int]] = []
        reached, nodes = {node.id for node in start}, start
        for distance in range(1, farthest + 1):
            pairs = [
                (node, other)
                for node in nodes
                if self._may(node)
                for other in self._beside(node, up)
            ]
            found += [(b, a, distance) if up else (a, b, distance) for a, b in pairs]
            nodes = list({b.id: b for _, b in pairs if b.id not in reached}.values())
            reached |= {node.id for node in nodes}
        return found

    def _beside(self, node: Node, up: bool) -> list[Node]:
        graph = self.account.part(Graph)
        return graph.above(node) if up else graph.below(node)

    def row(self, node: Node) -> tuple[Any, ...]:
        """Return the half of a row of GET_LINEAGE that is about *node*."""
        domain = "TABLE" if node.kind in TABLES else "MODULE" if node.kind == "MODEL" else node.kind
        if not self._may(node):
            return (None, None, None, domain, None, None, "MASKED")
        status = "ACTIVE" if node.stands else "DELETED"
        return (*node.path, domain, node.version or None, None, status)

    def edges(self, nodes: list[Node], wanted: dgql.Edges) -> list[dict[str, Any]]:
        """Return the edges of *nodes* in one direction."""
        up = wanted.direction == "upstream"
        pairs = [
            (other, node) if up else (node, other)
            for node in nodes
            for other in self._beside(node, up)
        ]
        return [
            {
                "S": self._told(source, wanted.source),
                "T": self._told(target, wanted.target),
                "properties": {},
            }
            for source, target in pairs
        ]

    def _told(self, node: Node, wanted: tuple[str, ...]) -> dict[str, Any]:
        """Return the fields of a node that are wanted."""
        masked = not self._may(node)
        found = {
            **self._named(node, masked=masked),
            "db": _HIDDEN if masked else quoted(node.path.database),
            "schema": _HIDDEN if masked else quoted(node.path.schema),
            "status": "MASKED" if masked else "ACTIVE" if node.stands else "DELETED",
            "createdOn": int(node.created.timestamp() * 1000),
            "id": str(node.id),
        }
        return {key: found[key] for key in wanted}

    def _named(self, node: Node, *, masked: bool) -> dict[str, Any]:
        name = _HIDDEN if masked else quoted(node.path.name)
        properties: dict[str, Any] = {}
        domain = "TABLE" if node.kind in TABLES else {"MODEL": "MODULE"}.get(node.kind, node.kind)
        user = "MODEL" if node.kind == "MODEL" else node.kind
        if node.kind in TABLES:
            user = "VIEW" if node.kind == "VIEW" else "TABLE"
            if not masked and self._feature_view(node):
                user = "FEATURE_VIEW"
                base, _, version = node.path.name.rpartition("$")
                name = f"{base}${version}" if quoted(base) == base else name
        elif node.version or not masked:
            # The version is the node; the object is what it belongs to.
            properties = {"parentName": name, "parentId": str(node.object)}
            version = quoted(node.version) if node.kind == "MODEL" else node.version
            name = _HIDDEN if masked else version
        return {
            "domain": domain,
            "refinedDomain": node.kind.replace(" ", "_") if node.kind in TABLES else domain,
            "userDomain": user,
            "name": name,
            "properties": properties,
        }

    def _feature_view(self, node: Node) -> bool:
        """Say whether a table is a feature view: the Feature Store's tag is on it, or was."""
        if "$" not in node.path.name:
            return False
        if not node.stands:
            return self._store(node.path)
        tag = Path(node.path.database, node.path.schema, _FEATURE_VIEW)
        return bool(
            self.account.catalog.execute(
                "select 1 from tag_references where tag = ? and kind = 'TABLE' and object = ?",
                (str(tag), str(node.path)),
            )
        )

    def _store(self, path: Path) -> bool:
        """Say whether a schema is a feature store."""
        tag = Path(path.database, path.schema, _FEATURE_VIEW)
        return self.account.catalog.find("TAG", tag) is not None


def _version(entry: Entry, written: str) -> str:
    known = entry.properties["versions"]
    if written in known:
        return written
    if entry.kind == "MODEL":
        return store.resolve(entry, fold(written))
    raise not_found("VERSION", f"{entry.path}.{written}")
