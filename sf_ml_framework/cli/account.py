"""The account that a command works in: connected as line, environment and target say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sf_ml_framework import connection as connections
from sf_ml_framework.cli.connection_options import flags_of
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.workspace import open_workspace
from sf_ml_framework.connection import ConnectionSettings
from sf_ml_framework.errors import OperatorError
from sf_ml_framework.targets import Target

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

HOW_TO_CONNECT = (
    "cp config.env .env and fill it in, or name a connection of connections.toml with"
    " --connection; docs/reference/connection.md tells all ways"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAccount:
    """An account, ready to be asked; nothing is sent before the first statement."""

    account: Account
    target: Target
    settings: ConnectionSettings


@contextmanager
def open_account(
    invocation: Invocation, target: str = "", *, role: str = "", query_tag: str = ""
) -> Iterator[OpenedAccount]:
    """Open the account of a target, and close it afterwards.

    Args:
        invocation: names the project.
        target: name in ``mlops.yml``; empty: the default one.
        role: role to work as, unless the command line names one; empty: the connection's, or else
            the target's run role.
        query_tag: marks the statements in the account's history; by default project and target.

    Raises:
        OperatorError: no connection is given.
        SettingsError: a connection or target says what cannot be.
    """
    with open_workspace(invocation) as workspace:
        chosen = workspace.chosen(target)
        settings = needed_connection(workspace.root)
        tag = query_tag or f"mlops:{chosen.name}"
    account = account_of(settings, chosen, role=role, query_tag=tag)
    try:
        yield OpenedAccount(account=account, target=chosen, settings=settings)
    finally:
        account.close()


def account_of(
    settings: ConnectionSettings, target: Target, *, role: str = "", query_tag: str = ""
) -> Account:
    """Return the account as *target* sees it, not yet connected; the caller closes it."""
    from sf_ml_framework.places.snowflake import target_account

    return target_account.account_of(settings, target, role=role, query_tag=query_tag)


def needed_connection(root: Path | None) -> ConnectionSettings:
    """Return the connection that is given.

    Raises:
        OperatorError: there is none; tells how to give one.
        SettingsError: it cannot be used.
    """
    found = connections.resolve(root, flags_of(), os.environ, needed=True)
    if found is None:
        raise OperatorError("no connection to Snowflake is given", remedy=HOW_TO_CONNECT)
    return found
