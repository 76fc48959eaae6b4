"""``history`` and ``show``: what ran, when, why and with what result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli import words
from sf_ml_framework.cli.alive import settled
from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import completes_nodes, format_option, run_argument
from sf_ml_framework.cli.output import Column, Form, Output
from sf_ml_framework.cli.where import where_options
from sf_ml_framework.cli.workspace import Workspace, open_workspace
from sf_ml_framework.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sf_ml_framework.run.records import NodeRun, RunRecord

STATUSES = ("running", "succeeded", "failed", "cancelled")


@click.command(cls=Command)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Most runs; 0 is all of them.",
)
@click.option("--status", type=click.Choice(STATUSES), help="Only such runs.")
@format_option
@where_options
@click.pass_obj
def history(invocation: Invocation, /, limit: int, status: str | None, form: Form) -> None:
    """List the runs, newest first.

    With how many nodes ran, were skipped and failed. Times are those of this machine's clock; in
    JSON and CSV they are UTC.

    Examples:
        mlops history
        mlops history --status failed --limit 5
        mlops history --format csv > runs.csv
    """
    from sf_ml_framework.cli.shapes import history_fields

    with open_workspace(invocation, anywhere=True) as workspace:
        journal = workspace.journal
        rows = [
            history_fields(*settled(workspace, run, journal.node_runs(run.run_id)))
            for run in _found(workspace, limit or -1, status or "")
        ]
    if form == "table":
        rows = [{**row, "nodes": _counts(row)} for row in rows]
    columns = _history_columns(form)
    invocation.output.table(columns, rows, form, empty="nothing has run here yet")


@click.command(cls=Command)
@run_argument(required=True)
@click.option(
    "--logs",
    metavar="NODE",
    shell_complete=completes_nodes,
    help="Print all that this node printed in the run.",
)
@format_option
@where_options
@click.pass_obj
def show(invocation: Invocation, /, run: str, logs: str | None, form: Form) -> None:
    """Show one run, or what a node printed in it.

    Each node with its reason, time, rows, bytes and memory; versions of data, metrics, and what
    failed. RUN is the id of a run, its beginning, or `last`.

    Examples:
        mlops show last
        mlops show 20261123-0912 --logs train_model
        mlops show last --format json
    """
    output = invocation.output
    with open_workspace(invocation, anywhere=True) as workspace:
        record = workspace.journal.run(run)
        record, nodes = settled(workspace, record, workspace.journal.node_runs(record.run_id))
        if logs is not None:
            output.text(_log(workspace, record, nodes, logs))
        elif form == "json":
            from sf_ml_framework.cli.shapes import run_document

            output.json(run_document(record, nodes))
        elif form == "csv":
            from sf_ml_framework.cli.summary import node_table

            node_table(nodes, form, output)
        else:
            _tell_run(workspace, record, nodes, output)


def _found(workspace: Workspace, limit: int, status: str) -> Sequence[RunRecord]:
    """Return the newest runs, *limit* at most, that have *status* as it is true now."""
    runs = workspace.journal.runs
    if status not in ("running", "cancelled") or workspace.mode == "snowflake":
        return runs(limit=limit, status=status)
    # What was killed is among those that the journal calls running.
    every = runs(limit=-1)
    found = [run for run in every if settled(workspace, run, ())[0].status == status]
    return found[:limit] if limit > 0 else found


def _tell_run(
    workspace: Workspace, record: RunRecord, nodes: Sequence[NodeRun], output: Output
) -> None:
    from sf_ml_framework.cli import summary
    from sf_ml_framework.show.words import number

    _tell_pairs("", _heading(workspace, record, output), output)
    output.text("")
    summary.node_table(nodes, "table", output)
    metrics = {
        f"{node_run.node}.{name}": number(value)
        for node_run in nodes
        for name, value in node_run.metrics.items()
    }
    _tell_pairs("metrics", metrics, output)
    outputs = [saved for node_run in nodes for saved in node_run.outputs]
    places = {f"{saved.dataset}@{saved.version}": saved.location for saved in outputs}
    _tell_pairs("datasets", places, output)
    for node_run in nodes:
        for line in summary.failure_lines(workspace, node_run, output, output.stdout):
            output.text(line)


def _heading(workspace: Workspace, record: RunRecord, output: Output) -> dict[str, str]:
    from sf_ml_framework.cli.summary import style_of_status
    from sf_ml_framework.show.words import seconds

    page = workspace.folder_of_run(record.run_id) / "report.html"
    changed = " with changes" if record.git_dirty else ""
    return {
        "run": record.run_id,
        "status": output.styled(record.status, style_of_status(record.status)),
        "started": f"{words.local_time(record.started)}, took {seconds(record.seconds)}",
        "command": record.command,
        "commit": f"{record.git_commit[:12]}{changed}" if record.git_commit else "",
        "report": workspace.shown(page) if page.exists() else "",
        "with": f"Python {record.python}, sf_ml_framework {record.framework}",
    }


def _tell_pairs(title: str, pairs: dict[str, str], output: Output) -> None:
    from sf_ml_framework.cli.output import width_of

    if title and pairs:
        output.text("")
        output.text(output.styled(title, "strong"))
    width = max(map(width_of, pairs), default=0)
    for name, value in pairs.items():
        if value:
            output.text(f"{name}{' ' * (width - width_of(name))}  {value}")


def _log(workspace: Workspace, record: RunRecord, nodes: Sequence[NodeRun], name: str) -> str:
    """Return all that the node *name* printed in a run."""
    known = [node_run.node for node_run in nodes]
    if name not in known:
        raise UnknownNameError(kind=f"node of run {record.run_id}", name=name, known=known)
    file = workspace.folder_of_run(record.run_id) / f"{name}.log"
    try:
        return file.read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except FileNotFoundError:
        status = next(node_run.status for node_run in nodes if node_run.node == name)
        remedy = (
            "it was skipped: ask the run that ran it, see `mlops history`"
            if status == "skipped"
            else "`mlops exec` and a node that printed nothing leave none"
        )
        raise DataError(
            f"node {name!r} left no log in run {record.run_id}", remedy=remedy
        ) from None


def _counts(row: dict[str, Any]) -> str:
    # What failed stands first, for the end is cut where there is no room.
    counts = (f"{row[what]} {what}" for what in ("failed", "ran", "skipped") if row[what])
    return ", ".join(counts)


def _history_columns(form: Form) -> tuple[Column, ...]:
    from sf_ml_framework.cli.summary import style_of_status
    from sf_ml_framework.show.words import seconds

    if form == "csv":
        names = ("run", "started", "status", "seconds", "ran", "skipped", "failed", "command")
        return tuple(map(Column, names))
    return (
        Column("run"),
        Column("started", words.local_time, can_go=True),
        Column("status", style=style_of_status),
        Column("seconds", seconds, right=True, title="took"),
        Column("nodes", gives_way=True),
        Column("command", gives_way=True, can_go=True),
    )
