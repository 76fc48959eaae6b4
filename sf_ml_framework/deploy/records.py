"""What is known of a deployment: plain frozen records. Times are UTC in ISO 8601."""

from __future__ import annotations

from typing import Literal

import msgspec

from sf_ml_framework.plan.objects import Desired

Kind = Literal["deploy", "rollback", "destroy"]

Status = Literal["applying", "succeeded", "failed"]
"""``applying`` without a live lock: whoever applied it died on the way."""


LAST, PREVIOUS = "last", "previous"
"""Names of the newest deployment that succeeded, and of the one that succeeded before it."""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One row of MLOPS_DEPLOYMENTS: what was applied, when, by whom and how far."""

    deployment: str
    project: str
    target: str
    kind: Kind = "deploy"
    status: Status = "applying"
    started: str = ""
    """By the account's clock; empty until it is stored."""
    ended: str = ""
    user_name: str = ""
    role_name: str = ""
    client: str = ""
    """``machine:process`` of whoever applied it."""
    git_commit: str = ""
    framework: str = ""
    image: str = ""
    """``/db/schema/repository/image:tag@sha256:…``: what the tag stood for then."""
    note: str = ""
    """Such as the deployment that a rollback went back to."""
    summary: str = ""
    """How many objects were created, changed and removed."""
    statements: int = 0
    """How many the plan has."""
    done: int = 0
    """How many of them had run when it ended; unknown (0) where whoever applied it died."""
    failure: str = ""
    root_was_started: bool = False
    """Whether the graph had been resumed before: then it has to be again."""
    observed_digest: str = ""
    managed: tuple[str, ...] = ()
    """Keys of all objects that this deployment and those before it made, as far as they stand."""
    desired: str = ""
    """The Desired state as JSON; empty in lists, which do not load it."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock of a schema, or wants it."""

    deployment: str
    user_name: str
    client: str
    since: str = ""
    until: str = ""
    """When the account gives the lock to whoever asks next, unless it is renewed."""

    @property
    def words(self) -> str:
        """Who it is, for a person."""
        since = f" since {self.since}" if self.since else ""
        until = f", until {self.until} unless renewed" if self.until else ""
        return f"deployment {self.deployment} of {self.user_name} on {self.client}{since}{until}"


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier deployments left on record, as far as the next one needs it."""

    table: bool = False
    """Whether there is a table to keep deployments in."""
    states: tuple[Desired, ...] = ()
    """The state that was applied last with success and those that were begun since, newest first.
    More than one: somebody was interrupted, and each object stands as one of them says."""
    applied: Desired | None = None
    """The state that was applied last with success."""
    managed: tuple[str, ...] = ()
    """Keys of what deployments made, standing or not."""
    interrupted: bool = False
    """Whether a deployment of a graph that was started did not end."""
