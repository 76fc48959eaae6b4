"""``infra``: the SQL that others run, before anything can be deployed."""

from __future__ import annotations

import click

from sf_ml_framework.cli.connection_options import target_option
from sf_ml_framework.cli.groups import Group, Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.workspace import open_workspace


@click.group(cls=Group)
def infra() -> None:
    """Print what an account needs, as SQL for whoever may run it.

    Examples:
        mlops infra sql --part admin --target prod > admin.sql
    """


@infra.command(cls=Subcommand)
@target_option
@click.option(
    "--part",
    "parts",
    type=click.Choice(["admin", "deploy", "run"]),
    multiple=True,
    help="Only what the account's administrator, the deploy role or the run role runs; repeatable.",
)
@click.option("--tag", default="", metavar="TAG", help="Tag of the image; by default the target's.")
@click.pass_obj
def sql(invocation: Invocation, /, target: str, parts: tuple[str, ...], tag: str) -> None:
    """Print the statements that a deployment is made of.

    Three parts, by who runs them: the account's administrator once (roles, warehouse, database,
    grants), the deploy role (pools, repository, stage, tables), the run role (the graph of tasks).
    Each may be run as often as one likes. Above each grant stands the line that asks for it.

    Examples:
        mlops infra sql --part admin
        mlops infra sql --part deploy --part run --target prod
    """
    from sf_ml_framework import targets
    from sf_ml_framework.plan.compile import compile_desired
    from sf_ml_framework.plan.script import PARTS, part_of_script

    with open_workspace(invocation) as workspace:
        chosen = targets.load(workspace.settings, target)
        desired = compile_desired(workspace.manifest, chosen, tag=tag)
    for part in PARTS:
        if not parts or part in parts:
            invocation.output.text(part_of_script(desired, part))
