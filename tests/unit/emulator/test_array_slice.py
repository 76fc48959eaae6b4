"""ARRAY_SLICE of arrays, which the engine keeps as JSON."""

from __future__ import annotations

import json

import pytest

from sf_ml_framework.emulator import Emulator


@pytest.fixture(scope="module")
def run():
    with Emulator() as emulator:
        session = emulator.account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
        emulator.account.run(session, "create database d")
        yield lambda sql: emulator.account.run(session, sql).scalar()


@pytest.mark.parametrize(
    ("places", "wanted"),
    [
        ("0, 2", [10, 20]),
        ("1, 9", [20, 30]),
        ("-2, -1", [20]),
        ("-2, 9", [20, 30]),
        ("0, 0", []),
        ("0, -1", [10, 20]),
        ("2, 1", []),
    ],
)
def test_a_slice_is_cut_as_snowflake_cuts_it(run, places, wanted):
    found = run(f"select array_slice(array_construct(10, 20, 30), {places})")

    assert json.loads(found) == wanted


def test_a_slice_of_an_aggregate_is_an_array_again(run):
    assert (
        run(
            "select f.value::int from (select array_slice(array_agg(column1) within group "
            "(order by column1 desc), 0, 1) as x from values (1), (5), (3)) t, "
            "lateral flatten(input => t.x) f"
        )
        == 5
    )
    assert run("select array_slice(null, 0, 1)") is None
