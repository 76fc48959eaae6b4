"""``trace``: a run as OpenTelemetry sees it, shown or sent after it ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli import words
from sf_ml_framework.cli.alive import settled
from sf_ml_framework.cli.commands import Command
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option, run_argument
from sf_ml_framework.cli.output import Column, Form, Output
from sf_ml_framework.cli.where import where_options
from sf_ml_framework.cli.workspace import Workspace, open_workspace
from sf_ml_framework.errors import OperatorError, UsageError

if TYPE_CHECKING:
    from sf_ml_framework.run.records import NodeRun
    from sf_ml_framework.telemetry.destination import Destination
    from sf_ml_framework.telemetry.spans import Span


@click.command(cls=Command)
@run_argument(required=True)
@click.option("--send", is_flag=True, help="Send it where local.telemetry or OTEL_* say.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append it to a file, as JSON lines of OTLP.",
)
@click.option(
    "--run-only",
    is_flag=True,
    help="Only the run's own span: where containers have sent their nodes' themselves.",
)
@format_option
@where_options
@click.pass_obj
def trace(
    invocation: Invocation,
    /,
    run: str,
    out: Path | None,
    *,
    send: bool,
    run_only: bool,
    form: Form,
) -> None:
    """Show a run as a trace, or send it to a collector.

    The ids of a trace follow from the run's id, so that a run is found in a collector by them, and
    whoever sends it sends the same. RUN is the id of a run, its beginning, or `last`.

    Examples:
        mlops trace last
        mlops trace last --target prod --send --run-only
        mlops trace 20261123-0912 --out traces.jsonl
    """
    from sf_ml_framework.telemetry.spans import spans_of

    if send and out is not None:
        raise UsageError("--send and --out are two places", remedy="give one of them")
    with open_workspace(invocation, anywhere=True) as workspace:
        record = workspace.journal.run(run)
        record, every = settled(workspace, record, workspace.journal.node_runs(record.run_id))
        nodes = [node for node in every if node.started]
        spans = spans_of(record, [] if run_only else nodes)
        if send or out is not None:
            _send(workspace, invocation, record.project, spans, out)
            return
    _show(spans, nodes, record.status, form, invocation.output)


def _send(
    workspace: Workspace,
    invocation: Invocation,
    project: str,
    spans: list[Span],
    out: Path | None,
) -> None:
    """Send *spans*.

    Raises:
        OperatorError: nothing says where to, or not all arrived.
    """
    from sf_ml_framework.telemetry.tracing import EXTRA, opened

    where = _where(workspace, out)
    found = opened(where, project)
    if found is None:
        raise OperatorError("OpenTelemetry is not installed", remedy=EXTRA)
    found.send(spans)
    if trouble := found.close():
        raise OperatorError(trouble, remedy="see docs/how-to/send-traces.md")
    count = words.plural(len(spans), "span")
    invocation.output.talk(f"sent {count} of trace {spans[0].trace:032x} to {where.words}")


def _where(workspace: Workspace, out: Path | None) -> Destination:
    from sf_ml_framework.telemetry.destination import Destination, destination

    if out is not None:
        return Destination("file", str(out))
    setting = workspace.settings.local.telemetry
    where = destination(setting, workspace.root, os.environ)
    if where is None:
        raise OperatorError(
            "nothing says where traces go",
            remedy="set OTEL_EXPORTER_OTLP_ENDPOINT, or local.telemetry in mlops.yml",
        )
    return where


def _show(spans: list[Span], nodes: list[NodeRun], status: str, form: Form, output: Output) -> None:
    from sf_ml_framework.show.words import seconds

    statuses = {node.node: node.status for node in nodes}
    rows = [_row(span, statuses.get(span.name, status)) for span in spans]
    if form == "table":
        output.text(f"trace {spans[0].trace:032x}")
        rows = [{**row, "span": f"{'  ' * bool(place)}{row['span']}"} for place, row in
                enumerate(rows)]  # fmt: skip
    columns = (
        Column("span"),
        Column("span_id"),
        Column("started", words.local_time if form == "table" else str),
        Column("seconds", seconds if form == "table" else str, right=True, title="took"),
        Column("status"),
    )
    output.table(columns, rows, form)


def _row(span: Span, status: str) -> dict[str, Any]:
    from datetime import UTC, datetime

    return {
        "span": span.name,
        "trace_id": f"{span.trace:032x}",
        "span_id": f"{span.span:016x}",
        "parent_id": f"{span.parent:016x}" if span.parent else None,
        "started": datetime.fromtimestamp(span.start / 1e9, UTC).isoformat(),
        "seconds": (span.end - span.start) / 1e9,
        "status": status,
        "error": span.error,
        "attributes": span.attributes,
    }
