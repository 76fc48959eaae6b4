"""``pools``: see the compute pools of a target, and change them by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.groups import Group, Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form, Style
from sf_ml_framework.cli.tasks_opened import task_format_option

if TYPE_CHECKING:
    from sf_ml_framework.deploy.pools import PoolControl, PoolState
    from sf_ml_framework.targets import Target


@click.group(cls=Group, subcommand_metavar="COMMAND ...")
def pools() -> None:
    """See the compute pools of a target, and change them by hand.

    A pool is named by its name, or by the size of the nodes that it serves. What is changed here
    lasts when it is put into mlops.yml, and each command names the setting; else the next
    deployment refuses to write over it without --overwrite-drift.

    Examples:
        mlops pools ls
        mlops pools scale SMALL --max 20
        mlops pools suspend MLOPS_COMPUTE_POOL_LARGE --wait
    """


@contextmanager
def _opened(invocation: Invocation, target: str) -> Iterator[tuple[Target, PoolControl]]:
    """Open the pools of a target as the role that owns them."""
    from sf_ml_framework.cli.account import open_account
    from sf_ml_framework.cli.workspace import open_workspace
    from sf_ml_framework.places.snowflake.pools import SnowflakePools

    with open_workspace(invocation) as workspace:
        role = workspace.chosen(target).deploy_role
    with open_account(invocation, target, role=role) as opened:
        yield opened.target, SnowflakePools(opened.account)


pool_argument = click.argument("pool", metavar="POOL")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
wait_option = click.option("--wait", is_flag=True, help="Wait until it is so.")


@pools.command("ls", cls=Subcommand)
@target_option
@format_option
@connection_options
@click.pass_obj
def list_pools(invocation: Invocation, /, target: str, form: Form) -> None:
    """List the pools of the target: state, nodes, what runs, what they may cost.

    Credits an hour are for all nodes that a pool may have, at the published rates; a pool that is
    suspended costs nothing.

    Examples:
        mlops pools ls
        mlops pools ls --target prod --format json
    """
    with _opened(invocation, target) as (chosen, control):
        rows = pool_rows(chosen, control)
    columns = _CSV if form == "csv" else _COLUMNS
    invocation.output.table(columns, rows, form, empty="no pool of this target stands")


def pool_rows(target: Target, control: PoolControl) -> list[dict[str, Any]]:
    """Return the pools of *target* that stand, for a program; fields are only added."""
    from sf_ml_framework.deploy.pools import declared
    from sf_ml_framework.plan import rates

    states = control.states()
    return [
        {
            "pool": pool.name,
            "sizes": list(pool.sizes),
            "state": state.state,
            "family": state.family,
            "min_nodes": state.min_nodes,
            "max_nodes": state.max_nodes,
            "active_nodes": state.active_nodes,
            "idle_nodes": state.idle_nodes,
            "jobs": state.jobs,
            "services": state.services,
            "auto_suspend_seconds": state.auto_suspend_seconds,
            "at_limit": state.is_full,
            "credits_per_hour": rates.credits_per_hour(state.family, state.max_nodes),
            "declared_min_nodes": pool.min_nodes,
            "declared_max_nodes": pool.max_nodes,
        }
        for pool in declared(target).values()
        if (state := states.get(pool.name)) is not None
    ]


@pools.command(cls=Subcommand)
@pool_argument
@click.option("--max", "most", type=click.IntRange(1, 500), metavar="N", help="Most nodes at once.")
@click.option("--min", "least", type=click.IntRange(1, 500), metavar="N", help="Fewest, awake.")
@click.option("--force", is_flag=True, help="Also where it takes nodes away that are at work.")
@yes_option
@wait_option
@target_option
@task_format_option
@connection_options
@click.pass_obj
def scale(
    invocation: Invocation,
    /,
    pool: str,
    target: str,
    form: str,
    *,
    most: int | None,
    least: int | None,
    force: bool,
    yes: bool,
    wait: bool,
) -> None:
    """Change how many nodes a pool may have.

    What may cost more is told, and asked for. Fewer nodes than are at work are refused without
    --force, for what runs on them may be ended.

    Examples:
        mlops pools scale SMALL --max 20
        mlops pools scale MLOPS_COMPUTE_POOL --min 2 --max 4 --yes
        mlops pools scale LARGE --max 1 --wait --format json
    """
    from sf_ml_framework.cli.pools_told import agreed_to_cost, tell_change
    from sf_ml_framework.deploy import pools as use

    with _opened(invocation, target) as (chosen, control):
        said, before = use.meant(chosen, control, pool)
        after = use.scaled(before, least, most)
        if not force:
            use.refuse_to_shrink(before, after)
        if not agreed_to_cost(invocation, before, after, yes=yes):
            return
        if (after.min_nodes, after.max_nodes) != (before.min_nodes, before.max_nodes):
            control.set_nodes(before.name, after.min_nodes, after.max_nodes)
        now = _now(invocation, control, before.name, (*use.AWAKE, *use.AT_REST), wait=wait)
        tell_change(invocation, chosen, said, (before, now), form)


@pools.command(cls=Subcommand)
@pool_argument
@click.option("--force", is_flag=True, help="End what runs in it, jobs too, and at once.")
@yes_option
@wait_option
@target_option
@task_format_option
@connection_options
@click.pass_obj
def suspend(
    invocation: Invocation,
    /,
    pool: str,
    target: str,
    form: str,
    *,
    force: bool,
    yes: bool,
    wait: bool,
) -> None:
    """Put a pool to sleep; it costs nothing then.

    Jobs that run go on until they end. Services would be suspended with it, so a pool with some is
    refused without --force. The next job wakes the pool by itself: `mlops tasks suspend` keeps runs
    from beginning.

    Examples:
        mlops pools suspend LARGE
        mlops pools suspend LARGE --wait
        mlops pools suspend LARGE --force --yes
    """
    from sf_ml_framework.cli.deployer import agreed
    from sf_ml_framework.cli.pools_told import tell_change
    from sf_ml_framework.deploy import pools as use

    with _opened(invocation, target) as (chosen, control):
        said, before = use.meant(chosen, control, pool)
        if not force:
            use.refuse_to_stop(before)
        running = before.jobs + before.services
        if force and running:
            question = f"end {before.jobs} jobs and {before.services} services of {before.name}?"
            if not agreed(invocation, question, yes=yes):
                return
            control.stop_all(before.name)
        if before.state not in use.AT_REST:
            control.suspend(before.name)
        if before.jobs and not force:
            invocation.output.talk(f"{before.jobs} jobs of {before.name} go on until they end")
        now = _now(invocation, control, before.name, use.AT_REST, wait=wait)
        tell_change(invocation, chosen, said, (before, now), form)


@pools.command(cls=Subcommand)
@pool_argument
@yes_option
@wait_option
@target_option
@task_format_option
@connection_options
@click.pass_obj
def resume(
    invocation: Invocation, /, pool: str, target: str, form: str, *, yes: bool, wait: bool
) -> None:
    """Wake a pool, so that the next job need not wait for a machine.

    It costs from then on, until it has been idle for its auto_suspend_seconds; this is told, and
    asked for. A job wakes its pool by itself.

    Examples:
        mlops pools resume LARGE
        mlops pools resume LARGE --wait --yes
    """
    from sf_ml_framework.cli.pools_told import agreed_to_wake, tell_change
    from sf_ml_framework.deploy import pools as use

    with _opened(invocation, target) as (chosen, control):
        said, before = use.meant(chosen, control, pool)
        if before.state in (*use.AT_REST, "STOPPING"):
            if not agreed_to_wake(invocation, before, yes=yes):
                return
            control.resume(before.name)
        now = _now(invocation, control, before.name, use.AWAKE, wait=wait)
        tell_change(invocation, chosen, said, (before, now), form)


def _now(
    invocation: Invocation, control: PoolControl, name: str, wanted: tuple[str, ...], *, wait: bool
) -> PoolState:
    """Return the pool as it stands now, or once it is in a state that is wanted."""
    from sf_ml_framework.deploy import pools as use

    if not wait:
        return control.states()[name]
    told = ""

    def tick(state: PoolState) -> None:
        nonlocal told
        if state.state != told and state.state not in wanted:
            invocation.output.talk(f"{name} is {state.state}")
        told = state.state

    return use.settled(control, name, wanted, tick=tick)


def _style(state: str) -> Style:
    return {"SUSPENDED": "quiet", "ACTIVE": "good"}.get(state, "plain")  # type: ignore[return-value]


def _credits(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


_COLUMNS = (
    Column("pool"),
    Column("sizes", can_go=True),
    Column("state", style=_style),
    Column("family", can_go=True),
    Column("active_nodes", right=True, title="busy"),
    Column("min_nodes", right=True, title="min"),
    Column("max_nodes", right=True, title="max"),
    Column("jobs", right=True),
    Column("credits_per_hour", _credits, right=True, title="credits/h"),
)
_CSV = tuple(
    map(
        Column,
        (
            "pool", "state", "family", "min_nodes", "max_nodes", "active_nodes", "idle_nodes",
            "jobs", "services", "auto_suspend_seconds", "at_limit", "credits_per_hour",
            "declared_min_nodes", "declared_max_nodes",
        ),
    )
)  # fmt: skip
