"""The project's files of Python: which module is which file, and the facts of each, kept."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import msgspec

from sf_ml_framework.run.kept import read_quietly, write_quietly
from sf_ml_framework.run.source_facts import BODY, Facts, Piece, read_facts

KEPT_FORMAT = 1
"""Changes whenever facts are read in another way; what was kept before is then dropped."""

_SUFFIXES = (".py", *EXTENSION_SUFFIXES)
_HOUSE = __name__.partition(".")[0]


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    format: int
    python: str
    facts: dict[str, Facts]


class SourceFiles:
    """The modules under *root*; everything else is a library.

    Facts are kept in *kept* by the hash of a file's bytes, so a touched file costs nothing and a
    changed one is read again whatever its time of change says.
    """

    def __init__(self, root: Path, kept: Path | None = None) -> None:
        self._root = str(root)
        self._kept_at = kept
        self._kept = _load(kept) if kept else {}
        self._files: dict[str, str] = {}
        self._listed: dict[str, tuple[set[str], set[str]]] = {}
        self._facts: dict[str, Facts | None] = {}
        self._new = False

    def is_project(self, module: str) -> bool:
        """Return whether *module* is a file or a folder of files of the project."""
        return bool(self._file_of(module))

    def facts(self, module: str) -> Facts | None:
        """Return the facts of *module*; none for a library and for a folder without a file."""
        if module not in self._facts:
            self._facts[module] = self._read(module)
        return self._facts[module]

    def digest_of_all(self) -> str:
        """Return the hash of every file of Python under the project's folder."""
        whole = hashlib.sha256()
        for folder, folders, files in os.walk(self._root):
            at_root = folder == self._root
            folders[:] = sorted(
                name
                for name in folders
                if not (name.startswith((".", "__")) or (at_root and name == _HOUSE))
                and not os.path.exists(f"{folder}/{name}/pyvenv.cfg")  # noqa: PTH110
            )
            for name in sorted(files):
                if name.endswith(_SUFFIXES):
                    path = f"{folder}/{name}"
                    with suppress(OSError), open(path, "rb") as stream:  # noqa: PTH123
                        content = hashlib.sha256(stream.read()).digest()
                        whole.update(path[len(self._root) :].encode() + b"\0" + content)
        return whole.hexdigest()

    def keep(self) -> None:
        """Write what was read; a folder that cannot be written costs time, not correctness."""
        if not self._kept_at or not self._new:
            return
        facts = {module: facts for module, facts in self._facts.items() if facts}
        kept = _Kept(KEPT_FORMAT, _python(), {**self._kept, **facts})
        if write_quietly(self._kept_at, kept):
            self._new = False

    def _file_of(self, module: str) -> str:
        """Return the file of *module*, a folder that ends with ``/``, or nothing."""
        found = self._files.get(module)
        if found is None:
            found = self._files[module] = self._find(module)
        return found

    def _find(self, module: str) -> str:
        parent, _, name = module.rpartition(".")
        if not name or (not parent and name == _HOUSE):
            return ""
        folder = self._root + "/"
        if parent:
            above = self._file_of(parent)
            if not above.endswith(("/", "/__init__.py")):
                return ""
            folder = above[: above.rindex("/") + 1]
        files, folders = self._entries(folder)
        if name in folders and "__init__.py" in self._entries(f"{folder}{name}/")[0]:
            return f"{folder}{name}/__init__.py"
        for suffix in _SUFFIXES:
            if name + suffix in files:
                return f"{folder}{name}{suffix}"
        return f"{folder}{name}/" if name in folders else ""

    def _entries(self, folder: str) -> tuple[set[str], set[str]]:
        """Return the names of files and of folders in *folder*, listed once."""
        found = self._listed.get(folder)
        if found is None:
            found = self._listed[folder] = (set(), set())
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    found[entry.is_dir()].add(entry.name)
        return found

    def _read(self, module: str) -> Facts | None:
        file = self._file_of(module)
        if not file or file.endswith("/"):
            return None
        try:
            with open(file, "rb") as stream:  # noqa: PTH123
                source = stream.read()
        except OSError:
            return None
        # The same text means another thing in a package: its relative imports.
        is_package = file.endswith("/__init__.py")
        content = hashlib.sha256(source).hexdigest() + "/" * is_package
        kept = self._kept.get(module)
        if kept is not None and kept.content == content:
            return kept
        self._new = True
        if not file.endswith(".py"):
            return Facts(content, {BODY: Piece("compiled file", content)})
        return read_facts(module, source, content, is_package=is_package)


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _load(path: Path) -> dict[str, Facts]:
    kept = read_quietly(path, _Kept)
    known = kept and (kept.format, kept.python) == (KEPT_FORMAT, _python())
    return kept.facts if kept and known else {}
