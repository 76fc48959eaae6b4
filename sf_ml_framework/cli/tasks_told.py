"""How a run of a graph of tasks is told: each node as it ends, what failed, how it came out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from sf_ml_framework.cli import words
from sf_ml_framework.cli.nodeline import NodeLine, Widths, widest
from sf_ml_framework.cli.output import Output, Style
from sf_ml_framework.deploy.graph_ports import CANCELLED, FAILED, Graph, TaskRun, TaskShown
from sf_ml_framework.run.records import NodeRun, Reason

if TYPE_CHECKING:
    from sf_ml_framework.cli.tasks_opened import OpenedGraph
    from sf_ml_framework.deploy.graph_runs import Ended

ALIVE_SECONDS = 30.0
"""After how long without news it is said what runs, so that a log is not silent."""


def status_of(run: TaskRun) -> str:
    """Return how a node stands, in the words of the records."""
    if run.state in FAILED:
        return "failed"
    if run.state in CANCELLED:
        return "cancelled"
    if not run.ended_at_all:
        return "running" if run.started else "waiting"
    told = said(run)
    return "skipped" if run.state == "SKIPPED" or told.get("status") == "skipped" else "succeeded"


def said(run: TaskRun) -> dict[str, Any]:
    """Return what the container left as its task's return value; nothing where it left none."""
    try:
        found = json.loads(run.return_value or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def seconds_of(run: TaskRun) -> float | None:
    """Return how long a task took, or takes since it began; none when it did not begin."""
    if not run.started:
        return None
    began = datetime.fromisoformat(run.started)
    ended = datetime.fromisoformat(run.ended) if run.ended else datetime.now(began.tzinfo)
    return max(0.0, (ended - began).total_seconds())


def why_of(run: TaskRun) -> str:
    """Return in one line why a node failed, or why it ran."""
    from sf_ml_framework.show.words import reason

    told = said(run)
    if run.state in FAILED:
        why = str(told.get("error") or run.error)
        return why.removeprefix(f"node {told.get('node')!r} ").removeprefix("failed: ")
    if not told.get("reason") or run.state in CANCELLED:
        return ""
    if told.get("status") == "skipped":
        return "unchanged"
    return reason(Reason(kind=told["reason"], detail=str(told.get("detail") or "")))


def printed(line: str) -> str:
    """Return a container's line for a person; one that is no record of ours stays as it is.

    A traceback in it keeps its lines.
    """
    if not line.startswith("{"):
        return line
    try:
        found = json.loads(line)
    except ValueError:
        return line
    if not isinstance(found, dict) or "body" not in found:
        return line
    at = words.local_time(str(found.get("timestamp") or "")).rpartition(" ")[2]
    level = str(found.get("severity_text") or "")
    name = str((found.get("scope") or {}).get("name") or "")
    # What a node prints is told as it printed it, and so are our own lines: they name the node.
    head = "" if level in ("", "INFO") else f"{level} "
    head += "" if name in ("", "mlops", "stdout") else f"{name}: "
    return f"{at}  {head}{found['body']}".strip()


def line_of(task: TaskShown, run: TaskRun) -> NodeLine:
    """Return the line of a task that ended."""
    rows = [count for count in (said(run).get("outputs") or {}).values() if count is not None]
    status = status_of(run)
    again = f" (attempt {run.attempt})" if run.attempt > 1 else ""
    took = None if status == "skipped" else seconds_of(run)
    return NodeLine(status, task.node, took, sum(rows) if rows else None, why_of(run) + again)


class Lines:
    """Writes a line for each node that ended. Implements ``deploy/graph_ports.py::Watcher``."""

    def __init__(
        self,
        output: Output,
        stream: TextIO,
        graph: Graph,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output, self._stream, self._clock = output, stream, clock
        self._widths = Widths(widest([task.node for task in graph.nodes]), 0)
        self._total = len(graph.nodes)
        self._ended = 0
        self._running: dict[str, None] = {}
        self._spoke = clock()

    def queued(self, behind: str) -> None:
        """Say what is in the way."""
        self._write(f"waiting until run {behind} ends")

    def began(self, run_id: str) -> None:
        """Say which run it is."""
        self._write(f"run {run_id}: {words.plural(self._total, 'node')}")

    def task(self, task: TaskShown, run: TaskRun) -> None:
        """Say how a node ended."""
        if not run.ended_at_all:
            self._running[task.node] = None
            return
        self._running.pop(task.node, None)
        self._ended += 1
        line = line_of(task, run)
        mark = self._output.styled(line.mark(self._stream), line.style, self._stream)
        width = len(str(self._total))
        text = line.text(self._widths, self._stream)
        self._write(f"[{min(self._ended, self._total):>{width}}/{self._total}] {mark} {text}")

    def tick(self) -> None:
        """Say what still runs when nothing was said for long."""
        if self._running and self._clock() - self._spoke > ALIVE_SECONDS:
            self._write(f"      still running: {', '.join(self._running)}")

    def _write(self, text: str) -> None:
        self._spoke = self._clock()
        if not self._output.quiet:
            self._output.line(text, self._stream)


def failure_lines(
    run_id: str,
    failed: Sequence[tuple[TaskShown, TaskRun]],
    records: Mapping[str, NodeRun],
    output: Output,
    line: Callable[[str], str],
) -> Iterator[str]:
    """Yield why each node failed: the author's traceback, or what the platform said."""
    for task, run in failed:
        record = records.get(task.node)
        yield ""
        if record is None or record.status != "failed" or record.reason.kind == "not_started":
            # No container ever told anything: what Snowflake says of the task is all there is.
            yield from output.fault_lines(
                f"{task.node} did not start: {run.error}",
                f"mend what it names, then: {line(f'retry {run_id}')}",
                output.stderr,
            )
            continue
        if record.trace:
            yield record.trace
        yield from output.fault_lines(record.error or run.error, record.remedy, output.stderr)
        yield f"  logs: {line(f'tasks logs {task.node} --run {run_id}')}"


def tell_end(
    opened: OpenedGraph,
    graph: Graph,
    ended: Ended,
    output: Output,
    *,
    line: Callable[[str], str],
    form: str,
) -> int:
    """Tell how a run that was waited for came out, and return the exit code.

    Args:
        opened: the account.
        graph: the graph.
        ended: the run.
        output: where it is told.
        line: returns what a person types to call a command.
        form: ``table`` or ``json``.
    """
    records = {record.node: record for record in opened.book.node_runs(ended.run_id)}
    ran = [(task, ended.tasks[task.name]) for task in graph.nodes if task.name in ended.tasks]
    failed = [pair for pair in ran if pair[1].state in FAILED]
    for text in failure_lines(ended.run_id, failed, records, output, line):
        output.complain(text)
    for text in around_lines(opened.target.role, graph, ended, output):
        output.complain(text)
    if form == "json":
        output.json({
            "run": ended.run_id,
            "status": ended.status,
            "nodes": [node_fields(task, run, records) for task, run in ran],
        })  # fmt: skip
    else:
        output.text(_summary(graph, ended, output))
        if ended.status in ("failed", "cancelled"):
            output.text(f"{'repair':<8} {line(f'retry {ended.run_id}')}")
    if failed:
        record = records.get(failed[0][0].node)
        return (record.exit_code if record else 0) or 1
    return 0 if ended.status in ("succeeded", "skipped") else 1


def around_lines(role: str, graph: Graph, ended: Ended, output: Output) -> Iterator[str]:
    """Yield why what begins or ends a run failed: its root and its finalizer are no nodes."""
    from sf_ml_framework.places.snowflake.missing_grant import grant_for

    nodes = {task.name for task in graph.nodes}
    for name, run in ended.tasks.items():
        if name not in nodes and run.state in FAILED:
            said = run.error or f"its task is {run.state.lower()}"
            grant = grant_for(run.error, "", role)
            yield from output.fault_lines(f"{name} failed: {said}", grant, output.stderr)


def _summary(graph: Graph, ended: Ended, output: Output) -> str:
    from sf_ml_framework.show.words import seconds

    counts: dict[str, int] = {}
    for task in graph.nodes:
        run = ended.tasks.get(task.name)
        word = status_of(run) if run else "not run"
        counts[word] = counts.get(word, 0) + 1
    told = ", ".join(f"{count} {word}" for word, count in counts.items())
    times = [(run.started, run.ended) for run in ended.tasks.values() if run.started and run.ended]
    took = ""
    if times:
        first, last = min(began for began, _ in times), max(end for _, end in times)
        gone = datetime.fromisoformat(last) - datetime.fromisoformat(first)
        took = f" in {seconds(gone.total_seconds())}"
    style: Style = {"succeeded": "good", "failed": "bad"}.get(ended.status, "strong")  # type: ignore[assignment]
    return output.styled(f"{words.plural(len(graph.nodes), 'node')}: {told}{took}", style)


def node_fields(
    task: TaskShown, run: TaskRun | None, records: Mapping[str, NodeRun]
) -> dict[str, Any]:
    """Return one node of a run for a program. This shape is promised: fields are only added."""
    record = records.get(task.node)
    told = said(run) if run else {}
    failed = run is not None and run.state in FAILED
    kind = told.get("reason") or (record.reason.kind if record else "")
    return {
        "node": task.node,
        "task": task.name,
        "task_state": task.state,
        "status": status_of(run) if run else "not run",
        "attempt": run.attempt if run else 0,
        "started": run.started if run else "",
        "ended": run.ended if run else "",
        "seconds": seconds_of(run) if run else None,
        "reason": {"kind": kind, "detail": str(told.get("detail") or "")},
        "query_id": run.query_id if run else "",
        "error": _error(run, record) if run and failed else None,
    }


def _error(run: TaskRun, record: NodeRun | None) -> dict[str, Any]:
    told = record if record is not None and record.status == "failed" else None
    return {
        "message": (told.error if told else "") or run.error,
        "remedy": told.remedy if told else "",
        "trace": told.trace if told else "",
        "exit_code": (told.exit_code if told else 0) or 1,
        "platform": run.error,
    }
