"""``diff``: two runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from sf_ml_framework.cli import words
from sf_ml_framework.cli.alive import settled
from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import completes_runs, format_option
from sf_ml_framework.cli.output import Column, Form, Output, text_of
from sf_ml_framework.cli.where import where_options
from sf_ml_framework.cli.workspace import Workspace, open_workspace
from sf_ml_framework.errors import FrameworkError, UsageError

if TYPE_CHECKING:
    from sf_ml_framework.cli.comparison import Comparison, Difference
    from sf_ml_framework.run.ports import Journal
    from sf_ml_framework.run.records import RunRecord


@click.command(cls=Command)
@click.argument("first", metavar="[RUN", required=False, shell_complete=completes_runs)
@click.argument("second", metavar="RUN]", required=False, shell_complete=completes_runs)
@click.option("--exit-code", is_flag=True, help="End with 1 when the runs differ.")
@format_option
@where_options
@click.pass_obj
def diff(
    invocation: Invocation, /, first: str | None, second: str | None, exit_code: bool, form: Form
) -> None:
    """Compare two runs: what changed, what it did.

    Code, parameters, data and libraries of each node that is in both; then which datasets came
    out otherwise, and by how much each metric moved. RUN is the id of a run, its beginning, or
    `last`; without any, the last two runs are compared, with one, that run and the last.

    Examples:
        mlops diff
        mlops diff 20261122-1710 last
        mlops diff 20261122-1710 last --format json
        mlops diff 20261122-1710 last --exit-code --quiet
    """
    from sf_ml_framework.cli.comparison import compare

    output = invocation.output
    with open_workspace(invocation, anywhere=True) as workspace:
        journal = workspace.journal
        before, after = _named(journal, first, second)
        before, nodes_before = settled(workspace, before, journal.node_runs(before.run_id))
        after, nodes_after = settled(workspace, after, journal.node_runs(after.run_id))
        found = compare(before, nodes_before, after, nodes_after, _functions(workspace))
    if form == "json":
        output.json(_document(before, after, found))
    elif form == "csv":
        output.table(_ALL_COLUMNS, _all_rows(found), "csv")
    elif not output.quiet:
        _tell(before, after, found, output)
    if exit_code and not found.same:
        raise click.exceptions.Exit(1)


def _named(journal: Journal, first: str | None, second: str | None) -> tuple[RunRecord, RunRecord]:
    """Return the two runs to compare, the older by default the last but one."""
    after = journal.run(second or "last")
    if first is not None:
        return journal.run(first), after
    newest = journal.runs(limit=2)
    if len(newest) < 2:
        raise UsageError("there is but one run", remedy="compare when there are two")
    return newest[1], after


def _functions(workspace: Workspace) -> dict[str, str]:
    try:
        return {node.name: node.function for node in workspace.manifest.nodes}
    except FrameworkError:
        # Runs can be compared while the pipeline is being rewritten.
        return {}


def _document(before: RunRecord, after: RunRecord, found: Comparison) -> dict[str, Any]:
    return {
        "first": {"run": before.run_id, "started": before.started, "status": before.status},
        "second": {"run": after.run_id, "started": after.started, "status": after.status},
        "same": found.same,
        **{name: msgspec.to_builtins(getattr(found, name)) for name in found.__struct_fields__},
    }


def _all_rows(found: Comparison) -> list[dict[str, Any]]:
    """Return every line of a comparison under one heading, for a spreadsheet."""
    rows: list[dict[str, Any]] = [
        {"what": what, "node": name}
        for what in ("only_first", "only_second")
        for name in getattr(found, what)
    ]
    rows += [
        {"what": "change", "node": each.node, "name": each.kind, "detail": each.detail}
        for each in found.changes
    ]
    kinds = {"environment": "environment", "outputs": "output", "metrics": "metric"}
    for what, name in {**kinds, "statuses": "status"}.items():
        rows += [{"what": name, **msgspec.structs.asdict(each)} for each in getattr(found, what)]
    return rows


def _tell(before: RunRecord, after: RunRecord, found: Comparison, output: Output) -> None:
    for title, run in (("first", before), ("second", after)):
        output.text(f"{title:<7} {run.run_id}  {words.local_time(run.started)}  {run.status}")
    if found.same and not found.environment:
        output.text("\nnothing differs: code, parameters, data, libraries and metrics are equal")
        return
    for title, names in (("first", found.only_first), ("second", found.only_second)):
        if names:
            output.text(f"only in the {title}: {', '.join(names)}")
    for each in found.statuses:
        output.text(f"{each.node}: {each.before} in the first, {each.after} in the second")
    changes = [
        {"node": each.node, "change": f"{each.kind.replace('_', ' ')}: {each.detail}"}
        for each in found.changes
    ]
    if changes:
        _section("what changed", _CHANGE_COLUMNS, changes, output)
    else:
        output.text("\nno code, parameter, input or library changed")
    _section("around it", _AROUND_COLUMNS, _rows(found.environment), output)
    _section("data that came out otherwise", _OUTPUT_COLUMNS, _rows(found.outputs), output)
    if found.metrics:
        _section("metrics", _METRIC_COLUMNS, _rows(found.metrics), output)
    else:
        output.text("\nno metric moved")


def _section(
    title: str, columns: tuple[Column, ...], rows: list[dict[str, Any]], output: Output
) -> None:
    if rows:
        output.text("\n" + output.styled(title, "strong"))
        output.table(columns, rows, "table")


def _rows(found: tuple[Difference, ...]) -> list[dict[str, Any]]:
    return [msgspec.structs.asdict(each) for each in found]


def _value(value: Any) -> str:
    from sf_ml_framework.show.words import number

    return "" if value is None else number(value)


def _stood(value: dict[str, Any]) -> str:
    rows = words.rows(value["rows"])
    # Two tables of as many rows are told apart by the beginning of their hash.
    return ", ".join(filter(None, (rows, f"content {value['content'][:7]}")))


def _delta(value: float | None) -> str:
    from sf_ml_framework.show.words import number

    return "" if value is None else f"{'+' if value > 0 else ''}{number(value)}"


_CHANGE_COLUMNS = (Column("node"), Column("change", gives_way=True))
_AROUND_COLUMNS = (
    Column("name", title="what"),
    Column("before", text_of, title="first", gives_way=True),
    Column("after", text_of, title="second", gives_way=True),
)
_OUTPUT_COLUMNS = (
    Column("name", title="dataset"),
    Column("node", title="made by"),
    Column("before", _stood, title="first"),
    Column("after", _stood, title="second"),
)
_METRIC_COLUMNS = (
    Column("name", title="metric"),
    Column("node"),
    Column("before", _value, right=True, title="first"),
    Column("after", _value, right=True, title="second"),
    Column("delta", _delta, right=True, title="moved"),
)
_ALL_COLUMNS = tuple(map(Column, ("what", "node", "name", "detail", "before", "after", "delta")))
