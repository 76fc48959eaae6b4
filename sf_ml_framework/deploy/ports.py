"""What deploying needs of the world, as protocols; ``places/snowflake`` implements them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sf_ml_framework.deploy.records import Deployment, Holder, Recorded
from sf_ml_framework.plan.changes import Statement
from sf_ml_framework.plan.objects import Desired, Observed


class Platform(Protocol):
    """Where a plan is carried out."""

    def observe(self, desired: Desired, recorded: Recorded) -> Observed:
        """Return what stands now of what *desired* or *recorded* names. Changes nothing.

        How many statements that takes does not depend on the number of tasks.
        """
        ...

    def execute(self, statement: Statement) -> None:
        """Run one statement of a plan, as the role that it names.

        Raises:
            OperatorError: it was refused; nothing of this statement was done.
            PlatformError: nothing is known to be wrong; whether it was done is not known.
        """
        ...


class History(Protocol):
    """The deployments of one schema, and its lock. Each method is whole or without effect."""

    def take(self, wanted: Holder, seconds: int) -> Holder:
        """Take the lock for so many seconds and return its holder: *wanted*, or who has it.

        Of any number that ask at once exactly one gets it.
        """
        ...

    def renew(self, holder: Holder, seconds: int) -> bool:
        """Hold the lock so many seconds from now; False when it is no longer the holder's."""
        ...

    def release(self, deployment: str) -> bool:
        """Give the lock back; False when that deployment did not hold it."""
        ...

    def holder(self) -> Holder | None:
        """Return who holds the lock; none when nobody does, or it has run out."""
        ...

    def begin(self, deployment: Deployment) -> None:
        """Store a deployment that begins, with the state it will apply."""
        ...

    def finish(self, deployment: Deployment) -> None:
        """Store how a deployment ended: status, done and failure."""
        ...

    def deployments(self, project: str, *, limit: int = 20) -> Sequence[Deployment]:
        """Return deployments without their states, newest first; none without a table."""
        ...

    def deployment(self, project: str, name: str) -> Deployment:
        """Return the deployment whose id is, or uniquely begins with, *name*, with its state.

        ``last`` is the newest that succeeded, ``previous`` the one that succeeded before it.

        Raises:
            UnknownNameError: there is none; names the nearest.
        """
        ...

    def recorded(self, project: str) -> Recorded:
        """Return what is known of the deployments so far; nothing without a table."""
        ...


class Observer(Protocol):
    """Who is told of progress while a plan is applied."""

    def started(self, deployment: Deployment) -> None:
        """The lock is taken, nothing is changed yet."""
        ...

    def statement(self, number: int, count: int, statement: Statement) -> None:
        """A statement is about to run; *number* counts from 1."""
        ...

    def finished(self, deployment: Deployment) -> None:
        """All is over, well or not."""
        ...
