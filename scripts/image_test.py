"""Build the image of all nodes, look into it, and run the pipeline in it: ``make image-test``.

    python scripts/image_test.py                        base made by debootstrap
    python scripts/image_test.py --base python:3.11-slim   where a registry is reachable

Needs root, buildah and, without ``--base``, debootstrap (``apt-get install buildah debootstrap``);
no docker. The base is kept in buildah's store for the next time. The graph then runs in six
containers of that image, against a local Snowflake. Exits with 1 when something does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from project_world import IMAGE, ROOT, CheckError, World, expect, world_of

BASE = "localhost/mlops-base:bookworm"
TAG = "image-test"
LOCAL = f"localhost/mlops_framework:{TAG}"
USER = 10001
UNUSED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/cache/apt",
    "var/lib/apt/lists",
)
PACKAGES = "python3,python3-venv,ca-certificates"
NEVER = ("tests", ".git", ".github", ".env", "data", "emulator", "connections.toml")
"""Names that nothing of the project has in the image."""


def call(*words: str) -> str:
    """Run a program and return what it prints."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CheckError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout.strip()


def make(target: str, **values: str) -> None:
    """Call a target as the workflows do, with buildah."""
    given = {"BUILDER": "buildah", "TAG": TAG, **values}
    call("make", "-C", str(ROOT), target, *(f"{name}={value}" for name, value in given.items()))


def image_ids() -> set[str]:
    """Return the images that stand, those of the steps of a build too."""
    return set(call("buildah", "images", "--all", "--quiet", "--no-trunc").split())


def remove_images(kept: set[str]) -> None:
    """Remove what was built and is not the base: else each call leaves another two gigabytes."""
    listed = call("buildah", "images", "--no-trunc", "--format", "{{.Name}}:{{.Tag}} {{.ID}}")
    base = {one for name, one in map(str.split, listed.splitlines()) if name == BASE}
    for one in image_ids() - kept - base:
        # Under two names it is listed once, and one may stand on another.
        with suppress(CheckError):
            call("buildah", "rmi", "--force", one)


