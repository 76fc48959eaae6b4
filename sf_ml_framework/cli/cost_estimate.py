"""``cost estimate``: what a run will cost, and a month of its schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.cli import cost_words as words
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.output import Column, Form, Output
from sf_ml_framework.cli.workspace import Workspace, open_workspace
from sf_ml_framework.errors import OperatorError

if TYPE_CHECKING:
    from sf_ml_framework.plan.cost.estimate import Duration, Estimate
    from sf_ml_framework.plan.rates import Rates
    from sf_ml_framework.settings import Costs


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate, and what it stands on."""

    project: str
    target: str
    history_of: str
    """Where durations come from: ``account``, ``this machine``; empty: nothing ran yet."""
    typical: Estimate
    """By the median of earlier runs."""
    high: Estimate
    """By their 90th percentile."""


def tell(invocation: Invocation, *, runs: float, timeouts: bool, form: Form) -> None:
    """Show what a run of the project will cost."""
    with open_workspace(invocation, anywhere=True, target_matters=True) as workspace:
        costs = workspace.settings.costs
        rates = words.rates_of(workspace.root, workspace.settings)
        found = _estimated(workspace, rates, invocation, runs=runs, timeouts=timeouts)
    if form == "json":
        invocation.output.json(_document(found, rates, costs))
    elif form == "csv":
        invocation.output.table(tuple(map(Column, _NODE)), _node_rows(found, costs), form)
    else:
        _tell_table(invocation, found, rates, costs)


def _estimated(
    workspace: Workspace, rates: Rates, invocation: Invocation, *, runs: float, timeouts: bool
) -> Told:
    from sf_ml_framework.plan.cost.estimate import estimate
    from sf_ml_framework.plan.cost.work import of_manifest

    target = workspace.target
    work = of_manifest(workspace.manifest_in(target), target)
    where, history = ("", {}) if timeouts else _history(workspace, invocation)
    typical, high = (
        estimate(
            work,
            history,
            rates,
            high=high,
            start_up_seconds=workspace.settings.costs.start_up_minutes * 60,
            runs_per_month=runs,
        )
        for high in (False, True)
    )
    return Told(
        project=workspace.manifest.project,
        target=target.name,
        history_of=where if history else "",
        typical=typical,
        high=high,
    )


def _history(workspace: Workspace, invocation: Invocation) -> tuple[str, dict[str, Duration]]:
    """Return where earlier runs are known from, and how long their nodes took."""
    if workspace.mode == "snowflake":
        try:
            found = _durations(workspace.journal.durations())
        except OperatorError as error:
            invocation.output.talk(f"the runs of the account cannot be read: {error}")
            found = {}
        if found:
            return "account", found
    return "this machine", local_history(workspace)


def local_history(workspace: Workspace) -> dict[str, Duration]:
    """Return how long nodes took on this machine."""
    from sf_ml_framework.run.journal import FILE, SqliteJournal

    journal = SqliteJournal(workspace.root / FILE)
    try:
        return _durations(journal.durations())
    except OperatorError:
        # It is a hint; who needs the journal itself is told what is wrong with it.
        return {}
    finally:
        journal.close()


def _durations(seconds: Mapping[str, list[float]]) -> dict[str, Duration]:
    from sf_ml_framework.plan.cost.estimate import duration

    return {node: duration(each) for node, each in seconds.items() if each}


_NODE = ("node", "pool", "basis", "runs", "seconds", "seconds_p90", "credits", "credits_p90",
         "cost")  # fmt: skip


def _node_rows(found: Told, costs: Costs) -> list[dict[str, Any]]:
    pairs = zip(found.typical.nodes, found.high.nodes, strict=True)
    return [
        {
            "node": typical.node,
            "pool": typical.pool,
            "basis": typical.basis,
            "runs": typical.runs,
            "seconds": typical.seconds,
            "seconds_p90": high.seconds,
            "credits": words.rounded(typical.credits),
            "credits_p90": words.rounded(high.credits),
            "cost": words.money(typical.credits, costs),
        }
        for typical, high in pairs
    ]


def _document(found: Told, rates: Rates, costs: Costs) -> dict[str, Any]:
    return {
        "project": found.project,
        "target": found.target,
        "durations": found.history_of,
        "rates": words.rates_fields(rates, costs),
        "run": _total_fields(found.typical, costs),
        "run_p90": _total_fields(found.high, costs),
        "nodes": _node_rows(found, costs),
        "pools": msgspec.to_builtins(found.typical.pools),
        "unknown": list(found.typical.unknown),
    }


def _total_fields(estimate: Estimate, costs: Costs) -> dict[str, Any]:
    month = estimate.month
    return {
        "seconds": estimate.seconds,
        "credits": round(estimate.credits, 9),
        "cost": words.money(estimate.credits, costs),
        "warehouse_credits": estimate.warehouse,
        "month": None
        if month is None
        else {
            "runs": month.runs,
            "credits": round(month.credits, 9),
            "cost": words.money(month.credits, costs),
        },
    }


def _tell_table(invocation: Invocation, found: Told, rates: Rates, costs: Costs) -> None:
    output = invocation.output
    _tell_nodes(output, found, costs)
    output.text("")
    _tell_pools(output, found, costs)
    output.text("")
    for line in _summary(found, costs):
        output.text(line)
    for text in found.typical.unknown:
        output.text(f"not in it: {text}")
    output.talk(f"rates of {rates.as_of}; a month has 30 days")


def _tell_nodes(output: Output, found: Told, costs: Costs) -> None:
    from sf_ml_framework.cli.words import plural
    from sf_ml_framework.show.words import seconds

    where = f" on {found.history_of}" if found.history_of == "this machine" else ""
    rows = [
        {
            **row,
            "basis": f"{plural(row['runs'], 'run')}{where}"
            if row["basis"] == "history"
            else "its timeout",
            "cost": row["credits"],
        }
        for row in _node_rows(found, costs)
    ]
    columns = (
        Column("node"),
        Column("pool", gives_way=True),
        Column("seconds", seconds, right=True, title="takes"),
        Column("basis", title="known from"),
        Column("credits", words.credits_told, right=True),
        *words.money_column(costs),
    )
    output.table(columns, rows, "table")


def _tell_pools(output: Output, found: Told, costs: Costs) -> None:
    rows = [
        {**msgspec.to_builtins(pool), "cost": pool.credits, "hours": f"{pool.hours:.2f}"}
        for pool in found.typical.pools
    ]
    shares = [
        Column(name, words.credits_told, right=True, title=name.replace("_", "-"))
        for name in ("busy", "start_up", "idle", "credits")
    ]
    columns = (
        Column("pool", gives_way=True),
        Column("family"),
        Column("hours", right=True),
        *shares,
        *words.money_column(costs),
    )
    output.table(columns, rows, "table")


def _summary(found: Told, costs: Costs) -> list[str]:
    from sf_ml_framework.show.words import seconds

    typical, high = found.typical, found.high
    mean = words.both_told(typical.credits, costs)
    guessed = [node.node for node in typical.nodes if node.basis == "timeout"]
    if len(guessed) == len(typical.nodes):
        mean = f"at most {mean}"
    lines = [f"a run: {mean}, {seconds(typical.seconds)}"]
    if high.credits > typical.credits:
        lines[0] += f"; nine of ten at most {words.both_told(high.credits, costs)}"
    if typical.month is None:
        return [*lines, "a month: nothing starts the graph; say how often with --runs"]
    month = words.both_told(typical.month.credits, costs)
    return [*lines, f"a month: {month} for {typical.month.runs:.4g} runs"]
