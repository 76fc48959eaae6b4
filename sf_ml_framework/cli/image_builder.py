"""What builds, tags and pushes images on this machine: docker, podman or buildah, as programs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from sf_ml_framework.errors import OperatorError

PROGRAMS = ("docker", "podman", "buildah")
PLATFORM = "linux/amd64"
"""What compute pools run. Source: Snowflake, "Working with an image registry and repository"."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Builder(msgspec.Struct, frozen=True, kw_only=True):
    """One program that knows images, and whoever is told what it prints."""

    program: str
    tell: Callable[[str], None]

    @classmethod
    def find(cls, wanted: str | None, tell: Callable[[str], None]) -> Builder:
        """Return the program *wanted*, or the first that there is.

        Raises:
            OperatorError: there is none.
        """
        names = (wanted,) if wanted else PROGRAMS
        for name in names:
            if found := shutil.which(name):
                return cls(program=found, tell=tell)
        raise OperatorError(
            f"{' nor '.join(names)} is not on this machine" if wanted else
            f"neither {' nor '.join(PROGRAMS)} is on this machine",
            remedy="install one of them; a trial needs none: `mlops emulator image add`",
        )  # fmt: skip

    @property
    def name(self) -> str:
        """What the program is called."""
        return Path(self.program).name

    def build(
        self,
        folder: Path,
        image: str,
        arguments: Mapping[str, str],
        mounted: Mapping[str, Path] | None = None,
    ) -> None:
        """Build the Dockerfile in *folder* as *image*.

        Args:
            folder: holds the Dockerfile.
            image: its name and tag.
            arguments: of the build.
            mounted: files for single steps by the id that the Dockerfile mounts them under; they
                are in no layer.

        Raises:
            OperatorError: it failed; what it said is told.
        """
        given = [f"--build-arg={name}={value}" for name, value in arguments.items() if value]
        given += [f"--secret=id={name},src={file}" for name, file in (mounted or {}).items()]
        verb = ["bud", "--layers"] if self.name == "buildah" else ["build"]
        self.run(*verb, f"--platform={PLATFORM}", *given, f"--tag={image}", str(folder))

    def login(self, host: str, user: str, password: str) -> None:
        """Sign in to a registry; the password goes through standard input alone."""
        self.run("login", f"--username={user}", "--password-stdin", host, said=password)

    def push(self, image: str, remote: str) -> str:
        """Push *image* as *remote* and return its digest; empty when the program does not say."""
        self.run("tag", image, remote)
        if self.name == "buildah":
            return _digest(self.run("push", "--digestfile=/dev/stdout", image, remote))
        return _digest(self.run("push", remote))

    def size(self, image: str) -> int:
        """Return the bytes of *image*; 0 when the program does not say."""
        kind = ["--type=image"] if self.name == "buildah" else []
        verb = ["inspect"] if self.name == "buildah" else ["image", "inspect"]
        try:
            said = json.loads(self.run(*verb, *kind, image))
        except (OperatorError, ValueError):
            return 0
        first = said[0] if isinstance(said, list) and said else said
        return int(first.get("Size", 0)) if isinstance(first, dict) else 0

    def run(self, *words: str, said: str | None = None) -> str:
        """Run the program and return what it prints; its lines are told as they come.

        Raises:
            OperatorError: it failed.
        """
        self.tell(f"{self.name} {' '.join(words)}")
        command: Sequence[str] = [self.program, *words]
        with subprocess.Popen(  # noqa: S603 -- a program of the machine, no shell
            command,
            stdin=subprocess.PIPE if said is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            if said is not None and process.stdin is not None:
                process.stdin.write(said)
                process.stdin.close()
            lines = []
            for line in process.stdout or ():
                lines.append(line)
                self.tell(f"  {line.rstrip()}")
        if process.returncode:
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
            raise OperatorError(
                f"{self.name} {words[0]} ended with {process.returncode}: {last}",
                remedy=f"what it said stands above; try `{self.name} {words[0]}` by hand",
            )
        return "".join(lines)


def _digest(text: str) -> str:
    found = _DIGEST.findall(text)
    return found[-1] if found else ""
