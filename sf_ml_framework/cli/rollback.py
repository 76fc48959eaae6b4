"""``rollback``: go back to a state that was deployed before."""

from __future__ import annotations

import click

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.deployer import agreed, carried_out, open_deployer, tell_plan
from sf_ml_framework.cli.deploying import delete_option, drift_option, yes_option
from sf_ml_framework.cli.invocation import Invocation


@click.command(cls=Command)
@click.argument("deployment", metavar="[DEPLOYMENT]", default="previous")
@target_option
@delete_option
@drift_option
@yes_option
@connection_options
@click.pass_obj
def rollback(
    invocation: Invocation,
    /,
    deployment: str,
    target: str,
    *,
    delete: bool,
    overwrite_drift: bool,
    yes: bool,
) -> None:
    """Go back to a state that was deployed before.

    DEPLOYMENT is an id that `mlops deployments` lists, its beginning, `previous` (the default) or
    `last`, which undoes what was left half-done since. It is a plan like any other: shown, asked
    for, recorded. Definitions go back; data, feature views and models stay.

    Examples:
        mlops rollback
        mlops rollback 20261124-0930 --target prod
        mlops rollback last --yes
    """
    from sf_ml_framework.deploy.rollback import moved_tag, state_of

    output = invocation.output
    with open_deployer(invocation, target) as opened:
        found = opened.history.deployment(opened.desired.project, deployment)
        plan = opened.deployer.plan(state_of(found, opened.desired), delete=delete)
        tell_plan(plan, output)
        if moved := moved_tag(found, plan.observed):
            output.talk(f"warning: the definitions go back, the code does not: {moved}")
        if plan.is_empty:
            output.text(f"the account stands as {found.deployment} left it: nothing was changed")
            return
        if not agreed(invocation, f"go back to {found.deployment}?", yes=yes):
            return
        note = f"to {found.deployment}"
        done = carried_out(opened, plan, "rollback", note=note, overwrite_drift=overwrite_drift)
    if done is not None:
        output.text(f"rolled back to {found.deployment}, as {done.deployment}: {done.summary}")
