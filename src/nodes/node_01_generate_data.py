"""Generate customers to learn from: nine features, a snapshot date, and whether they left."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pyarrow

SNAPSHOT_DATE = date(2026, 6, 30)
"""The day on which all customers are seen."""


def generate_sample_data(
    *, num_customers: int = 100_000, seed: int = 42, batch_size: int = 65_536
) -> pyarrow.RecordBatchReader:
    """Generate customers, of whom 12 % leave within the month after the snapshot.

    Rows are made while they are read, so memory does not grow with their number. The customer
    with a given number is the same for every *num_customers* and *batch_size*.

    Args:
        num_customers: how many.
        seed: what makes these customers others than those of another seed.
        batch_size: rows of a batch; the last may be shorter.

    Returns:
        One row per ``customer_id``, which counts from 1. Some values are missing, some are far
        off, some are impossible, as in life.

    Raises:
        ValueError: *num_customers* or *batch_size* is below 1, or *seed* is negative.
    """
    import pyarrow as pa

    for name, value, least in (
        ("num_customers", num_customers, 1),
        ("batch_size", batch_size, 1),
        ("seed", seed, 0),
    ):
        if value < least:
            raise ValueError(f"{name} is {value}; give at least {least}")
    schema = _schema()
    batches = _portions(_blocks(num_customers, seed, schema), batch_size)
    return pa.RecordBatchReader.from_batches(schema, batches)


def _schema() -> pyarrow.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("customer_id", pa.int64(), nullable=False),
            pa.field("snapshot_date", pa.date32(), nullable=False),
            pa.field("age", pa.int32()),
            pa.field("tenure_months", pa.int32()),
            pa.field("contract_type", pa.string()),
            pa.field("monthly_spend", pa.float64()),
            pa.field("total_spend", pa.float64()),
            pa.field("support_tickets", pa.int32()),
            pa.field("monthly_sessions", pa.int32()),
            pa.field("num_products", pa.int32()),
            pa.field("last_active_on", pa.date32()),
            pa.field("churned", pa.int32(), nullable=False),
        ]
    )


def _blocks(num_customers: int, seed: int, schema: pyarrow.Schema) -> Iterator[pyarrow.RecordBatch]:
    from src.population import BLOCK

    for number in range(-(-num_customers // BLOCK)):
        yield _block(number, seed, schema).slice(0, num_customers - number * BLOCK)


def _block(number: int, seed: int, schema: pyarrow.Schema) -> pyarrow.RecordBatch:
    """Return all customers of one block."""
    import numpy as np
    import pyarrow as pa

    from src.customers import CONTRACT_TYPES
    from src.data_entry import flawed
    from src.population import BLOCK, simulate

    values, gaps = flawed(simulate(seed, number), seed, number)
    today = (SNAPSHOT_DATE - date(1970, 1, 1)).days
    first = number * BLOCK + 1
    values |= {
        "customer_id": np.arange(first, first + BLOCK),
        "snapshot_date": np.full(BLOCK, today, dtype="int32"),
        "last_active_on": today - values["days_since_active"],
    }
    contracts = pa.DictionaryArray.from_arrays(
        pa.array(values["contract"], mask=gaps["contract_type"]), list(CONTRACT_TYPES)
    )
    columns = [
        contracts.cast(field.type)
        if field.name == "contract_type"
        else _array(values[field.name], gaps.get(field.name), field.type)
        for field in schema
    ]
    return pa.record_batch(columns, schema=schema)


def _array(values: np.ndarray, gaps: np.ndarray | None, kind: pyarrow.DataType) -> pyarrow.Array:
    import pyarrow as pa

    # A date is stored as its days since 1970, so that no value is converted one by one.
    array = pa.array(values, mask=gaps)
    return array.view(kind) if pa.types.is_date32(kind) else array


def _portions(
    blocks: Iterator[pyarrow.RecordBatch], batch_size: int
) -> Iterator[pyarrow.RecordBatch]:
    """Yield the rows of *blocks*, *batch_size* at a time."""
    import pyarrow as pa

    waiting: list[pyarrow.RecordBatch] = []
    rows = 0
    for block in blocks:
        waiting.append(block)
        rows += block.num_rows
        if rows < batch_size:
            continue
        joined = pa.concat_batches(waiting)
        whole = rows - rows % batch_size
        for start in range(0, whole, batch_size):
            yield joined.slice(start, batch_size)
        rows -= whole
        waiting = [joined.slice(whole)] if rows else []
    if rows:
        yield pa.concat_batches(waiting)


if __name__ == "__main__":
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

    from src.utils.run_node import main

    raise SystemExit(main(["--node", "generate_sample_data"]))
