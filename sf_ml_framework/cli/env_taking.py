"""How environments are taken away: nothing that anybody else uses, and the database last."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from sf_ml_framework.cli.choosing import forget
from sf_ml_framework.cli.deployer import agreed
from sf_ml_framework.cli.env_making import ADMIN, opened_environments
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.workspace import open_workspace
from sf_ml_framework.environments import checked_name
from sf_ml_framework.errors import FrameworkError, OperatorError, UnknownNameError, UsageError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.plan.quoting import name as plain
from sf_ml_framework.quantities import PoolSize

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.environments import Made
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.settings import Settings

_SECONDS = 120.0
"""How long a pool may take to end what ran in it."""


def take(invocation: Invocation, name: str, *, yes: bool) -> None:
    """Take the environment *name* away, or with an empty name all whose time is over.

    Raises:
        UsageError: it is no name, is a target of ``mlops.yml``, or there is none of that name.
        OperatorError: something that would be taken is a target's.
    """
    output = invocation.output
    if name:
        checked_name(name)
    with open_workspace(invocation) as workspace:
        settings, root = workspace.settings, workspace.root
    if name in settings.targets:
        raise UsageError(
            f"{name} is a target of mlops.yml: it is no environment, and is not taken away here",
            remedy=f"mlops destroy --target {name} takes its graph of tasks away",
        )
    with opened_environments(invocation, ADMIN) as (opened, found, at, project):
        mine = [each for each in found if each.environment.project == project]
        if name:
            wanted = [each for each in mine if each.environment.name == name]
            if not wanted:
                forget(root, name)
                known = [each.environment.name for each in mine]
                raise UnknownNameError(kind="environment", name=name, known=known)
        else:
            wanted = [each for each in mine if each.environment.is_expired(at)]
        if not wanted:
            output.text("no environment has expired")
            return
        for made in wanted:
            _refuse_targets(settings, made)
            output.talk(f"{made.environment.name}: {', '.join(_what(opened.account, made))}")
        names = ", ".join(each.environment.name for each in wanted)
        if not agreed(invocation, f"take {names} away?", yes=yes):
            return
        for made in wanted:
            _taken(invocation, opened.account, made)
            forget(root, made.environment.name)
            output.text(f"{made.environment.name} is gone")


def _own(made: Made) -> dict[str, list[str]]:
    """Return the names of what may be its own around the database, by kind."""
    prefix = made.environment.prefix
    if made.environment.shared or not prefix:
        return {}
    sizes = [f"_{size}" for size in PoolSize if size is not PoolSize.SMALL]
    return {
        "COMPUTE POOL": [f"{prefix}_COMPUTE_POOL{size}" for size in ("", *sizes)],
        "WAREHOUSE": [f"{prefix}_WH"],
        "ROLE": [f"{prefix}_{role}" for role in ("ROLE", "DEPLOY_ROLE", "READ_ROLE")],
    }


def _refuse_targets(settings: Settings, made: Made) -> None:
    """Refuse to take what a declared target says is its own, whatever a comment says."""
    from sf_ml_framework import targets

    own = {name for names in _own(made).values() for name in names} | {made.database}
    for name in settings.targets:
        try:
            target = targets.load(settings, name)
        except FrameworkError:
            continue  # what it says cannot be, so nothing of it stands
        theirs = {target.database, target.warehouse, target.role, target.deploy_role}
        theirs |= {target.read_role, *(pool.name for pool in target.pools.values())}
        if same := sorted(own & theirs):
            raise OperatorError(
                f"{made.environment.name} is not taken away: {', '.join(same)} is of target {name}",
                remedy="mend mlops.yml; a target is never taken away",
            )


def _standing(account: Account, made: Made) -> Iterator[tuple[str, str]]:
    from sf_ml_framework.places.snowflake.standing import named

    for kind, names in _own(made).items():
        for each in names:
            if named(account, f"{kind}S", each) is not None:
                yield kind, each


def _what(account: Account, made: Made) -> list[str]:
    found = [f"{kind.lower()} {name}" for kind, name in _standing(account, made)]
    return [*found, f"database {made.database}"]


def _taken(invocation: Invocation, account: Account, made: Made) -> None:
    """Take one away; the database goes last, since by it the rest is found again."""
    from sf_ml_framework.places.snowflake.cloning import cancel_jobs
    from sf_ml_framework.places.snowflake.environments import say

    talk = invocation.output.talk
    say(account, made.database, msgspec.structs.replace(made.environment, state="destroying"))
    for task in account.rows(f"SHOW TASKS IN DATABASE {quoted(made.database)}"):
        if str(task["state"]).lower() == "started" and not _after(task):
            full = ".".join(quoted(task[key]) for key in ("database_name", "schema_name", "name"))
            account.execute(f"ALTER TASK IF EXISTS {full} SUSPEND")
    for job in cancel_jobs(account, made.database):
        talk(f"ended {job}")
    for kind, name in _standing(account, made):
        if kind == "COMPUTE POOL":
            _stopped(account, name)
        account.execute(f"DROP {kind} IF EXISTS {plain(name)}")
        talk(f"dropped {kind.lower()} {name}")
    account.execute(f"DROP DATABASE IF EXISTS {quoted(made.database)}")
    talk(f"dropped database {made.database}")


def _after(task: dict[str, object]) -> bool:
    return str(task.get("predecessors") or "[]") not in ("[]", "")


def _stopped(account: Account, pool: str) -> None:
    """Stop all that runs in a pool, and wait until it has ended.

    Raises:
        OperatorError: it has not, after two minutes.
    """
    account.execute(f"ALTER COMPUTE POOL {plain(pool)} STOP ALL")
    end = time.monotonic() + _SECONDS
    while True:
        (row,) = account.rows(f"DESCRIBE COMPUTE POOL {plain(pool)}")
        if not int(row["num_jobs"] or 0) and not int(row["num_services"] or 0):
            return
        if time.monotonic() > end:
            raise OperatorError(
                f"compute pool {pool} still runs something", remedy="the same command goes on"
            )
        time.sleep(0.5)
