"""Long INSERTs of constants are read as a table; whatever else they hold is left to the parser."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sf_ml_framework.emulator.bulk import FEWEST_TOKENS, read
from sf_ml_framework.emulator.lexer import quote, split, tokenize


def bulk(values: str, many: int = FEWEST_TOKENS):
    text = "insert into t (a, b) values " + ", ".join([values] * many)
    return read(text, tokenize(text))


def test_constants_of_one_kind_are_read():
    found = bulk("(-1.5, 'it''s'), (null, null), ((-2), 'x')")

    assert found is not None
    assert found.text == "insert into t (a, b)  VALUES (NULL, NULL)"
    assert found.table.to_pydict()["C0"][:3] == ["-1.5", None, "-2"]
    assert found.table.to_pydict()["C1"][:3] == ["it's", None, "x"]


def test_what_binds_write_is_read():
    found = bulk("(1.5::DOUBLE, true), ('2026-01-01'::DATE, false)", 1)

    assert found is None  # too short
    assert bulk("('2026-01-01'::DATE, true)").table["C1"][0].as_py() is True


@pytest.mark.parametrize(
    "values",
    [
        "(1, 'a'), ('b', 2)",  # kinds differ within a column
        "(1, upper('a'))",
        "(1, 2 + 3)",
        "(1, default)",
        "(1, -'a')",
        "(1), (1, 2)",
        "(1, 'a'::VARIANT)",
        "(1, (2)",
    ],
)
def test_what_is_no_constant_is_left_to_the_parser(values):
    assert bulk(values) is None


def test_a_query_is_left_to_the_parser():
    text = "insert into t select * from values " + ", ".join(["(1, 2)"] * FEWEST_TOKENS)

    assert read(text, tokenize(text)) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_texts_come_out_as_they_went_in(texts):
    row = "(" + ", ".join(quote(text) for text in texts) + ")"
    text = "insert into t values " + ", ".join([row] * FEWEST_TOKENS)
    found = read(text, tokenize(text))

    assert found is not None
    assert [column[0].as_py() for column in found.table.columns] == texts


def test_splitting_a_long_statement_takes_time_in_proportion():
    """It was quadratic: 1,000 rows of 60 columns took ten minutes."""
    text = "select 1; insert into t values " + ", ".join(["(1, 2, 3)"] * 20_000)
    started = time.perf_counter()

    assert len(split(text)) == 2
    assert time.perf_counter() - started < 20
