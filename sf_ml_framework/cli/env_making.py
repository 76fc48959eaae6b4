"""How an environment is made: from what a line wishes to a target that can be deployed to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from sf_ml_framework.cli.account import open_account
from sf_ml_framework.cli.choosing import remember, with_environment
from sf_ml_framework.cli.connection_options import flags_of
from sf_ml_framework.cli.deployer import agreed, head_of
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.workspace import open_workspace
from sf_ml_framework.environments import Environment, checked_name, seconds_of
from sf_ml_framework.errors import OperatorError, UsageError

if TYPE_CHECKING:
    from sf_ml_framework.cli.account import OpenedAccount
    from sf_ml_framework.cli.workspace import Workspace
    from sf_ml_framework.places.snowflake.environments import Made
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.plan.cloning import Making
    from sf_ml_framework.targets import Target

ADMIN = "ACCOUNTADMIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a line says of an environment; none where it leaves that to ``mlops.yml``."""

    name: str
    of: str
    expires: str | None
    shared: bool | None


def make(invocation: Invocation, wish: Wish, *, dry_run: bool, yes: bool) -> None:
    """Make the environment that is wished for, finish it, or leave it where it stands.

    Raises:
        UsageError: it cannot have that name, or nothing says what it is made from.
        OperatorError: something else has the name of its database.
    """
    from sf_ml_framework.places.snowflake.environments import account_now, environments_of, say

    with open_workspace(invocation) as workspace:
        environment, seconds = _wished(wish, workspace)
        settings = with_environment(workspace.settings, environment)
        target = _target(settings, environment)
        with open_account(invocation, environment.of, role=ADMIN) as opened:
            account = opened.account
            known = next(environments_of(account, target.database), None)
            _refuse_stranger(account, target, known)
            expires = account_now(account, seconds) if seconds else ""
            if known is not None and known.environment.state == "ready":
                found = known.environment
                if expires and not dry_run:
                    found = msgspec.structs.replace(found, expires=expires)
                    say(account, target.database, found)
                remember(workspace.root, found)
                invocation.output.text(f"{found.name} stands already{_until(found.expires)}")
                return
            environment = msgspec.structs.replace(
                environment, created=account_now(account), expires=expires, by=_user(account),
                prefix=target.prefix, state="creating",
            )  # fmt: skip
            making = _making(opened, workspace, environment, target)
            _show(invocation, making)
            question = f"make these in {opened.settings.account}?"
            if not dry_run and agreed(invocation, question, yes=yes):
                _carry_out(invocation, account, making)
                remember(workspace.root, _ready(invocation, account, making))


def _ready(invocation: Invocation, account: Account, making: Making) -> Environment:
    """Say that all of the environment is made, to the account and to the person."""
    from sf_ml_framework.places.snowflake.environments import say

    environment = msgspec.structs.replace(making.environment, state="ready")
    say(account, making.target.database, environment)
    invocation.output.text(
        f"{environment.name} stands, cloned from {environment.of}{_until(environment.expires)};"
        f" next: {invocation.program} deploy --target {environment.name}"
    )
    return environment


@contextmanager
def opened_environments(
    invocation: Invocation, role: str = ""
) -> Iterator[tuple[OpenedAccount, list[Made], str, str]]:
    """Open the account, and find what environments the role sees there.

    Yields:
        The account, the environments, the account's time, and the project.
    """
    from sf_ml_framework.places.snowflake.environments import account_now, environments_of

    with open_workspace(invocation) as workspace:
        of = workspace.settings.environments.of
        project = workspace.manifest.project
    with open_account(invocation, of, role=role) as opened:
        if not role:  # all that the user may see
            opened.account.with_other_roles()
        found = sorted(environments_of(opened.account), key=lambda each: each.environment.name)
        yield opened, found, account_now(opened.account), project


def _wished(wish: Wish, workspace: Workspace) -> tuple[Environment, int]:
    """Return what the line and ``mlops.yml`` say of it, and the seconds that it is to stand."""
    settings = workspace.settings
    said = settings.environments
    of = wish.of or said.of
    name = checked_name(wish.name)
    if name in settings.targets:
        raise UsageError(
            f"{name} is a target of mlops.yml, and no environment", remedy="choose another name"
        )
    if not of:
        raise UsageError(
            "nothing says what the environment is made from",
            remedy="--from TARGET, or environments.from in mlops.yml",
        )
    seconds = seconds_of(said.expires if wish.expires is None else wish.expires)
    shared = said.shared if wish.shared is None else wish.shared
    project = workspace.manifest.project
    return Environment(name=name, of=of, project=project, shared=shared), seconds


