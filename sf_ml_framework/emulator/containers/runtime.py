"""What runs an image that was built, and where it finds images.

Source: the manual pages of podman, docker and buildah; OCI, "Image Format Specification" (config).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Protocol

from ..faults import SnowflakeError, invalid
from ..services.processes import Command

NAMES = ("process", "podman", "docker", "buildah")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """An image of the store, and what it says of itself."""

    id: str
    digest: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    workdir: str = ""
    user: str = ""
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One container to run: everything is decided, nothing of the image is asked again."""

    name: str
    image: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    mounts: tuple[tuple[FilePath, str], ...]
    """Directories of this machine, and where the container has them."""
    workdir: str
    user: str


class Runtime(Protocol):
    """A program that keeps and runs images."""

    def load(self, archive: FilePath) -> BuiltImage:
        """Take an archive into the store and return its image."""

    def find(self, name: str) -> BuiltImage:
        """Return an image of the store."""

    def begin(self, run: Run) -> Command:
        """Make the container and return what starts it."""

    def sweep(self, prefix: str) -> None:
        """Remove containers that a server left behind when it was killed."""


class Containers:
    """The runtime that an account has; ``account.part(Containers)``."""

    def __init__(self, runtime: Runtime | None, prefix: str) -> None:
        self._runtime = runtime
        self.prefix = prefix
        if runtime is not None:
            runtime.sweep(prefix)

    @property
    def runtime(self) -> Runtime:
        """The runtime.

        Raises:
            SnowflakeError: containers are processes here.
        """
        if self._runtime is None:
            raise invalid(
                "this server runs containers as processes; an image that was built needs "
                "--container-runtime podman, docker or buildah"
            )
        return self._runtime


def runtime(name: str) -> Runtime | None:
    """Return the runtime of that name; none for ``process``.

    Raises:
        OSError: it is not installed, or cannot run here.
    """
    if name == "process":
        return None
    if shutil.which(name) is None:
        raise OSError(f"{name} is not installed")
    if name == "buildah":
        from .buildah import Buildah

        return Buildah()
    from .engine import Engine

    return Engine(name)


def call(words: Sequence[str], *, seconds: float = 600) -> str:
    """Run a program of the runtime and return what it printed.

    Raises:
        SnowflakeError: it failed; with the last line of what it said.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the runtime that the operator chose
            words, capture_output=True, text=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(words, str(error)) from None
    if done.returncode:
        raise _failed(words, (done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    return done.stdout.strip()


def _failed(words: Sequence[str], said: str) -> SnowflakeError:
    return SnowflakeError(f"{' '.join(words[:2])} failed: {said}", number=395092, state="22023")


def described(text: str) -> dict[str, Any]:
    """Return the object, or the first of a list, that an inspection printed."""
    found = json.loads(text)
    first = found[0] if isinstance(found, list) else found
    return dict(first)


def built(identity: str, digest: str, config: Mapping[str, Any]) -> BuiltImage:
    """Return an image from its OCI configuration."""
    pairs = [str(one).partition("=") for one in config.get("Env") or ()]
    return BuiltImage(
        id=identity,
        digest=digest if digest.startswith("sha256:") else f"sha256:{identity[-64:]}",
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        workdir=str(config.get("WorkingDir") or ""),
        user=str(config.get("User") or ""),
        env={name: value for name, _, value in pairs},
    )
