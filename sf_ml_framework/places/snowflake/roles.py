"""Which role acts: what is made in an account belongs to the role that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sf_ml_framework.identifiers import quoted

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account


class Roles:
    """The role of one connection: its own, and for a while others.

    Its own is the one that it has when it is first asked for, so that comes before any other.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._own = ""

    def act_as(self, role: str = "") -> None:
        """Let the next statements be those of *role*; of the connection's own when empty.

        Raises:
            OperatorError: the user was not granted it.
        """
        current = self._account.connection.role or ""
        self._own = self._own or current
        wanted = role or self._own
        # Asked of the connection and not remembered: one that was opened anew has its own again.
        if wanted and wanted != current:
            self._account.execute(f"USE ROLE {quoted(wanted)}")


def sees_everything(role: str) -> bool:
    """Say whether what SHOW does not list to *role* is truly not there.

    Source: Snowflake, "Overview of access control": MANAGE GRANTS, which these two have, shows all.
    """
    return role.upper() in ("ACCOUNTADMIN", "SECURITYADMIN")
