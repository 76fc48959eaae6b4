"""How costs are told: credits, and money where a price is given; the rates behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.output import Column, Form
from sf_ml_framework.cli.workspace import open_workspace
from sf_ml_framework.errors import SettingsError

if TYPE_CHECKING:
    from sf_ml_framework.plan.rates import Rates
    from sf_ml_framework.settings import Costs, Settings


def rates_of(root: Path, settings: Settings) -> Rates:
    """Return the rates that the project's costs are told by.

    Raises:
        SettingsError: its own cannot be read.
    """
    from sf_ml_framework.plan import rates

    if not settings.costs.rates:
        return rates.shipped()
    import yaml

    file = root / settings.costs.rates
    try:
        own = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(
            f"costs.rates: {file} cannot be read: {error}", remedy="see docs/reference/settings.md"
        ) from error
    if not isinstance(own, dict):
        raise SettingsError(f"{file} holds no rates", remedy="see docs/reference/settings.md")
    return rates.laid_over(own, settings.costs.rates)


def credits_told(value: float | None) -> str:
    """Return credits with as many decimals as their size needs; a dash where they are unknown."""
    if value is None:
        return "unknown"
    if abs(value) < 0.00005:
        return "<0.0001" if value > 1e-12 else "0"
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.4f}"


def rounded(value: float | None) -> float | None:
    """Return credits for a program, without the dust of binary fractions."""
    return None if value is None else round(value, 9)


def money_told(value: float | None, costs: Costs) -> str:
    """Return what credits cost; nothing where no price is given."""
    if value is None or not costs.price_per_credit:
        return ""
    return f"{value * costs.price_per_credit:,.2f} {costs.currency}"


def both_told(value: float, costs: Costs) -> str:
    """Return credits and, where a price is given, money."""
    money = money_told(value, costs)
    return f"{credits_told(value)} credits" + (f", {money}" if money else "")


def money(value: float | None, costs: Costs) -> float | None:
    """Return what credits cost for a program; none where no price is given."""
    priced = value is not None and costs.price_per_credit
    return round(value * costs.price_per_credit, 6) if priced and value is not None else None


def money_column(costs: Costs) -> tuple[Column, ...]:
    """Return the column of money, where a price is given."""
    if not costs.price_per_credit:
        return ()
    return (Column("cost", lambda value: money_told(value, costs), right=True),)


def rates_fields(rates: Rates, costs: Costs) -> dict[str, Any]:
    """Return where figures come from, for a program."""
    return {
        "as_of": rates.as_of,
        "source": rates.source,
        "price_per_credit": costs.price_per_credit or None,
        "currency": costs.currency if costs.price_per_credit else None,
    }


def tell_rates(invocation: Invocation, form: Form) -> None:
    """Show the rates of the project."""
    with open_workspace(invocation) as workspace:
        costs = workspace.settings.costs
        rates = rates_of(workspace.root, workspace.settings)
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": "compute pool",
            "credits": family.credits,
            "cost": family.credits,
            "cpu": family.cpu,
            "memory_gib": family.memory_gib,
        }
        for name, family in rates.families.items()
    ]
    rows += [
        {"name": size, "kind": "warehouse", "credits": rate, "cost": rate}
        for size, rate in rates.warehouses.items()
    ]
    if form != "table":
        rows = [{**row, "cost": money(row["cost"], costs)} for row in rows]
    columns = (
        Column("name"),
        Column("kind"),
        Column("credits", lambda value: "unknown" if value is None else f"{value:g}", right=True,
               title="credits/h"),
        *money_column(costs),
        Column("cpu", lambda value: f"{value:g}" if value else "", right=True),
        Column("memory_gib", lambda value: f"{value:g}" if value else "", right=True,
               title="GiB"),
    )  # fmt: skip
    output = invocation.output
    if form == "json":
        output.json({**rates_fields(rates, costs), "rates": rows})
        return
    output.table(columns, rows, form)
    if form == "table":
        output.talk(f"rates of {rates.as_of}: {rates.source}")
