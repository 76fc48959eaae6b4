"""``monitor``: how a deployed graph does: tasks, pools, nodes, runs, what it costs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.cost import Period
from sf_ml_framework.cli.faults import INTERRUPTED
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Form, is_terminal
from sf_ml_framework.errors import UsageError

if TYPE_CHECKING:
    from sf_ml_framework.deploy.graph_ports import Flights, Graph
    from sf_ml_framework.manifest.model import Manifest
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.targets import Target

PARTS = ("tasks", "nodes", "pools")
_CLEAR = "\x1b[2J\x1b[H"


@click.command(cls=Command)
@click.option(
    "--since",
    type=Period(),
    default="7d",
    show_default=True,
    metavar="TIME",
    help="How far back, as in 7d, 12h or 4w. Of tasks Snowflake remembers seven days.",
)
@click.option("--only", type=click.Choice(PARTS), help="Only this table.")
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.5),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How often, with --watch.",
)
@target_option
@format_option
@connection_options
@click.pass_obj
def monitor(
    invocation: Invocation,
    /,
    since: timedelta,
    target: str,
    form: Form,
    *,
    only: str | None,
    watch: bool,
    every: float,
) -> None:
    """Show how a deployed graph does: tasks, nodes, pools, credits.

    Tasks: state, how they ended last, how long they waited to begin. Nodes: how long they took, how
    often they failed, by the day. Pools: state, nodes, jobs, credits; the bill is up to three hours
    late. Above stands when the next run is due, and whether runs are late. The views of the same in
    SQL are told in docs/reference/monitoring.md.

    Examples:
        mlops monitor
        mlops monitor --target prod --watch
        mlops monitor --since 4w --only nodes --format csv
        mlops monitor --format json
    """
    if watch and form != "table":
        raise UsageError("--watch is for a person", remedy="leave out --format")
    if form == "csv" and only is None:
        raise UsageError("CSV is one table", remedy=f"say which: --only {' | '.join(PARTS)}")
    try:
        _show(invocation, target, since, form, only=only, every=every if watch else 0)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None


def _show(
    invocation: Invocation, name: str, since: timedelta, form: Form, *, only: str | None,
    every: float,
) -> None:  # fmt: skip
    from sf_ml_framework.cli.account import open_account
    from sf_ml_framework.cli.monitor_told import tell
    from sf_ml_framework.cli.workspace import open_workspace

    output = invocation.output
    with open_workspace(invocation) as workspace:
        manifest = workspace.manifest
        role = workspace.chosen(name).deploy_role
    with open_account(invocation, name, role=role) as opened:
        clears = every > 0 and is_terminal(output.stdout)
        while True:
            found = document(opened.account, opened.target, manifest, since)
            if clears:
                output.stdout.write(_CLEAR)
            tell(output, found, form, only)
            if not every:
                return
            time.sleep(every)
            if not clears:
                output.text("")


def document(
    account: Account, target: Target, manifest: Manifest, since: timedelta
) -> dict[str, Any]:
    """Return how the graph does, for a program. This shape is promised: fields are only added.

    Seven statements, whatever the size of the graph.
    """
    from sf_ml_framework.cli.pools import pool_rows
    from sf_ml_framework.places.snowflake.graph_control import SnowflakeGraph
    from sf_ml_framework.places.snowflake.pools import SnowflakePools
    from sf_ml_framework.places.snowflake.watch import Watch
    from sf_ml_framework.plan import names

    nodes = {names.node_task(node.name): node.name for node in manifest.nodes}
    root = names.root_task(manifest.project)
    control = SnowflakeGraph(account, target.database, target.schema, root, nodes)
    graph = control.graph()
    watch = Watch(account, target, manifest.project)
    now = datetime.now(UTC)
    ran = watch.tasks(graph.id, since)
    runs = watch.runs(now - since)
    spent = watch.credits(since)
    pools = pool_rows(target, SnowflakePools(account))
    return {
        "project": manifest.project,
        "target": target.name,
        "since": (now - since).isoformat(timespec="seconds"),
        "graph": _graph(graph, control.flights(graph)),
        "runs": {**runs, **_lateness(target, runs["last_success"], now)},
        "tasks": [
            {
                "task": task.name,
                "node": task.node,
                "state": task.state,
                **ran.get(task.name, _NEVER),
            }
            for task in graph.by_name.values()
        ],
        "nodes": watch.nodes(now - since),
        "pools": [
            {**row, "credits": None if spent is None else spent.get(row["pool"], 0.0)}
            for row in pools
        ],
        "credits": None if spent is None else sum(spent.values()),
    }


def _graph(graph: Graph, flights: Flights) -> dict[str, Any]:
    return {
        "root": graph.root.name,
        "state": graph.root.state,
        "suspended_reason": graph.suspended_reason,
        "schedule": graph.schedule,
        "next_run": flights.next_run or None,
        "going": sorted(flights.going),
    }


def _lateness(target: Target, last_success: str, now: datetime) -> dict[str, Any]:
    """Return how long ago a run succeeded, and whether that is too long for the target."""
    limit = target.alerts.late_after_minutes
    ago = None
    if last_success:
        ago = (now - datetime.fromisoformat(last_success)).total_seconds() / 60
    late = None if not limit else ago is None or ago > limit
    return {"minutes_since_success": ago, "late_after_minutes": limit or None, "late": late}


_NEVER: dict[str, Any] = {
    "attempts": 0,
    "failed": 0,
    "last_state": "",
    "last_started": "",
    "mean_seconds": None,
    "mean_queued_seconds": None,
    "max_queued_seconds": None,
}
