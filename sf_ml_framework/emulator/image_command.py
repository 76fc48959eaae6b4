"""``python -m sf_ml_framework.emulator image add``: put an image into a repository.

The emulator's own, in the place of ``docker push``: an image here is a project's directory and an
interpreter. With ``--url`` it speaks to a running server, with ``--state`` to one that is stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

RUNTIMES = ("process", "podman", "docker", "buildah")
"""What may run containers; :mod:`.containers.runtime` has them too, but is slow to import."""
PASSWORD = "MLOPS_EMULATOR_PASSWORD"  # noqa: S105 - a variable's name
"""Names the variable that gives the password: others on a machine can read a command line."""


def given_password() -> str:
    """Return the password of the environment and take it out, so that nothing inherits it."""
    return os.environ.pop(PASSWORD, "mlops")


def main(arguments: list[str]) -> int:
    """Add one image and print its digest; 1 when it is refused."""
    chosen = _parser().parse_args(arguments)
    env = dict(pair.split("=", 1) for pair in chosen.env if "=" in pair)
    body: dict[str, Any] = {
        "reference": chosen.reference,
        "project": str(chosen.project.resolve()) if chosen.project else "",
        "archive": str(chosen.archive.resolve()) if chosen.archive else "",
        "image": chosen.image,
        "python": chosen.python,
        "entrypoint": shlex.split(chosen.entrypoint),
        "workdir": chosen.workdir,
        "env": env,
    }
    try:
        digest = _at_rest(chosen, body) if chosen.state else _running(chosen, body)
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{chosen.reference} {digest}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sf_ml_framework.emulator image add", description=__doc__
    )
    parser.add_argument("reference", help="/db/schema/repository/image:tag")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--project", type=Path, help="directory that a process of it runs in")
    source.add_argument("--archive", type=Path, help="tar archive of an image that was built")
    source.add_argument("--image", default="", help="an image of the container runtime's store")
    parser.add_argument("--python", default="", help="the image's interpreter")
    parser.add_argument("--entrypoint", default="", help="command; else the Dockerfile's")
    parser.add_argument("--workdir", default="", help="where the image has the project")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="address of a running server")
    where.add_argument("--state", type=Path, help="directory of a server that does not run")
    parser.add_argument("--container-runtime", choices=RUNTIMES, default="process")
    parser.add_argument("--user", default="mlops")
    parser.add_argument("--password", default=given_password(), help=f"or in {PASSWORD}")
    return parser


def _at_rest(chosen: argparse.Namespace, body: dict[str, Any]) -> str:
    from .faults import SnowflakeError
    from .server import Emulator

    emulator = Emulator(
        state=chosen.state,
        user=chosen.user,
        password=chosen.password,
        container_runtime=chosen.container_runtime,
    )
    try:
        return emulator.add_image(
            body["reference"],
            project=body["project"],
            archive=body["archive"],
            image=body["image"],
            python=body["python"],
            entrypoint=body["entrypoint"],
            workdir=body["workdir"],
            env=body["env"],
        )
    except SnowflakeError as error:
        raise RuntimeError(str(error)) from None
    finally:
        emulator.account.close()


def _running(chosen: argparse.Namespace, body: dict[str, Any]) -> str:
    login = {"data": {"LOGIN_NAME": chosen.user, "PASSWORD": chosen.password}}
    path = "/session/v1/login-request?roleName=ACCOUNTADMIN"
    answer = _post(chosen.url + path, login, "")
    if not answer.get("success"):
        raise RuntimeError(str(answer.get("message")))
    token = str(answer["data"]["token"])
    return str(_post(chosen.url + "/emulator/images", body, token)["digest"])


def _post(url: str, body: dict[str, Any], token: str) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise RuntimeError(f"'{url}' is no http address")
    request = urllib.request.Request(  # noqa: S310 - checked above
        url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    if token:
        request.add_header("Authorization", f'Snowflake Token="{token}"')
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            found = json.loads(response.read())
    except urllib.error.HTTPError as error:
        found = json.loads(error.read() or b"{}")
        raise RuntimeError(str(found.get("message", error))) from None
    except OSError as error:
        raise RuntimeError(f"no server answers at {url}: {error}") from None
    return found if isinstance(found, dict) else {}
