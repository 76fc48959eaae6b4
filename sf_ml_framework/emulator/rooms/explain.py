"""EXPLAIN: the plan of the engine underneath, in Snowflake's columns and words.

Source: Snowflake, "EXPLAIN": it compiles and does not run, needs no warehouse, and answers in a
table, JSON or text. Which operators there are is DuckDB's matter here; partitions and bytes are not
told.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..faults import unsupported
from ..results import ResultSet, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..account import Account
    from ..registry import Call

_COLUMNS = ["step fixed", "id fixed", "parentOperators", "operation", "objects", "alias"]
_COLUMNS += ["expressions", "partitionsTotal fixed", "partitionsAssigned fixed"]
_COLUMNS += ["bytesAssigned fixed"]
_WORDS = {
    "SEQ_SCAN": "TableScan",
    "TABLE_SCAN": "TableScan",
    "FILTER": "Filter",
    "PROJECTION": "Projection",
    "HASH_GROUP_BY": "Aggregate",
    "PERFECT_HASH_GROUP_BY": "Aggregate",
    "UNGROUPED_AGGREGATE": "Aggregate",
    "ORDER_BY": "Sort",
    "TOP_N": "SortWithLimit",
    "LIMIT": "Limit",
    "STREAMING_LIMIT": "Limit",
    "WINDOW": "WindowFunction",
    "STREAMING_WINDOW": "WindowFunction",
    "UNION": "UnionAll",
    "HASH_JOIN": "Join",
    "NESTED_LOOP_JOIN": "Join",
    "PIECEWISE_MERGE_JOIN": "Join",
    "CROSS_PRODUCT": "CartesianJoin",
    "ASOF_JOIN": "AsofJoin",
    "COLUMN_DATA_SCAN": "ValuesClause",
    "DUMMY_SCAN": "Generator",
    "INSERT": "Insert",
    "BATCH_INSERT": "Insert",
    "DELETE_OPERATOR": "Delete",
    "UPDATE": "Update",
}


def install(account: Account) -> None:
    """Register the statement."""
    account.statement("EXPLAIN [USING TABULAR|USING JSON|USING TEXT]", explain, reads=True)


def explain(call: Call) -> ResultSet:
    """Return the plan of a query or of a change of rows."""
    text = call.reader.rest()
    tree = call.account.router.parse(text)
    if not isinstance(tree, exp.Query | exp.Insert | exp.Update | exp.Delete):
        raise unsupported(f"EXPLAIN {text.split()[0].upper()} is not known to this emulator.")
    session = call.session
    facts = session.facts
    with session.connection.lock:
        facts["explained"] = True  # a plan needs no warehouse
        try:
            for rewrite in call.account.registry.rewrites:
                tree = rewrite(session, tree)
            plan = json.loads(session.connection.explain(tree))
        finally:
            facts.pop("explained", None)
            session.connection.unregister()
    found = [(0, None, "Result", None, None), *_operators(plan, 0)]
    if "USING JSON" in call.flags:
        return rows(["content"], [(json.dumps(_as_json(found)),)])
    if "USING TEXT" in call.flags:
        return rows(["content"], [(_as_text(found),)])
    told = [
        (1, number, None if parent is None else f"[{parent}]", word, objects, None, text)
        for number, parent, word, objects, text in found
    ]
    return rows(_COLUMNS, [(*row, None, None, None) for row in told])


_Operator = tuple[int, int | None, str, str | None, str | None]


def _operators(nodes: list[dict[str, Any]], parent: int) -> Iterator[_Operator]:
    """Yield number, parent, word, object and expressions of each operator, parents first."""
    number = parent
    for node in nodes:
        number += 1
        facts = node.get("extra_info") or {}
        name = str(node["name"]).strip().upper()
        told = [
            facts[k] for k in ("Expression", "Conditions", "Projections", "Filters") if facts.get(k)
        ]
        text = ", ".join(one if isinstance(one, str) else ", ".join(one) for one in told)
        yield number, parent, _WORDS.get(name, name.title()), facts.get("Table"), text or None
        below = list(_operators(node.get("children") or [], number))
        yield from below
        number += len(below)


def _as_json(found: list[_Operator]) -> dict[str, Any]:
    operations = []
    for number, parent, word, objects, text in found:
        one: dict[str, Any] = {"id": number, "operation": word}
        if parent is not None:
            one["parentOperators"] = [parent]
        if objects:
            one["objects"] = [objects]
        if text:
            one["expressions"] = [text]
        operations.append(one)
    return {"Operations": [operations]}


def _as_text(found: list[_Operator]) -> str:
    depth = {0: 0}
    lines = []
    for number, parent, word, objects, text in found:
        depth[number] = 0 if parent is None else depth[parent] + 1
        more = "  ".join(one for one in (objects, text) if one)
        lines.append(f"1:{number}  {'  ' * depth[number]}->{word}  {more}".rstrip())
    return "\n".join(lines)
