"""A session parameter that would change results keeps its default here, or is refused by name."""

from __future__ import annotations

import pytest
from snowflake.connector.errors import ProgrammingError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEZONE", "America/New_York"),
        ("TIMESTAMP_TYPE_MAPPING", "TIMESTAMP_LTZ"),
        ("WEEK_START", 1),
        ("WEEK_OF_YEAR_POLICY", 1),
        ("QUOTED_IDENTIFIERS_IGNORE_CASE", "true"),
        ("DATE_OUTPUT_FORMAT", "DD/MM/YYYY"),
        ("TIMESTAMP_NTZ_OUTPUT_FORMAT", "YYYY"),
        ("DATE_INPUT_FORMAT", "DD/MM/YYYY"),
    ],
)
def test_another_value_is_refused_by_name(run, name, value):
    with pytest.raises(ProgrammingError, match=name) as caught:
        run(f"alter session set {name} = '{value}'")

    assert caught.value.errno == 2


@pytest.mark.parametrize(
    "text", ["timezone = 'UTC'", "week_start = 0", "date_output_format = 'yyyy-mm-dd'"]
)
def test_what_it_is_anyway_may_be_said(run, text):
    run(f"alter session set {text}")
