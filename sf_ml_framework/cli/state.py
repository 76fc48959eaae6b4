"""``state``: what stands in an account as a file, and a lock that nobody will give back."""

from __future__ import annotations

from pathlib import Path

import click

from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.deployer import open_deployer
from sf_ml_framework.cli.deploying import thorough_option
from sf_ml_framework.cli.files import write_text
from sf_ml_framework.cli.groups import Group, Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.deploy.faults import DeployError


@click.group(cls=Group)
def state() -> None:
    """Read what stands in an account, or give back a lock that was left behind.

    Examples:
        mlops state pull --out state.json && mlops plan --state state.json
        mlops state unlock 20261124-093012-4f2a
    """


@state.command(cls=Subcommand)
@target_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it there; by default it is printed.",
)
@thorough_option
@connection_options
@click.pass_obj
def pull(invocation: Invocation, /, target: str, out: Path | None, *, thorough: bool) -> None:
    """Read what stands in the account, and change nothing.

    It is what `mlops plan --state FILE` takes: with the file a plan needs no connection.

    Examples:
        mlops state pull --out state.json
        mlops state pull --target prod --thorough
    """
    from sf_ml_framework.plan.codec import encode

    with open_deployer(invocation, target, thorough=thorough) as opened:
        recorded = opened.history.recorded(opened.desired.project)
        text = encode(opened.platform.observe(opened.desired, recorded)).decode()
    if out is None:
        invocation.output.text(text.rstrip("\n"))
        return
    write_text(out, text)
    invocation.output.talk(f"wrote {out}")


@state.command(cls=Subcommand)
@click.argument("deployment", metavar="DEPLOYMENT")
@target_option
@connection_options
@click.pass_obj
def unlock(invocation: Invocation, /, deployment: str, target: str) -> None:
    """Give back the lock of a deployment that died.

    DEPLOYMENT is its whole id, so that nobody takes away the lock of another that has begun
    since. Make sure that it is dead: two deployments at once leave a graph of neither.

    Examples:
        mlops state unlock 20261124-093012-4f2a
    """
    with open_deployer(invocation, target) as opened:
        holder = opened.history.holder()
        if holder is None or not opened.history.release(deployment):
            held = f"it is held by {holder.words}" if holder else "nobody holds it"
            raise DeployError(
                f"deployment {deployment} does not hold the lock: {held}",
                remedy="see `mlops deployments`",
            )
    invocation.output.text(f"the lock of {deployment} is given back")
