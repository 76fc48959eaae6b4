"""What ML Jobs take with them: the project's code and the framework's, addressed by content.

The image of the Container Runtime has neither. Both go as one archive, with a list of what pip is
to add; so the job needs no image of ours, and a node's code is the one that was deployed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

import sf_ml_framework
from sf_ml_framework import settings
from sf_ml_framework.errors import SettingsError
from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.places.snowflake import ml_job_entry
from sf_ml_framework.plan.ml_jobs import ENTRY, MlJob

_WITHOUT = frozenset({"__pycache__", "node_modules"})
_EMULATOR = "emulator"
"""Is of the framework's own package, and no container needs it."""
_CLIENT = "snowflake-ml-python"
_DIGITS = 16
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the archive, so that its bytes are those of its content."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Files by their path in the archive; ``content`` stands for all of them."""

    files: Mapping[str, Path]
    content: str

    def digest(self, job: MlJob) -> str:
        """Return what stands for *job* and all that it runs: the same says that it is the same."""
        said = msgspec.json.encode(job, order="deterministic")
        return hashlib.sha256(self.content.encode() + said).hexdigest()[:_DIGITS]

    def write(self, folder: Path) -> None:
        """Write what is uploaded into *folder*: the program and its archive."""
        shutil.copyfile(ml_job_entry.__file__, folder / ENTRY)
        with zipfile.ZipFile(
            folder / ml_job_entry.ARCHIVE, "w", compression=zipfile.ZIP_DEFLATED
        ) as archive:
            for name, file in self.files.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), file.read_bytes())


def collect(root: Path, project: str, manifest: Manifest, include: Sequence[str]) -> Payload:
    """Return the payload of the project in *root*.

    Args:
        root: the project's folder.
        project: where its pipeline is, ``package.module:NAME``.
        manifest: its nodes, whose packages are taken whole.
        include: more files and folders, from *root*.

    Raises:
        SettingsError: something to include is not there.
    """
    found: dict[str, Path] = {}
    for path in _wanted(root, project, manifest, include):
        for file in _files(path):
            found[f"{ml_job_entry.PROJECT}/{file.relative_to(root).as_posix()}"] = file
    package = Path(sf_ml_framework.__file__).parent
    for file in _files(package):
        inside = file.relative_to(package)
        if inside.parts[0] != _EMULATOR:
            found[f"{ml_job_entry.FRAMEWORK}/{package.name}/{inside.as_posix()}"] = file
    files = dict(sorted(found.items()))
    return Payload(files, _content(files))


def _wanted(root: Path, project: str, manifest: Manifest, include: Sequence[str]) -> Iterable[Path]:
    """Yield the settings, the packages of the pipeline and its nodes, and what else was named."""
    yield root / settings.FILE
    modules = {project, *(node.function for node in manifest.nodes)}
    for top in sorted({module.partition(":")[0].partition(".")[0] for module in modules}):
        for path in (root / top, root / f"{top}.py"):
            if path.exists():
                yield path
    for named in include:
        if not (root / named).exists():
            raise SettingsError(
                f"{settings.FILE}: ml_jobs.include has {named!r}, and {root} has no such file",
                remedy="correct the path; it is taken from the project's folder",
            )
        yield root / named


def _files(path: Path) -> Iterable[Path]:
    """Yield *path*, or the files below it but for hidden ones and what Python made of them."""
    if path.is_file():
        yield path
        return
    for inner in sorted(path.iterdir()):
        if inner.name.startswith(".") or inner.name in _WITHOUT or inner.suffix == ".pyc":
            continue
        yield from _files(inner)


def _content(files: Mapping[str, Path]) -> str:
    """Return what stands for every file and for the program.

    Snowflake's client is a part of it, because its scripts are uploaded with the payload.
    """
    hashes = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    hashes[ENTRY] = hashlib.sha256(Path(ml_job_entry.__file__).read_bytes()).hexdigest()
    whole = json.dumps({"files": hashes, _CLIENT: _client()}, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _client() -> str:
    try:
        return version(_CLIENT)
    except PackageNotFoundError:
        return ""
