"""How a run, or one node, came out: what failed and how to go on, counts, results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sf_ml_framework.cli import words
from sf_ml_framework.cli.faults import INTERRUPTED
from sf_ml_framework.cli.nodeline import line_of
from sf_ml_framework.cli.output import Column, Form, Output, Style
from sf_ml_framework.cli.shapes import node_fields, rows_of, run_document
from sf_ml_framework.cli.workspace import Workspace
from sf_ml_framework.show.words import seconds, size

if TYPE_CHECKING:
    from sf_ml_framework.run.records import NodeRun, RunRecord

MOST_METRICS = 6
"""Metrics in the closing lines; `show` and the report have all."""

_WORDS = {
    "succeeded": "succeeded",
    "skipped": "skipped",
    "failed": "failed",
    "cancelled": "stopped",
    "not run": "not run",
}


def exit_code(record: RunRecord, nodes: Sequence[NodeRun]) -> int:
    """Return the exit code of a run: that of the first failure, for whoever must act on it."""
    for node_run in nodes:
        if node_run.status == "failed":
            return node_run.exit_code or 1
    return INTERRUPTED if record.status == "cancelled" else 0


def tell(
    workspace: Workspace,
    record: RunRecord,
    nodes: Sequence[NodeRun],
    output: Output,
    *,
    resume: str,
    page: Path | None,
) -> None:
    """Tell how a run ended and where its results are."""
    style: Style = {"succeeded": "good", "failed": "bad"}.get(record.status, "strong")  # type: ignore[assignment]
    counts = f"{words.plural(len(record.selection), 'node')}: {counted(nodes)}"
    output.text(output.styled(f"{counts} in {seconds(record.seconds)}", style))
    if not output.quiet:
        key = next((each.metrics for each in reversed(nodes) if each.metrics), {})
        lines = {
            "metrics": words.metrics(key, MOST_METRICS) if key else "",
            "data": workspace.data_shown if record.status == "succeeded" else "",
            "report": workspace.shown(page) if page else "",
        }
        for name, text in lines.items():
            if text:
                output.text(f"{name:<8} {text}")
    if resume:
        output.text(f"{'resume':<8} {resume}")


def counted(nodes: Sequence[NodeRun]) -> str:
    """Return ``4 succeeded, 2 skipped``."""
    counts: dict[str, int] = {}
    for node_run in nodes:
        word = _WORDS.get(line_of(node_run).status, node_run.status)
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def tell_failures(workspace: Workspace, nodes: Sequence[NodeRun], output: Output) -> None:
    """Tell every failure of a run, in the order of the pipeline."""
    for node_run in nodes:
        for line in failure_lines(workspace, node_run, output, output.stderr):
            output.complain(line)


def failure_lines(
    workspace: Workspace, node_run: NodeRun, output: Output, stream: TextIO
) -> Iterator[str]:
    """Yield why a node failed: the author's traceback, what it printed last, what to do.

    Yields nothing for a node that did not fail.
    """
    if node_run.status != "failed":
        return
    yield ""
    for note in node_run.notes:
        yield f"{node_run.node}: {note}"
    if node_run.trace:
        yield node_run.trace
    if node_run.log_tail:
        log = workspace.folder_of_run(node_run.run_id) / f"{node_run.node}.log"
        yield f"last lines of {workspace.shown(log)}:"
        yield from (f"  | {line}" for line in node_run.log_tail)
    yield from output.fault_lines(node_run.error, node_run.remedy, stream)


def show(
    record: RunRecord,
    nodes: Sequence[NodeRun],
    form: Form,
    output: Output,
    *,
    resume: str,
    page: Path | None,
) -> None:
    """Print a run for a program."""
    if form == "json":
        more = {"resume": resume, "report": str(page) if page else None}
        output.json({**run_document(record, nodes), **more})
    else:
        node_table(nodes, form, output)


def show_node(node_run: NodeRun, form: Form, output: Output) -> None:
    """Print how one node ended, and what it made."""
    if form == "json":
        output.json({"run": node_run.run_id, **node_fields(node_run)})
    elif form == "csv":
        node_table([node_run], form, output)
    else:
        if node_run.status == "succeeded":
            mark = output.styled(line_of(node_run).mark(output.stdout), "good")
            output.text(f"{mark} {node_run.node} succeeded in {seconds(node_run.seconds)}")
        for saved in node_run.outputs:
            rows = f", {words.rows(saved.rows)}" if saved.rows is not None else ""
            name = f"{saved.dataset}@{saved.version}"
            output.text(f"  {name}: {saved.location}{rows}, {size(saved.bytes)}")
        if node_run.metrics:
            output.text(f"  {words.metrics(node_run.metrics, MOST_METRICS)}")
        if node_run.return_value is not None:
            output.text(f"  returned {node_run.return_value}")


def node_table(nodes: Sequence[NodeRun], form: Form, output: Output) -> None:
    """Print the nodes of a run as a table."""
    output.table(_NODE_COLUMNS, [_node_row(node_run) for node_run in nodes], form)


def _node_row(node_run: NodeRun) -> dict[str, Any]:
    line = line_of(node_run)
    return {
        "node": node_run.node,
        "status": line.status,
        "seconds": line.seconds,
        "rows": rows_of(node_run),
        "bytes": sum(saved.bytes for saved in node_run.outputs) or None,
        "peak_memory_bytes": node_run.peak_memory_bytes or None,
        "why": line.why,
    }


def style_of_status(status: str) -> Style:
    """Return how the word of a status is coloured."""
    return {"succeeded": "good", "failed": "bad", "cancelled": "bad", "running": "strong"}.get(  # type: ignore[return-value]
        status, "quiet"
    )


def _figure(show: Any) -> Any:
    return lambda value: "" if value is None else show(value)


_NODE_COLUMNS = (
    Column("node"),
    Column("status", style=style_of_status),
    Column("seconds", _figure(seconds), right=True, title="took"),
    Column("rows", _figure("{:,}".format), right=True),
    Column("bytes", _figure(size), right=True, can_go=True, title="size"),
    Column("peak_memory_bytes", _figure(size), right=True, can_go=True, title="memory"),
    Column("why", gives_way=True),
)
