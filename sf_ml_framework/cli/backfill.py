"""``backfill``: one run of the deployed graph for each value of a parameter, as a queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.faults import INTERRUPTED
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import outputs_option
from sf_ml_framework.cli.output import Column, Style
from sf_ml_framework.cli.tasks_opened import config_of, open_graph, task_format_option
from sf_ml_framework.cli.where import same_place
from sf_ml_framework.errors import UsageError

if TYPE_CHECKING:
    from sf_ml_framework.cli.tasks_opened import OpenedGraph
    from sf_ml_framework.deploy.graph_backfill import Filled
    from sf_ml_framework.deploy.graph_ports import TaskRun, TaskShown

_EMPTY = ("", "{}", "…", "...")


@click.command(cls=Command)
@click.option(
    "--param",
    "--params",
    "params",
    multiple=True,
    required=True,
    metavar="NAME[=VALUE]",
    help="The parameter that takes each value, as NAME or as NAME=text with {}; others as"
    " NAME=VALUE.",
)
@click.option("--from", "first", required=True, metavar="DATE", help="The first value.")
@click.option("--to", "last", required=True, metavar="DATE", help="The last value.")
@click.option("--step", default="1d", show_default=True, metavar="STEP", help="As in 6h, 1d or 2w.")
@outputs_option
@click.option(
    "--overlap",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Most runs at once; more than one where the target's overlap_policy allows it.",
)
@click.option("--again", is_flag=True, help="Also values for which a run has succeeded before.")
@click.option("--keep-going", is_flag=True, help="Go on with other values after a failure.")
@target_option
@task_format_option
@connection_options
@click.pass_obj
def backfill(invocation: Invocation, /, **options: Any) -> None:
    r"""Run the graph once for each day, or each other step, of a time.

    One run for each value, the earliest first. A value for which a run of the graph with the same
    changes has succeeded is passed over, so the same line goes on where an earlier one stopped.
    Ctrl-C begins no further run; what goes on in the account ends by itself, and the next call
    takes it over.

    Examples:
        mlops backfill --param date --from 2026-01-01 --to 2026-01-31
        mlops backfill --param date --from 2026-01-01 --to 2026-03-31 --step 1w
        mlops backfill --param date --from 2026-01-01 --to 2026-01-31 \
            --overlap 3 --outputs '{"features": "features@{}"}'
    """
    from sf_ml_framework.deploy import graph_backfill

    days = graph_backfill.values(options["first"], options["last"], options["step"])
    wanted_params = _template(options["params"])
    with open_graph(invocation, options["target"]) as opened:
        given = {"inputs": "", "outputs": options["outputs"], "params": wanted_params}
        # With the first value, for that {} itself is no version and no date.
        config_of(opened, {**given, **_of_first(given, days[0])})
        wanted = graph_backfill.queue(_config(given), days)
        _work(invocation, opened, wanted, options)


def _work(
    invocation: Invocation, opened: OpenedGraph, wanted: Sequence[Any], options: dict[str, Any]
) -> None:
    from sf_ml_framework.deploy import graph_backfill
    from sf_ml_framework.deploy.graph_runs import Runs
    from sf_ml_framework.places.snowflake.run_changes import succeeded

    output, more = invocation.output, same_place(options["target"])
    graph = opened.control.graph()
    graph_backfill.check_overlap(graph, options["overlap"])
    done = {} if options["again"] else {
        graph_backfill.changes_in(changes): run_id
        for run_id, changes in succeeded(
            opened.account, opened.target.database, opened.target.schema, opened.manifest.project
        )
    }  # fmt: skip
    told = _Told(invocation, len(wanted))
    queue = graph_backfill.Backfill(opened.control, Runs(opened.control, told), done, told)
    try:
        filled = queue.work(
            graph, wanted, overlap=options["overlap"], keep_going=options["keep_going"]
        )
    except KeyboardInterrupt:
        output.complain("stopped: no further run begins; what goes on ends by itself")
        output.complain(f"  go on:  {invocation.command_line}")
        output.complain(f"  cancel: {invocation.program} tasks cancel{more}")
        raise click.exceptions.Exit(INTERRUPTED) from None
    rows = [msgspec.to_builtins(each) for each in filled]
    output.table(_COLUMNS, rows, "json" if options["form"] == "json" else "table")
    if any(each.outcome not in ("succeeded", "done before") for each in filled):
        output.complain(f"go on:  {invocation.command_line}")
        raise click.exceptions.Exit(1)


def _template(params: Sequence[str]) -> tuple[str, ...]:
    """Return the parameters, each ``NAME=VALUE``, with ``{}`` where the value of a run stands.

    Raises:
        UsageError: none of them, or more than one, takes the values.
    """
    made = []
    for text in params:
        name, equals, value = text.partition("=")
        made.append(f"{name}={{}}" if not equals or value in _EMPTY else text)
    taking = [text for text in made if "{}" in text]
    if len(taking) != 1:
        raise UsageError(
            f"{len(taking) or 'none'} of the parameters would take each value, and one must",
            remedy="write --param NAME for it, and --param OTHER=VALUE for others",
        )
    return tuple(made)


def _of_first(given: dict[str, Any], value: str) -> dict[str, Any]:
    return {
        "outputs": given["outputs"].replace("{}", value) if given["outputs"] else "",
        "params": tuple(text.replace("{}", value) for text in given["params"]),
    }


def _config(given: dict[str, Any]) -> Any:
    from sf_ml_framework.run import overrides

    return msgspec.to_builtins(overrides.parse("", given["outputs"], given["params"]))


class _Told:
    """Tells a line for each value that begins or ends.

    Implements ``deploy/graph_backfill.py::Queue`` and ``deploy/graph_ports.py::Watcher``.
    """

    def __init__(self, invocation: Invocation, total: int) -> None:
        self._output, self._total = invocation.output, total
        self._count = 0

    def queued(self, behind: str) -> None:
        """Say what is in the way."""
        self._output.talk(f"waiting until run {behind} ends")

    def began(self, run_id: str) -> None:
        """Tell nothing: the run is told with its value."""

    def fills(self, value: str, run_id: str) -> None:
        """Say which run it is."""
        self._output.talk(f"{value}: run {run_id}")

    def task(self, task: TaskShown, run: TaskRun) -> None:
        """Tell nothing of single nodes."""

    def tick(self) -> None:
        """Tell nothing."""

    def ended(self, filled: Filled) -> None:
        """Say how a value came out."""
        self._count += 1
        width = len(str(self._total))
        style = _style(filled.outcome)
        word = self._output.styled(filled.outcome, style, self._output.stderr)
        self._output.talk(f"[{self._count:>{width}}/{self._total}] {filled.value} {word}")


def _style(outcome: str) -> Style:
    styles: dict[str, Style] = {"succeeded": "good", "failed": "bad", "cancelled": "bad"}
    return styles.get(outcome, "quiet")


_COLUMNS = (Column("value"), Column("outcome", style=_style), Column("run_id", title="run"))
