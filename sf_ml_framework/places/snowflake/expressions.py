"""What a node returned lazily, as SQL that the account computes by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sf_ml_framework.places.snowflake.column_checks import refuse_lost
from sf_ml_framework.places.snowflake.column_types import lazy_table
from sf_ml_framework.places.snowflake.names import Names, account_columns
from sf_ml_framework.values.columns import StoredColumn, arrow_schema
from sf_ml_framework.values.streams import kind_of

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account


class Expressions:
    """Hands out tables of the account as Ibis tables, and compiles what was made of them.

    Args:
        account: the connection; when it signs in again, it has another Ibis backend.
        names: where the tables stand.
    """

    def __init__(self, account: Account, names: Names) -> None:
        self._account = account
        self._names = names
        self._backends: list[Any] = []

    def table(self, name: str, columns: Sequence[StoredColumn]) -> Any:
        """Return a table or view as an Ibis table, with our names and the promised types."""
        return lazy_table(self._backend(), self._names, name, columns)

    def of(self, value: Any) -> Any:
        """Return *value* as an Ibis table that the account can compute alone; none otherwise.

        It must stand on tables of this account alone: what stands in this process's memory, or in
        another database, has to be brought there.
        """
        if kind_of(value) != "ibis":
            return None
        import ibis.expr.operations as ops

        table = value.as_table()
        sources, _ = table._find_backends()
        self._backend()
        ours = all(any(source is each for each in self._backends) for source in sources)
        if not sources or not ours:
            return None
        return None if table.op().find(ops.InMemoryTable) else table

    def query(self, table: Any, columns: Sequence[StoredColumn], what: str) -> str:
        """Return the SQL of *table* with the types and the names that the account is to have."""
        return str(self._backend().compile(_promised(table, columns, what)))

    def refuse_lost(self, table: Any, types: Mapping[str, str], *, what: str, remedy: str) -> None:
        """Say whether the types of the catalog hold every value of *table* unchanged.

        Raises:
            DataError: they do not.
        """

        def ask(sums: dict[str, Any]) -> dict[str, Any]:
            query = self._backend().compile(table.aggregate(**sums).rename(str.upper))
            return self._account.rows(str(query))[0]

        refuse_lost(ask, table, dict(types), what=what, remedy=remedy)

    def batches(self, table: Any, keys: Sequence[str], rows: int) -> tuple[Any, Iterator[Any]]:
        """Return the Arrow schema of an Ibis table, and its batches as its own database computes.

        Rows have no order of their own in an account, so none is given to them.
        """
        table = table.as_table()
        sources, _ = table._find_backends()
        stream = _reader(sources[0] if sources else _default(), table, rows)
        return stream.schema, iter(stream)

    def _backend(self) -> Any:
        """Return the backend of the open session, and remember it as ours."""
        backend = self._account.ibis()
        if not any(backend is each for each in self._backends):
            self._backends.append(backend)
        return backend


def _promised(table: Any, columns: Sequence[StoredColumn], what: str) -> Any:
    from ibis import Schema

    wanted = Schema.from_pyarrow(arrow_schema(columns))
    theirs = account_columns([each.name for each in columns], what)
    given = table.schema()
    return table.select(
        **{
            theirs[name]: table[name]
            if given[name].copy(nullable=True) == wanted[name].copy(nullable=True)
            else table[name].cast(wanted[name])
            for name in wanted
        }
    )


def _default() -> Any:
    import ibis

    # Ibis would keep one of its own until the process ends, and DuckDB complain of it then.
    return ibis.options.default_backend or ibis.duckdb.connect()


def _reader(source: Any, table: Any, rows: int) -> Any:
    if source.name == "duckdb":
        # Ibis 12 asks DuckDB 2 for a method that it has no more.
        import pyarrow as pa

        found = source._to_duckdb_relation(table).to_arrow_reader(rows)
        schema = table.schema().to_pyarrow()
        return pa.RecordBatchReader.from_batches(schema, (each.cast(schema) for each in found))
    return source.to_pyarrow_batches(table, chunk_size=rows)
