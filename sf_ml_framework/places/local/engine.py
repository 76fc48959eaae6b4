"""The one DuckDB of a place, as an Ibis backend.

This module imports Ibis; only ``lazy.py`` imports it, when the first lazy table is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import duckdb
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

_SUMS = (
    ops.Sum,
    ops.Mean,
    ops.Variance,
    ops.StandardDev,
    ops.Kurtosis,
)
_OF_PAIRS = (ops.Correlation, ops.Covariance)
_FIRST_COME = (
    ops.First,
    ops.Last,
    ops.ArrayCollect,
    ops.GroupConcat,
    ops.Arbitrary,
    ops.ArgMin,
    ops.ArgMax,
    ops.Mode,
    ops.ApproxMedian,
    ops.ApproxQuantile,
    ops.ApproxMultiQuantile,
)
_MIXING = (
    ops.JoinChain,
    ops.Aggregate,
    ops.Distinct,
    ops.Set,
    ops.WindowFunction,
    ops.Sample,
    ops.TableUnnest,
    ops.SQLQueryResult,
    ops.SQLStringView,
)
"""Operations after which DuckDB promises no order of rows."""

_ROW_BY_ROW = (
    ops.Project,
    ops.Filter,
    ops.Limit,
    ops.DropColumns,
    ops.FillNull,
    ops.DropNull,
    ops.Reference,
)
_BEYOND_ROWS = (ops.WindowFunction, ops.Subquery)


class OrderedDuckDB(Backend):  # type: ignore[misc]
    """DuckDB that gives the same numbers each time.

    Several threads add up floats in the order in which they happen to finish, and so differ in
    the last bit from run to run, which would look like changed data. Expressions whose result
    depends on the order of the rows run on one thread, all others on every one.
    """

    threads: int = 1
    _threads_now: int = 0

    def execute(self, expr: ir.Expr, /, **options: Any) -> Any:
        """Run *expr* and return it as pandas does."""
        self._set_threads(expr)
        return super().execute(expr, **options)

    def to_pyarrow(self, expr: ir.Expr, /, **options: Any) -> Any:
        """Run *expr* and return it as an Arrow table."""
        self._set_threads(expr)
        return super().to_pyarrow(expr, **options)

    def to_pyarrow_batches(
        self, expr: ir.Expr, /, *, chunk_size: int = 1_000_000, **options: Any
    ) -> Any:
        """Run *expr* and return it as a stream of Arrow batches.

        Ibis 12 asks DuckDB 2 for a method that it has no more. DuckDB runs nothing else until
        the stream is read to its end or closed.
        """
        import pyarrow as pa

        schema, batches = self.batches(expr.as_table(), chunk_size, **options)
        return pa.RecordBatchReader.from_batches(schema, batches)

    def batches(self, table: ir.Table, rows: int, **options: Any) -> tuple[Any, Iterator[Any]]:
        """Return the Arrow schema of *table*, and its batches as they are computed."""
        schema = table.schema().to_pyarrow()

        def start() -> Any:
            self._set_threads(table)
            return self._to_duckdb_relation(table, **options).to_arrow_reader(rows)

        return schema, _streamed(start, schema)

    def _set_threads(self, expr: ir.Expr) -> None:
        wanted = 1 if depends_on_order(expr) else self.threads
        # DuckDB is not asked for its own: the answer would have to be fetched to its end first.
        if self._threads_now != wanted:
            self.settings["threads"] = wanted
            self._threads_now = wanted


def connect(config: Mapping[str, Any], threads: int) -> OrderedDuckDB:
    """Return a DuckDB in memory; *threads* are for what does not depend on the order of rows."""
    connection = duckdb.connect(
        config={**config, "threads": threads, "preserve_insertion_order": True}
    )
    # So much of a result is computed ahead while what came before is written.
    connection.execute("SET streaming_buffer_size = '64MB'")
    backend: OrderedDuckDB = OrderedDuckDB.from_connection(connection)
    backend.threads = backend._threads_now = threads
    return backend


def depends_on_order(expr: ir.Expr) -> bool:
    """Return whether the values of *expr* depend on the order in which rows are worked on."""
    node = expr.op()
    if any(each.arg.dtype.is_floating() for each in node.find(_SUMS)):
        return True
    if node.find((*_OF_PAIRS, *_FIRST_COME)):
        return True
    cuts = [each for each in node.find((ops.Limit, ops.Sort)) if each is not node]
    cuts += [node] if isinstance(node, ops.Limit) else []
    # Which of several equal rows such a cut keeps, or puts first, is open.
    return any(each.find((*_MIXING, ops.Sort)) for each in cuts)


def in_one_order(table: ir.Table, keys: Sequence[str]) -> ir.Table:
    """Return *table* in an order that does not depend on how it is computed.

    Projections and filters keep the order of their input and need nothing. An author's own order
    stays, and rows that are equal in it are ordered by all columns; every other table is ordered
    by *keys*, as far as it has them, and then by all columns.
    """
    node = table.op()
    if isinstance(node, ops.Sort):
        parent = node.parent
        rest = (ops.SortKey(ops.Field(parent, name)) for name in parent.schema.names)
        return ops.Sort(parent, (*node.keys, *rest)).to_expr()
    if _keeps_an_order(node):
        return table
    first = [name for name in keys if name in table.columns]
    return table.order_by([*first, *(name for name in table.columns if name not in first)])


def _keeps_an_order(node: ops.Relation) -> bool:
    """Return whether the rows of *node* stand as in a file, or as an author ordered them."""
    while isinstance(node, _ROW_BY_ROW):
        values = [each for each in node.__children__ if isinstance(each, ops.Value)]
        if any(value.find(_BEYOND_ROWS, filter=ops.Value) for value in values):
            return False
        node = node.parent
    return isinstance(node, (ops.Sort, ops.DatabaseTable, ops.InMemoryTable))


def batches_of(table: ir.Table, engine: OrderedDuckDB, rows: int) -> tuple[Any, Iterator[Any]]:
    """Return the Arrow schema of *table*, and its batches as its own database computes them."""
    sources, _ = table._find_backends()
    source = sources[0] if sources else engine
    if isinstance(source, OrderedDuckDB):
        return source.batches(table, rows)
    if isinstance(source, Backend):
        # As above, for a DuckDB that an author opened.
        schema = table.schema().to_pyarrow()
        relation = source._to_duckdb_relation(table)
        return schema, _streamed(lambda: relation.to_arrow_reader(rows), schema)
    stream = source.to_pyarrow_batches(table, chunk_size=rows)
    return stream.schema, iter(stream)


def _streamed(start: Callable[[], Any], schema: Any) -> Iterator[Any]:
    """Yield what DuckDB computes with the types that Ibis promises; its own are wider at times.

    It is started by the first batch that is asked for, since it then holds the database.
    """
    import pyarrow as pa

    with closing(start()) as reader:
        for batch in reader:
            if batch.schema.equals(schema):
                yield batch
            else:
                arrays = [
                    array.cast(kind)
                    for array, kind in zip(batch.columns, schema.types, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
