"""``cost report``: what the account was billed, and for what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.cli import cost_words as words
from sf_ml_framework.cli.account import open_account
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.output import Column, Form
from sf_ml_framework.cli.workspace import open_workspace
from sf_ml_framework.errors import UsageError

if TYPE_CHECKING:
    from sf_ml_framework.manifest.model import Manifest
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.plan.cost.attribute import By, Part, PoolHour, PoolTerms, Ran
    from sf_ml_framework.plan.cost.savings import Saving
    from sf_ml_framework.plan.cost.work import Work
    from sf_ml_framework.plan.rates import Rates
    from sf_ml_framework.settings import Costs
    from sf_ml_framework.targets import Target

LONGEST = timedelta(days=365)
"""How long the account remembers. Source: "SNOWPARK_CONTAINER_SERVICES_HISTORY"."""


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What was billed, shared out."""

    since: datetime
    until: datetime | None
    """End of the last hour that the account has billed; none: it has billed nothing."""
    parts: list[Part]
    savings: list[Saving]
    warehouses: dict[str, float]
    serverless: float
    unknown: tuple[str, ...]


def tell(
    invocation: Invocation,
    target: str,
    *,
    run_id: str,
    since: timedelta,
    by: By,
    form: Form,
) -> None:
    """Show what was billed since, or for one run."""
    if since > LONGEST:
        raise UsageError("the account remembers a year", remedy="--since 365d is the most")
    with open_workspace(invocation) as workspace:
        costs = workspace.settings.costs
        rates = words.rates_of(workspace.root, workspace.settings)
        chosen = workspace.chosen(target)
        manifest = workspace.manifest_in(chosen)
    found = spent(invocation, chosen, manifest, rates, run_id=run_id, since=since)
    rows = _rows(found, by, costs)
    if form == "json":
        invocation.output.json(_document(found, rows, rates, costs))
    elif form == "csv":
        names = (by, "kind", "runs", "hours", "credits", "share", "cost")
        invocation.output.table(tuple(map(Column, names)), rows, form)
    else:
        _tell_table(invocation, found, rows, by, costs)


def spent(
    invocation: Invocation,
    target: Target,
    manifest: Manifest,
    rates: Rates,
    *,
    since: timedelta,
    run_id: str = "",
) -> Spent:
    """Read what the account was billed for the pools of a project, and share it out.

    The role is that of the tasks, for the account shows a job to its own role alone; what was
    billed is seen by any role of the user that may, secondary ones included.

    Raises:
        OperatorError: no role of the user may see what was billed; names the grant.
        UnknownNameError: there is no such run.
    """
    with open_account(invocation, target.name, role=target.role) as opened:
        opened.account.with_other_roles()
        if run_id:
            return _of_run(opened.account, target, manifest, rates, run_id)
        return _of_time(opened.account, target, manifest, rates, datetime.now(UTC) - since)


def _of_time(
    account: Account, target: Target, manifest: Manifest, rates: Rates, since: datetime
) -> Spent:
    from sf_ml_framework.places.snowflake.spending import Billing
    from sf_ml_framework.plan import names
    from sf_ml_framework.plan.cost.attribute import attribute
    from sf_ml_framework.plan.cost.savings import savings

    billing = Billing(account)
    work, terms, hours, ran = _read(account, target, manifest, rates, since)
    parts = attribute(hours, ran, terms)
    tasks = [names.node_task(node.name) for node in manifest.nodes]
    tasks += [names.root_task(manifest.project), names.finalizer_task(manifest.project)]
    return Spent(
        since=since,
        until=_until(hours),
        parts=parts,
        savings=savings(parts, ran, terms, work, rates),
        warehouses=billing.warehouses(
            {target.warehouse, target.tasks.warehouse or target.warehouse}, since
        ),
        serverless=billing.serverless(target, tasks, since),
        unknown=_unknown(terms),
    )


def _of_run(
    account: Account, target: Target, manifest: Manifest, rates: Rates, run_id: str
) -> Spent:
    """Return what was billed in the hours of one run; other runs in them are other jobs."""
    from sf_ml_framework.places.snowflake.journal import SnowflakeJournal
    from sf_ml_framework.plan.cost.attribute import attribute

    journal = SnowflakeJournal(account, target.database, target.schema, manifest.project)
    run = journal.run(run_id)
    since = datetime.fromisoformat(run.started)
    _, terms, hours, ran = _read(account, target, manifest, rates, since)
    hours = _hours_of(hours, run.run_id, ran, terms)
    return Spent(
        since=since,
        until=_until(hours),
        parts=[_only(part, run.run_id) for part in attribute(hours, ran, terms)],
        savings=[],
        warehouses={},
        serverless=0.0,
        unknown=_unknown(terms),
    )


def _read(
    account: Account, target: Target, manifest: Manifest, rates: Rates, since: datetime
) -> tuple[Work, dict[str, PoolTerms], list[PoolHour], list[Ran]]:
    from sf_ml_framework.places.snowflake.spending import Billing, Running
    from sf_ml_framework.plan.cost.work import of_manifest

    work = of_manifest(manifest, target)
    # First what may be refused.
    hours = Billing(account).pool_hours(set(work.pools), since)
    ran = Running(account, target).of(
        manifest.project, set(work.pools), since, weights_of(work, rates)
    )
    return work, terms_of(work, rates), hours, ran


def _until(hours: list[PoolHour]) -> datetime | None:
    if not hours:
        return None
    # The hour that goes on has been billed as far as it has come.
    return min(datetime.fromtimestamp(max(hour.end for hour in hours), UTC), datetime.now(UTC))


