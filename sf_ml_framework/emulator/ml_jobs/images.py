"""The Container Runtime's images, and what stands for each here.

An image of Snowflake's own runs here as :mod:`.runtime.entrypoint` under this process's Python; one
of the account's repositories under the Python that the image was added with.

Source: snowflake-ml 2.6, ``jobs/_utils/runtime_env_utils.py`` (a tag, a full image URL, ``cre@``
and a name; the Python version is sent along) and ``constants.py``; Snowflake, "Snowflake ML Jobs",
"Custom Runtime Images". Which tag the newest runtime has is not documented: :data:`TAG` is one of
the versions that the release notes name.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from ..faults import SnowflakeError, invalid, not_found
from ..services import imaging
from ..services.imaging import Runner
from ..services.surroundings import NETWORK

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

HOME = "/snowflake/images/snowflake_images/"
"""The repository that every account may read."""
TAG = "2.9.0"
_TAG = re.compile(r"\d+\.\d+(?:\.\d+)?(?:-[A-Za-z0-9._-]+)?")
_ENTRYPOINT = FilePath(__file__).parent / "runtime" / "entrypoint.py"
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def resolve(account: Account, session: Session, written: str, *, gpu: bool) -> str:
    """Return the image that a runtime environment means.

    Args:
        account: where custom images stand.
        session: whose role must be able to read a custom image.
        written: empty, a tag, an image, ``cre@name``, or JSON with ``pythonVersion`` and
            ``runtimeEnvironment``.
        gpu: whether the pool's nodes have GPUs.

    Raises:
        SnowflakeError: there is no such runtime, or it has another Python than this one.
    """
    if written.startswith("{"):
        return _of_json(account, session, written, gpu=gpu)
    if written.lower().startswith("cre@"):
        # There are none: CREATE CUSTOM RUNTIME ENVIRONMENT is not known here.
        raise not_found("CUSTOM RUNTIME ENVIRONMENT", written[len("cre@") :])
    if "/" in written:
        _standing(account, session, written)
        return written
    if written and not _TAG.fullmatch(written):
        raise invalid(f"Runtime environment '{written}' is neither a version nor an image.")
    hardware = "gpu" if gpu else "cpu"
    return f"{HOME}container_runtime/{hardware}_x86_64:{written or TAG}"


def _of_json(account: Account, session: Session, written: str, *, gpu: bool) -> str:
    try:
        found = json.loads(written)
    except ValueError:
        raise invalid("The runtime environment is not valid JSON.") from None
    if unknown := set(found) - {"pythonVersion", "runtimeEnvironment"}:
        raise invalid(f"The runtime environment has an unknown key '{min(unknown)}'.")
    wanted = found.get("runtimeEnvironment")
    version = str(found.get("pythonVersion", _PYTHON))
    if not wanted and version != _PYTHON:
        raise SnowflakeError(
            f"No runtime image has Python {version}: this emulator runs jobs with its own Python "
            f"{_PYTHON}.",
            number=391001,
            state="22023",
        )
    return resolve(account, session, str(wanted or ""), gpu=gpu)


def _standing(account: Account, session: Session, written: str) -> imaging.Image | None:
    """Return the image of a repository of the account, None for one of Snowflake's."""
    if written.removeprefix("/").startswith(HOME.removeprefix("/")):
        return None
    slashed = written if written.startswith(("/", imaging.host(account))) else f"/{written}"
    reference = imaging.parse(account, slashed)
    account.require(session, "READ", "IMAGE REPOSITORY", reference.repository)
    return imaging.find(account, slashed)


def runner(account: Account, session: Session, image: str, *, network: bool) -> Runner:
    """Return how a job of *image* is run; *network* says whether it may install packages."""
    found = _standing(account, session, image)
    given = found.runner if found is not None else Runner(project=str(account.files))
    # The log must be whole when a job is killed.
    env = {"PYTHONUNBUFFERED": "1", **given.env}
    if network:
        env[NETWORK] = "1"
    entrypoint = (given.interpreter, str(_ENTRYPOINT))
    return replace(given, entrypoint=entrypoint, command=(), workdir="", env=env)
