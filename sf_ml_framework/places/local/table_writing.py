"""From what a node returns to a file of a table."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.local.artifacts import Artifacts
from sf_ml_framework.places.local.csv_files import CsvWriter
from sf_ml_framework.places.local.kept import Gathering, KeptTables
from sf_ml_framework.places.local.layout import Layout
from sf_ml_framework.places.local.lazy import LazyTables
from sf_ml_framework.places.local.parquet_files import ParquetWriter
from sf_ml_framework.places.local.sidecar import Sidecar, sidecar_for
from sf_ml_framework.places.local.writing import Draft, HashingFile, draft
from sf_ml_framework.values.checks import ColumnChecks
from sf_ml_framework.values.columns import StoredColumn, declared, digest_of_checks
from sf_ml_framework.values.conform import MOST_CATEGORIES, Conform
from sf_ml_framework.values.streams import Stream, stream_of

_REMEDY = "mend what the node returns, or the columns in the catalog"


class TableWriter:
    """Writes tables batch by batch, checked on the way.

    Args:
        layout: where they go.
        artifacts: names them in messages.
        lazy: computes Ibis tables.
        kept: is given what was written, for the next node of this process.
        threads: how many format CSV at once.
    """

    def __init__(
        self,
        *,
        layout: Layout,
        artifacts: Artifacts,
        lazy: LazyTables,
        kept: KeptTables,
        threads: int,
    ) -> None:
        self._layout = layout
        self._artifacts = artifacts
        self._lazy = lazy
        self._kept = kept
        self._threads = threads

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Sidecar:
        """Write *value* and return what is known of it then.

        Raises:
            DataError: it is not what the catalog promises, or the disk refuses.
        """
        path = self._layout.artifact(dataset, version)
        what = self._artifacts.what(dataset, version, path)
        keys = (*dataset.join_keys, *filter(None, (dataset.timestamp_column,)))
        stream = stream_of(value, self._lazy, keys, what)
        with closing(stream):
            # Parquet is read about as fast as it is copied.
            keeps = self._layout.table_format == "csv"
            passing = _Passing(dataset, stream, what, self._kept.most_bytes if keeps else 0)
            with draft(path, location=self._layout.location(path)) as made:
                with made.open() as sink:
                    breaks = self._write(passing, sink, what)
                passing.checks.finish(remedy=_REMEDY)
                sidecar = passing.sidecar(dataset, version, made, breaks=breaks)
                made.commit(sidecar)
        table = passing.gathering.table()
        if table is not None:
            self._kept.put(path, sidecar.content, table)
        return sidecar

    def _write(self, passing: _Passing, sink: HashingFile, what: str) -> bool:
        """Write everything, and return whether a value holds the end of a line of CSV."""
        schema = passing.conform.schema
        writer = (
            CsvWriter(sink, schema, what=what, threads=self._threads)
            if self._layout.table_format == "csv"
            else ParquetWriter(sink, schema)
        )
        try:
            for batch in passing:
                writer.write(batch)
            writer.close()
        except BaseException:
            writer.abandon()
            raise
        return isinstance(writer, CsvWriter) and writer.has_breaks


class _Passing:
    """A stream on its way to a file: cast, checked, counted and gathered."""

    def __init__(self, dataset: DatasetSpec, stream: Stream, what: str, most_bytes: int) -> None:
        self.conform = Conform(dataset, stream.schema, what=what, remedy=_REMEDY)
        self.checks = ColumnChecks(dataset.columns, what=what)
        self.gathering = Gathering(most_bytes, self.conform.schema, copy=stream.is_shared)
        self._stream = stream
        self._rows = 0
        named = {each.name for each in declared(dataset.columns) if each.categories}
        self._occurring: dict[str, set[str]] = {
            name: set()
            for name, kind in self.conform.types.items()
            if kind == "category" and name not in named and name not in stream.categories
        }

    def __iter__(self) -> Any:
        for batch in self._stream.batches:
            fitting = self.conform.batch(batch)
            self.checks.update(fitting)
            self.gathering.add(fitting)
            self._note_categories(fitting)
            self._rows += fitting.num_rows
            yield fitting

    def sidecar(self, dataset: DatasetSpec, version: str, made: Draft, *, breaks: bool) -> Sidecar:
        return sidecar_for(
            dataset,
            version,
            made.files,
            rows=self._rows,
            columns=self._columns(dataset),
            checks=digest_of_checks(dataset.columns),
            breaks=breaks,
        )

    def _columns(self, dataset: DatasetSpec) -> tuple[StoredColumn, ...]:
        if dataset.columns and not self._stream.categories and not self._occurring:
            return declared(dataset.columns)
        named = {each.name: each for each in declared(dataset.columns)}
        return tuple(self._column(name, kind, named) for name, kind in self.conform.types.items())

    def _column(self, name: str, kind: str, named: dict[str, StoredColumn]) -> StoredColumn:
        if name in named and named[name].categories:
            return named[name]
        if kind != "category":
            return StoredColumn(name, kind)
        if name in self._stream.categories:
            return StoredColumn(name, kind, *self._stream.categories[name])
        occurring = self._occurring.get(name, set())
        return StoredColumn(name, kind, tuple(sorted(occurring)))

    def _note_categories(self, batch: Any) -> None:
        import pyarrow.compute as pc

        for name, occurring in list(self._occurring.items()):
            occurring.update(pc.unique(batch.column(name)).drop_null().to_pylist())
            if len(occurring) > MOST_CATEGORIES:
                del self._occurring[name]
