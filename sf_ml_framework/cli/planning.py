"""``plan``: what a deployment would do, without doing any of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.faults import faults_apart
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.where import same_place
from sf_ml_framework.cli.workspace import open_workspace
from sf_ml_framework.errors import UsageError

if TYPE_CHECKING:
    from sf_ml_framework.plan.changes import Plan
    from sf_ml_framework.targets import Target

CHANGES = 2
"""Exit code of ``--detailed-exitcode`` where something would change, as Terraform has it."""

Form = Literal["text", "sql", "json"]


@click.command(cls=Command)
@target_option
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Compare with what `mlops state pull` wrote; no account is asked.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the plan, for `mlops deploy --plan FILE`.",
)
@click.option("--tag", default="", metavar="TAG", help="Tag of the image; by default the target's.")
@click.option("--delete", is_flag=True, help="Also drop what left the code.")
@click.option("--all", "everything", is_flag=True, help="Show also what stays as it is.")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="End with 2 where something would change, and with 1 where the pipeline is wrong.",
)
@click.option(
    "--thorough",
    is_flag=True,
    help="Ask each task for what SHOW TASKS leaves out: one statement more for each.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "sql", "json"]),
    default="text",
    show_default=True,
    help="For a person, as the statements alone, or for a program.",
)
@connection_options
@click.pass_obj
def plan(
    invocation: Invocation,
    /,
    target: str,
    state: Path | None,
    out: Path | None,
    tag: str,
    *,
    form: Form,
    delete: bool,
    everything: bool,
    detailed_exitcode: bool,
    thorough: bool,
) -> None:
    """Show what a deployment would change, and change nothing.

    Each object that would be created, changed or removed, with property old -> new; then what no
    list of changes tells: runs in flight, retries that become impossible, what a larger pool
    costs. Nothing is sent to the account that changes anything.

    Examples:
        mlops plan
        mlops plan --target prod --out plan.json
        mlops plan --state state.json --detailed-exitcode
    """
    with faults_apart(invocation, CHANGES, wanted=detailed_exitcode):
        made = _made(invocation, target, state, tag, delete=delete, thorough=thorough)
        if out is not None:
            _write(out, made)
    _show(invocation, made, form, target, everything=everything)
    if out is not None:
        how = f"{invocation.program} deploy --plan {out}{same_place(target)}"
        invocation.output.talk(f"wrote {out}; carry it out: {how}")
    if detailed_exitcode and not made.is_empty:
        raise click.exceptions.Exit(CHANGES)


def _made(
    invocation: Invocation,
    target: str,
    state: Path | None,
    tag: str,
    *,
    delete: bool,
    thorough: bool,
) -> Plan:
    """Return the plan against the file *state*, else against the account."""
    if state is None:
        from sf_ml_framework.cli.deployer import open_deployer

        with open_deployer(invocation, target, tag=tag, thorough=thorough) as opened:
            _warn_of_branch(invocation, opened.target, opened.root)
            return opened.deployer.plan(opened.desired, delete=delete)
    if thorough:
        raise UsageError(
            f"--thorough asks an account, and {state} is a file",
            remedy=f"mlops state pull --thorough --out {state}, then leave it out here",
        )
    from sf_ml_framework.places.snowflake.ml_job_bodies import standing_bodies
    from sf_ml_framework.plan.codec import read_state
    from sf_ml_framework.plan.compile import compile_desired
    from sf_ml_framework.plan.diff import make_plan

    observed = read_state(state)
    with open_workspace(invocation) as workspace:
        chosen = workspace.chosen(target)
        _warn_of_branch(invocation, chosen, workspace.root)
        manifest = workspace.manifest_in(chosen)
        project = workspace.settings.project
        bodies = standing_bodies(observed, workspace.root, project, manifest, chosen)
        desired = compile_desired(manifest, chosen, tag=tag, bodies=bodies)
    return make_plan(desired, observed, delete=delete)


def _warn_of_branch(invocation: Invocation, target: Target, root: Path) -> None:
    from sf_ml_framework.cli.branches import why_not

    if why := why_not(target, root):
        invocation.output.talk(f"warning: {why}; `deploy` would ask for --any-branch")


def _write(file: Path, made: Plan) -> None:
    from sf_ml_framework.cli.files import write_text
    from sf_ml_framework.plan.codec import encode

    write_text(file, encode(made).decode())


def _show(invocation: Invocation, made: Plan, form: Form, target: str, *, everything: bool) -> None:
    from sf_ml_framework.plan import explain, to_sql

    output = invocation.output
    match form:
        case "text":
            from sf_ml_framework.cli import cost_change

            cost = cost_change.line(invocation, made, same_place(target))
            for line in explain.told(made, kept=everything, cost=cost):
                output.text(output.styled(line.text, line.style))
        case "sql":
            for statement in to_sql.statements(made):
                output.text(f"{statement.sql};")
        case "json":
            output.json(_document(invocation, made))


def _document(invocation: Invocation, made: Plan) -> dict[str, Any]:
    """Return the plan for a program: what ``--out`` writes is for ``deploy``."""
    from sf_ml_framework.cli import cost_change
    from sf_ml_framework.plan import explain, to_sql
    from sf_ml_framework.plan.diff import key_of_change

    changes = [
        {
            "object": key_of_change(change),
            "change": explain.word_for(change),
            "reason": getattr(change, "reason", ""),
            "remedy": getattr(change, "remedy", ""),
            "differences": msgspec.to_builtins(getattr(change, "differences", ())),
        }
        for change in made.changes
    ]
    return {
        "project": made.desired.project,
        "target": made.desired.target,
        "account": made.observed.account,
        "role": made.observed.role,
        "empty": made.is_empty,
        "counts": explain.counts(made),
        "changes": changes,
        "statements": msgspec.to_builtins(to_sql.statements(made)),
        "warnings": msgspec.to_builtins(made.warnings),
        "cost": cost_change.fields(invocation, made),
    }
