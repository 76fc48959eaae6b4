"""The session that a target means: for a command, and for the workers of a run alike."""

from __future__ import annotations

from sf_ml_framework.connection import ConnectionSettings, Level, method_of
from sf_ml_framework.places.snowflake.session import Account
from sf_ml_framework.targets import Target


def account_of(
    settings: ConnectionSettings, target: Target, *, role: str = "", query_tag: str = ""
) -> Account:
    """Return the account as *target* sees it, not yet connected; the caller closes it.

    The target says database, schema and warehouse, and the caller the role; only the command line
    stands before them. Where neither caller nor connection says a role it is the target's run role,
    but with the token of a container the one that the token is of: no other can be taken.
    """
    return Account(
        settings,
        database=_flag(settings, "database") or target.database,
        schema=_flag(settings, "schema") or target.schema,
        warehouse=_flag(settings, "warehouse") or target.warehouse,
        role=_flag(settings, "role") or role or settings.get("role") or _fallback(settings, target),
        query_tag=query_tag,
    )


def _flag(settings: ConnectionSettings, key: str) -> str:
    value = settings.value(key)
    return value.plain if value is not None and value.level is Level.FLAG else ""


def _fallback(settings: ConnectionSettings, target: Target) -> str:
    by_token = settings.in_container and method_of(settings) == "OAuth"
    return "" if by_token else target.role
