"""Steps as SQL. Reads the list that ``explain`` reads: what a person saw is what is executed.

Source: Snowflake, "CREATE TASK", "ALTER TASK", "DROP TASK", "CREATE COMPUTE POOL", "ALTER COMPUTE
POOL", "CREATE IMAGE REPOSITORY", "CREATE STAGE", "CREATE TABLE", "GRANT <privileges>".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from sf_ml_framework.plan.changes import (
    Alter,
    Create,
    Link,
    Plan,
    Remove,
    ResumeRoot,
    ResumeTask,
    Retire,
    Statement,
    Step,
    SuspendRoot,
    Unlink,
)
from sf_ml_framework.plan.definitions import altered, created, removed
from sf_ml_framework.plan.objects import Alert, Part, part_of_object
from sf_ml_framework.plan.quoting import name, names


def statements(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements of *plan* in order, each with who runs it; none for an empty plan."""
    desired = plan.desired
    roles: dict[Part, str] = {"admin": "", "deploy": desired.deploy_role, "run": desired.role}
    return tuple(
        Statement(sql=sql, part=part, role=roles[part], step=number)
        for number, step in enumerate(plan.steps)
        for part in (part_of(step),)
        for sql in sql_of(step)
    )


def part_of(step: Step) -> Part:
    """Return who carries out *step*."""
    match step:
        case Create() | Alter():
            return part_of_object(step.wanted)
        case Remove():
            return part_of_object(step.standing)
        case _:
            return "run"


def sql_of(step: Step) -> Iterator[str]:
    """Yield the statements that carry out *step*, without semicolons."""
    match step:
        case Create():
            yield created(step.wanted)
            if isinstance(step.wanted, Alert) and step.wanted.started:
                # Snowflake makes an alert suspended.
                yield f"ALTER ALERT {name(step.wanted.name)} RESUME"
        case Alter():
            yield from altered(step.wanted, step.differences)
        case Remove():
            yield removed(step.standing)
        case Retire():
            leaves = "UNSET FINALIZE" if step.standing.finalizes else "SUSPEND"
            yield f"ALTER TASK {name(step.standing.name)} {leaves}"
        case SuspendRoot():
            yield f"ALTER TASK {name(step.task)} SUSPEND"
        case Link():
            yield f"ALTER TASK {name(step.task)} ADD AFTER {names(_siblings(step))}"
        case Unlink():
            yield f"ALTER TASK {name(step.task)} REMOVE AFTER {names(_siblings(step))}"
        case ResumeTask() | ResumeRoot():
            yield f"ALTER TASK {name(step.task)} RESUME"
        case _:
            assert_never(step)


def _siblings(step: Link | Unlink) -> Iterator[str]:
    """Yield the tasks that a step names, qualified: no statement leans on a current schema."""
    schema = step.task.rpartition(".")[0]
    return (f"{schema}.{task}" for task in step.after)
