"""What the commands that deploy share: the use case, wired to an account; agreement; progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

import sf_ml_framework
from sf_ml_framework.cli.account import open_account
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.output import Output, is_terminal
from sf_ml_framework.cli.processes import client, is_dead
from sf_ml_framework.cli.workspace import open_workspace
from sf_ml_framework.deploy.faults import DeployError, LockedError
from sf_ml_framework.deploy.records import Deployment, Kind

if TYPE_CHECKING:
    from sf_ml_framework.deploy.apply import Commission, Deployer
    from sf_ml_framework.deploy.ports import History, Platform
    from sf_ml_framework.plan.changes import Plan, Statement
    from sf_ml_framework.plan.objects import Desired
    from sf_ml_framework.run.git import GitStatus
    from sf_ml_framework.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A project in an account, ready to be deployed."""

    deployer: Deployer
    platform: Platform
    history: History
    desired: Desired
    """What the code says."""
    target: Target
    commission: Commission
    """Who deploys; commands say what for."""
    root: Path
    """The project's folder."""


@contextmanager
def open_deployer(
    invocation: Invocation, target: str, *, tag: str = "", thorough: bool = False
) -> Iterator[Opened]:
    """Compile the project, connect, and close the connection afterwards.

    An empty *target* is the default one, an empty *tag* of the tasks' image the target's. If
    *thorough*, each task is asked for what SHOW TASKS does not tell.
    """
    from sf_ml_framework.deploy.apply import Deployer
    from sf_ml_framework.places.snowflake.deployments import SnowflakeHistory
    from sf_ml_framework.places.snowflake.ml_job_bodies import ml_job_bodies
    from sf_ml_framework.places.snowflake.platform import SnowflakePlatform
    from sf_ml_framework.plan.compile import compile_desired
    from sf_ml_framework.plan.ml_jobs import undeployed
    from sf_ml_framework.run.git import GitStatus

    with open_workspace(invocation) as workspace:
        chosen = workspace.chosen(target)
        manifest, project = workspace.manifest_in(chosen), workspace.settings.project
        # Before an account is asked for: what is wrong with the pipeline is told without one.
        desired = compile_desired(manifest, chosen, tag=tag, bodies=undeployed(manifest, chosen))
        git, root = GitStatus(workspace.root), workspace.root
    with open_account(invocation, chosen.name, role=chosen.deploy_role) as opened:
        jobs = ml_job_bodies(opened.account, root, project, manifest, chosen)
        if jobs is not None:
            desired = compile_desired(manifest, chosen, tag=tag, bodies=jobs.bodies())
        platform = SnowflakePlatform(
            opened.account, thorough=thorough, before=jobs.provide if jobs is not None else None
        )
        history = SnowflakeHistory(opened.account, chosen.database, chosen.schema)
        yield Opened(
            deployer=Deployer(platform, history, Progress(invocation.output)),
            platform=platform,
            history=history,
            desired=desired,
            target=chosen,
            commission=_commission(git, opened.settings.get("user") or ""),
            root=root,
        )


def _commission(git: GitStatus, user: str) -> Commission:
    from sf_ml_framework.deploy.apply import Commission

    commit, dirty = git.read()
    return Commission(
        user_name=user,
        client=client(),
        git_commit=f"{commit}{'+' if commit and dirty else ''}",
        framework=sf_ml_framework.__version__,
    )


def carried_out(
    opened: Opened, plan: Plan, kind: Kind, *, note: str = "", overwrite_drift: bool = False
) -> Deployment | None:
    """Apply *plan*; the lock of a process of this machine that died is not waited for."""
    commission = msgspec.structs.replace(
        opened.commission, kind=kind, note=note, overwrite_drift=overwrite_drift
    )
    try:
        return opened.deployer.apply(plan, commission)
    except LockedError as error:
        if not is_dead(error.holder.client):
            raise
        commission = msgspec.structs.replace(commission, dead=error.holder.deployment)
        return opened.deployer.apply(plan, commission)


def agreed(invocation: Invocation, question: str, *, yes: bool) -> bool:
    """Return whether a person wants it.

    Raises:
        DeployError: nobody is there to be asked.
    """
    if yes:
        return True
    if not (is_terminal(invocation.output.stderr) and is_terminal(sys.stdin)):
        raise DeployError(
            "nothing was changed: nobody is here to be asked",
            remedy="read the plan, then add --yes",
        )
    return click.confirm(question, default=False, err=True)


def tell_plan(plan: Plan, output: Output) -> None:
    """Show a person what a plan does; what a program reads is ``mlops plan --format json``."""
    from sf_ml_framework.plan.explain import told

    for line in told(plan):
        output.talk(output.styled(line.text, line.style, output.stderr))


class Progress:
    """Tells each statement as it runs. Implements ``deploy/ports.py::Observer``."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def started(self, deployment: Deployment) -> None:
        """The lock is taken, nothing is changed yet."""
        self._output.talk(f"deployment {deployment.deployment}")

    def statement(self, number: int, count: int, statement: Statement) -> None:
        """A statement is about to run."""
        width = len(str(count))
        self._output.talk(f"[{number:>{width}}/{count}] {head_of(statement.sql)}")

    def finished(self, deployment: Deployment) -> None:
        """All is over, well or not; who called tells how."""


def head_of(sql: str, most: int = 90) -> str:
    """Return the first words of a statement on one line, without a body or a specification."""
    first = sql.strip().partition("\n")[0].partition("$$")[0].rstrip()
    return first if len(first) <= most else f"{first[: most - 1]}…"
