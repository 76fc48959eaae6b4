"""From a file of a table to what a node asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec, Frame
from sf_ml_framework.places.local.artifacts import Artifact, Artifacts
from sf_ml_framework.places.local.csv_files import (
    header_of,
    inferred,
    read_csv,
    stream_csv,
)
from sf_ml_framework.places.local.kept import KeptTables
from sf_ml_framework.places.local.lazy import LazyTables
from sf_ml_framework.places.local.parquet_files import (
    ParquetWriter,
    read_parquet,
    schema_of,
    stream_parquet,
)
from sf_ml_framework.places.local.scratch import Scratch
from sf_ml_framework.places.local.seen import SeenFiles
from sf_ml_framework.places.local.writing import told
from sf_ml_framework.values.checks import ColumnChecks
from sf_ml_framework.values.columns import StoredColumn, arrow_schema, declared, digest_of_checks
from sf_ml_framework.values.conform import Conform, refuse_names
from sf_ml_framework.values.frames import to_pandas, to_polars, with_categories

_REMEDY = "mend the file, or the columns in the catalog"

Columns = Sequence[StoredColumn]


class TableReader:
    """Reads tables, and checks those that were not checked when they were written.

    Args:
        artifacts: finds them.
        seen: remembers which files without a sidecar were checked.
        lazy: hands out Ibis tables.
        kept: tables of this process that need not be read again.
        scratch: where large files of CSV stand as Parquet for as long as the place is open.
    """

    def __init__(
        self,
        *,
        artifacts: Artifacts,
        seen: SeenFiles,
        lazy: LazyTables,
        kept: KeptTables,
        scratch: Scratch,
    ) -> None:
        self._artifacts = artifacts
        self._seen = seen
        self._lazy = lazy
        self._kept = kept
        self._scratch = scratch

    def load(self, dataset: DatasetSpec, version: str, frame: Frame) -> Any:
        """Return the table at *version* as *frame* says.

        Raises:
            DataError: it is absent, cut, of another shape, or breaks a check of its columns.
        """
        artifact = self._artifacts.open(dataset, version)
        columns = _columns(dataset, artifact)
        match frame:
            case "ibis":
                return self._lazily(dataset, artifact, columns)
            case "arrow_batches":
                return self._batches(dataset, artifact, columns)
            case "arrow":
                return with_categories(self._table(dataset, artifact, columns), columns)
            case "pandas" | "any":
                return to_pandas(self._table(dataset, artifact, columns), columns)
            case "polars":
                table = self._table(dataset, artifact, columns)
                return to_polars(table, columns, artifact.what)
        raise DataError(
            f"{artifact.what} is a table, and cannot be given as a {frame}",
            remedy="annotate the argument as ibis.Table, pandas.DataFrame, polars.DataFrame, "
            "pyarrow.Table or pyarrow.RecordBatchReader",
        )

    def _table(self, dataset: DatasetSpec, artifact: Artifact, columns: Columns) -> Any:
        """Return the whole table in memory; categories are texts."""
        import pyarrow as pa

        table = self._kept.get(artifact.path, artifact.content)
        if table is None:
            if _is_csv(artifact):
                table = read_csv(
                    artifact.path, columns, artifact.what, breaks=_has_breaks(artifact)
                )
                table = table.select([each.name for each in columns])
                # Parquet is read about as fast as it is copied.
                self._kept.put(artifact.path, artifact.content, table)
            else:
                table = read_parquet(artifact.path, artifact.what)
                conform = _conform(dataset, artifact, table.schema)
                if not table.schema.equals(conform.schema):
                    batches = [conform.batch(batch) for batch in table.to_batches()]
                    table = pa.Table.from_batches(batches, conform.schema)
        if not self._passed(dataset, artifact):
            checks = ColumnChecks(dataset.columns, what=artifact.what)
            checks.update(table)
            checks.finish(remedy=_REMEDY)
            self._remember(dataset, artifact)
        return table

    def _lazily(self, dataset: DatasetSpec, artifact: Artifact, columns: Columns) -> Any:
        name = f"{artifact.dataset}@{artifact.version}"
        if not _is_csv(artifact):
            self._check(dataset, artifact, columns)
            table = self._lazy.of_parquet(artifact.path, columns, name)
            return table if artifact.sidecar else _as_promised(table, columns)
        is_small = artifact.path.stat().st_size <= self._kept.most_bytes
        if is_small or self._kept.get(artifact.path, artifact.content) is not None:
            table = self._table(dataset, artifact, columns)
            return self._lazy.of_arrow(table, columns, name)
        spooled = self._spooled(dataset, artifact, columns)
        return self._lazy.of_parquet(spooled, columns, name)

    def _spooled(self, dataset: DatasetSpec, artifact: Artifact, columns: Columns) -> Path:
        """Return a large file of CSV as Parquet: a lazy table is read again at each use."""
        path = self._scratch.folder / f"{artifact.content[:32]}.parquet"
        if path.exists():
            self._check(dataset, artifact, columns)
            return path
        checks = ColumnChecks(dataset.columns, what=artifact.what)
        unfinished = path.with_suffix(".part")
        with told(str(path)), unfinished.open("wb") as stream:
            writer = ParquetWriter(stream, arrow_schema(columns))
            try:
                for batch in _stream(dataset, artifact, columns):
                    checks.update(batch)
                    writer.write(batch)
                writer.close()
            except BaseException:
                writer.abandon()
                raise
        checks.finish(remedy=_REMEDY)
        self._remember(dataset, artifact)
        return unfinished.rename(path)

    def _batches(self, dataset: DatasetSpec, artifact: Artifact, columns: Columns) -> Any:
        import pyarrow as pa

        table = self._kept.get(artifact.path, artifact.content)
        self._check(dataset, artifact, columns)
        if table is not None:
            return table.to_reader()
        schema = arrow_schema(columns)
        return pa.RecordBatchReader.from_batches(schema, _stream(dataset, artifact, columns))

    def _check(self, dataset: DatasetSpec, artifact: Artifact, columns: Columns) -> None:
        """Read the file once from end to end, unless that was done."""
        if self._passed(dataset, artifact):
            return
        checks = ColumnChecks(dataset.columns, what=artifact.what)
        # A file of our own has the types that its sidecar tells; of others, every value counts.
        names = checks.names if artifact.sidecar else None
        for batch in _stream(dataset, artifact, columns, names):
            checks.update(batch)
        checks.finish(remedy=_REMEDY)
        self._remember(dataset, artifact)

    def _passed(self, dataset: DatasetSpec, artifact: Artifact) -> bool:
        digest = digest_of_checks(dataset.columns)
        if artifact.sidecar:
            return digest in ("", artifact.sidecar.checks)
        return self._seen.passed(artifact.path, _token(artifact, digest))

    def _remember(self, dataset: DatasetSpec, artifact: Artifact) -> None:
        if not artifact.sidecar:
            token = _token(artifact, digest_of_checks(dataset.columns))
            self._seen.remember_passed(artifact.path, token)


def _token(artifact: Artifact, digest: str) -> str:
    # The content stands for the types that were asked of the file, too.
    return f"{artifact.content[:32]}{digest}"


def _is_csv(artifact: Artifact) -> bool:
    return artifact.path.suffix.lower() == ".csv"


def _has_breaks(artifact: Artifact) -> bool:
    return artifact.sidecar is None or artifact.sidecar.breaks


def _columns(dataset: DatasetSpec, artifact: Artifact) -> Columns:
    """Return the columns of the file, in the order in which a node gets them."""
    if artifact.sidecar:
        return artifact.sidecar.columns
    if not _is_csv(artifact):
        schema = schema_of(artifact.path, artifact.what)
        types = _conform(dataset, artifact, schema).types
        named = {each.name: each for each in declared(dataset.columns)}
        return [named.get(name, StoredColumn(name, kind)) for name, kind in types.items()]
    try:
        header = header_of(artifact.path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{artifact.what} cannot be read: {error}", remedy="put a text in UTF-8 there"
        ) from error
    if len(header) == 1 and len(dataset.columns) > 1 and any(each in header[0] for each in ";\t|"):
        raise DataError(
            f"{artifact.what} has no commas in its first line", remedy="separate values by commas"
        )
    wanted = [each.name for each in dataset.columns] or header
    refuse_names(header, wanted, what=artifact.what, remedy=_REMEDY)
    return declared(dataset.columns) or inferred(artifact.path, artifact.what)


def _conform(dataset: DatasetSpec, artifact: Artifact, schema: Any) -> Conform:
    return Conform(dataset, schema, what=artifact.what, remedy=_REMEDY)


def _stream(
    dataset: DatasetSpec,
    artifact: Artifact,
    columns: Columns,
    names: Sequence[str] | None = None,
) -> Iterator[Any]:
    """Yield batches with the columns *names*, or all, of the types that are promised."""
    if _is_csv(artifact):
        wanted = [each for each in columns if names is None or each.name in names]
        breaks = _has_breaks(artifact)
        yield from stream_csv(artifact.path, wanted, artifact.what, breaks=breaks)
    elif names is not None:
        yield from stream_parquet(artifact.path, artifact.what, names)
    else:
        conform = _conform(dataset, artifact, schema_of(artifact.path, artifact.what))
        for batch in stream_parquet(artifact.path, artifact.what):
            yield conform.batch(batch)


def _as_promised(table: Any, columns: Columns) -> Any:
    """Return an Ibis table of a file that is not ours with the types that are promised."""
    import ibis

    wanted = ibis.Schema.from_pyarrow(arrow_schema(columns))
    stands = table.schema()
    differing = {each: wanted[each] for each in wanted if wanted[each] != stands[each]}
    return table.cast(differing) if differing else table
