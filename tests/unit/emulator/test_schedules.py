"""When a schedule is due: intervals, cron fields, time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.emulator.faults import SnowflakeError
from sf_ml_framework.emulator.tasks.schedule import parse
from sf_ml_framework.emulator.tasks.scheduler import merge

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday


def next_times(text, count, after=NOON):
    found = []
    for _ in range(count):
        after = parse(text).after(after, NOON)
        found.append(after.isoformat()[:16])
    return found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10 SECONDS", 10),
        ("1 minute", 60),
        ("90 MINUTES", 5400),
        ("2 hours", 7200),
        ("5 m", 300),
        ("1h", 3600),
    ],
)
def test_an_interval_counts_from_the_resume(text, seconds):
    plan = parse(text)

    assert plan.after(NOON, NOON) == NOON + timedelta(seconds=seconds)
    assert plan.after(NOON + timedelta(seconds=seconds), NOON) == NOON + 2 * timedelta(
        seconds=seconds
    )
    assert plan.after(NOON + timedelta(seconds=seconds - 1), NOON) == NOON + timedelta(
        seconds=seconds
    )


@pytest.mark.parametrize(
    ("cron", "times"),
    [
        ("7 3 * * * UTC", ["2026-03-05T03:07", "2026-03-06T03:07"]),
        ("*/20 * * * * UTC", ["2026-03-04T12:20", "2026-03-04T12:40", "2026-03-04T13:00"]),
        ("0 0 L * * UTC", ["2026-03-31T00:00", "2026-04-30T00:00"]),
        ("0 6 * * MON-FRI UTC", ["2026-03-05T06:00", "2026-03-06T06:00", "2026-03-09T06:00"]),
        ("0 6 * * 5L UTC", ["2026-03-27T06:00", "2026-04-24T06:00"]),
        ("0 0 1 4/3 * UTC", ["2026-04-01T00:00", "2026-07-01T00:00", "2026-10-01T00:00"]),
        ("0 0 10-12 * TUE UTC", ["2026-03-10T00:00", "2026-03-11T00:00", "2026-03-12T00:00"]),
        ("30 9 * MAR SUN America/New_York", ["2026-03-08T13:30", "2026-03-15T13:30"]),
        ("0 0 29 2 * UTC", ["2028-02-29T00:00"]),
        # 29 March: 02:30 does not exist in Berlin; 25 October: it is there twice.
        ("30 2 29 3 * Europe/Berlin", ["2027-03-29T00:30"]),
        ("30 2 25 10 * Europe/Berlin", ["2026-10-25T00:30", "2026-10-25T01:30"]),
    ],
)
def test_a_cron_expression_is_due_when_its_fields_say(cron, times):
    assert next_times(f"USING CRON {cron}", len(times)) == times


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "minute",
        "-5 minutes",
        "9 seconds",
        "9 days",
        "200 hours",
        "USING CRON * * * * UTC",
        "USING CRON 60 * * * * UTC",
        "USING CRON * 24 * * * UTC",
        "USING CRON * * 0 * * UTC",
        "USING CRON * * * 13 * UTC",
        "USING CRON * * * * 8 UTC",
        "USING CRON 5-1 * * * * UTC",
        "USING CRON */0 * * * * UTC",
        "USING CRON * * * * * Nowhere/Land",
        "USING CRON * * * * * ../etc",
    ],
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(SnowflakeError, match="Invalid schedule"):
        parse(text)


def test_a_date_that_never_comes_has_no_next_time():
    assert parse("USING CRON 0 0 30 2 * UTC").after(NOON, NOON) is None


@given(
    st.integers(0, 59),
    st.integers(0, 23),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
)
def test_a_daily_schedule_is_due_within_a_day(minute, hour, moment):
    moment = moment.replace(tzinfo=UTC)

    found = parse(f"USING CRON {minute} {hour} * * * UTC").after(moment, moment)

    assert timedelta() < found - moment <= timedelta(days=1)
    assert (found.hour, found.minute) == (hour, minute)


def test_configurations_are_merged_at_every_depth():
    old = {"a": {"b": 1, "c": [1]}, "d": 1}

    assert merge(old, {"a": {"c": [2], "e": {}}, "d": {"x": 1}}) == {
        "a": {"b": 1, "c": [2], "e": {}},
        "d": {"x": 1},
    }
    assert old == {"a": {"b": 1, "c": [1]}, "d": 1}
