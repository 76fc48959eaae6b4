"""What must hold before a plan is carried out; each check names what is in the way."""

from __future__ import annotations

from collections.abc import Sequence

from sf_ml_framework.deploy.drift import drifted, overwritten
from sf_ml_framework.deploy.faults import DeployError, DriftError, MovedOnError
from sf_ml_framework.deploy.records import Recorded
from sf_ml_framework.plan.changes import (
    Blocked,
    Expect,
    Plan,
    ResumeRoot,
    Statement,
    SuspendRoot,
)
from sf_ml_framework.plan.objects import Observed, key_of


def same_place(plan: Plan, observed: Observed) -> None:
    """Refuse another account than the plan's, and another role than the target's.

    Raises:
        DeployError: the connection is not the one that the plan is for.
    """
    if plan.observed.account and plan.observed.account != observed.account:
        raise DeployError(
            f"the plan was made for account {plan.observed.account}, and the connection is to"
            f" {observed.account}; nothing was changed",
            remedy="connect to the plan's account, or make a plan for this one",
        )
    wanted = plan.desired.deploy_role
    if observed.role != wanted:
        raise DeployError(
            f"the connection has role {observed.role}, and target {plan.desired.target} is deployed"
            f" by {wanted}; nothing was changed",
            remedy=f"--role {wanted}, or set deploy_role of the target in mlops.yml",
        )


def not_moved_on(plan: Plan, observed: Observed) -> None:
    """Refuse a plan that was made against another state of the account.

    Raises:
        MovedOnError: names what differs.
    """
    if observed.digest == plan.observed.digest:
        return
    before = {key_of(thing): thing for thing in plan.observed.objects}
    now = {key_of(thing): thing for thing in observed.objects}
    raise MovedOnError(sorted(k for k in before | now if before.get(k) != now.get(k)))


def rest_unchanged(plan: Plan, again: Plan) -> None:
    """Refuse when more of *plan* was done by somebody else than its own foundation.

    Args:
        plan: what was read and agreed to.
        again: the same, planned after the foundation was made.

    Raises:
        MovedOnError: *again* does something that *plan* does not, or the graph is another.
    """
    known = {repr(step) for step in plan.steps}
    more = [step for step in again.steps if repr(step) not in known]
    if more:
        raise MovedOnError(
            sorted({key_of(wanted) for step in more if (wanted := getattr(step, "wanted", None))})
        )


def possible(plan: Plan) -> None:
    """Refuse a plan for what stands and cannot become what is wanted.

    Raises:
        DeployError: a person must choose; names the object and the ways.
    """
    for change in plan.changes:
        if isinstance(change, Blocked):
            fields = ", ".join(each.field for each in change.differences)
            raise DeployError(
                f"{key_of(change.wanted)} cannot become what is wanted ({fields}); nothing was"
                " changed",
                remedy=change.remedy or "drop it yourself, or keep it as it is in the target",
            )


def nothing_missing(plan: Plan) -> None:
    """Refuse a plan that needs what no statement of it makes: images, secrets, integrations.

    Raises:
        DeployError: somebody must make it first; names it and how.
    """
    missing = [c for c in plan.changes if isinstance(c, Expect) and c.by != "run"]
    if missing:
        first = missing[0]
        names = ", ".join(key_of(change.wanted) for change in missing)
        raise DeployError(
            f"not there, and needed by what would be deployed: {names}; nothing was changed",
            remedy=first.remedy or "make it first",
        )


def nothing_for_an_administrator(plan: Plan, statements: Sequence[Statement]) -> None:
    """Refuse what the deploy role may not do: roles, warehouses, databases and their grants.

    Raises:
        DeployError: names the first of these statements, and the command that runs them.
    """
    found = [statement.sql for statement in statements if statement.part == "admin"]
    if found:
        more = f" and {len(found) - 1} more statements" if len(found) > 1 else ""
        raise DeployError(
            "the account's administrator must run something first, and nothing was changed:"
            f" {found[0]}{more}",
            remedy=f"mlops infra apply --part admin --target {plan.desired.target}; or print them:"
            f" mlops infra sql --part admin --target {plan.desired.target}",
        )


def no_drift(plan: Plan, recorded: Recorded, observed: Observed) -> None:
    """Refuse to write over what somebody changed by hand.

    Raises:
        DriftError: names each change.
    """
    found = overwritten(drifted(recorded, observed), plan)
    if found:
        raise DriftError([drift.words for drift in found])


def graph_after(plan: Plan, statements: Sequence[Statement], done: int) -> str:
    """Return how the graph stands after the first *done* statements, in words."""
    ran = [plan.steps[statement.step] for statement in statements[:done]]
    ahead = [plan.steps[statement.step] for statement in statements[done:]]
    resumes = [isinstance(step, ResumeRoot) for step in (*ran, *ahead)]
    if any(resumes[:done]) and not any(resumes[done:]):
        return "the graph is the new one, and started"
    if any(isinstance(step, SuspendRoot) for step in ran):
        return "the graph is suspended: nothing of it starts until a deployment has finished"
    if any(isinstance(step, SuspendRoot) for step in ahead):
        return "the graph still stands as it was, and runs as before"
    if any(isinstance(step, ResumeRoot) for step in ahead):
        return "the graph has not been started yet"
    return "the graph is not started by a schedule"
