"""The values of a queue, and what makes two runs the same."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.deploy.graph_backfill import changes_in, changes_of_text, queue, values
from sf_ml_framework.errors import UsageError


@pytest.mark.parametrize(
    ("first", "last", "step", "found"),
    [
        ("2026-01-30", "2026-02-01", "1d", ["2026-01-30", "2026-01-31", "2026-02-01"]),
        ("2026-01-01", "2026-01-20", "1w", ["2026-01-01", "2026-01-08", "2026-01-15"]),
        ("2026-01-01", "2026-01-03", "48h", ["2026-01-01", "2026-01-03"]),
        ("2026-01-01T18:00", "2026-01-02", "6h", ["2026-01-01T18:00", "2026-01-02T00:00"]),
        ("2024-02-28", "2024-03-01", " 1D ", ["2024-02-28", "2024-02-29", "2024-03-01"]),
        ("2026-01-01", "2026-01-01", "2w", ["2026-01-01"]),
    ],
)
def test_values_go_from_the_first_to_the_last_and_hold_both_where_the_step_meets_it(
    first, last, step, found
):
    assert values(first, last, step) == found


@pytest.mark.parametrize(
    ("first", "last", "step"),
    [
        ("2026-01-02", "2026-01-01", "1d"),
        ("2026-01-01", "2026-01-02", "0d"),
        ("2026-01-01", "2026-01-02", "-1d"),
        ("2026-01-01", "2026-01-02", "d"),
        ("2026-01-01", "2026-01-02", "1h"),
        ("2026-13-01", "2026-01-02", "1d"),
        ("1900-01-01", "2026-01-01", "1d"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(first, last, step):
    with pytest.raises(UsageError) as refused:
        values(first, last, step)

    assert refused.value.remedy


@given(
    st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    st.integers(min_value=0, max_value=400),
    st.integers(min_value=1, max_value=30),
)
def test_values_are_a_step_apart_and_none_is_after_the_last(first, days, step):
    last = first + timedelta(days=days)

    found = [date.fromisoformat(each) for each in values(str(first), str(last), f"{step}d")]

    assert found[0] == first
    assert found[-1] <= last < found[-1] + timedelta(days=step)
    gaps = {after - before for before, after in itertools.pairwise(found)}
    assert gaps <= {timedelta(days=step)}


def test_the_value_stands_wherever_the_braces_do():
    template = {"params": {"day": "{}", "n": "3"}, "outputs": {"features": "features@v{}"}}

    (first,) = queue(template, ["2026-01-31"])

    assert first.config == {
        "params": {"day": "2026-01-31", "n": "3"},
        "outputs": {"features": "features@v2026-01-31"},
    }


def test_two_runs_are_the_same_when_they_change_the_same_whatever_else_was_said():
    one = {"params": {"day": "1", "n": "2"}, "force": True, "mlops_request": "x", "inputs": {}}
    other = {"params": {"n": "2", "day": "1"}, "run_env": "dev"}

    assert changes_in(one) == changes_in(other)
    assert changes_of_text('{"params": {"day": "1", "n": "2"}}') == changes_in(one)
    assert changes_in({"params": {"day": "2", "n": "2"}}) != changes_in(one)


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", "null"])
def test_a_configuration_that_is_no_object_is_that_of_no_run_of_ours(text):
    assert changes_of_text(text) == ""
