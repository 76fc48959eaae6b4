"""What a change of a compute pool costs and how long it lasts, told to a person or a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sf_ml_framework.cli.deployer import agreed
from sf_ml_framework.cli.invocation import Invocation

if TYPE_CHECKING:
    from sf_ml_framework.deploy.pools import Declared, PoolState
    from sf_ml_framework.targets import Target


def agreed_to_cost(
    invocation: Invocation, before: PoolState, after: PoolState, *, yes: bool
) -> bool:
    """Tell what a change may cost, and return whether it is wanted; less is not asked for."""
    more = after.max_nodes - before.max_nodes
    awake = after.min_nodes - before.min_nodes
    output = invocation.output
    if more > 0:
        output.talk(
            f"{before.name} may run {more} node{'s' * (more > 1)} of {before.family} more: up to"
            f" {_words(before.family, more)} more while they run"
        )
    if awake > 0:
        output.talk(
            f"{awake} more of them stay{'s' * (awake == 1)} awake while the pool is:"
            f" {_words(before.family, awake)} more, whether anything runs or not"
        )
    if more <= 0 and awake <= 0:
        return True
    return agreed(invocation, f"change {before.name}?", yes=yes)


def agreed_to_wake(invocation: Invocation, before: PoolState, *, yes: bool) -> bool:
    """Tell what an awake pool costs, and return whether it is wanted."""
    rest = before.auto_suspend_seconds
    ends = f"until it has been idle for {rest} s" if rest else "until it is suspended by hand"
    invocation.output.talk(
        f"{before.name} keeps {before.min_nodes} of {before.family} awake:"
        f" {_words(before.family, before.min_nodes)}, {ends}"
    )
    return agreed(invocation, f"wake {before.name}?", yes=yes)


def _words(family: str, nodes: int) -> str:
    from sf_ml_framework.plan import rates

    cost = rates.credits_per_hour(family, nodes)
    if cost is None:
        return f"an unknown number of credits an hour (nobody has published a rate of {family})"
    return f"{cost:.2f} credits an hour"


def tell_change(
    invocation: Invocation,
    target: Target,
    said: Declared,
    change: tuple[PoolState, PoolState],
    form: str,
) -> None:
    """Tell what a pool was and is, and what the next deployment makes of it."""
    before, now = change
    found = _document(target, said, before, now)
    if form == "json":
        invocation.output.json(found)
        return
    output = invocation.output
    if (before.min_nodes, before.max_nodes) != (now.min_nodes, now.max_nodes):
        output.text(
            f"{now.name}: {before.min_nodes} to {before.max_nodes} nodes"
            f" -> {now.min_nodes} to {now.max_nodes}"
        )
    elif before.state != now.state:
        output.text(f"{now.name}: {before.state} -> {now.state}")
    else:
        output.text(f"{now.name} is {now.state}, {now.min_nodes} to {now.max_nodes} nodes")
    if found["drifts"]:
        output.talk(
            f"to keep it, put into mlops.yml: {found['setting']}: {{min_nodes: {now.min_nodes},"
            f" max_nodes: {now.max_nodes}}}; else the next deployment refuses to write over it"
            f" without --overwrite-drift, which makes it {said.min_nodes} to {said.max_nodes} again"
        )


def _document(target: Target, said: Declared, before: PoolState, now: PoolState) -> dict[str, Any]:
    from sf_ml_framework.plan import rates

    def fields(state: PoolState) -> dict[str, Any]:
        return {
            "state": state.state,
            "min_nodes": state.min_nodes,
            "max_nodes": state.max_nodes,
            "credits_per_hour": rates.credits_per_hour(state.family, state.max_nodes),
        }

    return {
        "pool": now.name,
        "family": now.family,
        "before": fields(before),
        "after": fields(now),
        "declared": {"min_nodes": said.min_nodes, "max_nodes": said.max_nodes},
        "drifts": (now.min_nodes, now.max_nodes) != (said.min_nodes, said.max_nodes),
        "setting": f"targets.{target.name}.pools.{said.sizes[0]}",
    }
