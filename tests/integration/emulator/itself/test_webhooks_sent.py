"""What a webhook sends, which the emulator writes into a file."""

from __future__ import annotations

import json

from sf_ml_framework.emulator import Emulator


def test_a_message_takes_its_place_in_the_body_and_the_secret_is_not_written():
    with Emulator() as emulator:
        import snowflake.connector

        with snowflake.connector.connect(**emulator.connection) as connection:
            run = connection.cursor().execute
            run("create database d")
            run("create secret word type = generic_string secret_string = 'T0/B0/canary'")
            run(
                "create notification integration slack type = webhook enabled = true "
                "webhook_url = 'https://hooks.slack.com/services/SNOWFLAKE_WEBHOOK_SECRET' "
                "webhook_secret = d.public.word "
                """webhook_body_template = '{"text": "SNOWFLAKE_WEBHOOK_MESSAGE"}'"""
            )
            run(
                "call system$send_snowflake_notification(snowflake.notification.text_plain("
                "snowflake.notification.sanitize_webhook_content('it failed: "
                "SNOWFLAKE_WEBHOOK_SECRET')), snowflake.notification.integration('slack'))"
            )
        text = (emulator.account.files / "notifications.jsonl").read_text(encoding="utf-8")

    (line,) = map(json.loads, text.splitlines())
    assert json.loads(line["body"]) == {"text": "it failed: REDACTED"}
    assert line["url"] == "https://hooks.slack.com/services/SNOWFLAKE_WEBHOOK_SECRET"
    assert "canary" not in text
