"""Each kind of object as the statements that make it, change it and drop it.

Each may be run twice: what stands already is left, what is set is set again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sf_ml_framework.identifiers import quoted
from sf_ml_framework.plan import perimeter_sql
from sf_ml_framework.plan.changes import Difference
from sf_ml_framework.plan.objects import (
    Alert,
    Column,
    Database,
    Grant,
    ImageRepository,
    Object,
    Pool,
    Role,
    Schema,
    Stage,
    Table,
    Task,
    View,
    Warehouse,
    key_of,
)
from sf_ml_framework.plan.quoting import literal, name, names, word

_PROPERTIES = {
    "schedule": "SCHEDULE",
    "config": "CONFIG",
    "overlap_policy": "OVERLAP_POLICY",
    "timeout_ms": "USER_TASK_TIMEOUT_MS",
    "suspend_after_failures": "SUSPEND_TASK_AFTER_NUM_FAILURES",
    "auto_retry_attempts": "TASK_AUTO_RETRY_ATTEMPTS",
    "warehouse": "WAREHOUSE",
    "error_integration": "ERROR_INTEGRATION",
    "success_integration": "SUCCESS_INTEGRATION",
    "comment": "COMMENT",
    "min_nodes": "MIN_NODES",
    "max_nodes": "MAX_NODES",
    "auto_suspend_seconds": "AUTO_SUSPEND_SECS",
    "auto_resume": "AUTO_RESUME",
}
"""What Snowflake calls a property of a task or a pool."""

_ROOT_ONLY = ("schedule", "config", "overlap_policy", "suspend_after_failures",
              "auto_retry_attempts", "error_integration", "success_integration")  # fmt: skip
"""What a child does not take."""


def created(thing: Object, *, or_alter: bool = False) -> str:
    """Return the statement that makes *thing* where it is missing.

    Args:
        thing: what to make.
        or_alter: change a task that stands already to what is wanted, and replace an alert.

    Raises:
        ValueError: no statement of a deployment makes it.
    """
    if isinstance(thing, perimeter_sql.Guard):
        return perimeter_sql.created(thing)
    return _created(thing, or_alter=or_alter)


def _created(thing: Object, *, or_alter: bool) -> str:  # noqa: PLR0911 - one a kind
    match thing:
        case Role():
            return f"CREATE ROLE IF NOT EXISTS {name(thing.name)}{_comment(thing.comment)}"
        case Warehouse():
            return (
                f"CREATE WAREHOUSE IF NOT EXISTS {name(thing.name)}"
                f" WAREHOUSE_SIZE = {literal(thing.size)}"
                f" AUTO_SUSPEND = {thing.auto_suspend_seconds:d} AUTO_RESUME = TRUE"
                f" INITIALLY_SUSPENDED = TRUE{_comment(thing.comment)}"
            )
        case Database() | Schema():
            kind = "DATABASE" if isinstance(thing, Database) else "SCHEMA"
            return f"CREATE {kind} IF NOT EXISTS {name(thing.name)}{_comment(thing.comment)}"
        case Pool():
            return _pool(thing)
        case ImageRepository():
            return f"CREATE IMAGE REPOSITORY IF NOT EXISTS {name(thing.name)}"
        case Stage():
            return _stage(thing)
        case Table():
            return _table(thing)
        case View():
            return view(thing)
        case Alert():
            return _alert(thing, replace=or_alter)
        case Grant():
            return f"GRANT {_granted(thing)} TO ROLE {name(thing.to)}"
        case Task():
            return _task(thing, or_alter=or_alter)
        case _:
            raise ValueError(f"no statement makes the {key_of(thing)}")


def _comment(text: str) -> str:
    return f" COMMENT = {literal(text)}" if text else ""


def _flag(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def _stage(stage: Stage) -> str:
    return (
        f"CREATE STAGE IF NOT EXISTS {name(stage.name)}"
        f" DIRECTORY = (ENABLE = {_flag(stage.directory)})"
        f" ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE'){_comment(stage.comment)}"
    )


def _pool(pool: Pool) -> str:
    return (
        f"CREATE COMPUTE POOL IF NOT EXISTS {name(pool.name)}"
        f" MIN_NODES = {pool.min_nodes:d} MAX_NODES = {pool.max_nodes:d}"
        f" INSTANCE_FAMILY = {name(pool.family)} AUTO_RESUME = {_flag(pool.auto_resume)}"
        # Suspended, for a pool that runs costs, and the first job resumes it.
        f" INITIALLY_SUSPENDED = TRUE AUTO_SUSPEND_SECS = {pool.auto_suspend_seconds:d}"
        f"{_comment(pool.comment)}"
    )


def _table(table: Table) -> str:
    lines = [f"  {_column(column)}{' NOT NULL' * column.required}" for column in table.columns]
    if table.primary_key:
        lines.append(f"  PRIMARY KEY ({', '.join(map(quoted, table.primary_key))})")
    columns = ",\n".join(lines)
    return f"CREATE TABLE IF NOT EXISTS {name(table.name)} (\n{columns}\n){_comment(table.comment)}"


def _column(column: Column) -> str:
    # Quoted, for ROWS is a reserved word; the type is a constant of ours.
    return f"{quoted(column.name)} {column.type}"


def _granted(grant: Grant) -> str:
    """Return what is granted, as GRANT and REVOKE spell it."""
    match grant.on:
        case "ROLE" | "DATABASE ROLE":
            return f"{grant.on} {name(grant.name)}"
        case "ACCOUNT":
            return f"{word(grant.privilege)} ON ACCOUNT"
        case kind if kind.startswith("FUTURE "):
            return f"{word(grant.privilege)} ON {word(kind)} IN SCHEMA {name(grant.name)}"
        case kind:
            return f"{word(grant.privilege)} ON {word(kind)} {name(grant.name)}"


def view(thing: View) -> str:
    """Return the statement that makes a view, or gives the one that stands another query."""
    return (
        f"CREATE OR REPLACE VIEW {name(thing.name)} COPY GRANTS{_comment(thing.comment)} AS\n"
        f"{thing.body}"
    )


def _alert(alert: Alert, *, replace: bool) -> str:
    head = "CREATE OR REPLACE ALERT" if replace else "CREATE ALERT IF NOT EXISTS"
    warehouse = f"  WAREHOUSE = {name(alert.warehouse)}\n" if alert.warehouse else ""
    return (
        f"{head} {name(alert.name)}\n{warehouse}"
        f"  SCHEDULE = {literal(alert.schedule)}{_comment(alert.comment)}\n"
        f"  IF (EXISTS (\n{alert.condition}\n))\n  THEN\n{alert.action}"
    )


def _task(task: Task, *, or_alter: bool) -> str:
    head = f"CREATE OR ALTER TASK {name(task.name)}" if or_alter else (
        f"CREATE TASK IF NOT EXISTS {name(task.name)}"
    )  # fmt: skip
    fields = ["warehouse", *(_ROOT_ONLY if task.is_root else ()), "timeout_ms", "comment"]
    lines = [head]
    lines += [
        f"  {_PROPERTIES[field]} = {_written(field, value)}"
        for field in fields
        if (value := getattr(task, field)) != ""
    ]
    schema = task.name.rpartition(".")[0]
    if task.finalizes:
        lines.append(f"  FINALIZE = {name(f'{schema}.{task.finalizes}')}")
    if task.after:
        lines.append(f"  AFTER {names(f'{schema}.{each}' for each in task.after)}")
    return "\n".join([*lines, "AS", task.body])


def _written(field: str, value: Any) -> str:
    """Return the value of a property of a task or a pool as SQL."""
    if isinstance(value, bool):
        return _flag(value)
    if isinstance(value, int):
        return f"{value:d}"
    if field in ("warehouse", "error_integration", "success_integration"):
        return name(value)
    return word(value) if field == "overlap_policy" else literal(value)


def altered(thing: Object, differences: Sequence[Difference]) -> Iterator[str]:
    """Yield the statements that change of *thing* what differs, and nothing else.

    Raises:
        ValueError: it cannot be changed.
    """
    if isinstance(thing, perimeter_sql.Guard):
        yield from perimeter_sql.altered(thing, [each.field for each in differences])
    else:
        yield from _altered(thing, differences)


def _altered(thing: Object, differences: Sequence[Difference]) -> Iterator[str]:
    match thing:
        case Task():
            yield from _altered_task(thing, [each.field for each in differences])
        case Pool():
            fields = {each.field: getattr(thing, each.field) for each in differences}
            yield f"ALTER COMPUTE POOL {name(thing.name)} SET {_set(fields)}"
        case Stage():
            for each in differences:
                if each.field == "directory":
                    enabled = f"DIRECTORY = (ENABLE = {_flag(thing.directory)})"
                    yield f"ALTER STAGE {name(thing.name)} SET {enabled}"
                else:
                    yield f"ALTER STAGE {name(thing.name)} SET COMMENT = {literal(thing.comment)}"
        case View():
            yield view(thing)
        case Alert():
            yield from _altered_alert(thing, [each.field for each in differences])
        case Table():
            missing = {each.field.removeprefix("column ") for each in differences}
            for column in thing.columns:
                if column.name in missing:
                    # Rows that stand have no value for it, so it may be empty.
                    added = f"ADD COLUMN IF NOT EXISTS {_column(column)}"
                    yield f"ALTER TABLE {name(thing.name)} {added}"
        case _:
            raise ValueError(f"the {key_of(thing)} cannot be changed")


def _altered_alert(alert: Alert, fields: Sequence[str]) -> Iterator[str]:
    head = f"ALTER ALERT {name(alert.name)}"
    if "warehouse" in fields and not alert.warehouse:
        yield f"{head} UNSET WAREHOUSE"
    kept = {
        field: getattr(alert, field)
        for field in ("warehouse", "schedule", "comment")
        if field in fields and getattr(alert, field)
    }
    if kept:
        yield f"{head} SET {_set(kept)}"
    if "condition" in fields:
        yield f"{head} MODIFY CONDITION EXISTS (\n{alert.condition}\n)"
    if "action" in fields:
        yield f"{head} MODIFY ACTION\n{alert.action}"
    if "started" in fields:
        yield f"{head} {'RESUME' if alert.started else 'SUSPEND'}"


def _set(fields: dict[str, Any]) -> str:
    return " ".join(f"{_PROPERTIES[field]} = {_written(field, fields[field])}" for field in fields)


def _altered_task(task: Task, fields: Sequence[str]) -> Iterator[str]:
    head = f"ALTER TASK {name(task.name)}"
    values = {field: getattr(task, field) for field in fields if field in _PROPERTIES}
    empty = [
        field
        for field, value in values.items()
        if value == "" or (not task.is_root and field in _ROOT_ONLY)
    ]
    # Emptied first: a schedule must go before a task can wait for another.
    if empty:
        yield f"{head} UNSET {', '.join(_PROPERTIES[field] for field in empty)}"
    kept = {field: value for field, value in values.items() if field not in empty}
    if kept:
        yield f"{head} SET {_set(kept)}"
    if "body" in fields:
        yield f"{head} MODIFY AS {task.body}"
    if "finalizes" in fields:
        schema = task.name.rpartition(".")[0]
        root = name(f"{schema}.{task.finalizes}") if task.finalizes else ""
        yield f"{head} SET FINALIZE = {root}" if root else f"{head} UNSET FINALIZE"


def removed(thing: Object) -> str:
    """Return the statement that drops *thing*, or revokes it.

    Raises:
        ValueError: a deployment never drops it.
    """
    match thing:
        case Task():
            return f"DROP TASK IF EXISTS {name(thing.name)}"
        case Pool():
            return f"DROP COMPUTE POOL IF EXISTS {name(thing.name)}"
        case View():
            return f"DROP VIEW IF EXISTS {name(thing.name)}"
        case Alert():
            return f"DROP ALERT IF EXISTS {name(thing.name)}"
        case Grant():
            return f"REVOKE {_granted(thing)} FROM ROLE {name(thing.to)}"
        case _:
            raise ValueError(f"a deployment never drops the {key_of(thing)}")
