"""What somebody changed by hand since the last deployment.

Compared are the objects that deployments made with the states that they recorded. After a
deployment that was interrupted an object may stand as either state says; neither is drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from sf_ml_framework.deploy.records import Recorded
from sf_ml_framework.plan import canonical
from sf_ml_framework.plan.changes import Alter, Difference, Plan, Remove, Retire
from sf_ml_framework.plan.objects import Alert, Object, Observed, Pool, Stage, Task, View, key_of

COMPARED = (Task, Pool, Stage, View, Alert)
"""What a deployment makes and a person can change in place."""

AUTO_SUSPENDED = "FAILED_AND_AUTO_SUSPENDED"
"""Status of a last run after which Snowflake suspended the graph: nobody's hand did."""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One object that is not as the last deployment left it."""

    key: str
    differences: tuple[Difference, ...] = ()
    """From what was deployed to what stands; empty: it is gone."""

    @property
    def words(self) -> str:
        """What was changed, for a person, in one line."""
        if not self.differences:
            return f"{self.key} was dropped"
        return f"{self.key}: " + "; ".join(map(_told, self.differences))


def drifted(recorded: Recorded, observed: Observed) -> tuple[Drift, ...]:
    """Return what stands otherwise than any recorded state says, by key."""
    states = [{key_of(thing): thing for thing in state.objects} for state in recorded.states]
    standing = {key_of(thing): thing for thing in observed.objects}
    suspended_itself = any(run.status == AUTO_SUSPENDED for run in observed.last_runs)
    # Whoever was interrupted had suspended the graph, and perhaps not yet made all of it.
    unfinished = not recorded.states or recorded.states[0] != recorded.applied
    states_count = not suspended_itself and not unfinished
    if recorded.applied is None:
        states.append({})
    found = []
    for key in sorted({key for state in states for key in state}):
        wanted = [state.get(key) for state in states]
        if not any(isinstance(one, COMPARED) for one in wanted):
            continue
        drift = _of_one(key, wanted, standing, observed, states_count=states_count)
        if drift is not None:
            found.append(drift)
    return tuple(found)


def _of_one(
    key: str,
    wanted: Iterable[Object | None],
    standing: Mapping[str, Object],
    observed: Observed,
    *,
    states_count: bool,
) -> Drift | None:
    thing = standing.get(key)
    wanted = list(wanted)
    if thing is None:
        absent = any(one is None for one in wanted) or key in observed.unknown
        return None if absent else Drift(key=key)
    ignored = {"name", *observed.unseen.get(key, ())} | ({"started"} if not states_count else set())
    told = [one for one in wanted if one is not None]
    differing = [
        Difference(field=field, old=getattr(told[0], field), new=getattr(thing, field))
        for field in thing.__struct_fields__
        if field not in ignored and not _as_recorded(field, thing, told)
    ]
    return Drift(key=key, differences=tuple(differing)) if differing else None


def _as_recorded(field: str, thing: Object, wanted: Sequence[Object]) -> bool:
    """Say whether a property is as some state has it: it may be interrupted between two of them."""
    old = [canonical.value(field, getattr(one, field)) for one in wanted]
    new = canonical.value(field, getattr(thing, field))
    if field == "after" and len(wanted) > 1:
        # Tasks are linked and unlinked one statement after the other.
        return set(new) <= {name for names in old for name in names}
    # None is a state that the deployment leaves as it is.
    return None in old or new in old


def overwritten(drifts: Iterable[Drift], plan: Plan) -> tuple[Drift, ...]:
    """Return those of *drifts* that *plan* would write over; making anew what is gone is none."""
    touched = set()
    for change in plan.changes:
        if isinstance(change, Alter):
            touched.add(key_of(change.wanted))
        elif isinstance(change, Remove | Retire):
            touched.add(key_of(change.standing))
    return tuple(drift for drift in drifts if drift.differences and drift.key in touched)


def _told(difference: Difference) -> str:
    old, new = str(difference.old), str(difference.new)
    if max(len(old), len(new)) <= _SHORT and "\n" not in old + new:
        return f"{difference.field} was {old or 'nothing'} and is {new or 'nothing'}"
    for number, (before, after) in enumerate(
        zip(old.splitlines(), new.splitlines(), strict=False), start=1
    ):
        if before != after:
            return f"{difference.field} differs at line {number}, which is now {after.strip()!r}"
    return f"{difference.field} has another length"


_SHORT = 60
"""Characters of a value that are shown whole."""
