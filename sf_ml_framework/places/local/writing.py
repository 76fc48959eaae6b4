"""Writing whole or not at all: a temporary beside the target, flushed to disk, then renamed."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path
from threading import Thread
from typing import Any

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.local.layout import Layout, sidecar_of
from sf_ml_framework.places.local.sidecar import Sidecar, StoredFile, encoded, sidecar_for
from sf_ml_framework.values.models import StoredModel

FLUSHED_AT = 64 * 1024 * 1024
"""Bytes of a file that are taken to the disk at once."""

_TEMPORARY = re.compile(r"\..+\.(\d+)-[0-9a-f]+\.tmp")

_REMEDIES = {
    errno.ENOSPC: "free some space on that disk and run again; what stood there before still does",
    errno.EDQUOT: "your quota of that disk is used up: free some space and run again",
    errno.EFBIG: "that file system or this process may not hold a file so large",
    errno.EROFS: "that file system is read-only: mount it for writing, or name another folder "
    "as `data` in mlops.yml",
    errno.EACCES: "you may not write there: give yourself the right, or name another folder "
    "as `data` in mlops.yml",
    errno.EPERM: "you may not write there: give yourself the right, or name another folder "
    "as `data` in mlops.yml",
    errno.ENOTDIR: "a file stands where a folder should: move it away",
    errno.EISDIR: "a folder stands where a file should: move it away",
    errno.ENAMETOOLONG: "use a shorter name or version",
}


class HashingFile:
    """A file open for writing that knows the hash of what went into it."""

    def __init__(self, stream: FileIO, location: str) -> None:
        self._stream = stream
        self._location = location
        self._digest = sha256()
        self.flushing = Flushing(stream.fileno())
        self.bytes = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Write all of *data*, an object with a buffer, and return its size.

        Raises:
            DataError: the disk refuses.
        """
        view = memoryview(data).cast("B")
        self._digest.update(view)
        size = view.nbytes
        self.bytes += size
        with told(self._location):
            while view.nbytes:
                view = view[self._stream.write(view) :]
            self.flushing.wrote(size)
        return size

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.bytes

    def flush(self) -> None:
        """Do nothing: the whole is flushed to disk at its end."""

    def close(self) -> None:
        """Do nothing: who opened it closes it."""

    @property
    def sha256(self) -> str:
        """Hash of everything written so far, in hex."""
        return self._digest.hexdigest()


