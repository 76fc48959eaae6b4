"""What a plan changes of the costs: in a line for a person, as fields for a program.

No account is asked: how long nodes take is what the runs of this machine say, as a hint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sf_ml_framework.cli import cost_words as words
from sf_ml_framework.cli.cost_estimate import local_history
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.workspace import open_workspace

if TYPE_CHECKING:
    from sf_ml_framework.plan.changes import Plan
    from sf_ml_framework.plan.cost.estimate import Estimate
    from sf_ml_framework.settings import Costs


def line(invocation: Invocation, plan: Plan, more: str = "") -> str:
    """Return what *plan* changes of a run's cost and a month's; empty where it changes nothing.

    *more* is what the line to type next must say too, such as a target.
    """
    if not _matters(plan):
        return ""
    before, after, costs = _compared(invocation, plan)
    if not after.nodes:
        return ""
    guessed = [node for node in after.nodes if node.basis == "timeout"]
    basis = "at most" if len(guessed) == len(after.nodes) else "about"
    text = f"cost: {basis} {_from(before.credits, after.credits, before, costs)} a run"
    if after.month:
        was = before.month.credits if before.month else 0.0
        text += f", {_from(was, after.month.credits, before, costs)} a month"
    if any(pool.credits is None for pool in after.pools):
        text += ", and what is not known"
    return f"{text}; more: {invocation.program} cost estimate{more}"


def fields(invocation: Invocation, plan: Plan) -> dict[str, Any] | None:
    """Return the costs of a run and a month, before and after; none where nothing changes."""
    if not _matters(plan):
        return None
    before, after, _ = _compared(invocation, plan)
    return {"before": _fields(before), "after": _fields(after)}


def _matters(plan: Plan) -> bool:
    """Say whether *plan* changes a pool or a task."""
    from sf_ml_framework.plan.changes import Keep
    from sf_ml_framework.plan.objects import Pool, Task

    for change in plan.changes:
        thing = getattr(change, "wanted", None) or getattr(change, "standing", None)
        if not isinstance(change, Keep) and isinstance(thing, Pool | Task):
            return True
    return False


def _compared(invocation: Invocation, plan: Plan) -> tuple[Estimate, Estimate, Costs]:
    from sf_ml_framework.plan.cost.estimate import estimate
    from sf_ml_framework.plan.cost.work import of_objects

    with open_workspace(invocation) as workspace:
        costs = workspace.settings.costs
        rates = words.rates_of(workspace.root, workspace.settings)
        history = local_history(workspace)
    before, after = (
        estimate(
            of_objects(objects, plan.desired.root),
            history,
            rates,
            start_up_seconds=costs.start_up_minutes * 60,
        )
        for objects in (plan.observed.objects, plan.desired.objects)
    )
    return before, after, costs


def _from(old: float, new: float, before: Estimate, costs: Costs) -> str:
    now, was = words.both_told(new, costs), words.credits_told(old)
    return f"{was} -> {now}" if before.nodes and was != words.credits_told(new) else now


def _fields(estimate: Estimate) -> dict[str, Any]:
    month = estimate.month
    return {
        "credits": words.rounded(estimate.credits),
        "month_credits": words.rounded(month.credits) if month else None,
        "seconds": estimate.seconds,
        "by_timeout": [node.node for node in estimate.nodes if node.basis == "timeout"],
        "unknown": list(estimate.unknown),
    }
