"""``cost``: what runs will cost, and what they have cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.groups import Group, Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Form
from sf_ml_framework.cli.where import where_options

if TYPE_CHECKING:
    from datetime import timedelta


class Period(click.ParamType[Any]):
    """A time back from now, as in ``30d``, ``12h`` or ``2w``."""

    name = "period"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return how long it is."""
        import re
        from datetime import timedelta

        found = re.fullmatch(r"(\d{1,4})\s*([hdw])", str(value).strip().lower())
        if found is None or not int(found[1]):
            self.fail(f"{value!r} is no time; write it as in 30d, 12h or 2w", param, ctx)
        unit = {"h": "hours", "d": "days", "w": "weeks"}[found[2]]
        return timedelta(**{unit: int(found[1])})


@click.group(cls=Group)
def cost() -> None:
    """Tell what runs will cost, and what they have cost.

    Costs are credits; with costs.price_per_credit in mlops.yml they are money too.

    Examples:
        mlops cost estimate
        mlops cost report --since 30d
        mlops cost report --by run --format csv
    """


@cost.command(cls=Subcommand, exits=(0, 2, 3, 4))
@click.option(
    "--runs",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="Runs in a month of 30 days; by default as the schedule says.",
)
@click.option("--timeouts", is_flag=True, help="Take every node to run until its timeout.")
@format_option
@where_options
@click.pass_obj
def estimate(invocation: Invocation, /, runs: float | None, *, timeouts: bool, form: Form) -> None:
    """Tell what a run will cost, and a month of the schedule.

    The graph runs on its pools in thought: which nodes share a machine, how long each pool waits
    until it is suspended, five minutes at least. How long nodes take is known from the runs of
    the account, without a connection from those of this machine, as a hint; a node that never ran
    is taken to run until its timeout. A rate that nobody published is said to be unknown.

    Examples:
        mlops cost estimate
        mlops cost estimate --target prod --runs 120
        mlops cost estimate --timeouts --format json
    """
    from sf_ml_framework.cli.cost_estimate import tell

    tell(invocation, runs=runs or 0, timeouts=timeouts, form=form)


@cost.command(cls=Subcommand, exits=(0, 2, 3, 4))
@target_option
@click.option("--run", "run_id", default="", metavar="RUN", help="Only this run; `last` is one.")
@click.option(
    "--since",
    type=Period(),
    default="30d",
    show_default=True,
    metavar="TIME",
    help="How far back, as in 30d, 12h or 2w; a year at most.",
)
@click.option(
    "--by",
    type=click.Choice(["node", "run", "day", "pool"]),
    default="node",
    show_default=True,
    help="What each line is about.",
)
@format_option
@connection_options
@click.pass_obj
def report(
    invocation: Invocation,
    /,
    target: str,
    run_id: str,
    *,
    since: timedelta,
    by: Literal["node", "run", "day", "pool"],
    form: Form,
) -> None:
    """Tell what the account was billed, and for what.

    The credits of each pool and hour are shared out to the nodes that worked then. What was paid
    while containers started, for jobs of others and for nothing at all comes apart, and the lines
    are together what was billed. Below stands which setting would have cut it, and by how much.
    The account's bill is up to three hours late.

    Examples:
        mlops cost report
        mlops cost report --run last --target prod
        mlops cost report --by day --since 7d --format csv
    """
    from sf_ml_framework.cli.cost_report import tell

    tell(invocation, target, run_id=run_id, since=since, by=by, form=form)


@cost.command(cls=Subcommand, exits=(0, 2, 3))
@format_option
@click.pass_obj
def rates(invocation: Invocation, /, form: Form) -> None:
    """List the rates that costs are told by.

    Examples:
        mlops cost rates
        mlops cost rates --format csv
    """
    from sf_ml_framework.cli.cost_words import tell_rates

    tell_rates(invocation, form)
