"""A whole deployment as one file of SQL, to be read, and to be run by hand as often as one likes.

It makes and changes; it drops nothing. Three parts, by who runs them. The statements are those of
a plan against an empty account, but a task is made with CREATE OR ALTER and a pool is also set, so
that a second run changes what stands to what the file says.

Source: Snowflake, "CREATE OR ALTER <object>", "CREATE TASK", "Create a sequence of tasks".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import msgspec

from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.plan.changes import Create, Difference, ResumeRoot, ResumeTask
from sf_ml_framework.plan.definitions import altered, created
from sf_ml_framework.plan.diff import make_plan
from sf_ml_framework.plan.objects import (
    Alert,
    Desired,
    Grant,
    Object,
    Observed,
    Part,
    Pool,
    Task,
    View,
    part_of_object,
)
from sf_ml_framework.plan.perimeter_sql import SETTABLE
from sf_ml_framework.plan.quoting import name
from sf_ml_framework.plan.to_sql import sql_of
from sf_ml_framework.plan.to_yaml import header
from sf_ml_framework.targets import Target

FILE = "tasks/create_pipeline_tasks.sql"
"""Where the file stands in a project."""

ADMIN = "ACCOUNTADMIN"

PARTS: tuple[Part, ...] = get_args(Part)

_TITLES: dict[Part, str] = {
    "admin": "Once, by the account's administrator: roles, warehouse, database, and who may what",
    "deploy": "By the deploy role: compute pools, image repository, stage, tables, views",
    "run": "By the run role: the graph of tasks, its alerts, and its start",
}


def script(manifest: Manifest, target: Target, desired: Desired) -> str:
    """Return the file of all three parts."""
    head = (
        f"{header(manifest, target, '--')}"
        "--\n"
        "-- Run it whole or part by part, as often as you like:\n"
        f"--   snow sql -f {FILE}\n"
        "-- The image must be in the repository before the graph runs: mlops image push\n"
    )
    return head + "".join(f"\n{part_of_script(desired, part)}" for part in PARTS)


def statements_of(desired: Desired, part: Part) -> list[str]:
    """Return the statements of one part, the choice of its role first."""
    return [
        f"USE ROLE {name(_role(desired, part))}",
        *(sql for _, sql in _statements(desired, part)),
    ]


def part_of_script(desired: Desired, part: Part) -> str:
    """Return one part of the file."""
    number = PARTS.index(part) + 1
    lines = [f"-- {number}. {_TITLES[part]}", f"USE ROLE {name(_role(desired, part))};", ""]
    above = ""
    for comment, sql in _statements(desired, part):
        if comment != above:
            if comment:
                lines.append(f"-- {comment}")
            above = comment
        lines.append(f"{sql};")
    return "\n".join(lines) + "\n"


def _role(desired: Desired, part: Part) -> str:
    match part:
        case "admin":
            return ADMIN
        case "deploy":
            return desired.deploy_role
        case "run":
            return desired.role


def _statements(desired: Desired, part: Part) -> Iterator[tuple[str, str]]:
    """Yield the statements of a part, each with the comment above it."""
    plan = make_plan(_to_start(desired), Observed())
    # A comment after the last statement would be a statement of its own to some clients.
    resumes = "Children first, the root last"
    if not any(isinstance(step, ResumeRoot) for step in plan.steps):
        resumes = f"The root has no schedule; start a run with EXECUTE TASK {name(desired.root)}"
    if part == "run":
        yield (
            "Nothing in a graph can be changed while its root is started",
            (f"ALTER TASK IF EXISTS {name(desired.root)} SUSPEND"),
        )
    for step in plan.steps:
        match step:
            case Create() if part_of_object(step.wanted) == part:
                comment = _comment(step.wanted)
                yield comment, created(step.wanted, or_alter=True)
                for sql in _set(step.wanted):
                    yield comment, sql
                if isinstance(step.wanted, Alert):
                    yield comment, f"ALTER ALERT {name(step.wanted.name)} RESUME"
            case ResumeTask() | ResumeRoot() if part == "run":
                for sql in sql_of(step):
                    yield resumes, sql
            case _:
                pass


def _to_start(desired: Desired) -> Desired:
    """Return *desired* with a root that is started where its target leaves that to a person."""
    return msgspec.structs.replace(
        desired,
        objects=tuple(
            msgspec.structs.replace(thing, started=bool(thing.schedule))
            if isinstance(thing, Task) and thing.started is None
            else thing
            for thing in desired.objects
        ),
    )


def _comment(thing: Object) -> str:
    match thing:
        case Grant():
            # Without the line: the file should not change with every line of the code.
            return re.sub(r"(\.\w+):\d+", r"\1", thing.why)
        case Task() | Alert():
            return thing.comment.partition(": ")[2]
        case View():
            return thing.comment
        case _:
            return ""


def _set(thing: Object) -> Iterator[str]:
    """Yield what sets all that a second run may find changed, where CREATE leaves what stands."""
    # What is to be empty is left alone: Snowflake refuses to unset a policy that nobody has.
    fields = tuple(each for each in SETTABLE.get(type(thing), ()) if getattr(thing, each))
    if isinstance(thing, Pool):
        fields = ("min_nodes", "max_nodes", "auto_suspend_seconds", "auto_resume", "comment")
    if fields:
        yield from altered(thing, [Difference(field=each, old=None, new=None) for each in fields])
