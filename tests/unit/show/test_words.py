"""Figures as a person reads them."""

import pytest

from sf_ml_framework.run.records import Reason
from sf_ml_framework.show import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 ms"),
        (0.0034, "3 ms"),
        (1.236, "1.24 s"),
        (12.34, "12.3 s"),
        (84.7, "1 min 25 s"),
        (3599.7, "1 h 00 min"),
        (3720, "1 h 02 min"),
    ],
)
def test_a_duration_is_told_in_the_unit_that_fits(value, text):
    assert words.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (9_482_113, "9.0 MiB"), (2**41, "2.0 TiB")],
)
def test_a_size_is_told_in_the_unit_that_fits(value, text):
    assert words.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (True, "yes"),
        (100000, "100,000"),
        (0.84792, "0.8479"),
        (0.0871, "0.0871"),
        (0.08713333, "0.08713"),
        (1234.567, "1,234.6"),
        (0.27, "0.27"),
        (0.0, "0.0"),
        (3.0, "3.0"),
        (0.00003, "3e-05"),
        (-2.5e9, "-2.5e+09"),
        (float("nan"), "not a number"),
        (float("-inf"), "-∞"),
        ("text", "text"),
    ],
)
def test_a_number_shows_four_digits_that_count(value, text):
    assert words.number(value) == text


def test_a_moment_is_told_in_utc():
    assert words.moment("2026-11-23T14:15:09+02:00") == "23 Nov 2026, 12:15:09 UTC"
    assert words.moment("some day") == "some day"


def test_a_reason_reads_as_words():
    assert words.reason(Reason(kind="code_changed", detail="a:b")) == "code changed: a:b"
    assert words.reason(Reason(kind="unchanged", detail="since run 7")) == "unchanged since run 7"
    assert words.reason(Reason(kind="first_run")) == "first run"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.748, 0.0831, 0.5], ["0.7480", "0.0831", "0.5000"]),
        ([0.748, 0.083, 1.0], ["0.748", "0.083", "1.000"]),
        ([0.3925, 0.0005, 0.0], ["0.3925", "0.0005", "0.0000"]),
        ([0.3925, 0.00003], ["0.3925", "3e-05"]),
        ([1234.5678, 2.5], ["1,234.6", "2.5"]),
        ([1, 2000, None], ["1", "2,000", "—"]),
        ([6, 0.0375, "text"], ["6", "0.0375", "text"]),
        ([float("nan"), 1.25], ["not a number", "1.25"]),
        ([], []),
    ],
)
def test_the_numbers_of_a_column_have_equally_many_decimals(values, texts):
    assert words.column(values) == texts
