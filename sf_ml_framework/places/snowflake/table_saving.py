"""From what a node returns to a version of a table in the account."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from sf_ml_framework.errors import PlatformError
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.snowflake.column_checks import Content, TableCheck
from sf_ml_framework.places.snowflake.drafts import REMEDY, Draft, columns_of
from sf_ml_framework.places.snowflake.expressions import Expressions
from sf_ml_framework.places.snowflake.feature_store import FeatureViews
from sf_ml_framework.places.snowflake.ledger import Entry, Ledger, Signature
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.table_facts import facts_of
from sf_ml_framework.places.snowflake.tables import Tables
from sf_ml_framework.run.clock import now
from sf_ml_framework.values.columns import StoredColumn, digest_of_checks
from sf_ml_framework.values.conform import Conform
from sf_ml_framework.values.streams import stream_of

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account
    from sf_ml_framework.run.records import Saved


class TableWriter:
    """Writes tables whole or not at all, checked before they are seen.

    Args:
        account: the connection.
        names: where they go.
        ledger: is told of each.
        tables: reads what is to be read again.
        expressions: compiles what a node returned lazily.
        views: shows tables with an entity.
    """

    def __init__(
        self,
        *,
        account: Account,
        names: Names,
        ledger: Ledger,
        tables: Tables,
        expressions: Expressions,
        views: FeatureViews,
    ) -> None:
        self._account = account
        self._names = names
        self._ledger = ledger
        self._tables = tables
        self._expressions = expressions
        self._views = views

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Saved:
        """Write *value*, or let the account compute it, and return what is known of it then.

        Raises:
            DataError: it is not what the catalog promises, or a feature view of that version is
                defined otherwise; what stood there stands.
        """
        what = self._names.what(dataset, version)
        expression = self._expressions.of(value)
        if expression is None:
            return self._uploaded(dataset, version, value, what)
        columns = self._columns(dataset, expression, what)
        query = self._expressions.query(expression, columns, what)
        if dataset.entity and dataset.refresh_freq:
            return self._managed(dataset, version, query, columns)
        with Draft(self._account, self._names, what) as draft:
            draft.compute(query, columns)
            return self._finished(dataset, version, draft)

    def _columns(
        self, dataset: DatasetSpec, expression: Any, what: str
    ) -> tuple[StoredColumn, ...]:
        """Return the columns that *expression* will have, when the catalog allows them."""
        schema = expression.schema().to_pyarrow()
        conform = Conform(dataset, schema, what=what, remedy=REMEDY)
        self._expressions.refuse_lost(expression, conform.types, what=what, remedy=REMEDY)
        return columns_of(dataset, conform.types, {})

    def _uploaded(self, dataset: DatasetSpec, version: str, value: Any, what: str) -> Saved:
        keys = (*dataset.join_keys, *filter(None, (dataset.timestamp_column,)))
        stream = stream_of(value, self._expressions, keys, what)
        with closing(stream), Draft(self._account, self._names, what) as draft:
            conform = Conform(dataset, stream.schema, what=what, remedy=REMEDY)
            columns = columns_of(dataset, conform.types, stream.categories)
            draft.fill(stream, conform, columns)
            return self._finished(dataset, version, draft)

    def _finished(self, dataset: DatasetSpec, version: str, draft: Draft) -> Saved:
        """Check what was drafted, put it in its place, and show it."""
        content = draft.content(dataset)
        table = self._names.table(dataset, version)
        if not dataset.entity:
            draft.replace(table, dataset.description)
            return self._told(dataset, version, table, draft.columns, content)
        body = self._views.body(table, draft.columns)
        # Before anything is replaced: the old version of another definition stays whole.
        standing = self._views.standing(dataset, version, body)
        draft.replace(table, dataset.description)
        self._views.show(dataset, version, body, standing)
        return self._told(dataset, version, table, draft.columns, content)

    def _managed(
        self, dataset: DatasetSpec, version: str, query: str, columns: tuple[StoredColumn, ...]
    ) -> Saved:
        """Let a dynamic table keep computing *query*."""
        what = self._names.what(dataset, version)
        standing = self._views.standing(dataset, version, query)
        # What breaks the catalog is refused before it is there for everybody.
        check = TableCheck(self._account, f"({query})", columns, dataset.columns, what)
        check.content(remedy=REMEDY)
        self._views.show(dataset, version, query, standing)
        name = self._names.version(dataset, version)
        facts = facts_of(self._account, self._names, [name])[name]
        content = self._tables.content(dataset, name, facts, columns)
        return self._told(dataset, version, name, columns, content)

    def _told(
        self,
        dataset: DatasetSpec,
        version: str,
        table: str,
        columns: tuple[StoredColumn, ...],
        content: Content,
    ) -> Saved:
        """Write down what stands now."""
        found = facts_of(self._account, self._names, [table])
        if table not in found:
            raise PlatformError(f"table {self._names.shown(table)} was written, and is not there")
        facts = found[table]
        entry = Entry(
            dataset=dataset.name,
            version=version,
            kind="table",
            content=content.digest,
            row_count=content.rows,
            bytes=facts.bytes,
            location=self._names.shown(self._names.version(dataset, version)),
            saved_at=now(),
            signature=Signature(
                object=table,
                created=facts.created,
                altered=facts.altered,
                columns=columns,
                checks=digest_of_checks(dataset.columns),
            ),
        )
        self._ledger.put(entry)
        return entry.saved
