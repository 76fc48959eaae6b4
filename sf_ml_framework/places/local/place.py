"""A folder of the project as the place of its data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec, Frame
from sf_ml_framework.places.local.artifacts import Artifacts
from sf_ml_framework.places.local.layout import Layout, TableFormat
from sf_ml_framework.places.local.scratch import Scratch
from sf_ml_framework.places.local.seen import SeenFiles
from sf_ml_framework.places.local.sidecar import Sidecar
from sf_ml_framework.run.bindings import looks_like_path
from sf_ml_framework.run.records import Saved

if TYPE_CHECKING:
    from sf_ml_framework.places.local.documents import Documents
    from sf_ml_framework.places.local.kept import KeptTables
    from sf_ml_framework.places.local.lazy import LazyTables
    from sf_ml_framework.places.local.models import Models
    from sf_ml_framework.places.local.reports import Reports
    from sf_ml_framework.places.local.table_reading import TableReader
    from sf_ml_framework.places.local.table_writing import TableWriter
    from sf_ml_framework.run.libraries import Libraries

MOST_KEPT_BYTES = 2**30
"""Most that stays in memory of what was written, for the next node of the process."""


class LocalPlace:
    """Keeps tables, models, documents and reports as files; see ``layout`` for where.

    Implements ``run.ports.Place``. It is used by one thread at a time; several processes may
    use one folder as long as no two write the same version at once. Libraries of data frames are
    imported by the first ``load`` or ``save`` that needs them.

    Args:
        root: the project's folder.
        data: folder of the datasets, relative to *root*.
        format: format in which tables are written and looked for.
        memory_limit: most memory of lazy tables, as in ``4GB``; none is DuckDB's own limit.
        threads: threads for tables; none is one for each processor.
        kept_bytes: most memory for CSV tables that the next node of this process may need; none
            is a sixteenth of the machine's, and at most one GiB.
        producers: name of the node that makes each dataset, for messages.
    """

    def __init__(
        self,
        root: Path,
        *,
        data: str = "data",
        format: TableFormat = "csv",  # noqa: A002 -- the word of the settings
        memory_limit: str | None = None,
        threads: int | None = None,
        kept_bytes: int | None = None,
        producers: Mapping[str, str] | None = None,
    ) -> None:
        self._layout = Layout(root, data, format)
        self._seen = SeenFiles(self._layout.state / "sources.json")
        self._artifacts = Artifacts(self._layout, self._seen, producers or {})
        self._memory_limit = memory_limit or None
        self._threads = threads or _processors()
        self._kept_bytes = _room() if kept_bytes is None else kept_bytes
        self._scratch = Scratch(self._layout.state / "tmp")
        self._lazy: LazyTables | None = None
        self._kept: KeptTables | None = None
        self._libraries: Libraries | None = None

    @property
    def feature_store(self) -> None:
        """None: there is no Feature Store on a laptop."""
        return

    @property
    def model_registry(self) -> None:
        """None: there is no Model Registry on a laptop."""
        return

    def for_node(self, *, run_id: str, node: str, commit: str) -> LocalPlace:
        """Return this place: what is saved here carries no mark of the run."""
        return self

    def resolve(self, dataset: DatasetSpec, version: str) -> str:
        """Return the version that *version* stands for.

        ``current`` is the catalog's, ``latest`` the one that was written last.

        Raises:
            DataError: ``latest`` was asked for and there is none.
        """
        return self._artifacts.resolve(dataset, version)

    def find(self, dataset: DatasetSpec, version: str) -> Saved | None:
        """Return what stands at *version*; none when it is absent or not whole."""
        return self._artifacts.find(dataset, version)

    def why_not_found(self, dataset: DatasetSpec, version: str) -> str:
        """Return ``missing`` or ``damaged`` for what ``find`` does not find, empty else."""
        return self._artifacts.why_not_found(dataset, version)

    def load(self, dataset: DatasetSpec, version: str, *, frame: Frame, dataclass: str = "") -> Any:
        """Return the value at *version*, checked, as *frame* says.

        Raises:
            DataError: it is absent, cut, of another shape, or breaks a check of its columns.
            ModelError: a model is not the one that was saved; nothing was unpickled.
        """
        match dataset.kind:
            case "table":
                return self._reader().load(dataset, version, frame)
            case "model":
                return self._models().load(dataset, version, frame)
            case "document":
                return self._documents().load(dataset, version, frame, dataclass)
            case "report":
                return self._reports().load(dataset, version, frame)
            case _:
                assert_never(dataset.kind)

    def save(self, dataset: DatasetSpec, version: str, value: Any) -> Saved:
        """Check *value* and store it whole; until then the old one stands.

        Raises:
            DataError: *value* is not what the catalog promises, or the disk refuses.
        """
        if dataset.path or looks_like_path(version):
            raise DataError(
                f"dataset {dataset.name!r} at {dataset.path or version} is a file of yours,"
                " and nothing writes it",
                remedy="save under the name of a dataset that nodes make, and a version",
            )
        sidecar = self._written(dataset, version, value)
        return Saved(
            dataset=dataset.name,
            version=version,
            content=sidecar.content,
            bytes=sidecar.bytes,
            rows=sidecar.rows,
            location=self._layout.location(self._layout.artifact(dataset, version)),
        )

    def close(self) -> None:
        """Release what loaded tables need; lazy ones are of no use afterwards."""
        if self._lazy:
            self._lazy.close()
        if self._kept:
            self._kept.clear()
        self._lazy = self._kept = None
        self._scratch.close()

    def _written(self, dataset: DatasetSpec, version: str, value: Any) -> Sidecar:
        match dataset.kind:
            case "table":
                return self._writer().save(dataset, version, value)
            case "model":
                return self._models().save(dataset, version, value)
            case "document":
                return self._documents().save(dataset, version, value)
            case "report":
                return self._reports().save(dataset, version, value)
            case _:
                assert_never(dataset.kind)

    def _models(self) -> Models:
        from sf_ml_framework.places.local.models import Models
        from sf_ml_framework.run.libraries import Libraries

        # Who owns which name is asked of the disk, and does not change while a process runs.
        self._libraries = self._libraries or Libraries()
        return Models(self._layout, self._artifacts, self._libraries)

    def _documents(self) -> Documents:
        from sf_ml_framework.places.local.documents import Documents

        return Documents(self._layout, self._artifacts)

    def _reports(self) -> Reports:
        from sf_ml_framework.places.local.reports import Reports

        return Reports(self._layout, self._artifacts)

    def _reader(self) -> TableReader:
        from sf_ml_framework.places.local.table_reading import TableReader

        lazy, kept = self._tables()
        return TableReader(
            artifacts=self._artifacts,
            seen=self._seen,
            lazy=lazy,
            kept=kept,
            scratch=self._scratch,
        )

    def _writer(self) -> TableWriter:
        from sf_ml_framework.places.local.table_writing import TableWriter

        lazy, kept = self._tables()
        return TableWriter(
            layout=self._layout,
            artifacts=self._artifacts,
            lazy=lazy,
            kept=kept,
            threads=self._threads,
        )

    def _tables(self) -> tuple[LazyTables, KeptTables]:
        from sf_ml_framework.places.local.kept import KeptTables
        from sf_ml_framework.places.local.lazy import LazyTables

        if self._lazy is None or self._kept is None:
            self._lazy = LazyTables(
                self._scratch, memory_limit=self._memory_limit, threads=self._threads
            )
            self._kept = KeptTables(self._kept_bytes)
        return self._lazy, self._kept


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _room() -> int:
    """Return how much memory tables may take that wait for the next node."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        memory = 4 * 2**30
    return min(MOST_KEPT_BYTES, memory // 16)
