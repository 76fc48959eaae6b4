"""The framework as a wheel: packed from what runs, or looked into.

A wheel is a zip of the package beside what an installer needs to know. What runs may stand in a
clone or have been installed; both are packed from the files that are imported and from the metadata
of the installation, so nothing is built and nothing downloaded, and the bytes are the same each
time. Source: PyPA, "Binary distribution format" and "Recording installed projects".
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath

from sf_ml_framework.errors import OperatorError

DISTRIBUTION = "sf-ml-framework"
PACKAGE = "sf_ml_framework"
SCAFFOLD = f"{PACKAGE}/scaffold/"
"""Where a wheel holds the template."""

_OLDEST = (1980, 1, 1, 0, 0, 0)
"""Moment of every file, so that the same files are the same wheel."""

_KIND = "Wheel-Version: 1.0\nGenerator: mlops init\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def pack(folder: Path) -> Path:
    """Write the framework that runs into *folder* as a wheel, and return the file.

    Raises:
        OperatorError: it runs from files that were never installed.
    """
    try:
        installed = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise OperatorError(
            f"{DISTRIBUTION} runs from files that were not installed",
            remedy="install it (in a clone: make install), or name a wheel with --framework",
        ) from None
    about = f"{PACKAGE}-{installed.version}.dist-info"
    files = {
        **_package_files(),
        f"{about}/METADATA": (installed.read_text("METADATA") or "").encode(),
        f"{about}/WHEEL": _KIND.encode(),
        f"{about}/entry_points.txt": (installed.read_text("entry_points.txt") or "").encode(),
    }
    wheel = folder / f"{PACKAGE}-{installed.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*sorted(files.items()), _record(files, about)]:
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    return wheel


def _package_files() -> dict[str, bytes]:
    import sf_ml_framework

    root = Path(sf_ml_framework.__file__).parent
    return {
        f"{PACKAGE}/{file.relative_to(root).as_posix()}": file.read_bytes()
        for file in root.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def _record(files: dict[str, bytes], about: str) -> tuple[str, bytes]:
    name = f"{about}/RECORD"
    lines = [
        f"{path},sha256={_urlsafe(hashlib.sha256(content).digest())},{len(content)}"
        for path, content in sorted(files.items())
    ]
    return name, "\n".join([*lines, f"{name},,", ""]).encode()


def _urlsafe(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def version_of(wheel: Path) -> str:
    """Return the version of the framework in *wheel*.

    Raises:
        OperatorError: it is a wheel of something else, or none.
    """
    name, _, rest = wheel.name.partition("-")
    if name != PACKAGE or wheel.suffix != ".whl" or not zipfile.is_zipfile(wheel):
        raise OperatorError(
            f"{wheel} is no wheel of {DISTRIBUTION}",
            remedy=f"name a file {PACKAGE}-VERSION-py3-none-any.whl, a folder, or a git URL",
        )
    return rest.partition("-")[0]


def unpack_scaffold(wheel: Path, folder: Path) -> Path | None:
    """Unpack the template of *wheel* below *folder* and return where; none where it has none."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(SCAFFOLD)]
        # A path that leaves the folder is not one that we wrote.
        safe = [name for name in names if ".." not in PurePosixPath(name).parts]
        archive.extractall(folder, safe)
    found = folder / SCAFFOLD
    return found if (found / "template").is_dir() else None


def sha256_of(file: Path) -> str:
    """Return the hash of *file* as installers write it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
