"""The account as what a plan is carried out on.

Implements ``deploy/ports.py::Platform``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sf_ml_framework.places.snowflake.observe import observe
from sf_ml_framework.places.snowflake.roles import Roles

if TYPE_CHECKING:
    from sf_ml_framework.deploy.records import Recorded
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.plan.changes import Statement
    from sf_ml_framework.plan.objects import Desired, Observed


class SnowflakePlatform:
    """One account, through one connection; it lives as long as that.

    Args:
        account: whose role the deployment is made with.
        thorough: ask every task for what SHOW TASKS does not tell; as many statements more as the
            graph has tasks.
        before: given each statement before it runs, as the role that will run it; provides what
            it needs.
    """

    def __init__(
        self,
        account: Account,
        *,
        thorough: bool = False,
        before: Callable[[str], None] | None = None,
    ) -> None:
        self._account = account
        self._roles = Roles(account)
        self._thorough = thorough
        self._before = before

    def observe(self, desired: Desired, recorded: Recorded) -> Observed:
        """Return what stands now of what *desired* or *recorded* names. Changes nothing."""
        self._roles.act_as()
        return observe(self._account, desired, recorded, thorough=self._thorough)

    def execute(self, statement: Statement) -> None:
        """Run one statement of a plan, as the role that it names."""
        self._roles.act_as(statement.role)
        if self._before is not None:
            self._before(statement.sql)
        self._account.execute(statement.sql)
