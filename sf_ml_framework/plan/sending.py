"""Statements that tell somebody something, for the blocks of finalizers and alerts.

Source: Snowflake, "SYSTEM$SEND_EMAIL", "SYSTEM$SEND_SNOWFLAKE_NOTIFICATION", "Sending webhook
notifications" (a message stands as it is in the JSON of the body, and must not end it).
"""

from __future__ import annotations

from sf_ml_framework.notices import Notifications
from sf_ml_framework.plan.quoting import literal


def statements(told: Notifications, subject: str, text: str) -> str:
    """Return the statements that send one message by mail, webhook, or both; indented by two.

    Args:
        told: by what and to whom.
        subject: of a mail, an expression of SQL.
        text: what it says, an expression of SQL.
    """
    found = ""
    if told.email_integration:
        to = literal(",".join(told.recipients))
        found += (
            f"  CALL SYSTEM$SEND_EMAIL(\n    {literal(told.email_integration)},\n    {to},\n"
            f"    {subject},\n    {text});\n"
        )
    if told.webhook_integration:
        # What would end a string of JSON, or a line of it.
        plain = f"TRANSLATE({subject} || '. ' || {text}, '\\\\\"\\n\\r\\t', '/''   ')"
        found += (
            f"  LET plain VARCHAR := {plain};\n"
            "  CALL SYSTEM$SEND_SNOWFLAKE_NOTIFICATION(\n"
            "    SNOWFLAKE.NOTIFICATION.TEXT_PLAIN(\n"
            "      SNOWFLAKE.NOTIFICATION.SANITIZE_WEBHOOK_CONTENT(:plain)),\n"
            f"    SNOWFLAKE.NOTIFICATION.INTEGRATION({literal(told.webhook_integration)}));\n"
        )
    return found
