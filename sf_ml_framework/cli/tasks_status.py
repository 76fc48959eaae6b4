"""``tasks status``: the graph, its last runs, and the newest of them node by node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli import words
from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.faults import INTERRUPTED
from sf_ml_framework.cli.groups import Subcommand
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.output import Column, Output, Style, is_terminal
from sf_ml_framework.cli.summary import style_of_status
from sf_ml_framework.cli.tasks_opened import open_graph, task_format_option
from sf_ml_framework.cli.where import same_place
from sf_ml_framework.errors import UsageError

if TYPE_CHECKING:
    from sf_ml_framework.cli.tasks_opened import OpenedGraph
    from sf_ml_framework.deploy.graph_ports import Flights, Graph, GraphRun, Job

WATCH_SECONDS = 2.0
_CLEAR = "\x1b[2J\x1b[H"


@click.command(cls=Subcommand, exits=(0, 2, 3, 4, 130))
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="Most runs in the list.",
)
@click.option("--watch", is_flag=True, help="Show it again and again until nothing runs any more.")
@target_option
@task_format_option
@connection_options
@click.pass_obj
def status(invocation: Invocation, /, limit: int, target: str, form: str, *, watch: bool) -> None:
    """Show the graph, its last runs, and the newest run node by node.

    A node that failed is shown with its traceback, or with what Snowflake said where no container
    started. Snowflake remembers the runs of seven days; `mlops history` lists older ones.

    Examples:
        mlops tasks status
        mlops tasks status --watch
        mlops tasks status --format json
    """
    if watch and form == "json":
        raise UsageError("--watch is for a person", remedy="leave out --format json")
    output = invocation.output
    with open_graph(invocation, target) as opened:
        if form == "json":
            output.json(document(opened, limit))
            return
        try:
            _show(invocation, opened, limit, same_place(target), watch=watch)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None


def _show(
    invocation: Invocation, opened: OpenedGraph, limit: int, more: str, *, watch: bool
) -> None:
    output = invocation.output
    clears = watch and is_terminal(output.stdout)
    while True:
        found = document(opened, limit)
        if clears:
            output.stdout.write(_CLEAR)
        _tell(found, output, lambda words: f"{invocation.program} {words}{more}")
        if not watch or not any(run["status"] == "running" for run in found["runs"]):
            return
        time.sleep(WATCH_SECONDS)
        if not clears:
            output.text("")


def document(opened: OpenedGraph, limit: int) -> dict[str, Any]:
    """Return how the graph stands, for a program. This shape is promised: fields are only added.

    Six statements, whatever the size of the graph.
    """
    control = opened.control
    graph = control.graph()
    flights = control.flights(graph)
    runs = control.runs(graph, limit=limit)
    return {
        "project": opened.manifest.project,
        "target": opened.target.name,
        "database": graph.database,
        "schema": graph.schema,
        "graph": _graph_fields(graph, flights),
        "runs": [_run_fields(run, flights) for run in runs],
        "newest": _newest(opened, graph, runs[0], flights) if runs else None,
    }


def _graph_fields(graph: Graph, flights: Flights) -> dict[str, Any]:
    return {
        "root": graph.root.name,
        "state": graph.root.state,
        "suspended_reason": graph.suspended_reason,
        "schedule": graph.schedule,
        "next_run": flights.next_run or None,
        "overlap": graph.overlaps,
        "finalizer": graph.finalizer.name if graph.finalizer else None,
        "tasks": [
            {
                "task": task.name,
                "node": task.node,
                "state": task.state,
                "after": list(task.after),
                "image": task.image,
            }
            for task in graph.nodes
        ],
    }


def _run_fields(run: GraphRun, flights: Flights) -> dict[str, Any]:
    # Between two tasks nothing executes, and yet the run goes on.
    going = run.run_id in flights.going
    return {
        "run": run.run_id,
        "status": "running" if going else run.status,
        "attempt": run.attempt,
        "started_by": run.came_from,
        "started": run.started,
        "ended": "" if going else run.ended,
        "seconds": run.seconds,
    }


def _newest(opened: OpenedGraph, graph: Graph, run: GraphRun, flights: Flights) -> dict[str, Any]:
    from sf_ml_framework.cli.tasks_told import node_fields

    tasks = opened.control.task_runs(graph, run.run_id)
    records = {record.node: record for record in opened.book.node_runs(run.run_id)}
    ran = {name: each for name, each in tasks.items() if each.started}
    since = min((each.started for each in ran.values()), default="")
    jobs = opened.jobs.of_queries([each.query_id for each in ran.values()], since) if since else {}
    nodes = []
    for task in graph.nodes:
        each = tasks.get(task.name)
        fields = node_fields(task, each, records)
        if each is None and run.run_id in flights.going:
            fields["status"] = "waiting"
        container = jobs.get(each.query_id) if each else None
        nodes.append({**fields, "container": _container(container) if container else None})
    return {**_run_fields(run, flights), "config": run.config, "nodes": nodes}


def _container(job: Job) -> dict[str, Any]:
    return {
        "job": job.name,
        "status": job.status,
        "message": job.message,
        "exit_code": job.exit_code,
        "pool": job.pool,
    }


def _tell(found: Mapping[str, Any], output: Output, line: Callable[[str], str]) -> None:
    for text in _heading(found, output):
        output.text(text)
    output.text("")
    if not found["runs"]:
        output.text(f"no run in the last seven days; start one with `{line('tasks run')}`")
        return
    output.table(_RUNS, found["runs"], "table")
    newest = found["newest"]
    output.text("")
    output.text(output.styled(f"run {newest['run']}", "strong"))
    output.table(_NODES, [_node_row(node) for node in newest["nodes"]], "table")
    for node in newest["nodes"]:
        for text in _failure(node, newest["run"], output, line):
            output.text(text)


def _heading(found: Mapping[str, Any], output: Output) -> Iterator[str]:
    graph = found["graph"]
    state = output.styled(graph["state"], "good" if graph["state"] == "started" else "bad")
    if graph["suspended_reason"] not in ("", "USER_SUSPENDED"):
        state += f" ({graph['suspended_reason']})"
    asleep = [task["node"] for task in graph["tasks"] if task["state"] == "suspended"]
    due = words.local_time(graph["next_run"]) if graph["next_run"] else "only when it is asked for"
    pairs = {
        "graph": f"{found['database']}.{found['schema']}.{graph['root']}, target {found['target']}",
        "state": state,
        "schedule": graph["schedule"] or "none",
        "next run": due,
        "asleep": ", ".join(asleep),
    }
    for name, text in pairs.items():
        if text:
            yield f"{name:<9} {text}"


def _node_row(node: Mapping[str, Any]) -> dict[str, Any]:
    container = node["container"]
    told = ""
    if container:
        code = container["exit_code"]
        told = container["status"].lower() + (f", exit {code}" if code else "")
    error = node["error"]
    why = _reason(node)
    if error:
        # The line names the node already.
        why = error["message"].removeprefix(f"node {node['node']!r} ").removeprefix("failed: ")
    return {**node, "told": told, "why": why}


def _reason(node: Mapping[str, Any]) -> str:
    from sf_ml_framework.run.records import Reason
    from sf_ml_framework.show.words import reason

    if node["status"] == "skipped":
        return "unchanged"
    kind = node["reason"]["kind"]
    if not kind or node["status"] in ("cancelled", "waiting", "not run"):
        return ""
    return reason(Reason(kind=kind, detail=node["reason"]["detail"]))


def _failure(
    node: Mapping[str, Any], run_id: str, output: Output, line: Callable[[str], str]
) -> Sequence[str]:
    error = node["error"]
    if not error:
        return ()
    head = [] if not error["trace"] else [error["trace"]]
    message = error["message"] if error["trace"] else f"{node['node']}: {error['message']}"
    last = f"  repair: {line(f'retry {run_id}')}"
    return ["", *head, *output.fault_lines(message, error["remedy"], output.stdout), last]


def _figure(value: float | None) -> str:
    from sf_ml_framework.show.words import seconds

    return "" if value is None else seconds(value)


def _style(status: str) -> Style:
    return style_of_status(status)


_RUNS = (
    Column("run"),
    Column("status", style=_style),
    Column("started", words.local_time, can_go=True),
    Column("seconds", _figure, right=True, title="took"),
    Column("attempt", right=True, can_go=True),
    Column("started_by", title="by", can_go=True),
)
_NODES = (
    Column("node"),
    Column("status", style=_style),
    Column("seconds", _figure, right=True, title="took"),
    Column("told", title="container", can_go=True),
    Column("why", gives_way=True),
)