def _unknown(terms: dict[str, PoolTerms]) -> tuple[str, ...]:
    return tuple(
        f"the rate of {known.family} ({pool}) is not known: what was idle is estimated by time"
        for pool, known in terms.items()
        if known.rate is None
    )


def terms_of(work: Work, rates: Rates) -> dict[str, PoolTerms]:
    """Return what is known of each pool."""
    from sf_ml_framework.plan.cost.attribute import PoolTerms

    return {
        pool.name: PoolTerms(
            family=pool.family,
            rate=rates.of_pool(pool.family),
            min_nodes=pool.min_nodes,
            max_nodes=pool.max_nodes,
            auto_suspend_seconds=pool.auto_suspend_seconds,
            sizes=pool.sizes,
        )
        for pool in work.pools.values()
    }


def weights_of(work: Work, rates: Rates) -> dict[str, tuple[str, float]]:
    """Return for each node its pool, and which part of a machine it asks for."""
    found = {}
    for step in work.steps:
        family = rates.families.get(work.pools[step.pool].family)
        weight = 1.0
        if family and family.cpu and family.memory_gib:
            weight = max(step.cpu / family.cpu, step.memory_gib / family.memory_gib)
        found[step.node] = (step.pool, max(min(weight, 1.0), 0.01) * step.instances)
    return found


def _hours_of(
    hours: list[PoolHour], run_id: str, ran: list[Ran], terms: dict[str, PoolTerms]
) -> list[PoolHour]:
    """Return the hours in which a run worked, or its pools waited to be suspended after it."""
    mine = [each for each in ran if each.run_id == run_id]
    return [
        hour
        for hour in hours
        if any(
            each.pool == hour.pool
            and each.start < hour.end
            and each.end + terms[hour.pool].auto_suspend_seconds > hour.start
            for each in mine
        )
    ]


def _only(part: Part, run_id: str) -> Part:
    """Return *part*, of another run, as another job's."""
    if part.kind == "idle" or part.run_id == run_id:
        return part
    return msgspec.structs.replace(part, kind="other", node="", run_id="")


def _rows(found: Spent, by: By, costs: Costs) -> list[dict[str, Any]]:
    from sf_ml_framework.plan.cost.attribute import grouped

    groups = grouped(found.parts, by)
    total = sum(group.credits for group in groups)
    return [
        {
            by: group.name,
            "kind": group.kind,
            "runs": group.runs,
            "hours": group.seconds / 3600,
            "credits": group.credits,
            "share": group.credits / total if total else 0.0,
            "cost": words.money(group.credits, costs),
        }
        for group in groups
    ]


def _document(
    found: Spent, rows: list[dict[str, Any]], rates: Rates, costs: Costs
) -> dict[str, Any]:
    total = sum(part.credits for part in found.parts)
    kinds = ("node", "start-up", "other", "idle")
    return {
        "since": found.since.isoformat(),
        "until": found.until.isoformat() if found.until else None,
        "rates": words.rates_fields(rates, costs),
        "credits": total,
        "cost": words.money(total, costs),
        "kinds": {
            kind: sum(part.credits for part in found.parts if part.kind == kind) for kind in kinds
        },
        "rows": rows,
        "savings": [
            {**msgspec.to_builtins(saving), "cost": words.money(saving.credits, costs)}
            for saving in found.savings
        ],
        "warehouses": found.warehouses,
        "serverless_tasks": found.serverless,
        "unknown": list(found.unknown),
    }


def _tell_table(
    invocation: Invocation, found: Spent, rows: list[dict[str, Any]], by: By, costs: Costs
) -> None:
    output = invocation.output
    whole = {
        by: "billed",
        "runs": len({part.run_id for part in found.parts if part.run_id}),
        "hours": sum(part.seconds for part in found.parts) / 3600,
        "credits": sum(part.credits for part in found.parts),
        "share": 1.0,
    }
    columns = (
        Column(by, gives_way=True),
        Column("runs", lambda value: str(value) if value else "", right=True),
        Column("hours", lambda value: f"{value:.2f}", right=True),
        Column("credits", words.credits_told, right=True),
        Column("share", lambda value: f"{value:.0%}", right=True),
        *words.money_column(costs),
    )
    if rows:
        shown = [{**row, "cost": row["credits"]} for row in (*rows, whole)]
        output.table(columns, shown, "table")
        output.text("")
    for line in _notes(found, costs):
        output.text(line)
    output.talk(_reach(found))


def _notes(found: Spent, costs: Costs) -> list[str]:
    lines = []
    for saving in found.savings:
        lines.append(
            f"{saving.setting}: {saving.now} -> {saving.then} would have saved "
            f"{words.both_told(saving.credits, costs)}"
        )
        if saving.note:
            lines.append(f"  mind: {saving.note}")
    for name, taken in found.warehouses.items():
        if taken:
            used = words.both_told(taken, costs)
            lines.append(f"beside the pools: warehouse {name}, {used}, whoever used it")
    if found.serverless:
        lines.append(
            f"beside the pools: serverless tasks, {words.both_told(found.serverless, costs)}"
        )
    return [*lines, *(f"not exact: {text}" for text in found.unknown)]


def _reach(found: Spent) -> str:
    since = f"{found.since:%Y-%m-%d %H:%M} UTC"
    if found.until is None:
        return f"the account has billed nothing for these pools since {since}; it is 3 hours late"
    return (
        f"what was billed from {since} to {found.until:%Y-%m-%d %H:%M} UTC;"
        " the account is up to 3 hours late"
    )
