"""The rooms: each adds one part of Snowflake to an account; a new one needs one line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from ..account import Account

ROOMS = (
    "access",
    "showing",
    "transactions",
    "sessions",
    "cloning",
    "or_alter",
    "databases",
    "warehouses",
    "roles",
    "granting",
    "shown_grants",
    "users",
    "tags",
    "tables",
    "copied_grants",
    "columns",
    "temporary",
    "keys",
    "undrop",
    "stages",
    "transfer",
    "formats",
    "copying",
    "messages",
    "service_logs",
    "flatten",
    "functions",
    "information",
    "more_functions",
    "dialect",
    "strict",
    "syntax",
    "definitions",
    "scripting",
    "explain",
    "usage",
    "dynamic_tables",
    "dynamic_alter",
    "dynamic_history",
    "datasets",
    "feature_tables",
    "models",
    "model_versions",
    "udfs",
    "routines",
    "procedures",
    "inference",
    "packages",
    "pools",
    "images",
    "secrets",
    "integrations",
    "network_policies",
    "login_policies",
    "services",
    "service_status",
    "service_changes",
    "serving",
    "ml_jobs",
    "lineage",
    "tasks",
    "alerts",
    "task_functions",
    "task_history",
    "task_rest",
    "rest_pools",
    "rest_services",
    "rest_warehouses",
    "rest_databases",
    "rest_roles",
    "rest_grants",
    "rest_stages",
    "known",
    "lengths",
)


class Room(Protocol):
    """A module that adds something to an account."""

    def install(self, account: Account) -> None:
        """Register everything on *account*."""


def load() -> list[Room]:
    """Import the rooms, in order."""
    return [cast(Room, import_module(f"{__name__}.{name}")) for name in ROOMS]
