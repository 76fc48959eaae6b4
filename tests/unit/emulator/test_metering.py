"""Hours and credits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.emulator.usage.metering import hourly, merged

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SPANS = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(1, 9_000)).map(
        lambda pair: (
            NOON + timedelta(seconds=pair[0]),
            NOON + timedelta(seconds=pair[0] + pair[1]),
        )
    ),
    max_size=8,
)


def test_a_span_over_two_hours_is_counted_in_both():
    start = NOON + timedelta(minutes=50)

    found = list(hourly([(start, start + timedelta(minutes=30))]))

    assert found == [(NOON, 600.0), (NOON + timedelta(hours=1), 1200.0)]


@given(SPANS)
def test_overlaps_are_counted_once(spans):
    apart = merged(spans)

    assert all(first[1] < second[0] for first, second in pairwise(apart))
    covered = sum(seconds for _, seconds in hourly(spans))
    assert abs(covered - sum((end - start).total_seconds() for start, end in apart)) < 1e-6


@given(SPANS)
def test_no_hour_has_more_than_an_hour(spans):
    assert all(0 < seconds <= 3600 for _, seconds in hourly(spans))
