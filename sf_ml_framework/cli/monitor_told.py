"""What ``monitor`` found, told to a person or a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sf_ml_framework.cli import words
from sf_ml_framework.cli.output import Column, Form, Output, Style, can_show

_BARS = "▁▂▃▄▅▆▇█"


def tell(output: Output, found: Mapping[str, Any], form: Form, only: str | None) -> None:
    """Show everything, or one of its tables."""
    if form == "json":
        output.json(found if only is None else found[only])
        return
    if form == "csv" and only is not None:
        output.table(_CSV[only], found[only], form)
        return
    if only is None:
        for line in _heading(found, output):
            output.text(line)
    for name, columns in _TABLES.items():
        if only not in (None, name):
            continue
        if only is None:
            output.text("")
            output.text(output.styled(name, "strong"))
        rows = [_row(name, row, output) for row in found[name]]
        output.table(columns, rows, "table", empty=_EMPTY[name])


def _heading(found: Mapping[str, Any], output: Output) -> Iterator[str]:
    graph, runs = found["graph"], found["runs"]
    state = output.styled(graph["state"], "good" if graph["state"] == "started" else "bad")
    if graph["suspended_reason"] not in ("", "USER_SUSPENDED"):
        state += f" ({graph['suspended_reason']})"
    due = words.local_time(graph["next_run"]) if graph["next_run"] else "only when it is asked for"
    last = words.local_time(runs["last_success"]) if runs["last_success"] else "never"
    if runs["late"]:
        last += ", " + output.styled(f"late: {_limit(runs['late_after_minutes'])} at most", "bad")
    counted = f"{runs['runs']}: {runs['succeeded']} succeeded, {runs['failed']} failed"
    spent = found["credits"]
    pairs = {
        "graph": f"{graph['root']}, target {found['target']}",
        "state": state,
        "schedule": graph["schedule"] or "none",
        "next run": due,
        "running": ", ".join(graph["going"]),
        "success": last,
        "runs": f"{counted}, since {words.local_time(found['since'])}",
        "credits": "not known to this role" if spent is None else f"{spent:.3f} of pools",
    }
    for name, text in pairs.items():
        if text:
            yield f"{name:<9} {text}"


def _limit(minutes: int) -> str:
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:g} h"


def _row(table: str, row: Mapping[str, Any], output: Output) -> dict[str, Any]:
    if table != "nodes":
        return dict(row)
    return {**row, "trend": _trend([day["mean_seconds"] for day in row["days"]], output)}


def _trend(values: Sequence[float], output: Output) -> str:
    """Return a bar for each day, as far as the stream can show bars."""
    if len(values) < 2 or not can_show(_BARS, output.stdout):
        return ""
    most = max(values) or 1
    return "".join(_BARS[min(len(_BARS) - 1, int(value / most * len(_BARS)))] for value in values)


def _seconds(value: float | None) -> str:
    from sf_ml_framework.show.words import seconds

    return "" if value is None else seconds(value)


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _credits(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _time(value: str) -> str:
    return words.local_time(value) if value else ""


def _size(value: int | None) -> str:
    from sf_ml_framework.show.words import size

    return "" if value is None else size(value)


def _state(value: str) -> Style:
    if value.startswith("failed") or value == "suspended":
        return "bad"
    return "good" if value in ("succeeded", "started") else "plain"


def _failed(value: int) -> Style:
    return "bad" if value else "plain"


_TABLES = {
    "tasks": (
        Column("task"),
        Column("state", style=_state),
        Column("last_state", style=_state, title="last"),
        Column("last_started", _time, title="began", can_go=True),
        Column("attempts", right=True, title="runs"),
        Column("failed", right=True, style=_failed),
        Column("mean_seconds", _seconds, right=True, title="took"),
        Column("mean_queued_seconds", _seconds, right=True, title="waited"),
        Column("max_queued_seconds", _seconds, right=True, title="at most", can_go=True),
    ),
    "nodes": (
        Column("node"),
        Column("runs", right=True),
        Column("failed", right=True, style=_failed),
        Column("failure_rate", _rate, right=True, title="rate", can_go=True),
        Column("skipped", right=True, can_go=True),
        Column("mean_seconds", _seconds, right=True, title="took"),
        Column("max_seconds", _seconds, right=True, title="at most"),
        Column("max_memory_bytes", _size, right=True, title="memory", can_go=True),
        Column("trend", can_go=True, title="by day"),
    ),
    "pools": (
        Column("pool"),
        Column("state"),
        Column("active_nodes", right=True, title="busy"),
        Column("max_nodes", right=True, title="of"),
        Column("jobs", right=True),
        Column("credits", _credits, right=True),
    ),
}
_CSV = {
    "tasks": tuple(
        map(
            Column,
            (
                "task", "node", "state", "last_state", "last_started", "attempts", "failed",
                "mean_seconds", "mean_queued_seconds", "max_queued_seconds",
            ),
        )
    ),
    "nodes": tuple(
        map(
            Column,
            (
                "node", "runs", "succeeded", "failed", "skipped", "failure_rate", "mean_seconds",
                "max_seconds", "max_memory_bytes",
            ),
        )
    ),
    "pools": tuple(
        map(
            Column,
            (
                "pool", "state", "family", "min_nodes", "max_nodes", "active_nodes", "idle_nodes",
                "jobs", "services", "credits",
            ),
        )
    ),
}  # fmt: skip
_EMPTY = {
    "tasks": "no task stands",
    "nodes": "no node has run in this time",
    "pools": "no pool of this target stands",
}
