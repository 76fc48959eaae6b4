"""Which installed distributions imported names belong to, and in which versions.

``importlib.metadata`` answers this too, in a hundred milliseconds; here the folders of the import
path are listed afresh each time, and only who owns which name is kept.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from sf_ml_framework.run.kept import read_quietly, write_quietly

ABSENT = "not installed"
"""Version of a library that is named and that no installed distribution holds."""

_INFO = re.compile(r"(?P<name>.+?)(?:-(?P<version>[^-]+)(?:-py[\d.]+)?)?\.(?:dist|egg)-info")
_ENDS = (b"/", b".py,", b".cpython", b".abi3")
"""What follows a module's name in a list of files: a folder, a source, a compiled file."""
_NOT_LIBRARIES = frozenset(sys.stdlib_module_names) | {"__main__"}


class _Distribution(NamedTuple):
    name: str
    version: str
    folder: str


class _Owners(msgspec.Struct, array_like=True):
    installed: tuple[str, ...] = ()
    """What was installed when this was found, one ``name version`` each."""
    by_name: dict[str, tuple[str, ...]] = {}


class Libraries:
    """The distributions on an import path, by default that of this process."""

    def __init__(self, kept: Path | None = None, path: Sequence[str] | None = None) -> None:
        self._path = list(dict.fromkeys(sys.path if path is None else path))
        self._kept_at = kept
        self._installed: dict[str, _Distribution] = {}
        self._owners = _Owners()
        self._shared: dict[str, bool] = {}
        self._records: dict[str, bytes] = {}
        self._new = False

    def versions(self, names: Iterable[str]) -> dict[str, str]:
        """Return version by distribution for dotted *names*; Python's own modules have none.

        A name that no distribution owns stands for itself: its version is the hash of its files
        of Python on the import path, or ``ABSENT``.
        """
        if not self._installed:
            self._look()
        found: dict[str, str] = {}
        for name in sorted({self._top(name) for name in names} - {""}):
            owners = self._owners.by_name.get(name)
            if owners is None:
                owners = self._owners.by_name[name] = tuple(self._find(name))
                self._new = True
            for owner in owners:
                found[owner] = self._installed[owner].version
            if not owners:
                found[name] = self._of_files(name)
        return dict(sorted(found.items()))

    def digest_of_all(self) -> str:
        """Return the hash of everything that is installed, by name and version."""
        if not self._installed:
            self._look()
        return sha256("\n".join(self._owners.installed).encode()).hexdigest()

    def keep(self) -> None:
        """Write who owns what; a folder that cannot be written costs time, not correctness."""
        self._records.clear()
        if self._kept_at and self._new and write_quietly(self._kept_at, self._owners):
            self._new = False

    def _look(self) -> None:
        for folder in self._path:
            for found in _distributions(folder or "."):
                self._installed.setdefault(found.name, found)
        installed = tuple(sorted(f"{d.name} {d.version}" for d in self._installed.values()))
        if self._kept_at:
            self._owners = read_quietly(self._kept_at, _Owners) or _Owners()
        if self._owners.installed != installed:
            self._owners = _Owners(installed)

    def _top(self, name: str) -> str:
        """Return the part of *name* that one distribution owns: two words of a shared folder."""
        top, _, below = name.partition(".")
        if top in _NOT_LIBRARIES:
            return ""
        if not below or not self._is_shared(top):
            return top
        return f"{top}.{below.split('.', 1)[0]}"

    def _is_shared(self, top: str) -> bool:
        found = self._shared.get(top)
        if found is None:
            folders = [f"{folder or '.'}/{top}" for folder in self._path]
            folders = [folder for folder in folders if os.path.isdir(folder)]  # noqa: PTH112
            found = bool(folders) and not any(
                os.path.isfile(f"{folder}/__init__.py")  # noqa: PTH113
                for folder in folders
            )
            self._shared[top] = found
        return found

    def _of_files(self, name: str) -> str:
        inner = name.replace(".", "/")
        for folder in self._path:
            package, module = Path(folder or ".", inner), Path(folder or ".", f"{inner}.py")
            files = sorted(package.rglob("*.py")) if package.is_dir() else []
            files = files or ([module] if module.is_file() else [])
            if files:
                whole = sha256(b"".join(sha256(file.read_bytes()).digest() for file in files))
                return f"files {whole.hexdigest()[:16]}"
        return ABSENT

    def _find(self, name: str) -> Iterator[str]:
        likely = self._installed.get(_normal(name.partition(".")[0]))
        if likely and self._owns(likely, name):
            yield likely.name
            return
        owners = [each.name for each in self._installed.values() if self._owns(each, name)]
        # An editable installation lists no files, so its own name must do.
        yield from owners or ([likely.name] if likely else [])

    def _owns(self, distribution: _Distribution, name: str) -> bool:
        record = self._records.get(distribution.folder)
        if record is None:
            try:
                record = b"\n" + Path(distribution.folder, "RECORD").read_bytes()
            except OSError:
                record = b""
            # Several names are looked for one after the other.
            self._records[distribution.folder] = record
        if not record:
            return _claims(distribution, name)
        path = b"\n" + name.replace(".", "/").encode()
        return path in record and any(path + end in record for end in _ENDS)


def _distributions(folder: str) -> Iterator[_Distribution]:
    try:
        entries = os.listdir(folder)  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return
    for entry in sorted(entries):
        match = _INFO.fullmatch(entry) if entry.endswith("-info") else None
        if match:
            where = f"{folder}/{entry}"
            yield _Distribution(_normal(match["name"]), match["version"] or _stated(where), where)


def _stated(folder: str) -> str:
    for file in (Path(folder, "METADATA"), Path(folder, "PKG-INFO"), Path(folder)):
        try:
            found = re.search(r"^Version: *(.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        except (OSError, UnicodeDecodeError):
            continue
        if found:
            return found[1].strip()
    return "unknown"


def _claims(distribution: _Distribution, name: str) -> bool:
    try:
        claimed = Path(distribution.folder, "top_level.txt").read_text(encoding="utf-8").split()
    except OSError:
        return False
    return name.partition(".")[0] in claimed


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
