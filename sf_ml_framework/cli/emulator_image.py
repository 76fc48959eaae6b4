"""``emulator image add``: an image for the local Snowflake, in the place of a push."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from sf_ml_framework.cli.emulator_server import (
    MODULE,
    PASSWORD_VARIABLE,
    Server,
    ServerFolder,
    environment,
)
from sf_ml_framework.cli.groups import Group
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.workspace import open_workspace
from sf_ml_framework.errors import OperatorError, UsageError

_F = TypeVar("_F", bound=Callable[..., Any])


def password_option(function: _F) -> _F:
    """Add ``--password``, which a variable can give too."""
    return click.option(
        "--password",
        metavar="TEXT",
        envvar=PASSWORD_VARIABLE,
        help=f"Password of the server's user; better in {PASSWORD_VARIABLE}, as others can read"
        " a command line. [default: mlops]",
    )(function)


@click.group(cls=Group, subcommand_metavar="COMMAND ...")
def image() -> None:
    """Give it an image to run, in the place of a push.

    Examples:
        mlops emulator image add /d/s/images/framework:1 --project .
    """


@image.command()
@click.argument("reference", metavar="REF")
@click.option("--project", type=Path, metavar="DIR", help="Run its containers here, as processes.")
@click.option("--python", metavar="FILE", default="", help="Interpreter; this one by default.")
@click.option(
    "--entrypoint", metavar="WORDS", default="", help="Command; by default the Dockerfile's."
)
@click.option("--workdir", metavar="PATH", default="", help="Where the image has the project.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable; repeatable.")
@click.option("--archive", type=Path, metavar="FILE", help="Run this built image, a tar archive.")
@click.option("--image", "local", metavar="NAME", help="Run this one of the local image store.")
@password_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Show the result to a person, or to a program.",
)
@click.pass_obj
def add(invocation: Invocation, /, form: Literal["text", "json"], **options: Any) -> None:
    """Put an image into a repository.

    REF is /database/schema/repository/image:tag; the repository must stand. With --project a
    container of it is a process of this machine, in that folder. With --archive or --image it is
    the real image, which takes `mlops emulator start --container-runtime`.

    Examples:
        mlops emulator image add /d/s/images/framework:1 --project .
        mlops emulator image add /d/s/images/framework:1 --archive out/image.tar
        mlops --project elsewhere emulator image add /d/s/r/step:1 --project steps
    """
    given = [name for name in ("project", "archive", "local") if options[name]]
    if len(given) != 1:
        raise UsageError(
            "an image is a project, an archive or one of the local store",
            remedy="give one of --project DIR, --archive FILE, --image NAME",
        )
    with open_workspace(invocation) as workspace:
        server = ServerFolder(workspace.state).running()
    reference, digest = _added(server, options)
    if form == "json":
        invocation.output.json({"reference": reference, "digest": digest})
    else:
        invocation.output.text(f"{reference} {digest}")


def _added(server: Server, options: dict[str, Any]) -> tuple[str, str]:
    """Call the server's own command and return what it printed: reference and digest."""
    reference, password = options["reference"], options["password"]
    words = ["image", "add", reference, "--url", server.url, "--user", server.user]
    for option, value in (
        ("--project", options["project"] and str(options["project"].absolute())),
        ("--archive", options["archive"] and str(options["archive"].absolute())),
        ("--image", options["local"]),
        ("--python", options["python"]),
        ("--entrypoint", options["entrypoint"]),
        ("--workdir", options["workdir"]),
    ):
        if value:
            words.append(f"{option}={value}")
    words += [f"--env={pair}" for pair in options["env"]]
    done = subprocess.run(  # noqa: S603 - our own module, the interpreter that runs
        [sys.executable, "-P", "-m", MODULE, *words],
        env=environment(password),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise OperatorError(
            f"the emulator refused image {reference}: {message}",
            remedy="create its repository first, and check the folder or file",
        )
    name, _, digest = done.stdout.strip().rpartition(" ")
    return name, digest
