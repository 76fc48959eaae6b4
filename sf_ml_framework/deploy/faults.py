"""What keeps a deployment from going on; each says what is true then, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from sf_ml_framework.deploy.records import Holder
from sf_ml_framework.errors import OperatorError, PlatformError


class DeployError(OperatorError):
    """A deployment was refused before it changed anything."""


class MovedOnError(DeployError):
    """The account is no longer what the plan was made against."""

    def __init__(self, differing: Sequence[str]) -> None:
        self.differing = tuple(differing)
        what = ", ".join(self.differing[:5]) or "what earlier deployments left"
        more = f" and {len(self.differing) - 5} more" if len(self.differing) > 5 else ""
        super().__init__(
            f"the account has moved on since this plan was made: {what}{more}; nothing was changed",
            remedy="make the plan again with `mlops plan`, read it, and deploy that one",
        )


class DriftError(DeployError):
    """Somebody changed by hand what this plan would write over."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        told = "".join(f"\n  {line}" for line in self.lines)
        super().__init__(
            f"somebody changed by hand what this plan would write over; nothing was changed:{told}",
            remedy="take the change into the code, or deploy with --overwrite-drift",
        )


class LockedError(DeployError):
    """Another deployment of the same schema goes on."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        super().__init__(
            f"another deployment goes on: {holder.words}; this one changed nothing",
            remedy="wait until it ends; if it is dead, "
            f"`mlops state unlock {holder.deployment}`, then deploy again",
        )


class LockLostError(OperatorError):
    """This deployment was taken for dead, and must not disturb whoever came after it."""

    def __init__(self, holder: Holder | None) -> None:
        now = f"and {holder.words} has it now" if holder else "and nobody has it now"
        super().__init__(
            f"the lock ran out, or was given back by hand, {now}",
            remedy="see `mlops deployments`",
        )


class StoppedError(OperatorError):
    """A deployment was refused something on its way; the graph is whole, or suspended."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a deployment on its way; tells how the graph stands. No fault of anybody's."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class LostError(PlatformError):
    """A deployment lost the platform on its way; the graph is whole, or suspended."""