def base_image(given: str) -> str:
    """Return the base: the one *given*, the one of the last time, or a new one of Debian."""
    if given:
        return given
    if BASE in call("buildah", "images", "--format", "{{.Name}}:{{.Tag}}").split():
        return BASE
    mirror = call("apt-get", "indextargets", "--format", "$(SITE)").splitlines()[0]
    folder = Path(tempfile.mkdtemp(prefix="base-"))
    try:
        root = folder / "root"
        words = ("--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root), mirror)
        call("debootstrap", *words)
        for unused in UNUSED:
            shutil.rmtree(root / unused, ignore_errors=True)
        container = call("buildah", "from", "scratch")
        call("buildah", "add", "--quiet", container, str(root), "/")
        call("buildah", "commit", "--quiet", container, BASE)
        call("buildah", "rm", container)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return BASE


@contextmanager
def mounted(image: str) -> Iterator[Path]:
    """Show the files of *image* as a folder."""
    container = call("buildah", "from", "--pull-never", image)
    try:
        yield Path(call("buildah", "mount", container))
    finally:
        call("buildah", "rm", container)


def look(root: Path) -> Iterator[str]:
    """What is in the image, and what is not."""
    app = [path.relative_to(root / "app") for path in (root / "app").rglob("*")]
    found = [str(path) for path in app if set(path.parts) & set(NEVER)]
    expect(not found, f"the image has {found[:5]}")
    yield f"{len(app)} files of the project; no test, no data, no secret, no history among them"
    loose = [str(path) for path in writable(root)]
    expect(not loose, f"user {USER} may write to {loose[:5]}")
    yield f"user {USER} may write nowhere but in /tmp, so the root file system may be read-only"
    said = json.loads(call("buildah", "inspect", "--type", "image", LOCAL))["OCIv1"]
    config, labels = said["config"], said["config"]["Labels"]
    expect(config["User"] == f"{USER}:{USER}", f"the image runs as {config['User']!r}")
    commit = call("git", "-C", str(ROOT), "rev-parse", "HEAD")
    revision = labels["org.opencontainers.image.revision"]
    expect(revision == commit, f"the label says {revision}, the commit is {commit}")
    expect(bool(labels["org.opencontainers.image.version"]), "no label tells the version")
    expect(said["architecture"] == "amd64", f"it is for {said['architecture']}")
    yield "linux/amd64, no root, labelled with commit and version"


def writable(root: Path) -> Iterator[Path]:
    """Yield what the image's user may write to, /tmp apart."""
    outside = {
        root / "tmp",
        root / "var/tmp",
        root / "proc",
        root / "dev",
        root / "sys",
        root / "run",
    }
    for folder, names, files in os.walk(root):
        at = Path(folder)
        names[:] = [name for name in names if at / name not in outside]
        for name in (*names, *files):
            held = (at / name).lstat()
            others = held.st_mode & stat.S_IWOTH and not stat.S_ISLNK(held.st_mode)
            if held.st_uid == USER or others:
                yield (at / name).relative_to(root)


def largest(root: Path, count: int = 10) -> Iterator[str]:
    """The largest packages, each with what asks for it."""
    (packages,) = (root / "opt/venv/lib").glob("python3.*/site-packages")
    held = {named(one): one for one in distributions(path=[str(packages)])}
    sizes = {name: size_of(one) for name, one in held.items()}
    parents: dict[str, set[str]] = {}
    for name, one in held.items():
        for needed in one.requires or ():
            wanted, _, condition = needed.partition(";")
            if "extra" not in condition:
                bare = "".join(c if c.isalnum() or c in "-_." else " " for c in wanted).split()[0]
                parents.setdefault(canonical(bare), set()).add(name)
    for name in sorted(sizes, key=lambda each: -sizes[each])[:count]:
        why = ", ".join(sorted(parents.get(name, {"the project"})))
        yield f"     {sizes[name] / 1e6:6.0f} MB  {name:28} for {why}"


def canonical(name: str) -> str:
    """Return *name* as packages are compared by."""
    return name.lower().replace("_", "-").replace(".", "-")


def named(one: Distribution) -> str:
    """Return the name of a distribution."""
    return canonical(str(one.metadata["Name"]))


def size_of(one: Distribution) -> int:
    """Return the bytes that a distribution has on the disk."""
    files = [Path(str(one.locate_file(file))) for file in one.files or ()]
    return sum(file.stat().st_size for file in files if file.is_file())


def runs(world: World, archive: Path) -> Iterator[str]:
    """The graph, in containers of the image."""
    world.there("infra", "apply", "--yes")
    world.call("emulator", "image", "add", IMAGE, "--archive", str(archive))
    world.there("deploy", "--yes")
    began = time.monotonic()
    inputs = json.dumps({"num_customers": world.customers})
    made: Any = world.json("exec", "generate_sample_data", "--target", "dev", "--inputs", inputs)
    expect(made["status"] == "succeeded", f"the node ended so: {made}")
    yield f"one node as a job, in {time.monotonic() - began:.0f} s"
    began = time.monotonic()
    params = ("--param", f"num_customers={world.customers}", "--param", "n_trials=2")
    found = world.run_graph(*params)
    expect(set(found.values()) <= {"succeeded", "skipped"}, f"the nodes ended so: {found}")
    yield f"all {len(found)} nodes as a graph, in {time.monotonic() - began:.0f} s"
    wrong = json.dumps({"num_customers": -1})
    said = world.there(
        "exec", "generate_sample_data", "--target", "dev", "--inputs", wrong, codes=(1,)
    )
    expect("num_customers" in said, f"the failure does not say why: {said}")
    yield "a node that fails ends its container, its job and the command with the author's fault"


def main() -> int:
    """Take every step and tell of each as it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="", metavar="IMAGE", help="base image of the Dockerfile")
    parser.add_argument("--customers", type=int, default=2000)
    given = parser.parse_args()
    missing = [name for name in ("buildah", "debootstrap") if not shutil.which(name)]
    if os.geteuid() != 0 or "buildah" in missing or (missing and not given.base):
        print("needs root, buildah and debootstrap: apt-get install buildah debootstrap")
        return 1
    os.environ.setdefault("BUILDAH_ISOLATION", "chroot")
    folder, images_before = Path(tempfile.mkdtemp(prefix="image-")), image_ids()
    try:
        for line in steps(given.base, given.customers, folder):
            print(line if line.startswith(" ") else f"ok   {line}", flush=True)
    except CheckError as failure:
        print(f"FAIL {failure}", flush=True)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        remove_images(images_before)
    print("The image is built, and the pipeline runs in it.")
    return 0


def steps(base: str, customers: int, folder: Path) -> Iterator[str]:
    """Build, look and run, in *folder*."""
    began = time.monotonic()
    chosen = base_image(base)
    yield f"base {chosen}, in {time.monotonic() - began:.0f} s"
    began = time.monotonic()
    words = ["--base", chosen, "--dirty"]
    if certificates := os.environ.get("PIP_CERT", ""):
        words += ["--ca-file", certificates]
    make("ci-image", ARGS=shlex.join(words))
    held = json.loads(call("buildah", "images", "--json", LOCAL))[0]["size"]
    yield f"built in {time.monotonic() - began:.0f} s: {held}"
    with mounted(LOCAL) as root:
        yield from largest(root)
        yield from look(root)
    archive = folder / "image.tar"
    make("ci-image-save", ARCHIVE=str(archive))
    call("buildah", "rmi", LOCAL)
    make("ci-image-load", ARCHIVE=str(archive))
    loaded = call("buildah", "images", "--format", "{{.Name}}:{{.Tag}}", LOCAL)
    expect(loaded == LOCAL, f"the archive holds {loaded!r}")
    yield f"kept as a file of {archive.stat().st_size / 1e6:.0f} MB, and loaded from it"
    project = folder / "project"
    project.mkdir()
    with world_of(project, customers=customers, runtime="buildah") as world:
        yield from runs(world, archive)


if __name__ == "__main__":
    sys.exit(main())
