"""What a person should know before a plan is carried out, and no list of changes tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sf_ml_framework.plan import definitions, rates
from sf_ml_framework.plan.changes import (
    Alter,
    Caution,
    Change,
    Create,
    Remove,
    Retire,
    Step,
    SuspendRoot,
)
from sf_ml_framework.plan.objects import Desired, Observed, Pool, Task, key_of

GUARDS = (
    "network rule ",
    "network policy ",
    "session policy ",
    "authentication policy ",
    "service user ",
)
"""How the keys of objects begin that only an administrator sees."""


def cautions(
    desired: Desired, observed: Observed, changes: Sequence[Change], steps: Sequence[Step]
) -> tuple[Caution, ...]:
    """Return the warnings of a plan, gravest first."""
    return (
        *_of_runs(desired, observed, steps),
        *_of_state(steps),
        *_of_finalizers(steps),
        *_of_leftovers(changes, steps),
        *_of_costs(changes, observed),
        *_of_sight(observed),
    )


def _touches_graph(steps: Sequence[Step]) -> bool:
    things = (getattr(step, "wanted", getattr(step, "standing", None)) for step in steps)
    return any(hasattr(step, "task") for step in steps) or any(
        isinstance(thing, Task) for thing in things
    )


def _of_runs(desired: Desired, observed: Observed, steps: Sequence[Step]) -> Iterator[Caution]:
    if not _touches_graph(steps):
        return
    for run in observed.in_flight:
        doing = f" ({', '.join(run.nodes)})" if run.nodes else ""
        yield Caution(
            code="run_in_flight",
            message=f"run {run.run_id} is in flight{doing}; it goes on with the graph that it "
            "began with",
            remedy="wait for it to end: mlops tasks status --watch",
        )
    for last in observed.last_runs:
        if last.retryable and last.root == desired.root:
            yield Caution(
                code="retry_lost",
                message=f"RETRY LAST becomes impossible for run {last.run_id} ({last.status}): "
                "Snowflake repeats only what was not changed since",
                remedy=f"mlops retry {last.run_id} then starts a run that skips every node whose "
                "result still holds",
            )


def _of_state(steps: Sequence[Step]) -> Iterator[Caution]:
    for step in steps:
        if isinstance(step, SuspendRoot):
            yield Caution(
                code="root_suspended",
                message=f"{step.task} is suspended for the time of the change; a run that is due "
                "meanwhile is not made up for",
            )


def _of_finalizers(steps: Sequence[Step]) -> Iterator[Caution]:
    for step in steps:
        if isinstance(step, Retire) and step.standing.finalizes:
            yield Caution(
                code="finalizer_orphaned",
                message=f"{step.standing.name} no longer ends the runs of {step.standing.finalizes}"
                " and stays behind as a suspended task of its own",
                remedy="drop it with --delete",
            )


def _of_leftovers(changes: Sequence[Change], steps: Sequence[Step]) -> Iterator[Caution]:
    removed = {key_of(step.standing) for step in steps if isinstance(step, Remove)}
    left = [
        key_of(change.standing)
        for change in changes
        if isinstance(change, Remove)
        and not change.is_administrators
        and key_of(change.standing) not in removed
    ]
    if left:
        yield Caution(
            code="left_standing",
            message=f"not in the code any more, and left standing: {', '.join(left)}",
            remedy="remove them with --delete",
        )
    revokes = [
        definitions.removed(change.standing)
        for change in changes
        if isinstance(change, Remove) and change.is_administrators
    ]
    if revokes:
        yield Caution(
            code="left_to_administrator",
            message="nothing needs it any more, and only the account's administrator takes it away:"
            f" {'; '.join(revokes)}",
            remedy="mlops grants --check --format sql prints these too",
        )


def _of_costs(changes: Sequence[Change], observed: Observed) -> Iterator[Caution]:
    standing = {key_of(thing): thing for thing in observed.objects}
    for change in changes:
        if isinstance(change, Create | Alter) and isinstance(change.wanted, Pool):
            pool = change.wanted
            old = standing.get(key_of(pool))
            before = old.max_nodes if isinstance(old, Pool) else 0
            if pool.max_nodes > before:
                yield _cost(pool, before)


def _cost(pool: Pool, before: int) -> Caution:
    more = pool.max_nodes - before
    cost = rates.credits_per_hour(pool.family, more)
    what = f"{pool.name} may run {more} node{'s' if more > 1 else ''} of {pool.family}"
    what += " more" if before else ""
    if cost is None:
        return Caution(
            code="cost_unknown",
            message=f"{what}; what that costs is not known here",
            remedy="see Snowflake's Service Consumption Table",
        )
    return Caution(
        code="cost",
        message=f"{what}: up to {cost:.2f} credits an hour{' more' if before else ''} while they "
        f"run (rates of {rates.shipped().as_of})",
    )


def _of_sight(observed: Observed) -> Iterator[Caution]:
    guards = [key for key in observed.unknown if key.startswith(GUARDS)]
    if guards:
        yield Caution(
            code="guards_not_seen",
            message=f"the role {observed.role} cannot see what guards the target"
            f" ({', '.join(guards)}); taken as it should be",
            remedy="an administrator sees it: mlops plan --role ACCOUNTADMIN",
        )
    for key in observed.unknown:
        if key in guards:
            continue
        yield Caution(
            code="not_seen",
            message=f"the role {observed.role} cannot see whether {key} stands; taken as it should"
            " be",
        )