class Flushing:
    """Takes a large file to the disk while it is written, so that its end is not waited for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting = 0
        self._thread: Thread | None = None
        self._refused: OSError | None = None

    def wrote(self, size: int) -> None:
        """Begin to flush once there is much, unless it is being done."""
        self._waiting += size
        if self._waiting < FLUSHED_AT or (self._thread and self._thread.is_alive()):
            return
        self._waiting = 0
        self._thread = Thread(target=self._flush, name="flush", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until nothing is being flushed: the file may be closed then."""
        if self._thread:
            self._thread.join()

    def finish(self) -> None:
        """Flush all, once ``wait`` has ended.

        Raises:
            OSError: the disk refuses, or did so before: it says so only once.
        """
        if self._refused:
            raise self._refused
        os.fsync(self._descriptor)

    def _flush(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            self._refused = self._refused or error


class Draft:
    """One artifact on its way into its folder.

    Files are made with ``open``; ``commit`` puts them and their sidecar in place, and nobody
    sees anything before. What was not committed is gone when the draft is closed. Every method
    raises DataError where the disk refuses; what stood there before still does then.
    """

    def __init__(self, artifact: Path, *, location: str, folder: bool) -> None:
        self._artifact = artifact
        self._location = location
        self._is_folder = folder
        self._temporary = _temporary(artifact)
        self._files: list[StoredFile] = []

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """What was written so far."""
        return tuple(self._files)

    @contextmanager
    def open(self, name: str = "") -> Iterator[HashingFile]:
        """Yield a file to write; *name* is that of a file in the folder of a report."""
        path = self._temporary / name if name else self._temporary
        with told(self._location):
            self._artifact.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self._artifact.parent)
            if name:
                self._temporary.mkdir(exist_ok=True)
            stream = path.open("xb", buffering=0)
        with stream:
            sink = HashingFile(stream, self._location)
            try:
                yield sink
            finally:
                sink.flushing.wait()
            with told(self._location):
                sink.flushing.finish()
                mtime_ns = os.fstat(stream.fileno()).st_mtime_ns
        inner = f"{self._artifact.name}/{name}" if name else self._artifact.name
        self._files.append(
            StoredFile(name=inner, bytes=sink.bytes, mtime_ns=mtime_ns, sha256=sink.sha256)
        )

    def commit(self, sidecar: Sidecar) -> None:
        """Put the artifact and its *sidecar* in place.

        The sidecar goes first: whoever stops in between leaves bytes that differ from what is
        known of them, which is damage that shows, and never bytes of which nothing is known.
        """
        target, temporary = sidecar_of(self._artifact), _temporary(sidecar_of(self._artifact))
        with told(self._location):
            before = target.read_bytes() if target.exists() else None
            try:
                _write(temporary, encoded(sidecar))
                temporary.replace(target)
                self._replace()
            except OSError:
                _restore(target, before)
                raise
            finally:
                temporary.unlink(missing_ok=True)
            _flush_folder(self._artifact.parent)

    def discard(self) -> None:
        """Remove what was not committed."""
        _remove(self._temporary)

    def _replace(self) -> None:
        if not self._is_folder:
            self._temporary.replace(self._artifact)
            return
        _flush_folder(self._temporary)
        aside = _temporary(self._artifact)
        # A folder that holds something cannot be replaced at one stroke.
        with suppress(FileNotFoundError):
            self._artifact.rename(aside)
        try:
            self._temporary.rename(self._artifact)
        except OSError:
            with suppress(OSError):
                aside.rename(self._artifact)
            raise
        _remove(aside)


@contextmanager
def draft(artifact: Path, *, location: str, folder: bool = False) -> Iterator[Draft]:
    """Yield a draft of *artifact*; it is discarded unless it was committed.

    Args:
        artifact: the file or folder to be.
        location: *artifact* for a person.
        folder: whether it is a folder.
    """
    made = Draft(artifact, location=location, folder=folder)
    try:
        yield made
    finally:
        made.discard()


def written(
    layout: Layout,
    dataset: DatasetSpec,
    version: str,
    files: Mapping[str, bytes],
    *,
    model: StoredModel | None = None,
) -> Sidecar:
    """Put an artifact that is in memory in place, and return what is known of it then.

    Args:
        layout: where it goes.
        dataset: what it is.
        version: of the dataset.
        files: those of a report's folder by name; else one without a name, the artifact itself.
        model: what must hold before it is unpickled.

    Raises:
        DataError: the disk refuses; what stood there before still does.
    """
    path = layout.artifact(dataset, version)
    with draft(path, location=layout.location(path), folder="" not in files) as made:
        for name, data in files.items():
            with made.open(name) as sink:
                sink.write(data)
        sidecar = sidecar_for(dataset, version, made.files, model=model)
        made.commit(sidecar)
    return sidecar


@contextmanager
def told(location: str) -> Iterator[None]:
    """Raise what the system refuses as a DataError that says what to do about it."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        remedy = _REMEDIES.get(error.errno or 0, "mend what the system says and run again")
        raise DataError(f"{location} cannot be written: {why}", remedy=remedy) from error


def remove_leftovers(folder: Path) -> None:
    """Remove the temporaries of processes of this machine that are gone."""
    for path in folder.iterdir():
        match = _TEMPORARY.fullmatch(path.name)
        if match and not lives(int(match[1])):
            _remove(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _restore(path: Path, before: bytes | None) -> None:
    """Put back what *path* held, as well as a failing disk allows."""
    with suppress(OSError):
        if before is None:
            path.unlink(missing_ok=True)
        elif path.read_bytes() != before:
            temporary = _temporary(path)
            temporary.write_bytes(before)
            temporary.replace(path)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def lives(process: int) -> bool:
    """Return whether a process of that number runs on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
