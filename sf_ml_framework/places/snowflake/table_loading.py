"""From a version of a table in the account to what a node asks for.

An account keeps no order of rows. Frames are given in the order of the join keys, the timestamp and
then all other columns, so that equal tables are equal frames; a lazy table has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.manifest.model import DatasetSpec, Frame
from sf_ml_framework.places.snowflake.expressions import Expressions
from sf_ml_framework.places.snowflake.names import Names, account_column
from sf_ml_framework.places.snowflake.tables import Standing
from sf_ml_framework.values.columns import arrow_schema
from sf_ml_framework.values.conform import cast
from sf_ml_framework.values.frames import to_pandas, to_polars, with_categories

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account


class TableReader:
    """Reads tables.

    Args:
        account: the connection.
        names: where they stand.
        expressions: hands out lazy ones.
    """

    def __init__(self, account: Account, names: Names, expressions: Expressions) -> None:
        self._account = account
        self._names = names
        self._expressions = expressions

    def load(self, dataset: DatasetSpec, standing: Standing, frame: Frame) -> Any:
        """Return the version of *dataset* that stands as *frame* says.

        Raises:
            DataError: a value is none of its column's type, or no table can be a *frame*.
        """
        match frame:
            case "ibis":
                return self._expressions.table(standing.name, standing.columns)
            case "arrow_batches":
                return self._batches(dataset, standing)
            case "arrow":
                return with_categories(self._table(dataset, standing), standing.columns)
            case "pandas" | "any":
                return to_pandas(self._table(dataset, standing), standing.columns)
            case "polars":
                table = self._table(dataset, standing)
                return to_polars(table, standing.columns, standing.what)
        raise DataError(
            f"{standing.what} is a table, and cannot be given as a {frame}",
            remedy="annotate the argument as ibis.Table, pandas.DataFrame, polars.DataFrame, "
            "pyarrow.Table or pyarrow.RecordBatchReader",
        )

    def _table(self, dataset: DatasetSpec, standing: Standing) -> Any:
        """Return the whole table in memory; categories are texts."""
        import pyarrow as pa

        batches = list(self._fetched(dataset, standing))
        return pa.Table.from_batches(batches, arrow_schema(standing.columns))

    def _batches(self, dataset: DatasetSpec, standing: Standing) -> Any:
        import pyarrow as pa

        schema = arrow_schema(standing.columns)
        return pa.RecordBatchReader.from_batches(schema, self._fetched(dataset, standing))

    def _fetched(self, dataset: DatasetSpec, standing: Standing) -> Iterator[Any]:
        """Yield the rows as they arrive, with the types that are promised."""
        schema = arrow_schema(standing.columns)
        with (
            self._account.translating(f"read {standing.what}"),
            self._account.connection.cursor() as cursor,
        ):
            cursor.execute(self._query(dataset, standing))
            if cursor.rowcount == 0:
                # The connector makes no batch of nothing, and can fail over it.
                return
            for part in cursor.fetch_arrow_batches():
                for batch in part.to_batches():
                    yield _typed(batch, schema, standing)

    def _query(self, dataset: DatasetSpec, standing: Standing) -> str:
        names = [each.name for each in standing.columns]
        keys = (*dataset.join_keys, *filter(None, (dataset.timestamp_column,)))
        first = [name for name in keys if name in names]
        order = [*first, *(name for name in names if name not in first)]
        listed, sorted_by = (
            ", ".join(quoted(account_column(name)) for name in each) for each in (names, order)
        )
        return f"SELECT {listed} FROM {self._names.sql(standing.name)} ORDER BY {sorted_by}"


def _typed(batch: Any, schema: Any, standing: Standing) -> Any:
    """Return *batch* with our names and types: the account's have the width of their values."""
    import pyarrow as pa

    try:
        arrays = [
            cast(array, column.type)
            for array, column in zip(batch.columns, standing.columns, strict=True)
        ]
    except pa.ArrowException as error:
        raise DataError(
            f"{standing.what}: a value is not what its column promises: {error}",
            remedy="mend the table, or the columns in the catalog",
        ) from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
