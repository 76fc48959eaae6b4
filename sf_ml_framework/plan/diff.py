"""What stands, compared with what should: one change for each object, none of them made yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from sf_ml_framework.plan import canonical, names
from sf_ml_framework.plan.cautions import cautions
from sf_ml_framework.plan.changes import (
    Alter,
    Blocked,
    Change,
    Create,
    Difference,
    Expect,
    Keep,
    Plan,
    Remove,
)
from sf_ml_framework.plan.objects import (
    Alert,
    AuthenticationPolicy,
    Desired,
    FeatureView,
    Grant,
    Image,
    Integration,
    NetworkPolicy,
    NetworkRule,
    Object,
    Observed,
    Pool,
    Secret,
    ServiceUser,
    SessionPolicy,
    Stage,
    Table,
    Task,
    View,
    key_of,
)
from sf_ml_framework.plan.order import arrange

_TASK = (
    "body", "after", "finalizes", "schedule", "config", "overlap_policy", "timeout_ms",
    "suspend_after_failures", "auto_retry_attempts", "warehouse", "error_integration",
    "success_integration", "comment", "started",
)  # fmt: skip
_POOL = ("min_nodes", "max_nodes", "auto_suspend_seconds", "auto_resume", "comment")
_STAGE = ("directory", "comment")
_VIEW = ("body", "comment")
_ALERT = ("schedule", "condition", "action", "warehouse", "comment", "started")
_GUARDS: dict[type, tuple[str, ...]] = {
    Integration: ("rules",),
    NetworkRule: ("values",),
    NetworkPolicy: ("allowed", "blocked"),
    SessionPolicy: ("idle_minutes",),
    AuthenticationPolicy: ("methods",),
    ServiceUser: ("roles", "network_policy", "session_policy", "authentication_policy"),
}
"""What is compared of what guards a target."""


def make_plan(desired: Desired, observed: Observed, *, delete: bool = False) -> Plan:
    """Return the whole deployment that makes *desired* of *observed*; touches nothing.

    Args:
        desired: what should stand.
        observed: what stands, from an account or from a file.
        delete: whether what left the code is dropped.
    """
    changes = diff(desired, observed)
    steps = arrange(desired, observed, changes, delete=delete)
    return Plan(
        desired=desired,
        observed=observed,
        changes=changes,
        steps=steps,
        warnings=cautions(desired, observed, changes, steps),
        delete=delete,
    )


def diff(desired: Desired, observed: Observed) -> tuple[Change, ...]:
    """Return the changes that make *desired* of *observed*, sorted by the objects' keys.

    What is not wanted is removed when it is ours: a task that bears the project's mark, or what
    an earlier deployment recorded. Roles, warehouses, databases, schemas, repositories, stages
    and tables are never removed.
    """
    standing = {key_of(thing): thing for thing in observed.objects}
    wanted = {key_of(thing): thing for thing in desired.objects}
    found = [_one(thing, standing, desired, observed) for thing in wanted.values()]
    found += _removed(wanted, standing, desired, observed)
    return tuple(sorted(found, key=key_of_change))


def key_of_change(change: Change) -> str:
    """Return the key of the object that *change* is about."""
    return key_of(change.standing if isinstance(change, Remove) else change.wanted)


def _one(
    wanted: Object, standing: dict[str, Object], desired: Desired, observed: Observed
) -> Change:
    key = key_of(wanted)
    found = standing.get(key)
    unseen = set(observed.unseen.get(key, ()))
    change: Change = Keep(wanted=wanted)
    match wanted, found:
        case _, None:
            change = _absent(wanted, standing, observed)
        case Task(), Task():
            change = _altered(
                wanted, _differences(_resumed(wanted, observed), found, _TASK, unseen)
            )
        case Pool(), Pool():
            change = _pool(wanted, found, unseen)
        case Stage(), Stage():
            change = _altered(wanted, _differences(wanted, found, _STAGE, unseen))
        case View(), View():
            change = _altered(wanted, _differences(wanted, found, _VIEW, unseen))
        case Alert(), Alert():
            change = _altered(wanted, _differences(wanted, found, _ALERT, unseen))
        case Table(), Table():
            change = _table(wanted, found)
        case Image(), Image():
            change = _image(wanted, found)
        case _ if (fields := _GUARDS.get(type(wanted))) and type(wanted) is type(found):
            change = _altered(wanted, _differences(wanted, found, fields, unseen))
        case _:
            pass
    return change


def _resumed(wanted: Task, observed: Observed) -> Task:
    """Return the task with the state it is to have, where the target keeps what it finds."""
    if wanted.started is None and wanted.name in observed.interrupted:
        return msgspec.structs.replace(wanted, started=True)
    return wanted


def _altered(wanted: Object, differences: tuple[Difference, ...]) -> Change:
    return Alter(wanted=wanted, differences=differences) if differences else Keep(wanted=wanted)


def _differences(
    wanted: Object, found: Object, fields: Iterable[str], unseen: set[str]
) -> tuple[Difference, ...]:
    return tuple(
        Difference(field=field, old=old, new=new)
        for field in fields
        if field not in unseen
        and (new := getattr(wanted, field)) is not None
        and canonical.value(field, old := getattr(found, field)) != canonical.value(field, new)
    )


def _pool(wanted: Pool, found: Pool, unseen: set[str]) -> Change:
    family = _differences(wanted, found, ("family",), unseen)
    if family:
        return Blocked(
            wanted=wanted,
            differences=family,
            remedy="give the size another pool in mlops.yml (pools.<SIZE>.name); Snowflake cannot "
            "change the family of one",
        )
    return _altered(wanted, _differences(wanted, found, _POOL, unseen))


def _absent(wanted: Object, standing: dict[str, Object], observed: Observed) -> Change:
    if key_of(wanted) in observed.unknown:
        return Keep(wanted=wanted, reason=f"the role {observed.role} cannot see whether it stands")
    if isinstance(wanted, Grant):
        owned = msgspec.structs.replace(wanted, privilege="OWNERSHIP")
        if wanted.on != "ROLE" and key_of(owned) in standing:
            return Keep(wanted=wanted, reason=f"{wanted.to} owns it")
        return Create(wanted=wanted, reason=wanted.why)
    expected = _expected(wanted)
    return expected or Create(wanted=wanted, reason="it does not stand")


def _expected(wanted: Object) -> Expect | None:
    """Return who makes *wanted*, where no statement of a deployment does."""
    match wanted:
        case Image():
            return Expect(
                wanted=wanted,
                by="image",
                reason="it is not in the repository",
                remedy="push it: mlops image push",
            )
        case Secret():
            return Expect(
                wanted=wanted,
                by="person",
                reason="a node reads it",
                remedy=f"CREATE SECRET {wanted.name} TYPE = GENERIC_STRING SECRET_STRING = '…'",
            )
        case Integration(rules=()):
            return Expect(
                wanted=wanted,
                by="person",
                reason="the project names it",
                remedy=f"ask the account's administrator to create the integration {wanted.name}",
            )
        case FeatureView():
            return Expect(
                wanted=wanted, by="run", reason=f"node {wanted.node} registers it when it runs"
            )
        case _:
            return None


def _table(wanted: Table, found: Table) -> Change:
    types = {column.name: canonical.column_type(column.type) for column in found.columns}
    missing, other = [], []
    for column in wanted.columns:
        old = types.get(column.name)
        if old is None:
            missing.append(Difference(field=f"column {column.name}", old=None, new=column.type))
        elif old != canonical.column_type(column.type):
            other.append(Difference(field=f"column {column.name}", old=old, new=column.type))
    if other:
        return Blocked(
            wanted=wanted,
            differences=tuple(other),
            remedy="rename the old table; a deployment changes no column's type",
        )
    return _altered(wanted, tuple(missing))


def _image(wanted: Image, found: Image) -> Change:
    if not wanted.digest or wanted.digest == found.digest:
        return Keep(wanted=wanted)
    return Expect(
        wanted=wanted,
        by="image",
        reason=f"the tag stands for {found.digest or 'another image'}",
        remedy="push it: mlops image push",
    )


def _removed(
    wanted: dict[str, Object], standing: dict[str, Object], desired: Desired, observed: Observed
) -> Iterator[Change]:
    mark, managed = names.mark(desired.project), set(observed.managed)
    for key, thing in standing.items():
        if key in wanted:
            continue
        match thing:
            case Task() if thing.comment.startswith(mark) or key in managed:
                yield Remove(standing=thing, reason="it left the code")
            case Pool() | Grant() | View() | Alert() if key in managed:
                yield Remove(standing=thing, reason="nothing needs it any more")
            case _:
                pass
