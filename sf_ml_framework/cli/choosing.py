"""Which target a command means: one of ``mlops.yml``, or an environment that was made of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sf_ml_framework import environments, targets
from sf_ml_framework.environments import Environment
from sf_ml_framework.errors import FrameworkError, OperatorError, UnknownNameError

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.settings import Settings
    from sf_ml_framework.targets import Target


def chosen_target(settings: Settings, root: Path, name: str = "") -> Target:
    """Return the target *name*.

    An empty name is, in CI, the target of the branch, and else the default one. A name that the
    project does not know is looked for among the environments of the account, and remembered.

    Raises:
        UnknownNameError: there is none of that name.
        SettingsError: it says what cannot be.
    """
    if not name:
        from sf_ml_framework.cli.branches import target_of_branch

        name = target_of_branch(settings, root, os.environ)
    elif name not in settings.targets and name not in settings.made:
        found = _looked_for(settings, root, name)
        if found is not None:
            remember(root, found)
            settings = with_environment(settings, found)
    return targets.load(settings, name)


def _looked_for(settings: Settings, root: Path, name: str) -> Environment | None:
    """Return the environment of that name; none where no connection leads to one.

    Raises:
        UnknownNameError: the account cannot be asked; the remedy tells why.
    """
    try:
        return _in_account(settings, root, name)
    except FrameworkError as error:
        unknown = UnknownNameError(kind="target", name=name, known=settings.targets)
        unknown.remedy += f"; for an environment the account could not be asked: {error}"
        raise unknown from error


def with_environment(settings: Settings, environment: Environment) -> Settings:
    """Return *settings* that know of *environment*."""
    made = {**settings.made, environment.name: environment}
    return msgspec.structs.replace(settings, made=made)


def remember(root: Path, environment: Environment) -> None:
    """Write *environment* down for the next command in this folder."""
    from sf_ml_framework.cli.files import write_text

    file = root / environments.FOLDER / f"{environment.name}.json"
    with suppress(OperatorError):  # in a folder that cannot be written it is looked for again
        write_text(file, f"{environment.text}\n")


def forget(root: Path, name: str) -> None:
    """Forget an environment that is gone; *name* is one that an environment can have."""
    (root / environments.FOLDER / f"{name}.json").unlink(missing_ok=True)


def _in_account(settings: Settings, root: Path, name: str) -> Environment | None:
    """Return the environment of that name, where a connection leads to one."""
    from sf_ml_framework import connection as connections
    from sf_ml_framework.cli.connection_options import flags_of
    from sf_ml_framework.places.snowflake.environments import environments_of
    from sf_ml_framework.places.snowflake.session import Account

    if environments.why_not_name(name):
        return None
    given = connections.resolve(root, flags_of(), os.environ, needed=False)
    if given is None:
        return None
    candidates = list(_candidates(settings, name))
    account = Account(given, role=given.get("role") or "", query_tag="mlops:environments")
    try:
        account.with_other_roles()
        for role in ("", *(each.deploy_role for each in candidates)):
            if not _acts_as(account, role):
                continue
            for found in environments_of(account):
                if any(
                    (found.database, found.environment.of) == (each.database, _of(each))
                    for each in candidates
                ):
                    return found.environment
    finally:
        account.close()
    return None


def _of(target: Target) -> str:
    return target.environment.of if target.environment else ""


def _candidates(settings: Settings, name: str) -> Iterator[Target]:
    """Yield what the environment would be if it were made of each target of the project."""
    for of in settings.targets:
        guess = Environment(name=name, of=of)
        try:
            yield targets.load(with_environment(settings, guess), name)
        except FrameworkError:
            continue  # a target that is wrong is told when it is asked for


def _acts_as(account: Account, role: str) -> bool:
    from sf_ml_framework.identifiers import quoted

    if not role:
        return True
    try:
        account.execute(f"USE ROLE {quoted(role)}")
    except OperatorError:
        return False
    return True
