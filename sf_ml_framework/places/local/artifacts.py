"""What stands in the folder, and whether it is whole. Imports no library of data frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.local.layout import Layout
from sf_ml_framework.places.local.seen import SeenFiles
from sf_ml_framework.places.local.sidecar import (
    Sidecar,
    StoredFile,
    content_of,
    read_sidecar,
    why_not_whole,
)
from sf_ml_framework.run.bindings import looks_like_path
from sf_ml_framework.run.records import Saved
from sf_ml_framework.values.columns import declared, why_not_promised


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One whole version of a dataset. Without a sidecar a person put it there."""

    dataset: str
    version: str
    path: Path
    location: str
    """*path* for a person."""
    what: str
    """The dataset and its place for a person, at the head of a message."""
    content: str
    sidecar: Sidecar | None

    @property
    def saved(self) -> Saved:
        """What the place says of it."""
        return Saved(
            dataset=self.dataset,
            version=self.version,
            content=self.content,
            bytes=self.sidecar.bytes if self.sidecar else self.path.stat().st_size,
            rows=self.sidecar.rows if self.sidecar else None,
            location=self.location,
        )


class Artifacts:
    """Finds artifacts and tells whether they are whole.

    Args:
        layout: where they stand.
        seen: what is known of files without a sidecar.
        producers: name of the node that makes each dataset, for messages.
    """

    def __init__(self, layout: Layout, seen: SeenFiles, producers: Mapping[str, str]) -> None:
        self._layout = layout
        self._seen = seen
        self._producers = producers

    def resolve(self, dataset: DatasetSpec, version: str) -> str:
        """Return the version that *version* stands for; see ``Place.resolve``."""
        if version == "current":
            return dataset.version
        if version != "latest":
            return version
        if dataset.path:
            return dataset.version
        written = {name: _written(path) for name, path in self._layout.versions(dataset)}
        if not written:
            raise DataError(
                f"dataset {dataset.name!r} has no version in "
                f"{self._layout.location(self._layout.folder(dataset))}",
                remedy=self.remake(dataset, dataset.version),
            )
        return max(written, key=lambda name: (written[name], name))

    def find(self, dataset: DatasetSpec, version: str) -> Saved | None:
        """Return what stands at *version*; none when it is absent or not whole."""
        try:
            return self.open(dataset, version).saved
        except DataError:
            return None

    def why_not_found(self, dataset: DatasetSpec, version: str) -> str:
        """Return ``missing`` or ``damaged`` for what ``find`` does not find, empty else."""
        try:
            self.open(dataset, version)
        except MissingError:
            return "missing"
        except DataError:
            return "damaged"
        return ""

    def open(self, dataset: DatasetSpec, version: str) -> Artifact:
        """Return the artifact at *version*.

        Raises:
            DataError: it is absent, or not what was written or is promised.
        """
        source = self._layout.source(dataset, version)
        path = source or self._layout.artifact(dataset, version)
        what = self.what(dataset, version, path)
        if source:
            _refuse_suffix(dataset, path, what)
        with _told(what):
            stands = path.is_dir() if dataset.kind == "report" else path.is_file()
        if not stands:
            raise MissingError(f"{what} is missing", remedy=self.remake(dataset, version))
        sidecar = self._sidecar(dataset, path, what, version)
        return Artifact(
            dataset=dataset.name,
            version=version,
            path=path,
            location=self._layout.location(path),
            what=what,
            content=sidecar.content if sidecar else self._content(dataset, path, what),
            sidecar=sidecar,
        )

    def what(self, dataset: DatasetSpec, version: str, path: Path) -> str:
        """Return a dataset's version and its place for a person."""
        name = repr(dataset.name) if looks_like_path(version) else f"'{dataset.name}@{version}'"
        return f"dataset {name} ({self._layout.location(path)})"

    def remake(self, dataset: DatasetSpec, version: str) -> str:
        """Return how a person gets that version, made or made again."""
        if looks_like_path(version):
            return f"put a whole file at {version}"
        if dataset.path:
            return f"put a whole file at {dataset.path}"
        if version != dataset.version:
            return f"no run writes it now; the catalog's version is {dataset.version!r}"
        node = self._producers.get(dataset.name, "NODE")
        told = "" if dataset.name in self._producers else f", the node that makes {dataset.name}"
        return f"make it again: mlops run --from {node}{told}"

    def _sidecar(self, dataset: DatasetSpec, path: Path, what: str, version: str) -> Sidecar | None:
        remake = self.remake(dataset, version)
        try:
            sidecar = read_sidecar(path)
        except ValueError as error:
            raise DataError(
                f"what is known of {what} is damaged: {error}", remedy=remake
            ) from error
        if sidecar is None:
            if dataset.kind in ("model", "report"):
                raise DataError(f"{what} has no manifest beside it", remedy=remake)
            return None
        accept = f", or, if you changed it on purpose, delete {path.name}.manifest.json"
        accept = accept if dataset.kind in ("table", "document") else ""
        if why := why_not_whole(path, sidecar):
            raise DataError(f"{what} is not what was written: {why}", remedy=remake + accept)
        if why := _why_not_promised(dataset, sidecar):
            raise DataError(f"{what} is not what the catalog says: {why}", remedy=remake)
        return sidecar

    def _content(self, dataset: DatasetSpec, path: Path, what: str) -> str:
        with _told(what):
            digest = self._seen.hash_of(path)
        columns = declared(dataset.columns) if dataset.kind == "table" else ()
        return content_of((StoredFile(path.name, 0, 0, digest),), columns)


class MissingError(DataError):
    """There is nothing at that version."""


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise DataError(
            f"{what} cannot be read: {why}", remedy="give yourself the right to read it"
        ) from error


_SUFFIXES = {
    "table": (".csv", ".parquet"),
    "document": (".json",),
    "model": (".pkl", ".pickle"),
    "report": ("",),
}


def _refuse_suffix(dataset: DatasetSpec, path: Path, what: str) -> None:
    known = _SUFFIXES[dataset.kind]
    if path.suffix.lower() not in known:
        raise DataError(
            f"{what} cannot be a {dataset.kind}",
            remedy=f"the file of a {dataset.kind} ends with {' or '.join(filter(None, known))}"
            if any(known)
            else f"a {dataset.kind} is read from the folder of the data only",
        )


def _why_not_promised(dataset: DatasetSpec, sidecar: Sidecar) -> str:
    if sidecar.kind != dataset.kind:
        return f"it is a {sidecar.kind}, and the catalog says {dataset.kind}"
    if dataset.kind != "table":
        return ""
    return why_not_promised(sidecar.columns, dataset.columns)


def _written(artifact: Path) -> str:
    """Return when *artifact* was written, in ISO 8601."""
    try:
        sidecar = read_sidecar(artifact)
    except ValueError:
        sidecar = None
    if sidecar:
        return sidecar.written
    moment = datetime.fromtimestamp(artifact.stat().st_mtime, UTC)
    return moment.isoformat(timespec="microseconds")
