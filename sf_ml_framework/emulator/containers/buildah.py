"""Images of buildah's store, run in a changed root.

``buildah run --isolation chroot`` does the same, but buildah 1.28 takes the values of variables on
its command line alone, where others on the machine can read them, and dies of a SIGTERM before the
container has dealt with it. So buildah keeps images and makes the container's root directory, and
:mod:`.enter` goes into it: what runs there is our child itself.

Source: buildah-from(1), buildah-mount(1), buildah-inspect(1), buildah-pull(1).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path as FilePath

from ..faults import invalid
from ..services.processes import Command
from .runtime import BuiltImage, Run, built, call, described


class Buildah:
    """Keeps images with buildah; needs root, as a changed root does."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise OSError("buildah as a container runtime needs root; use podman")

    def load(self, archive: FilePath) -> BuiltImage:
        """Take an archive into the store and return its image."""
        said = call(["buildah", "pull", "--quiet", f"{_transport(archive)}:{archive}"])
        return self.find(said.splitlines()[-1])

    def find(self, name: str) -> BuiltImage:
        """Return an image of the store."""
        found = described(call(["buildah", "inspect", "--type", "image", name]))
        config = found.get("OCIv1", {}).get("config") or {}
        return built(str(found["FromImageID"]), str(found.get("FromImageDigest") or ""), config)

    def begin(self, run: Run) -> Command:
        """Make the container's root directory, and return what goes into it."""
        call(["buildah", "from", "--quiet", "--pull-never", "--name", run.name, run.image])
        try:
            root = call(["buildah", "mount", run.name])
        except Exception:
            _remove(run.name)
            raise
        order = {
            "root": root,
            "argv": run.argv,
            "env": dict(run.env),
            "mounts": [[str(source), target] for source, target in run.mounts],
            "workdir": run.workdir or "/",
            "user": run.user,
        }
        return Command(
            (sys.executable, "-I", "-S", str(FilePath(__file__).with_name("enter.py"))),
            "/",
            {},
            given=json.dumps(order).encode(),
            after=lambda: _remove(run.name),
        )

    def sweep(self, prefix: str) -> None:
        """Remove containers of an earlier server."""
        for name in call(["buildah", "containers", "--format", "{{.ContainerName}}"]).split():
            if name.startswith(prefix):
                _remove(name)


def _remove(name: str) -> None:
    subprocess.run(  # noqa: S603
        ["buildah", "rm", name],  # noqa: S607
        capture_output=True,
        timeout=60,
        check=False,
    )


def _transport(archive: FilePath) -> str:
    """Return which of the two kinds of archive it is."""
    try:
        with tarfile.open(archive) as file:
            names = {name.removeprefix("./") for name in file.getnames()}
    except (OSError, tarfile.TarError) as error:
        raise invalid(f"{archive} cannot be read as an archive of an image: {error}") from None
    if "manifest.json" in names:
        return "docker-archive"
    if "oci-layout" in names:
        return "oci-archive"
    raise invalid(f"{archive} holds no image: neither manifest.json nor oci-layout is in it")
