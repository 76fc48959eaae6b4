"""Webhooks of notification integrations: where they may lead, and what is sent to them.

Nothing leaves this machine: a message is written into the file of :mod:`.messages`, with the
placeholder of the secret as it stands.

Source: Snowflake, "CREATE NOTIFICATION INTEGRATION (webhooks)", "Sending webhook notifications"
(which systems; USAGE on the secret to make an integration, READ on it to send), "ALTER NOTIFICATION
INTEGRATION (webhooks)", "SANITIZE_WEBHOOK_CONTENT".
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import invalid
from ..names import Path, parts_of
from ..registry import Call

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

MESSAGE, SECRET = "SNOWFLAKE_WEBHOOK_MESSAGE", "SNOWFLAKE_WEBHOOK_SECRET"
"""What is replaced in an integration: by the message, and by what the secret holds."""

_ALLOWED = (
    r"https://hooks\.slack\.com/services/.+",
    r"https://[\w.-]+\.logic\.azure\.com(:443)?/workflows/.+",
    r"https://default[\w.-]+\.environment\.api\.powerplatform\.com(:443)?"
    r"/powerautomate/automations/direct/workflows/.+",
    r"https://events\.pagerduty\.com/v2/enqueue",
)
"""Slack, Microsoft Teams (two forms), PagerDuty."""


def checked(call: Call, found: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a webhook, its secret by its full name.

    Raises:
        SnowflakeError: it leads to a system that Snowflake calls none of, or there is no such
            secret, or the role may not use it.
    """
    url = str(found.get("WEBHOOK_URL", ""))
    if not any(re.fullmatch(one, url) for one in _ALLOWED):
        raise invalid(
            "WEBHOOK_URL must be an https URL of a webhook of Slack, Microsoft Teams or PagerDuty"
        )
    given = found.get("WEBHOOK_SECRET")
    texts = (url, found.get("WEBHOOK_BODY_TEMPLATE", ""), found.get("WEBHOOK_HEADERS", ""))
    if given is None:
        if any(SECRET in str(text) for text in texts):
            raise invalid(f"{SECRET} is used, and there is no WEBHOOK_SECRET")
        return found
    path = call.session.resolve(parts_of(str(given)))
    call.account.catalog.get("SECRET", path)
    call.account.require(call.session, "USAGE|READ", "SECRET", path)
    return {**found, "WEBHOOK_SECRET": list(path)}


def require(account: Account, session: Session, entry: Entry) -> None:
    """Refuse to send by a webhook whose secret the session may not read."""
    secret = entry.properties.get("webhook_secret")
    if secret:
        account.require(session, "READ", "SECRET", Path(*secret))


def request(entry: Entry, content: dict[str, Any]) -> dict[str, Any]:
    """Return what is sent: the address, and the body with the message in its place."""
    properties = entry.properties
    message = next(iter(content.values()), "")
    text = message if isinstance(message, str) else json.dumps(message)
    template = str(properties.get("webhook_body_template") or MESSAGE)
    return {"url": properties["webhook_url"], "body": template.replace(MESSAGE, text)}


def sanitized(text: Any) -> str:
    """Return *text* without placeholders, so that a message cannot ask for the secret."""
    return re.sub(rf"{SECRET}|{MESSAGE}", "REDACTED", str(text))
