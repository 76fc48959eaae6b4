"""SELECT .. INTO in a scripting block."""

from __future__ import annotations

import pytest

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.emulator.faults import SnowflakeError


@pytest.fixture(scope="module")
def run():
    with Emulator() as emulator:
        session = emulator.account.internal_session(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
        yield lambda sql: emulator.account.run(session, sql).scalar()


def _block(select):
    return f"declare a int; b varchar; begin {select}; return a || '-' || b; end"


def test_the_row_is_put_into_the_variables(run):
    assert run(_block("select 1, 'x' into :a, :b")) == "1-x"
    assert run(_block("with t as (select 2 as n) select n, 'y' into :a, :b from t")) == "2-y"


def test_without_a_row_the_variables_are_null(run):
    assert run(_block("select 1, 'x' into :a, :b where false")) is None


def test_more_rows_than_one_and_unknown_variables_are_refused(run):
    with pytest.raises(SnowflakeError, match="exactly 1 returned row, but got 2"):
        run(_block("select column1, 'x' into :a, :b from values (1), (2)"))
    with pytest.raises(SnowflakeError, match="not declared"):
        run(_block("select 1 into :c"))
