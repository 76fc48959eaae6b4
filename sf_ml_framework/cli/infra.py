"""``infra``: what an administrator makes once, before anything can be deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.groups import Group, Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.where import same_place
from sf_ml_framework.cli.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Collection

    from sf_ml_framework.cli.account import OpenedAccount
    from sf_ml_framework.plan.objects import Desired, Part


@click.group(cls=Group)
def infra() -> None:
    """Make or print what an account needs before anything can be deployed.

    Examples:
        mlops infra sql --part admin --target prod > admin.sql
        mlops infra apply --target dev
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
    from sf_ml_framework.plan.compile import compile_desired
    from sf_ml_framework.plan.ml_jobs import undeployed
    from sf_ml_framework.plan.script import PARTS, part_of_script

    with open_workspace(invocation) as workspace:
        chosen = workspace.chosen(target)
        manifest = workspace.manifest_in(chosen)
        desired = compile_desired(manifest, chosen, tag=tag, bodies=undeployed(manifest, chosen))
    for part in PARTS:
        if not parts or part in parts:
            invocation.output.text(part_of_script(desired, part))


@infra.command(cls=Subcommand)
@target_option
@click.option(
    "--part",
    "parts",
    type=click.Choice(["admin", "deploy"]),
    multiple=True,
    help="Only what the account's administrator or the deploy role makes.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
@click.pass_obj
def apply(invocation: Invocation, /, target: str, parts: tuple[Part, ...], *, yes: bool) -> None:
    """Make all that must stand before an image is pushed and a graph deployed.

    First the administrator's part: roles, warehouse, database, schema, and who may what; your user
    is granted the role that deploys. Then the deploy role's: compute pools, image repository,
    stage, tables. Once for each target, as a user who may be ACCOUNTADMIN; what stands already is
    left, so it may be run again, as after a node asks for more.

    Examples:
        mlops infra apply --target dev
        mlops infra apply --target prod --connection admin --yes
        mlops infra apply --part deploy
    """
    from sf_ml_framework.cli.account import open_account
    from sf_ml_framework.cli.deployer import agreed
    from sf_ml_framework.plan.compile import compile_desired
    from sf_ml_framework.plan.ml_jobs import undeployed
    from sf_ml_framework.plan.script import ADMIN

    output = invocation.output
    with open_account(invocation, target, role="" if parts == ("deploy",) else ADMIN) as opened:
        with open_workspace(invocation) as workspace:
            manifest = workspace.manifest_in(opened.target)
            bodies = undeployed(manifest, opened.target)
            desired = compile_desired(manifest, opened.target, bodies=bodies)
        statements = _statements(opened, desired, parts or ("admin", "deploy"))
        for statement in statements:
            output.talk(f"{statement};")
        if not agreed(invocation, f"run these in {opened.settings.account}?", yes=yes):
            return
        for number, statement in enumerate(statements, start=1):
            output.talk(f"[{number}/{len(statements)}] {statement.partition(chr(10))[0]}")
            opened.account.execute(statement)
    line = f"{invocation.program} deploy{same_place(target, as_role=False)}"
    output.text(f"{len(statements)} statements were run; next: push the image, then `{line}`")


def _statements(opened: OpenedAccount, desired: Desired, parts: Collection[Part]) -> list[str]:
    """Return what makes *parts*, the grant of the deploying role to this user included."""
    from sf_ml_framework.identifiers import quoted
    from sf_ml_framework.plan.script import statements_of

    statements: list[str] = []
    if "admin" in parts:
        user = opened.account.rows("SELECT CURRENT_USER() AS name")[0]["name"]
        grant = f"GRANT ROLE {quoted(desired.deploy_role)} TO USER {quoted(user)}"
        statements += [*statements_of(desired, "admin"), grant]
    if "deploy" in parts:
        statements += statements_of(desired, "deploy")
    return statements
