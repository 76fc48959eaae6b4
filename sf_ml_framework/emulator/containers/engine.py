"""podman and docker, whose command lines agree as far as they are used here.

Source: podman-run(1), podman-load(1), podman-image-inspect(1), "docker container run". The network
is the machine's own, so that a container finds the server on loopback; docker inside a virtual
machine has another loopback, and does not.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path as FilePath

from ..services.processes import Command
from .runtime import BuiltImage, Run, built, call, described

_OWN = {"PATH", "HOME", "TMPDIR", "USER", "SHELL", "LANG"}
"""Variables that the program itself reads: for the container they are written out."""


class Engine:
    """podman or docker; the client in the foreground passes signals on, and ends as it did."""

    def __init__(self, name: str) -> None:
        self._name = name

    def load(self, archive: FilePath) -> BuiltImage:
        """Take an archive into the store and return its image."""
        said = call([self._name, "load", "--quiet", "--input", str(archive)])
        # "Loaded image: name:tag", or "Loaded image(s): .." or ".. ID: sha256:..".
        return self.find(said.splitlines()[-1].partition(": ")[2].split(",")[0].strip())

    def find(self, name: str) -> BuiltImage:
        """Return an image of the store."""
        found = described(call([self._name, "image", "inspect", name]))
        return built(str(found["Id"]), str(found.get("Digest") or ""), found["Config"])

    def begin(self, run: Run) -> Command:
        """Return the command that makes and runs the container."""
        return Command(
            self.words(run),
            "/",
            {**os.environ, **{k: v for k, v in run.env.items() if not _is_own(k)}},
            after=lambda: self._remove(run.name),
        )

    def words(self, run: Run) -> tuple[str, ...]:
        """Return the command line; values of variables are not on it, others could read them."""
        made = [self._name, "run", "--rm", "--name", run.name, "--network", "host"]
        made += ["--pull", "never"]
        for key, value in sorted(run.env.items()):
            made += ["--env", f"{key}={value}" if _is_own(key) else key]
        for source, target in run.mounts:
            made += ["--volume", f"{source}:{target}"]
        if run.workdir:
            made += ["--workdir", run.workdir]
        if run.argv:
            made += ["--entrypoint", run.argv[0]]
        return (*made, run.image, *run.argv[1:])

    def _remove(self, name: str) -> None:
        # A client that was killed leaves its container behind.
        subprocess.run(  # noqa: S603
            [self._name, "rm", "--force", name], capture_output=True, timeout=60, check=False
        )

    def sweep(self, prefix: str) -> None:
        """Remove containers of an earlier server."""
        words = [self._name, "ps", "--all", "--filter", f"name=^{prefix}", "--format", "{{.Names}}"]
        for name in call(words).split():
            if name.startswith(prefix):
                self._remove(name)


def _is_own(name: str) -> bool:
    return name in _OWN or name.startswith(("XDG_", "DOCKER_", "CONTAINER", "STORAGE_", "LD_"))