def _target(settings: object, environment: Environment) -> Target:
    """Return the environment as a target.

    Raises:
        UsageError: it would stand in the database of a target.
    """
    from sf_ml_framework import targets
    from sf_ml_framework.settings import Settings

    assert isinstance(settings, Settings)  # noqa: S101
    target = targets.load(settings, environment.name)
    for name in settings.targets:
        if targets.load(settings, name).database == target.database:
            raise UsageError(
                f"{environment.name} would be the database of target {name}",
                remedy="choose another name, or mend `environments` in mlops.yml",
            )
    return target


def _refuse_stranger(account: Account, target: Target, known: Made | None) -> None:
    from sf_ml_framework.places.snowflake.standing import named

    wanted = target.name
    if known is None and named(account, "DATABASES", target.database) is None:
        return
    if known is None or known.environment.name != wanted:
        whose = f"of the environment {known.environment.name}" if known else "of somebody else"
        raise OperatorError(
            f"the database {target.database} stands already, and is {whose}",
            remedy="choose another name",
        )
    shared = target.environment is not None and target.environment.shared
    if known.environment.state == "creating" and known.environment.shared != shared:
        raise OperatorError(
            f"{wanted} was begun {'--shared' if known.environment.shared else '--own'}",
            remedy="finish it as it was begun",
        )
    if known.environment.state == "destroying":
        raise OperatorError(
            f"{wanted} is half taken away", remedy=f"mlops env destroy {wanted}, then make it anew"
        )


def _user(account: Account) -> str:
    return str(account.rows("SELECT CURRENT_USER() AS name")[0]["name"])


def _until(expires: str) -> str:
    return f", until {expires}" if expires else ""


def _making(
    opened: OpenedAccount, workspace: Workspace, environment: Environment, target: Target
) -> Making:
    from sf_ml_framework.places.snowflake.cloning import original_of
    from sf_ml_framework.plan.cloning import Making
    from sf_ml_framework.plan.compile import compile_desired
    from sf_ml_framework.plan.ml_jobs import undeployed

    manifest = workspace.manifest_in(target)
    return Making(
        environment=environment,
        target=target,
        parent=opened.target,
        desired=compile_desired(manifest, target, bodies=undeployed(manifest, target)),
        original=original_of(opened.account, opened.target, manifest.project),
        role=flags_of().get("role") or ADMIN,
        user=environment.by,
    )


def _show(invocation: Invocation, making: Making) -> None:
    from sf_ml_framework.plan.cloning import last_statements, left_to_others, statements

    for statement in statements(making):
        invocation.output.talk(f"{statement};")
    invocation.output.talk("-- then the models that its datasets stand for are copied")
    for statement in last_statements(making):
        invocation.output.talk(f"{statement};")
    invocation.output.talk("-- then its tables say where everything stands now")
    for thing in left_to_others(making):
        invocation.output.talk(
            f"warning: {thing.kind.lower()} {thing.name} is {thing.owner}'s, and reads"
            f" {making.parent.database} in the environment too"
        )


def _carry_out(invocation: Invocation, account: Account, making: Making) -> None:
    """Run all that makes the environment.

    Raises:
        FrameworkError: a statement failed; what was made stands, and the same command goes on.
    """
    from sf_ml_framework.places.snowflake.cloning import Clone
    from sf_ml_framework.plan.cloning import last_statements, statements

    output = invocation.output
    clone = Clone(account, making.parent, making.target)
    first, last = list(statements(making)), list(last_statements(making))
    count = len(first) + len(last)
    width = len(str(count))

    def run(todo: list[str], start: int) -> None:
        for number, statement in enumerate(todo, start):
            output.talk(f"[{number:>{width}}/{count}] {head_of(statement)}")
            account.execute(statement)

    run(first, 1)
    for model in clone.bring_models():
        output.talk(f"copied {model}")
    run(last, len(first) + 1)
    clone.put_right()
    account.execute(f"USE ROLE {making.role}")
