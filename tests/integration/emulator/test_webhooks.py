"""Messages by webhook through the official connector."""

from __future__ import annotations

import uuid

import pytest
from snowflake.connector.errors import DatabaseError


@pytest.fixture
def hook(run, database):
    """A webhook of Slack with its secret; nothing is sent by it in the tests of an account."""
    name = f"N_{uuid.uuid4().hex[:8]}".upper()
    run("create secret word type = generic_string secret_string = 'T0/B0/canary'")
    run(
        f"create notification integration {name} type = webhook enabled = true "
        "webhook_url = 'https://hooks.slack.com/services/SNOWFLAKE_WEBHOOK_SECRET' "
        f"webhook_secret = {database}.public.word "
        """webhook_body_template = '{"text": "SNOWFLAKE_WEBHOOK_MESSAGE"}' """
        "webhook_headers = ('Content-Type'='application/json')"
    )
    yield name
    run("use role accountadmin")
    run(f"drop integration if exists {name}")


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("webhook_url = 'http://hooks.slack.com/services/a'", "WEBHOOK_URL"),
        ("webhook_url = 'https://example.com/hook'", "WEBHOOK_URL"),
        (
            "webhook_url = 'https://hooks.slack.com/services/SNOWFLAKE_WEBHOOK_SECRET'",
            "WEBHOOK_SECRET",
        ),
        ("webhook_url = 'https://hooks.slack.com/services/a' webhook_secret = no_such", "NO_SUCH"),
        ("webhook_url = 'https://hooks.slack.com/services/a' colour = 'red'", "COLOUR"),
    ],
)
def test_what_snowflake_calls_no_webhook_is_refused(run, rest, words):
    with pytest.raises(DatabaseError, match=words):
        run(f"create notification integration n type = webhook enabled = true {rest}")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T0/B0/x",
        "https://default0a1b.environment.api.powerplatform.com/powerautomate/automations/direct/"
        "workflows/x/triggers/manual/paths/invoke",
        "https://events.pagerduty.com/v2/enqueue",
    ],
)
def test_the_three_systems_that_snowflake_calls_are_taken(run, url):
    name = f"N_{uuid.uuid4().hex[:8]}"
    run(
        f"create notification integration {name} type = webhook enabled = true "
        f"webhook_url = '{url}'"
    )
    run(f"drop integration {name}")


def test_who_sends_must_be_allowed_to_read_the_secret(run, hook, database):
    role = f"R_{uuid.uuid4().hex[:8]}".upper()
    run(f"create role {role}")
    run(f"grant role {role} to role accountadmin")
    run(f"grant usage on integration {hook} to role {role}")
    run(f"grant usage on database {database} to role {role}")
    run(f"grant usage on schema {database}.public to role {role}")
    run("use secondary roles none")
    run(f"use role {role}")
    send = (
        "call system$send_snowflake_notification(snowflake.notification.text_plain('x'), "
        f"snowflake.notification.integration('{hook}'))"
    )

    with pytest.raises(DatabaseError):
        run(send)

    run("use role accountadmin")
    run(f"drop role {role}")
