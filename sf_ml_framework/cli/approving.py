"""Who says yes to a change of a target, and from which branch it may come."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from sf_ml_framework.cli.branches import refuse_other
from sf_ml_framework.cli.deployer import agreed
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.output import is_terminal
from sf_ml_framework.deploy.faults import DeployError
from sf_ml_framework.errors import UsageError

if TYPE_CHECKING:
    from sf_ml_framework.cli.deployer import Opened
    from sf_ml_framework.targets import Target

_F = TypeVar("_F", bound=Callable[..., object])


def approval_options(function: _F) -> _F:
    """Add ``--approve`` and ``--any-branch``, passed as ``approve`` and ``any_branch``."""
    for decorate in (
        click.option(
            "--any-branch", is_flag=True, help="Also from a branch that is not the target's."
        ),
        click.option(
            "--approve",
            default="",
            metavar="TARGET",
            help="Say yes to a target whose approval is required, by its name.",
        ),
    ):
        function = decorate(function)
    return function


def allowed(
    invocation: Invocation, opened: Opened, question: str, *, yes: bool, approve: str,
    any_branch: bool, reviewed: Path | None = None,
) -> str | None:  # fmt: skip
    """Return how it was said that a target may be changed; none when it was not.

    Args:
        invocation: asks, and is told.
        opened: the target and the project.
        question: what a person is asked.
        yes: whether nobody is to be asked.
        approve: the name that says yes to a target whose approval is required.
        any_branch: whether it may come from a branch that is not the target's.
        reviewed: the file of a plan, which somebody could read before.

    Raises:
        OperatorError: it comes from another branch.
        UsageError: *approve* names another target.
        DeployError: an approval is required, and nobody is there to be asked.
    """
    target = opened.target
    refuse_other(target, opened.root, any_branch=any_branch, output=invocation.output)
    if target.approval == "required" and reviewed is not None and not approve:
        agreement = agreed(invocation, question, yes=yes)
        return f"approved by the plan {reviewed.name}" if agreement else None
    return approved(invocation, target, question, yes=yes, approve=approve)


def approved(
    invocation: Invocation, target: Target, question: str, *, yes: bool, approve: str
) -> str | None:
    """Return how it was said that *target* may be changed; none when it was not.

    As ``allowed``, for what comes from no branch and from no plan.
    """
    if approve and approve != target.name:
        raise UsageError(
            f"--approve {approve} says yes to another target: this is {target.name}",
            remedy=f"--approve {target.name}",
        )
    if target.approval != "required":
        return "" if agreed(invocation, question, yes=yes) else None
    if approve:
        return f"approved by --approve {approve}"
    return _typed(invocation, target, question)


def _typed(invocation: Invocation, target: Target, question: str) -> str | None:
    if not (is_terminal(invocation.output.stderr) and is_terminal(sys.stdin)):
        raise DeployError(
            f"nothing was changed: target {target.name} asks for an approval, and --yes is none",
            remedy=f"carry out a plan that was read, with --plan FILE; or add --approve"
            f" {target.name}",
        )
    said = click.prompt(
        f"{question} type {target.name} to go on", default="", show_default=False, err=True
    )
    if said == target.name:
        return "approved at the terminal"
    invocation.output.text("nothing was changed")
    return None
