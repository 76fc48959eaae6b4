"""What a container finds: its variables, its token, secrets and volumes, its command.

A process here shares the machine's root directory, so what a container has at ``/mnt/x`` lies below
a directory of its own; arguments and variables that start with such a path are rewritten, and
``SNOWFLAKE_TOKEN_FILE`` says where the token is.

Source: Snowflake, "Working with services" (variables set by Snowflake), "Service specification
reference" (secrets, volumes); snowflake-ml 2.6, ``connection_params.py`` for SNOWFLAKE_TOKEN_FILE,
SNOWFLAKE_PROTOCOL and SNOWFLAKE_SSL.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..names import Path
from .imaging import Runner
from .processes import ROOT, Command
from .spec import Container

if TYPE_CHECKING:
    from ..account import Account

_PYTHON = re.compile(r"python(3(\.\d+)?)?")
NETWORK = "EMULATOR_NETWORK"
"""Set for a container that may install packages, from where this machine has its own."""
_PIP = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_SESSION = "/snowflake/session"
_SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one instance of a service stands.

    ``root`` is the directory that stands for the container's root, ``volumes`` where each volume
    is, ``secrets`` the catalogue's path of each name that the specification uses.
    """

    service: Path
    instance: int
    instances: int
    root: FilePath
    volumes: Mapping[str, FilePath]
    secrets: Mapping[str, Path]
    readable: bool = False
    """Whether users other than ours run in it: an image's own. ``root`` keeps all others out."""

    @property
    def token_file(self) -> FilePath:
        """The file that holds the session token."""
        return self.inside(f"{_SESSION}/token")

    def inside(self, path: str) -> FilePath:
        """Return where a path of the container lies."""
        return self.root / path.strip("/")


def prepare(account: Account, place: Place, container: Container, runner: Runner) -> Command:
    """Lay everything out and return the command to run."""
    moved = {_SESSION: str(place.inside(_SESSION))}
    for volume, path in container.mounts:
        moved[path.rstrip("/")] = _mount(place, volume, path)
    for use in container.secrets:
        if use.directory:
            moved[use.directory.rstrip("/")] = str(place.inside(use.directory))
    if runner.workdir:
        moved[runner.workdir.rstrip("/")] = runner.project
    write_secrets(account, place, container)
    env = _variables(account, place, container, runner)
    env |= {key: _moved(value, moved) for key, value in {**runner.env, **container.env}.items()}
    for use in container.secrets:
        if use.variable:
            env[use.variable] = secret_value(account, place.secrets[use.name], use.key)
    argv = [*(container.command or runner.entrypoint)]
    argv += container.args or (() if container.command else runner.command)
    words = tuple(_moved(word, moved) for word in argv)
    return Command(_resolved(words, runner, env), runner.project, env)


def _variables(
    account: Account, place: Place, container: Container, runner: Runner
) -> dict[str, str]:
    home = place.inside("/home")
    temporary = place.inside("/tmp")  # noqa: S108 - below the instance's own directory
    for folder in (home, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    env = {
        "PATH": f"{FilePath(runner.interpreter).parent}:{_SEARCH}",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        ROOT: str(place.root),
        **told(account, place),
    }
    if container.token:
        env["SNOWFLAKE_TOKEN_FILE"] = str(place.token_file)
    if NETWORK in runner.env:
        # Never kept: an index may be written with its password.
        env |= {key: value for key, value in os.environ.items() if key.upper().startswith(_PIP)}
    return env


def told(account: Account, place: Place) -> dict[str, str]:
    """Return the variables that Snowflake sets, and those that lead to this server."""
    address = urlsplit(account.address)
    return {
        "SNOWFLAKE_ACCOUNT": account.name,
        "SNOWFLAKE_HOST": address.hostname or "",
        "SNOWFLAKE_PORT": str(address.port or ""),
        "SNOWFLAKE_PROTOCOL": address.scheme,
        "SNOWFLAKE_SSL": "on" if address.scheme == "https" else "off",
        "SNOWFLAKE_DATABASE": place.service.database,
        "SNOWFLAKE_SCHEMA": place.service.schema,
        "SNOWFLAKE_SERVICE_NAME": place.service.name,
        "SNOWFLAKE_JOB_INDEX": str(place.instance),
        "SNOWFLAKE_JOBS_COUNT": str(place.instances),
        "SNOWFLAKE_RUNNING_INSIDE_SPCS": "true",
        # Not Snowflake's: there is no cloud's metadata server to be asked here.
        "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true",
    }


def write_token(place: Place, token: str) -> None:
    """Write the session token, readable by its owner alone."""
    _write_privately(place.token_file, token, readable=place.readable)


def _write_privately(file: FilePath, text: str, *, readable: bool) -> None:
    """Write in one step: a container never reads half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # Two threads may write at once: the one that starts the container, and the refresh.
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    if readable:
        fresh.chmod(0o644)
    fresh.replace(file)


def write_secrets(account: Account, place: Place, container: Container) -> None:
    """Write the secrets that are mounted as files."""
    for use in container.secrets:
        if not use.directory:
            continue
        folder = place.inside(use.directory)
        entry = account.catalog.find("SECRET", place.secrets[use.name])
        for key in ("username", "password", "secret_string"):
            if entry is not None and key in entry.properties:
                text = str(entry.properties[key])
                _write_privately(folder / key, text, readable=place.readable)


def secret_value(account: Account, path: Path, key: str) -> str:
    """Return one part of a secret."""
    return str(account.catalog.get("SECRET", path).properties.get(key, ""))


def _mount(place: Place, volume: str, path: str) -> str:
    """Make a volume appear below the container's root and return where."""
    at = place.inside(path)
    at.parent.mkdir(parents=True, exist_ok=True)
    if not at.exists():
        source = place.volumes[volume]
        source.mkdir(parents=True, exist_ok=True)
        at.symlink_to(source, target_is_directory=True)
    return str(at)


def _moved(text: str, moved: Mapping[str, str]) -> str:
    for path in sorted(moved, key=len, reverse=True):
        if text == path or text.startswith(path + "/"):
            return moved[path] + text[len(path) :]
    return text


def _resolved(words: tuple[str, ...], runner: Runner, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command with its program found: the image's Python is the runner's."""
    if not words:
        return ()
    first = words[0]
    if _PYTHON.fullmatch(FilePath(first).name):
        first = runner.interpreter
    elif "/" not in first:
        first = shutil.which(first, path=env["PATH"]) or first
    return (first, *words[1:])
