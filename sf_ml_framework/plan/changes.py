"""What a deployment does, as a list of typed changes.

``explain`` and ``to_sql`` are two readings of this one list, so what a person reads cannot differ
in content or order from what is executed. Nothing here can touch an account.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sf_ml_framework.plan.objects import (
    FORMAT,
    Desired,
    Object,
    Observed,
    Part,
    Task,
    part_of_object,
)

Value = None | bool | int | str | tuple[str, ...]
"""A property, as it is compared and shown."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One property that is not as it should be."""

    field: str
    old: Value
    new: Value


class _Change(msgspec.Struct, frozen=True, kw_only=True, tag_field="change", tag=str.lower):
    """One change."""


class Create(_Change, frozen=True, kw_only=True):
    """Make what is missing. A task is made suspended."""

    wanted: Object
    reason: str = ""


class Alter(_Change, frozen=True, kw_only=True):
    """Change what differs of an object, and nothing else."""

    wanted: Object
    differences: tuple[Difference, ...]


class Keep(_Change, frozen=True, kw_only=True):
    """Leave an object as it is."""

    wanted: Object
    reason: str = ""


class Remove(_Change, frozen=True, kw_only=True):
    """Drop what left the code, or revoke it."""

    standing: Object
    reason: str = ""

    @property
    def is_administrators(self) -> bool:
        """Whether the deploy role may not do it; it is told, and no step of a deployment."""
        return part_of_object(self.standing) == "admin"


class Retire(_Change, frozen=True, kw_only=True):
    """Leave a task standing that left the code, and let it do no harm: removals were not asked for.

    A task of the graph is suspended, which Snowflake treats as done; a finalizer leaves the graph.
    """

    standing: Task
    reason: str = ""


class Expect(_Change, frozen=True, kw_only=True):
    """Something that no statement of the deployment makes, and that must be there."""

    wanted: Object
    by: Literal["image", "run", "person"]
    """Who makes it: ``mlops image push``, the first run of a node, a person."""
    reason: str = ""
    remedy: str = ""


class Blocked(_Change, frozen=True, kw_only=True):
    """What stands cannot become what is wanted; nothing is applied before a person has chosen."""

    wanted: Object
    differences: tuple[Difference, ...]
    remedy: str = ""


class SuspendRoot(_Change, frozen=True, kw_only=True):
    """Stop the graph's schedule, once, before anything in it changes; a run in flight goes on."""

    task: str
    reason: str = ""


class Link(_Change, frozen=True, kw_only=True):
    """Let a task wait for more tasks."""

    task: str
    after: tuple[str, ...]


class Unlink(_Change, frozen=True, kw_only=True):
    """Let a task no longer wait for some tasks."""

    task: str
    after: tuple[str, ...]


class ResumeTask(_Change, frozen=True, kw_only=True):
    """Resume a task of a graph whose root is suspended."""

    task: str
    reason: str = ""


class ResumeRoot(_Change, frozen=True, kw_only=True):
    """Start the graph's schedule again, last of all."""

    task: str
    reason: str = ""


Change = Create | Alter | Keep | Remove | Expect | Blocked
"""What ``diff`` finds, one for each object."""

Step = Create | Alter | Remove | Retire | SuspendRoot | Link | Unlink | ResumeTask | ResumeRoot
"""What ``order`` makes of the changes, in the order in which they are carried out."""

Code = Literal[
    "run_in_flight",
    "retry_lost",
    "root_suspended",
    "finalizer_orphaned",
    "cost",
    "cost_unknown",
    "left_standing",
    "left_to_administrator",
    "changed_by_hand",
    "not_seen",
    "guards_not_seen",
]


class Caution(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should know before the plan is carried out."""

    code: Code
    message: str
    remedy: str = ""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of SQL, who runs it, and which step of the plan it carries out."""

    sql: str
    part: Part
    role: str
    """The role to use for it; empty: whoever administers the account."""
    step: int
    """Position in ``Plan.steps``."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole deployment before it happens; complete in itself, as a file too."""

    format: int = FORMAT
    desired: Desired
    observed: Observed
    """What the plan is made against; ``deploy`` refuses when the account's digest has moved on."""
    changes: tuple[Change, ...]
    """One for each object, sorted by key; what is counted and shown."""
    steps: tuple[Step, ...]
    """In order, what is carried out; a task's edges and state are steps of their own."""
    warnings: tuple[Caution, ...] = ()
    delete: bool = False
    """Whether what left the code is dropped."""

    @property
    def is_empty(self) -> bool:
        """Whether carrying it out changes nothing."""
        return not self.steps
