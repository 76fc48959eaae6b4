"""The usage views and functions; their rows are told by :mod:`..usage`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..usage import history, metering, people

if TYPE_CHECKING:
    from ..account import Account


def install(account: Account) -> None:
    """Register them."""
    history.install(account)
    metering.install(account)
    people.install(account)
