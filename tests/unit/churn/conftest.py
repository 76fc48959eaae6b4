"""Customers for the tests of steps 1 to 4, and a DuckDB to put them into."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from src.nodes.node_01_generate_data import generate_sample_data


@pytest.fixture(scope="session")
def generated() -> pd.DataFrame:
    """20,000 raw customers; tests must not change them."""
    return generate_sample_data(num_customers=20_000, seed=7).read_pandas()


@pytest.fixture(scope="session")
def table_of() -> Callable[[pd.DataFrame | pa.Table], ibis.Table]:
    """Gives a frame to a DuckDB and returns the table; what pandas calls missing is null."""
    engine = ibis.duckdb.connect()
    numbers = count(1)

    def put(data: pd.DataFrame | pa.Table) -> ibis.Table:
        name = f"customers_{next(numbers)}"
        if isinstance(data, pd.DataFrame):
            data = pa.Table.from_pandas(data, preserve_index=False)
        engine.con.register(name, data)
        return engine.table(name)

    return put
