"""Rows of SHOW and DESCRIBE as the objects of a plan. Pure: one row in, one object out.

Source: Snowflake, the output columns of "SHOW TASKS", "SHOW COMPUTE POOLS", "SHOW STAGES", "SHOW
WAREHOUSES", "SHOW VIEWS", "SHOW ALERTS", "SHOW GRANTS" and "DESCRIBE TABLE".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sf_ml_framework.plan.objects import (
    Alert,
    Column,
    Grant,
    Pool,
    Stage,
    Table,
    Task,
    View,
    Warehouse,
)
from sf_ml_framework.plan.tasks import canonical_json

Row = Mapping[str, Any]

HIDDEN = ("timeout_ms", "suspend_after_failures", "auto_retry_attempts", "overlap_policy")
"""Fields of a task that SHOW TASKS does not tell, or not all of."""

_PARAMETERS = {
    "USER_TASK_TIMEOUT_MS": "timeout_ms",
    "SUSPEND_TASK_AFTER_NUM_FAILURES": "suspend_after_failures",
    "TASK_AUTO_RETRY_ATTEMPTS": "auto_retry_attempts",
}
_LONGEST_TEXT = re.compile(r"VARCHAR\((16777216|134217728)\)")
_QUERY = re.compile(r"\bAS\s+((?:SELECT|WITH)\b.*)", re.IGNORECASE | re.DOTALL)
_PART = re.compile(r'"((?:[^"]|"")*)"|([^."]+)')


def text(value: Any) -> str:
    """Return a cell as text; SHOW writes nothing as NULL, as an empty text, or as ``null``."""
    return "" if value is None or value == "null" else str(value)


def flag(value: Any) -> bool:
    """Return a cell as a truth value; SHOW spells it in four ways."""
    return str(value).lower() in {"true", "y", "yes", "on"}


def last_part(name: str) -> str:
    """Return the last part of a qualified name as it is stored: ``DB.S.T`` gives ``T``."""
    parts = _PART.findall(name)
    inside, bare = parts[-1] if parts else ("", name)
    return inside.replace('""', '"') if inside else bare


def task(row: Row) -> Task:
    """Return a task; what SHOW does not tell of it has Snowflake's defaults."""
    relations = json.loads(text(row.get("task_relations")) or "{}")
    after = json.loads(text(row.get("predecessors")) or "[]") or relations.get("Predecessors") or []
    overlapping = flag(row.get("allow_overlapping_execution"))
    return Task(
        name=f"{row['database_name']}.{row['schema_name']}.{row['name']}",
        body=text(row["definition"]),
        after=tuple(sorted(last_part(name) for name in after)),
        finalizes=last_part(relations.get("FinalizedRootTask") or ""),
        schedule=text(row.get("schedule")),
        config=canonical(text(row.get("config"))),
        overlap_policy="ALLOW_CHILD_OVERLAP" if overlapping else "NO_OVERLAP",
        warehouse=text(row.get("warehouse")),
        error_integration=text(row.get("error_integration")),
        success_integration=text(row.get("success_integration")),
        comment=text(row.get("comment")),
        started=row["state"] == "started",
    )


def canonical(config: str) -> str:
    """Return JSON in the one form in which it is compared; other text as it is."""
    if not config:
        return ""
    try:
        return canonical_json(json.loads(config))
    except ValueError:
        return config


def hidden(parameters: Iterable[Row]) -> dict[str, int]:
    """Return the fields of a task that SHOW PARAMETERS IN TASK tells."""
    found = {str(row["key"]).upper(): row["value"] for row in parameters}
    return {field: int(found[key]) for key, field in _PARAMETERS.items() if key in found}


def pool(row: Row) -> Pool:
    """Return a compute pool."""
    return Pool(
        name=row["name"],
        family=row["instance_family"],
        min_nodes=int(row["min_nodes"]),
        max_nodes=int(row["max_nodes"]),
        auto_suspend_seconds=int(row["auto_suspend_secs"]),
        auto_resume=flag(row["auto_resume"]),
        comment=text(row.get("comment")),
    )


def warehouse(row: Row) -> Warehouse:
    """Return a warehouse; ``X-Small`` is ``XSMALL`` in SQL."""
    return Warehouse(
        name=row["name"],
        size=str(row["size"]).upper().replace("-", ""),
        auto_suspend_seconds=int(row["auto_suspend"] or 0),
        comment=text(row.get("comment")),
    )


def stage(row: Row) -> Stage:
    """Return an internal stage."""
    return Stage(
        name=f"{row['database_name']}.{row['schema_name']}.{row['name']}",
        directory=flag(row["directory_enabled"]),
        comment=text(row.get("comment")),
    )


def table(row: Row, described: Iterable[Row]) -> Table:
    """Return a table from its row of SHOW TABLES and its rows of DESCRIBE TABLE."""
    described = list(described)
    return Table(
        name=f"{row['database_name']}.{row['schema_name']}.{row['name']}",
        columns=tuple(
            Column(
                name=one["name"],
                type=_LONGEST_TEXT.sub("VARCHAR", one["type"]),
                required=one["null?"] == "N",
            )
            for one in described
        ),
        primary_key=tuple(one["name"] for one in described if one["primary key"] == "Y"),
        comment=text(row.get("comment")),
    )


def view(row: Row) -> View:
    """Return a view; SHOW VIEWS has the whole statement that made it."""
    query = _QUERY.search(text(row.get("text")))
    return View(
        name=f"{row['database_name']}.{row['schema_name']}.{row['name']}",
        body=query[1] if query else text(row.get("text")),
        comment=text(row.get("comment")),
    )


def alert(row: Row) -> Alert:
    """Return an alert."""
    return Alert(
        name=f"{row['database_name']}.{row['schema_name']}.{row['name']}",
        schedule=text(row.get("schedule")),
        condition=text(row.get("condition")),
        action=text(row.get("action")),
        warehouse=text(row.get("warehouse")),
        comment=text(row.get("comment")),
        started=row["state"] == "started",
    )


def grant(row: Row, *, future: bool = False) -> Grant:
    """Return a grant from a row of SHOW [FUTURE] GRANTS TO ROLE."""
    kind = str(row["grant_on" if future else "granted_on"]).replace("_", " ")
    name = str(row["name"])
    if future:
        # A schema's future grants are shown as DB.SCHEMA.<KIND>.
        many = f"{kind[:-1]}IES" if kind.endswith("Y") else f"{kind}S"
        name, kind = name.rpartition(".<")[0], f"FUTURE {many}"
    return Grant(
        name="" if kind == "ACCOUNT" else unquoted(name),
        privilege=str(row["privilege"]),
        on=kind,
        to=str(row["grantee_name"]),
    )


def unquoted(name: str) -> str:
    """Return a qualified name without the quotes that SHOW puts around some parts."""
    return ".".join(
        inside.replace('""', '"') if inside else bare for inside, bare in _PART.findall(name)
    )
