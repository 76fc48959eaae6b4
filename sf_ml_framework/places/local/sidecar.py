"""What is known of an artifact, kept in a file beside it, and whether it still holds."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec

from sf_ml_framework.manifest.model import DatasetSpec, Kind
from sf_ml_framework.places.local.layout import sidecar_of
from sf_ml_framework.run.clock import now
from sf_ml_framework.values.columns import StoredColumn
from sf_ml_framework.values.models import StoredModel

FORMAT = 1
"""Version of this format; every other is taken for a damaged file."""

TICK_NS = 20_000_000
"""How far apart two changes must be for a file system to give them different times."""

SECOND_NS = 1_000_000_000


class StoredFile(msgspec.Struct, frozen=True):
    """One file of an artifact, as it was when it was written."""

    name: str
    bytes: int
    mtime_ns: int
    sha256: str


class Sidecar(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of an artifact."""

    format: int
    dataset: str
    version: str
    kind: Kind
    content: str
    """Hash of the bytes and, for a table, of the types of its columns."""
    files: tuple[StoredFile, ...]
    """Names are relative to the artifact's folder; a report has many."""
    written: str
    """UTC, ISO 8601 with microseconds."""
    rows: int | None = None
    columns: tuple[StoredColumn, ...] = ()
    checks: str = ""
    """Digest of the checks that the columns passed when they were written."""
    breaks: bool = False
    """Whether a value of a CSV holds the end of a line, so that lines are not rows."""
    model: StoredModel | None = None

    @property
    def bytes(self) -> int:
        """Size of everything."""
        return sum(file.bytes for file in self.files)


def encoded(sidecar: Sidecar) -> bytes:
    """Return *sidecar* as a person may read it."""
    return msgspec.json.format(msgspec.json.encode(sidecar), indent=1) + b"\n"


def sidecar_for(
    dataset: DatasetSpec,
    version: str,
    files: tuple[StoredFile, ...],
    *,
    rows: int | None = None,
    columns: tuple[StoredColumn, ...] = (),
    checks: str = "",
    breaks: bool = False,
    model: StoredModel | None = None,
) -> Sidecar:
    """Return what is known of an artifact of *dataset* that was written just now."""
    return Sidecar(
        format=FORMAT,
        dataset=dataset.name,
        version=version,
        kind=dataset.kind,
        content=content_of(files, columns),
        files=files,
        written=now(),
        rows=rows,
        columns=columns,
        checks=checks,
        breaks=breaks,
        model=model,
    )


def read_sidecar(artifact: Path) -> Sidecar | None:
    """Return what is known of *artifact*; none when there is no such file.

    Raises:
        ValueError: there is one that cannot be understood.
    """
    try:
        raw = sidecar_of(artifact).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ValueError(str(error)) from error
    try:
        sidecar = msgspec.json.decode(raw, type=Sidecar)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    if sidecar.format != FORMAT:
        raise ValueError(f"it has format {sidecar.format}, and {FORMAT} is understood")
    return sidecar


def why_not_whole(artifact: Path, sidecar: Sidecar) -> str:
    """Return in what *artifact* differs from *sidecar*; empty when it is as it was written.

    Size and time of change are enough to trust the hash that was taken then; where either
    differs, or the file was written so late that a change after it could bear the same time,
    the bytes are hashed.
    """
    known_ns = _mtime_ns(sidecar_of(artifact))
    for file in sidecar.files:
        path = artifact.parent / file.name
        try:
            stat = path.stat()
        except OSError:
            return f"{file.name} is missing"
        if stat.st_size != file.bytes:
            return f"{file.name} has {stat.st_size:,} bytes, and {file.bytes:,} were written"
        if stat.st_mtime_ns == file.mtime_ns and not is_racy(file.mtime_ns, known_ns):
            continue
        try:
            if hash_of(path) != file.sha256:
                return f"{file.name} has other bytes than were written"
        except OSError as error:
            return f"{file.name} cannot be read ({error.strerror})"
    return ""


def is_racy(changed_ns: int, known_ns: int) -> bool:
    """Return whether a file could have changed after *known_ns* and still show *changed_ns*."""
    # Whole seconds hint at a file system that knows nothing finer.
    grain = 2 * SECOND_NS if changed_ns % SECOND_NS == 0 else TICK_NS
    return known_ns - changed_ns < grain


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hex."""
    digest = sha256()
    with path.open("rb", buffering=0) as stream:
        buffer = bytearray(1 << 20)
        view = memoryview(buffer)
        while count := stream.readinto(buffer):
            digest.update(view[:count])
    return digest.hexdigest()


def content_of(files: tuple[StoredFile, ...], columns: tuple[StoredColumn, ...]) -> str:
    """Return the hash that stands for an artifact.

    A CSV file has the same bytes for numbers of 32 and of 64 bits, or for texts and categories,
    and yet is another table: the columns count too.
    """
    if len(files) == 1 and not columns:
        return files[0].sha256
    # The name of a single file, or of the folder, says only which version it is.
    named = [(file.name.partition("/")[2], file.sha256) for file in files]
    return sha256(msgspec.json.encode((named, columns))).hexdigest()


def _mtime_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
