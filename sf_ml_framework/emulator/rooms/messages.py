"""What an account sends: emails and webhook calls are written into a file, one JSON line each.

Source: Snowflake, "SYSTEM$SEND_EMAIL", "SYSTEM$SEND_SNOWFLAKE_NOTIFICATION" and the helper
functions of SNOWFLAKE.NOTIFICATION. The file is ``notifications.jsonl`` in the server's directory.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..catalog import Entry
from ..faults import SnowflakeError, invalid, not_found
from ..names import Path, fold
from . import webhooks

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from ..account import Account
    from ..session import Session

_HOME = "SNOWFLAKE.NOTIFICATION."
_TYPES = {"text/plain", "text/html"}


class Outbox:
    """The file of everything that was sent; ``account.part(Outbox)``."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.Lock()
        self.file: FilePath = account.files / "notifications.jsonl"

    def integration(self, name: str) -> Entry:
        """Return a notification integration that may be used.

        Raises:
            SnowflakeError: there is none, or it is not enabled.
        """
        entry = self._account.catalog.find("INTEGRATION", Path("", "", fold(name)))
        if entry is None or entry.properties["category"] != "NOTIFICATION":
            raise not_found("INTEGRATION", name)
        if not entry.properties["enabled"]:
            raise invalid(f"Integration '{entry.name}' is not enabled.")
        return entry

    def deliver(self, integration: str, kind: str, **content: Any) -> None:
        """Write one message."""
        line = {
            "at": self._account.clock.now().isoformat(),
            "integration": integration,
            "type": kind,
            **content,
        }
        with self._lock, self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def sent(self) -> list[dict[str, Any]]:
        """Return every message, oldest first."""
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]


def install(account: Account) -> None:
    """Register the functions."""
    outbox = Outbox(account)
    account.parts[Outbox] = outbox

    def allowed(session: Session, name: Any) -> None:
        # Source: Snowflake, "SYSTEM$SEND_EMAIL", access control requirements.
        account.require(session, "USAGE", "INTEGRATION", Path("", "", fold(str(name))))

    def send_email(session: Session, *values: Any) -> bool:
        if values:
            allowed(session, values[0])
        return email(outbox, *values)

    def send(session: Session, message: Any, target: Any) -> str:
        for name in _object(target):
            allowed(session, name)
            webhooks.require(account, session, outbox.integration(str(name)))
        return notify(outbox, message, target)

    account.function("SYSTEM$SEND_EMAIL", send_email)
    account.function("SYSTEM$SEND_SNOWFLAKE_NOTIFICATION", send)
    account.rewrite(qualified)
    for kind in ("TEXT_PLAIN", "TEXT_HTML", "APPLICATION_JSON"):
        account.function(_HOME + kind, _content(kind))
    account.function(_HOME + "SANITIZE_WEBHOOK_CONTENT", lambda s, text: webhooks.sanitized(text))
    account.function(
        _HOME + "EMAIL_INTEGRATION_CONFIG",
        lambda s, name, subject="", *rest: _config(name, subject, *rest),
    )
    account.function(_HOME + "INTEGRATION", lambda s, name: json.dumps({str(name): {}}))


def qualified(session: Session, tree: exp.Expr) -> exp.Expr:
    """Write ``SNOWFLAKE.NOTIFICATION.F(..)`` as one name, by which the function is registered."""

    def change(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Dot) or not isinstance(node.expression, exp.Anonymous):
            return node
        name = f"{node.this.sql()}.{node.expression.this}".upper()
        if not name.startswith(_HOME):
            return node
        inner = [one.transform(change) for one in node.expression.expressions]
        return exp.Anonymous(this=name, expressions=inner)

    return tree.transform(change, copy=False)


def _content(kind: str) -> Any:
    mime = kind.lower().replace("_", "/")
    return lambda session, text: json.dumps({mime: text})


def _config(name: Any, subject: Any, *recipients: Any) -> str:
    found: dict[str, Any] = {"subject": subject}
    if recipients:
        given = str(recipients[0])
        # An array arrives as its JSON text.
        found["toAddress"] = json.loads(given) if given.startswith("[") else [given]
    return json.dumps({str(name): found})


def email(outbox: Outbox, *values: Any) -> bool:
    """Send an email: integration, recipients, subject, body[, mime type]."""
    if not 4 <= len(values) <= 5:
        raise SnowflakeError(
            "SQL compilation error: wrong number of arguments for SYSTEM$SEND_EMAIL",
            number=939,
            state="42601",
        )
    name, recipients, subject, body = (str(value) for value in values[:4])
    mime = str(values[4]) if len(values) == 5 else "text/plain"
    if mime not in _TYPES:
        raise invalid(f"Invalid mime type '{mime}'.")
    entry = outbox.integration(name)
    if entry.properties["type"] != "EMAIL":
        raise invalid(f"Integration '{entry.name}' is no email integration.")
    to = [part.strip() for part in recipients.split(",") if part.strip()]
    _allowed(entry, to)
    outbox.deliver(entry.name, "EMAIL", to=to, subject=subject, body=body, mime=mime)
    return True


def _allowed(entry: Entry, to: list[str]) -> None:
    allowed = entry.properties.get("allowed_recipients")
    for one in to:
        if allowed and one not in allowed:
            raise SnowflakeError(
                f"Email recipients in the given list at indexes [{to.index(one) + 1}] are not "
                "allowed. Either these email addresses are not yet validated or do not belong to "
                "any user in the current account.",
                number=90106,
                state="22023",
            )


def notify(outbox: Outbox, message: Any, target: Any) -> str:
    """Send a message through the integrations that *target* names."""
    content, targets = _object(message), _object(target)
    for name, config in targets.items():
        entry = outbox.integration(name)
        properties = entry.properties
        facts: dict[str, Any] = {"content": content}
        if properties["type"] == "EMAIL":
            to = config.get("toAddress") or properties.get("default_recipients") or []
            _allowed(entry, to if isinstance(to, list) else [to])
            facts |= {"to": to, "subject": config.get("subject") or ""}
        elif properties["type"] == "WEBHOOK":
            facts |= webhooks.request(entry, content)
        outbox.deliver(entry.name, properties["type"], **facts)
    return "Enqueued notifications."


def _object(value: Any) -> dict[str, Any]:
    try:
        found = json.loads(str(value))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise invalid(f"'{value}' is no object of a message or an integration.")
    return found
