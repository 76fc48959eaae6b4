"""Where a project gets the framework from: a wheel in its ``vendor/``, or a package index.

Until the framework is published, a name in ``framework.txt`` would let whoever takes that name in
an index run code in every project; so a project gets a wheel unless it asks for a version by name.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import msgspec

from sf_ml_framework import __version__
from sf_ml_framework.errors import OperatorError, UsageError
from sf_ml_framework.scaffold import wheel as wheels

FILE = "framework.txt"
VENDOR = "vendor"

_PINNED = re.compile(r"sf[-_.]ml[-_.]framework\s*==\s*([\w.!+-]+)", re.IGNORECASE)
_NAMED = re.compile(r"sf[-_.]ml[-_.]framework\b(?!.*[/\\]|.*\.whl$)", re.IGNORECASE)


class Framework(msgspec.Struct, frozen=True, kw_only=True):
    """The framework that a project is given."""

    version: str
    scaffold: Path
    """Its template and locks."""
    wheel: Path | None
    """Copied into the project; none: from an index."""

    @property
    def requirement(self) -> str:
        """The line of ``framework.txt``: what installers are told."""
        if self.wheel is None:
            return f"{wheels.DISTRIBUTION}=={self.version}\n"
        hashed = wheels.sha256_of(self.wheel)
        return f"./{VENDOR}/{self.wheel.name} --hash=sha256:{hashed}\n"


def running_scaffold() -> Path:
    """Return the folder of the template that came with the framework that runs."""
    return Path(__file__).parent


def find(source: str, folder: Path, tell: Callable[[str], None]) -> Framework:
    """Return the framework that *source* names.

    Args:
        source: empty: the one that runs. Else a wheel, a folder or URL that pip can build one of,
            or ``sf-ml-framework==VERSION`` for a package index.
        folder: for what is made on the way; must outlive what is returned.
        tell: told of what takes time.

    Raises:
        UsageError: *source* names none.
        OperatorError: it cannot be had.
    """
    if pinned := _PINNED.fullmatch(source.strip()):
        return _from_index(pinned[1])
    if _NAMED.match(source):
        raise UsageError(
            f"--framework {source!r} names no single version",
            remedy=f"write {wheels.DISTRIBUTION}=={__version__}",
        )
    if not source:
        packed = wheels.pack(folder)
        return Framework(
            version=wheels.version_of(packed), scaffold=running_scaffold(), wheel=packed
        )
    given = Path(source).expanduser()
    if given.suffix == ".whl" and "://" not in source:
        if not given.is_file():
            raise UsageError(f"there is no file {source}", remedy="name a wheel that there is")
        return _from_wheel(given.resolve(), folder)
    if "://" not in source and not (given / "pyproject.toml").is_file():
        raise UsageError(
            f"--framework {source!r} is no folder of the framework, no wheel and no URL",
            remedy="name a clone, a wheel, git+https://…@COMMIT, or leave the option away",
        )
    tell(f"building a wheel of {source} …")
    return _from_wheel(_built(source, folder), folder)


def _from_index(version: str) -> Framework:
    if version != __version__:
        raise UsageError(
            f"this is mlops {__version__}; its template may not fit {version}",
            remedy=f"install {wheels.DISTRIBUTION}=={version}, and run its own `mlops init`",
        )
    return Framework(version=version, scaffold=running_scaffold(), wheel=None)


def _from_wheel(wheel: Path, folder: Path) -> Framework:
    version = wheels.version_of(wheel)
    scaffold = wheels.unpack_scaffold(wheel, folder / "given")
    if scaffold is None:
        raise OperatorError(
            f"{wheel.name} is older than `mlops init`: it has no template",
            remedy="name a newer one, or leave --framework away",
        )
    return Framework(version=version, scaffold=scaffold, wheel=wheel)


def _built(source: str, folder: Path) -> Path:
    """Return the wheel that pip builds of a folder or a URL."""
    where = folder / "built"
    words = ["wheel", "--quiet", "--no-deps", "--no-input", f"--wheel-dir={where}"]
    if "://" not in source and find_spec("hatchling"):
        # What builds it is here; without a network this is the only way.
        words.append("--no-build-isolation")
    done = subprocess.run(  # noqa: S603 -- pip of this interpreter, no shell
        [sys.executable, "-m", "pip", *words, "--", source],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    built = sorted(where.glob("*.whl")) if done.returncode == 0 else []
    if not built:
        said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise OperatorError(
            f"pip builds no wheel of {source}: {said}",
            remedy="build one by hand, and name the file with --framework",
        )
    return built[0]
