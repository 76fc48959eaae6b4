"""Who is told of what: the parts of a target that say how it is watched, typed and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

_Natural = Annotated[int, msgspec.Meta(ge=0)]

INTEGRATIONS = (
    "email_integration", "webhook_integration", "error_integration", "success_integration",
)  # fmt: skip
"""Fields of ``Notifications`` that name one."""


class Notifications(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told how a run ended, and of what alerts find."""

    email_integration: str = ""
    recipients: tuple[str, ...] = ()
    """Addresses of verified users of the account; with an ``email_integration`` alone."""
    webhook_integration: str = ""
    """Webhook of Slack, Microsoft Teams or PagerDuty, beside the mail or instead of it."""
    webhook_secret: str = ""
    """The secret of that webhook, where it has one: its name in the account."""
    when: Literal["failed", "always"] = "failed"
    error_integration: str = ""
    """Queue (SNS, Event Grid, Pub/Sub) that Snowflake writes failed tasks to."""
    success_integration: str = ""

    @property
    def tells(self) -> bool:
        """Whether there is anybody to be told."""
        return bool(self.email_integration or self.webhook_integration)


class Monitoring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ready views of what ran and what it took."""

    views: Literal["all", "tables", "none"] = "all"
    """``tables``: only those that need nothing of the database SNOWFLAKE."""


class Alerts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked for while nobody looks; told once each."""

    failure: bool = False
    """A failed run that the run itself could not tell of."""
    late_after_minutes: _Natural = 0
    """No run has succeeded for so long; 0 is never."""
    credits_per_day: Annotated[float, msgspec.Meta(ge=0)] = 0
    """The pools took more in a day, UTC; 0 is never."""
    every_minutes: Annotated[int, msgspec.Meta(ge=1, le=11520)] = 15
    """How often it is looked."""
    warehouse: str = ""
    """Warehouse that looks; empty: serverless."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """What is looked for: ``failure``, ``late``, ``cost``."""
        asked = {
            "failure": self.failure,
            "late": self.late_after_minutes > 0,
            "cost": self.credits_per_day > 0,
        }
        return tuple(kind for kind, wanted in asked.items() if wanted)


def faults(
    told: Notifications, monitoring: Monitoring, alerts: Alerts, *, schedule: str
) -> Iterator[str]:
    """Yield what is wrong with them together, each with the setting's name."""
    if told.email_integration and not told.recipients:
        yield "notifications.email_integration needs recipients"
    if told.webhook_secret and not told.webhook_integration:
        yield "notifications.webhook_secret needs webhook_integration"
    if not alerts.wanted:
        return
    if not told.tells:
        yield "alerts need notifications.email_integration or webhook_integration"
    if "late" in alerts.wanted and not schedule:
        yield "alerts.late_after_minutes needs tasks.schedule: without one nothing is late"
    if "cost" in alerts.wanted and monitoring.views != "all":
        yield "alerts.credits_per_day needs monitoring.views: all"


_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:/[A-Za-z0-9._~%/-]*)?")
_PATH = re.compile(r"[\w./~+-][\w ./~+-]*")


def telemetry_fault(telemetry: str) -> str:
    """Return what is wrong with where containers send traces; empty: nothing."""
    if not telemetry or _ADDRESS.fullmatch(telemetry) or _PATH.fullmatch(telemetry):
        return ""
    if re.match(r"https?://[^/]*@", telemetry):
        return (
            "telemetry has a user in its address, which everybody who sees a task would read:"
            " let the collector ask for a header"
        )
    return f"telemetry is {telemetry!r}: write off, otlp, event-table, an http(s) address or a path"
