"""Who may what so that a target can be watched: views, messages, alerts.

Source: Snowflake, "CREATE VIEW", "SNOWFLAKE database roles", "CREATE ALERT" (access control
requirements), "SYSTEM$SEND_EMAIL", "Sending webhook notifications".
"""

from __future__ import annotations

from collections.abc import Iterator

from sf_ml_framework.plan import names, views
from sf_ml_framework.plan.objects import Grant
from sf_ml_framework.targets import Target


def grants(target: Target) -> Iterator[Grant]:
    """Yield what the roles need for views, messages and alerts, and to see them."""
    yield from _views(target)
    yield from _messages(target)
    yield from _alerts(target)


def _line(target: Target, setting: str) -> str:
    return f"mlops.yml: targets.{target.name}.{setting}"


def _views(target: Target) -> Iterator[Grant]:
    made = views.monitoring_views(target)
    if not made:
        return
    role, why = target.deploy_role, _line(target, "monitoring.views")
    yield Grant(privilege="CREATE VIEW", on="SCHEMA", name=names.schema(target), to=role, why=why)
    if any(view.name.rpartition(".")[2] in views.OF_THE_ACCOUNT for view in made):
        yield Grant(privilege="USAGE", on="DATABASE ROLE", name=views.VIEWER, to=role, why=why)


def _messages(target: Target) -> Iterator[Grant]:
    told, role = target.notifications, target.role
    if told.tells:
        for privilege in ("SELECT", "INSERT") if target.alerts.wanted else ("INSERT",):
            yield Grant(
                privilege=privilege,
                on="TABLE",
                name=names.within(target, names.ALERTS),
                to=role,
                why=_line(target, "alerts" if privilege == "SELECT" else "notifications"),
            )
    if not told.webhook_secret:
        return
    secret, why = names.in_place(target, told.webhook_secret), _line(
        target, "notifications.webhook_secret"
    )  # fmt: skip
    database, schema, _ = secret.split(".")
    if database != target.database:
        yield Grant(privilege="USAGE", on="DATABASE", name=database, to=role, why=why)
    if f"{database}.{schema}" != names.schema(target):
        yield Grant(privilege="USAGE", on="SCHEMA", name=f"{database}.{schema}", to=role, why=why)
    yield Grant(privilege="READ", on="SECRET", name=secret, to=role, why=why)


def _alerts(target: Target) -> Iterator[Grant]:
    wanted, role = target.alerts.wanted, target.role
    if not wanted:
        return
    why = _line(target, "alerts")
    yield Grant(privilege="EXECUTE ALERT", on="ACCOUNT", name="", to=role, why=why)
    warehouse = target.alerts.warehouse
    line = _line(target, "alerts.warehouse")
    if warehouse:
        yield Grant(privilege="USAGE", on="WAREHOUSE", name=warehouse, to=role, why=line)
    else:
        yield Grant(
            privilege="EXECUTE MANAGED ALERT",
            on="ACCOUNT",
            name="",
            to=role,
            why=f"{line} (none: serverless)",
        )
    yield Grant(privilege="CREATE ALERT", on="SCHEMA", name=names.schema(target), to=role, why=why)
    yield Grant(
        privilege="MONITOR",
        on="FUTURE ALERTS",
        name=names.schema(target),
        to=target.read_role,
        why=f"{_line(target, 'read_role')} (mlops plan)",
    )
    if "cost" in wanted:
        yield Grant(
            privilege="SELECT",
            on="VIEW",
            name=names.within(target, views.POOL_HOURS),
            to=role,
            why=_line(target, "alerts.credits_per_day"),
        )
