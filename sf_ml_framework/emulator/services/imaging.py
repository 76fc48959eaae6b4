"""Images: references, where they stand, and the local program that stands for each.

Source: Snowflake, "Working with an image registry and repository": lower case throughout, full form
``<host>/<db>/<schema>/<repo>/<image>:<tag>``, short form with a leading slash, or a digest. That an
image is a directory with a Python is this emulator's own; :mod:`..containers` has built images.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, not_found
from ..names import Path

if TYPE_CHECKING:
    from ..account import Account

_SHORT = re.compile(
    r"/?(?P<database>[a-z0-9_$]+)/(?P<schema>[a-z0-9_$]+)/(?P<repository>[a-z0-9_$]+)/"
    r"(?P<image>[a-z0-9._/-]+?)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_INSTRUCTION = re.compile(r"^\s*(FROM|WORKDIR|ENV|ENTRYPOINT|CMD)\s+(.*)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """How an image is run here: a command in *project* by the interpreter *python*.

    ``workdir`` is where the image has the project; arguments below it are the project's files.
    """

    project: str
    python: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    workdir: str = ""
    env: dict[str, str] = field(default_factory=dict)
    image: str = ""
    """Id of an image that was built; then *project* and *python* are empty."""
    user: str = ""

    @property
    def interpreter(self) -> str:
        """The Python that runs it."""
        return self.python or sys.executable


@dataclass(frozen=True, slots=True)
class Image:
    """An image that stands in a repository."""

    reference: str
    digest: str
    runner: Runner


def host(account: Account) -> str:
    """Return the registry's host; a name that no real registry can have."""
    return f"{account.name.lower().replace('_', '-')}.registry.localhost"


def repository_url(account: Account, path: Path) -> str:
    """Return what SHOW IMAGE REPOSITORIES calls ``repository_url``."""
    return "/".join([host(account), *(part.lower() for part in path)])


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference; *tag* or *digest* may be empty."""

    repository: Path
    image: str
    tag: str
    digest: str

    @property
    def short(self) -> str:
        """The form that specifications hold."""
        base = "/".join(["", *(part.lower() for part in self.repository), self.image])
        return f"{base}@{self.digest}" if self.digest and not self.tag else f"{base}:{self.tag}"


def parse(account: Account, written: str) -> Reference:
    """Return the parts of an image reference.

    Raises:
        SnowflakeError: it is none of a repository of this account.
    """
    text = written.removeprefix(host(account))
    # Snowflake folds database, schema and repository; the image's own name must be lower case.
    head = text.split("/")
    folded = "/".join([*(part.lower() for part in head[:4]), *head[4:]])
    match = _SHORT.fullmatch(folded if text.startswith("/") else "")
    if match is None:
        raise SnowflakeError(
            f"Invalid spec: image '{written}' is not in an image repository of this account; "
            "expected /<database>/<schema>/<repository>/<image>:<tag>.",
            number=395018,
            state="22023",
        )
    repository = Path(*(match[name].upper() for name in ("database", "schema", "repository")))
    digest = match["digest"] or ""
    tag = match["tag"] or ("" if digest else "latest")
    return Reference(repository, match["image"], tag, digest)


def add(
    account: Account,
    written: str,
    runner: Runner,
    *,
    role: str = "ACCOUNTADMIN",
    digest: str = "",
) -> Image:
    """Put an image into its repository, as a push would; a tag that stands is moved.

    *digest* is that of an image that was built; a project's is made of its files.

    Raises:
        SnowflakeError: there is no such repository.
    """
    reference = parse(account, written)
    account.catalog.get("IMAGE REPOSITORY", reference.repository)
    if not runner.image:
        runner = _from_dockerfile(runner)
        digest = "sha256:" + hashlib.sha256(_identity(runner).encode()).hexdigest()
    entry = Entry(
        kind="IMAGE",
        path=_path(reference),
        owner=role,
        created_on=account.clock.now(),
        properties={"digest": digest, "runner": asdict(runner), "image": reference.image},
    )
    account.catalog.create(entry, replace=True)
    return Image(reference.short, digest, runner)


def _path(reference: Reference) -> Path:
    database, schema, repository = reference.repository
    name = f"{repository}/{reference.image}:{reference.tag or reference.digest}"
    return Path(database, schema, name)


def find(account: Account, written: str) -> Image:
    """Return the image that a specification names.

    Raises:
        SnowflakeError: no such repository, or no such image in it.
    """
    reference = parse(account, written)
    if account.catalog.find("IMAGE REPOSITORY", reference.repository) is None:
        raise not_found("Image repository", str(reference.repository))
    for entry in images(account, reference.repository):
        found = entry.properties
        by_tag = reference.tag and entry.path == _path(reference)
        if reference.digest and found["digest"] != reference.digest:
            continue
        if by_tag or (not reference.tag and found["image"] == reference.image):
            return Image(reference.short, str(found["digest"]), stored_runner(found["runner"]))
    raise SnowflakeError(
        f"Failed to retrieve image '{written}' from the image repository: no such image or tag.",
        number=395092,
        state="22023",
    )


def images(account: Account, repository: Path) -> list[Entry]:
    """Return the images of a repository, by name and tag."""
    start = repository.name + "/"
    found = account.catalog.all("IMAGE", repository.database, repository.schema)
    return [entry for entry in found if entry.name.startswith(start)]


def stored_runner(stored: dict[str, Any]) -> Runner:
    """Return a runner from what the catalogue keeps of it."""
    values = {**stored, "entrypoint": tuple(stored["entrypoint"])}
    return Runner(**{**values, "command": tuple(stored["command"])})


def _identity(runner: Runner) -> str:
    """What the digest is made of: the runner, and the names, sizes and times of its files."""
    root = FilePath(runner.project)
    files = []
    for file in sorted(root.glob("**/*.py")) if root.is_dir() else []:
        inside = file.relative_to(root)
        if not any(part.startswith(".") for part in inside.parts):
            stat = file.stat()
            files.append((inside.as_posix(), stat.st_size, stat.st_mtime_ns))
    return json.dumps([asdict(runner), files])


def _from_dockerfile(runner: Runner) -> Runner:
    """Fill what was not given from the last stage of the project's Dockerfile, if there is one."""
    file = FilePath(runner.project) / "Dockerfile"
    if not file.is_file():
        return runner
    found: dict[str, Any] = {"ENV": {}}
    text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        match = _INSTRUCTION.match(line)
        if match is None:
            continue
        word, rest = match[1].upper(), match[2].strip()
        if word == "FROM":
            found = {"ENV": {}}
        elif word == "ENV":
            found["ENV"].update(
                pair.split("=", 1) for pair in shlex.split(rest) if "=" in pair and "$" not in pair
            )
        else:
            found[word] = rest
    return Runner(
        project=runner.project,
        python=runner.python,
        entrypoint=runner.entrypoint or _exec_form(found.get("ENTRYPOINT")),
        command=runner.command or _exec_form(found.get("CMD")),
        workdir=runner.workdir or str(found.get("WORKDIR", "")),
        env={**found["ENV"], **runner.env},
    )


def _exec_form(text: str | None) -> tuple[str, ...]:
    """Return a Dockerfile's command; the shell form is run by a shell."""
    if not text:
        return ()
    if text.startswith("["):
        try:
            return tuple(str(part) for part in json.loads(text))
        except ValueError:
            return ()
    return ("/bin/sh", "-c", text)
