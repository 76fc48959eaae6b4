"""Find a project by name, import it, and keep its manifest for the next command.

Importing a project imports whatever its nodes import, often pandas and more: seconds. So the
built manifest is kept in ``.mlops/manifest.json`` with the hash of every project file that took
part, and as long as those files are the same, nothing of the author's is imported.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sf_ml_framework import __version__
from sf_ml_framework.errors import Fault, FrameworkError, ManifestError, nearest
from sf_ml_framework.manifest import codec
from sf_ml_framework.manifest.model import Manifest

if TYPE_CHECKING:
    from sf_ml_framework.author.project import Project

HOUSE = Path(__file__).resolve().parents[1]
"""Our own folder, which a clone of the repository has inside the project's."""

SCHEME = 1
"""Version of the kept file; an older one is built anew."""


class _Kept(msgspec.Struct, frozen=True):
    scheme: int
    framework: str
    entry: str
    files: dict[str, str]
    """Project file, relative → SHA-256 of its text."""
    manifest: msgspec.Raw


def compiled(root: Path, entry: str, on_import: Callable[[str], None] | None = None) -> Manifest:
    """Return the manifest of the project *entry* (``module:name``) in the folder *root*.

    Args:
        root: the project's folder.
        entry: which module, and which name in it.
        on_import: told of the module before it is imported, when there is no kept manifest.

    Raises:
        ManifestError: it cannot be imported, or has faults.
    """
    kept_file = root / ".mlops" / "manifest.json"
    kept = _read(kept_file, root, entry)
    if kept is not None:
        return kept
    if on_import is not None:
        on_import(entry.partition(":")[0])
    # Only now, for a kept manifest is read without them.
    from sf_ml_framework.manifest.build import build

    manifest = build(load_project(root, entry), root)
    kept_now = _Kept(
        SCHEME, __version__, entry, dict(_files(root)), msgspec.Raw(codec.encode(manifest))
    )
    _write(kept_file, msgspec.json.encode(kept_now))
    return manifest


def load_project(root: Path, entry: str) -> Project:
    """Import and return the Project that *entry* names.

    Puts *root* first on ``sys.path``.

    Raises:
        ManifestError: there is no such module or name, or importing it fails; says where.
    """
    from sf_ml_framework.author.project import Project

    module_name, _, name = entry.partition(":")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except FrameworkError:
        raise
    except Exception as error:
        raise ManifestError([_import_fault(error, module_name, root)]) from error
    project = getattr(module, name, None)
    if not isinstance(project, Project):
        known = [key for key, value in vars(module).items() if isinstance(value, Project)]
        message = f"mlops.yml names the project {entry!r}, and there is no Project of that name"
        raise ManifestError([Fault(message=message, remedy=nearest(name, known))])
    return project


def _import_fault(error: Exception, module: str, root: Path) -> Fault:
    """Return the fault of a project that cannot be imported, at the author's own line."""
    from traceback import extract_tb

    place = ""
    for frame in extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(root) and not path.is_relative_to(HOUSE):
            place = f"{path.relative_to(root).as_posix()}:{frame.lineno}"
    if isinstance(error, SyntaxError) and error.filename:
        path = Path(error.filename)
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path
        place = f"{name}:{error.lineno}"
    remedy = "mend that line"
    if isinstance(error, ModuleNotFoundError):
        own = (error.name or "").split(".")[0] == module.split(".", maxsplit=1)[0]
        remedy = (
            "mlops.yml and the files of the project must agree"
            if own
            else f"install what provides {error.name!r}, or mend the import"
        )
    return Fault(
        message=f"{module} cannot be imported: {type(error).__name__}: {error}",
        remedy=remedy,
        place=place,
    )


def _files(root: Path) -> Iterator[tuple[str, str]]:
    """Yield each imported file of the project with the hash of its text."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        path = Path(file).resolve() if file else None
        if (
            path
            and path.suffix == ".py"
            and path.is_relative_to(root)
            and not path.is_relative_to(HOUSE)
            and "site-packages" not in path.parts
        ):
            yield path.relative_to(root).as_posix(), _digest(path)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _read(kept_file: Path, root: Path, entry: str) -> Manifest | None:
    """Return the kept manifest; none when it is not there or any of its files changed."""
    try:
        kept = msgspec.json.decode(kept_file.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None
    if (
        (kept.scheme, kept.framework) != (SCHEME, __version__)
        or kept.entry != entry
        or not kept.files
    ):
        return None
    if any(_digest(root / name) != digest for name, digest in kept.files.items()):
        return None
    try:
        return codec.decode(bytes(kept.manifest))
    except FrameworkError:
        return None


def _write(file: Path, data: bytes) -> None:
    """Keep *data* whole or not at all; a folder that cannot be written is no fault."""
    try:
        file.parent.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".manifest-")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(temporary).replace(file)
    except OSError:
        return
