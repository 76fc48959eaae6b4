"""Which values stand more than once in a column, found in little memory.

Arrow's own kernels build a table of hundreds of bytes for each distinct value; a key of ten
million customers would take more memory than all that is written of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

FEW = 200_000
"""So many values may be counted with Arrow's table."""


def repeated(arrays: Sequence[Any], examples: int) -> tuple[int, list[Any]]:
    """Return how many values stand more than once in *arrays* together, and some of them.

    Nulls are never repeated.
    """
    import pyarrow as pa

    chunks = [chunk for each in arrays for chunk in getattr(each, "chunks", [each])]
    whole = pa.chunked_array(chunks, chunks[0].type if chunks else pa.null())
    if whole.null_count:
        whole = whole.drop_null()
    if _ascends(whole.chunks):
        return 0, []
    if len(whole) > FEW:
        whole = _suspects(whole)
    return _counted(whole, examples)


def _ascends(chunks: Sequence[Any]) -> bool:
    """Return whether every value is greater than the one before it, as keys often are."""
    import pyarrow.compute as pc

    last = None
    for chunk in chunks:
        if len(chunk) == 0:
            continue
        if last is not None and not pc.greater(chunk[0], last).as_py():
            return False
        steps = pc.greater(chunk.slice(1), chunk.slice(0, len(chunk) - 1))
        if not pc.all(steps, min_count=0).as_py():
            return False
        last = chunk[len(chunk) - 1]
    return True


def _counted(values: Any, examples: int) -> tuple[int, list[Any]]:
    import pyarrow.compute as pc

    counts = pc.value_counts(values)
    many = counts.filter(pc.greater(counts.field("counts"), 1))
    return len(many), many.field("values").slice(0, examples).to_pylist()


def _suspects(values: Any) -> Any:
    """Return the values whose hash stands more than once: every repeated one, and few others."""
    import numpy as np
    import pyarrow as pa

    hashes = _hashes(values)
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return values.slice(0, 0)
    places = np.searchsorted(twice, hashes)
    return values.filter(pa.array(twice[np.minimum(places, len(twice) - 1)] == hashes))


def _hashes(values: Any) -> Any:
    """Return a number of 64 bits for each value, the same for equal ones."""
    import pyarrow as pa

    if pa.types.is_integer(values.type):
        return values.to_numpy()
    import duckdb

    with duckdb.connect() as connection:
        connection.register("t", pa.table({"v": values}))
        return connection.sql("SELECT hash(v) AS h FROM t").to_arrow_table()["h"].to_numpy()
