"""``deploy``, ``destroy`` and ``deployments``: change an account, and tell what was changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from sf_ml_framework.cli import words
from sf_ml_framework.cli.approving import allowed, approval_options
from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.deployer import carried_out, open_deployer, tell_plan
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form, Style
from sf_ml_framework.deploy.faults import DeployError
from sf_ml_framework.deploy.records import Deployment

if TYPE_CHECKING:
    from sf_ml_framework.cli.deployer import Opened
    from sf_ml_framework.plan.changes import Plan

delete_option = click.option(
    "--delete", is_flag=True, help="Also drop what left the code; else it stays, suspended."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
drift_option = click.option(
    "--overwrite-drift", is_flag=True, help="Write over what somebody changed by hand."
)
tag_option = click.option(
    "--tag", default="", metavar="TAG", help="Tag of the image; by default the target's."
)
thorough_option = click.option(
    "--thorough",
    is_flag=True,
    help="Ask each task for what SHOW TASKS leaves out: one statement more for each.",
)


@click.command(cls=Command)
@target_option
@click.option(
    "--plan",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Carry out exactly this plan, which `mlops plan --out FILE` wrote.",
)
@tag_option
@delete_option
@drift_option
@thorough_option
@yes_option
@approval_options
@connection_options
@click.pass_obj
def deploy(
    invocation: Invocation,
    /,
    target: str,
    file: Path | None,
    tag: str,
    *,
    delete: bool,
    overwrite_drift: bool,
    thorough: bool,
    **given: Any,
) -> None:
    """Make the account what the code says.

    Shows the plan and asks. With --plan it carries out that one, and refuses when the account has
    changed since. Where nothing differs nothing is sent that changes anything. A run in flight
    goes on as it began. A target with `branch` is deployed from there; one with `approval:
    required` takes a plan from a file, --approve with its name, or its name typed at the terminal.

    Examples:
        mlops deploy
        mlops plan --out plan.json && mlops deploy --plan plan.json --yes
        mlops deploy --target test --tag 4f2a91c --delete --yes
        mlops deploy --target prod --approve prod
    """
    with open_deployer(invocation, target, tag=tag, thorough=thorough) as opened:
        if file is None:
            plan = opened.deployer.plan(opened.desired, delete=delete)
        else:
            plan = _read(file, opened, tag=tag, delete=delete)
        _deploy(
            invocation, opened, plan, overwrite_drift=overwrite_drift, given=given, reviewed=file
        )


@click.command(cls=Command)
@target_option
@yes_option
@approval_options
@connection_options
@click.pass_obj
def destroy(
    invocation: Invocation, /, target: str, *, yes: bool, approve: str, any_branch: bool
) -> None:
    """Take the graph of tasks and its compute pools away.

    What runs have made stays: tables, feature views, models, stages, images and the history. So
    do database, schema, warehouse, roles and their grants. `mlops deploy` brings the rest back.

    Examples:
        mlops destroy --target dev
    """
    from sf_ml_framework.deploy.destroy import remains_of

    with open_deployer(invocation, target) as opened:
        plan = opened.deployer.plan(remains_of(opened.desired), delete=True)
        tell_plan(plan, invocation.output)
        if plan.is_empty:
            invocation.output.text(f"nothing of {plan.desired.project} stands to be taken away")
            return
        name = f"{plan.desired.project} in target {plan.desired.target}"
        note = allowed(
            invocation, opened, f"take {name} away?",
            yes=yes, approve=approve, any_branch=any_branch,
        )  # fmt: skip
        if note is not None:
            done = carried_out(opened, plan, "destroy", note=note, overwrite_drift=True)
            _tell(done, invocation)


@click.command(cls=Command)
@target_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="Most deployments.",
)
@connection_options
@format_option
@click.pass_obj
def deployments(invocation: Invocation, /, target: str, limit: int, form: Form) -> None:
    """List what was deployed, newest first.

    One that is still `applying` though nobody holds the lock has died on its way; the next
    deployment finishes or undoes what it left.

    Examples:
        mlops deployments
        mlops deployments --format json
    """
    with open_deployer(invocation, target) as opened:
        found = opened.history.deployments(opened.desired.project, limit=limit)
        holder = opened.history.holder()
    rows: list[dict[str, Any]] = []
    for each in found:
        row = msgspec.structs.asdict(each)
        for hidden in ("desired", "managed", "project"):
            del row[hidden]
        dead = each.status == "applying" and (not holder or holder.deployment != each.deployment)
        rows.append({**row, "status": "died" if dead else each.status})
    columns = _CSV if form == "csv" else _COLUMNS
    invocation.output.table(columns, rows, form, empty="nothing was deployed there yet")


def _read(file: Path, opened: Opened, *, tag: str, delete: bool) -> Plan:
    """Return the plan in *file*.

    Raises:
        DeployError: it is of another target or image, or does not remove what --delete asks for.
    """
    from sf_ml_framework.plan.codec import read_plan

    plan = read_plan(file)
    if plan.desired.target != opened.target.name:
        raise DeployError(
            f"{file} is a plan for target {plan.desired.target}, not for {opened.target.name}",
            remedy=f"--target {plan.desired.target}",
        )
    image = plan.desired.image
    if tag and image.rpartition(":")[2] != tag:
        raise DeployError(
            f"{file} is a plan for the image {image}, and is carried out as it is, without --tag",
            remedy=f"mlops plan --tag {tag} --out {file}",
        )
    if delete and not plan.delete:
        raise DeployError(
            f"{file} was made without --delete, and is carried out as it is",
            remedy=f"mlops plan --delete --out {file}",
        )
    return plan


def _deploy(
    invocation: Invocation,
    opened: Opened,
    plan: Plan,
    *,
    overwrite_drift: bool,
    given: dict[str, Any],
    reviewed: Path | None = None,
) -> None:
    """Carry *plan* out when it was said that it may be; *given* is what ``allowed`` takes."""
    tell_plan(plan, invocation.output)
    if plan.is_empty:
        carried_out(opened, plan, "deploy")
        invocation.output.text("nothing differs: nothing was changed")
        return
    question = f"deploy this to {plan.desired.target}?"
    note = allowed(invocation, opened, question, reviewed=reviewed, **given)
    if note is not None:
        done = carried_out(opened, plan, "deploy", note=note, overwrite_drift=overwrite_drift)
        _tell(done, invocation)


def _tell(deployment: Deployment | None, invocation: Invocation) -> None:
    if deployment is not None:
        verb = "destroyed" if deployment.kind == "destroy" else "deployed"
        invocation.output.text(
            f"{verb} {deployment.deployment}: {deployment.summary}, with"
            f" {words.plural(deployment.done, 'statement')}"
        )


def _style(status: str) -> Style:
    styles: dict[str, Style] = {"succeeded": "good", "failed": "bad", "died": "bad"}
    return styles.get(status, "plain")


_COLUMNS = (
    Column("deployment"),
    Column("started", words.local_time, can_go=True),
    Column("kind"),
    Column("status", style=_style),
    Column("summary", gives_way=True),
    Column("user_name", title="by", can_go=True),
    Column("note", gives_way=True, can_go=True),
)
_CSV = tuple(
    Column(name)
    for name in (
        "deployment", "started", "kind", "status", "summary", "user_name", "image", "note",
    )
)  # fmt: skip
