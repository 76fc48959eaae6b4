"""``image``: build the one image of all nodes, push it to the account, and see what is there."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sf_ml_framework.cli.connection_options import connection_options, target_option
from sf_ml_framework.cli.groups import Group
from sf_ml_framework.cli.image_builder import PROGRAMS, Builder
from sf_ml_framework.cli.invocation import Invocation
from sf_ml_framework.cli.options import format_option
from sf_ml_framework.cli.output import Column, Form
from sf_ml_framework.cli.where import same_place
from sf_ml_framework.cli.workspace import Workspace, open_workspace
from sf_ml_framework.errors import DataError, OperatorError, SettingsError

if TYPE_CHECKING:
    from sf_ml_framework.cli.account import OpenedAccount

tag_option = click.option(
    "--tag", default="", metavar="TAG", help="Tag; by default the commit, or the target's."
)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
builder_option = click.option(
    "--builder", type=click.Choice(PROGRAMS), help="What builds; by default the first there is."
)


@click.group(cls=Group)
def image() -> None:
    """Build the image of all nodes, push it, and see what is there.

    Tags are the commits that images were made from, so that none is ever overwritten; a deployment
    says which one its tasks run: mlops deploy --tag TAG.

    Examples:
        mlops image build
        mlops image push --target test
        mlops image ls --target test
    """


@image.command()
@tag_option
@builder_option
@click.option("--base", default="", metavar="IMAGE", help="Base image; else the Dockerfile's.")
@click.option("--pip-config", type=_FILE, help="pip.conf of the build: an index of your own.")
@click.option("--ca-file", type=_FILE, help="Certificates of the build, where a proxy has its own.")
@click.option("--dirty", is_flag=True, help="Also when files differ from the commit.")
@click.pass_obj
def build(
    invocation: Invocation,
    /,
    *,
    tag: str,
    builder: str | None,
    base: str,
    pip_config: Path | None,
    ca_file: Path | None,
    dirty: bool,
) -> None:
    """Build the project's Dockerfile for linux/amd64.

    What --pip-config and --ca-file name is mounted while packages are installed and is in no layer
    of the image.

    Examples:
        mlops image build
        mlops image build --builder podman --base registry.example.com/python:3.11-slim
        mlops image build --pip-config ~/.config/pip/pip.conf --ca-file /etc/ssl/company.pem
    """
    from sf_ml_framework import __version__
    from sf_ml_framework.show.words import size

    with open_workspace(invocation) as workspace:
        root, name = workspace.root, image_name(workspace)
        if not (root / "Dockerfile").is_file():
            raise DataError(f"{root} has no Dockerfile", remedy="copy the framework's own")
        commit, tag = commit_and_tag(root, tag, dirty=dirty)
        found = Builder.find(builder, invocation.output.talk)
        arguments = {"COMMIT": commit, "VERSION": __version__, "BASE": base}
        mounted = {"pip": pip_config, "ca": ca_file}
        files = {name: file.resolve() for name, file in mounted.items() if file is not None}
        found.build(root, f"{name}:{tag}", arguments, files)
    held = found.size(f"{name}:{tag}")
    invocation.output.text(f"{name}:{tag}{f', {size(held)}' if held else ''}")


@image.command()
@target_option
@tag_option
@builder_option
@connection_options
@click.pass_obj
def push(invocation: Invocation, /, target: str, tag: str, builder: str | None) -> None:
    """Push the image to the target's repository, and print its digest.

    Signs in to the registry with a programmatic access token where the connection has one, else
    with `snow spcs image-registry login`.

    Examples:
        mlops image push --target test
        mlops image push --target prod --tag 4f2a91c
    """
    from sf_ml_framework.cli.account import open_account

    output = invocation.output
    with open_workspace(invocation) as workspace:
        if not tag:
            _, tag = commit_and_tag(workspace.root, "", dirty=True)
        local = f"{image_name(workspace, target)}:{tag}"
    with open_account(invocation, target) as opened:
        url = _repository(opened)["repository_url"]
        remote = f"{url}/{opened.target.image}:{tag}"
        found = Builder.find(builder, output.talk)
        _sign_in(found, opened, url.partition("/")[0])
    digest = found.push(local, remote)
    output.text(f"{remote}{f'@{digest}' if digest else ''}")
    more = same_place(target, as_role=False)
    output.talk(f"next: {invocation.program} deploy --tag {tag}{more}")


@image.command("ls")
@target_option
@connection_options
@format_option
@click.pass_obj
def list_images(invocation: Invocation, /, target: str, form: Form) -> None:
    """List the images in the target's repository.

    Examples:
        mlops image ls --target test --format json
    """
    from sf_ml_framework.cli.account import open_account
    from sf_ml_framework.identifiers import quoted
    from sf_ml_framework.plan.names import image_repository

    with open_account(invocation, target) as opened:
        name = ".".join(map(quoted, image_repository(opened.target).split(".")))
        rows: list[dict[str, Any]] = [
            {"image": row["image_name"], "tag": row["tags"], "digest": row["digest"],
             "created": str(row["created_on"])}
            for row in opened.account.rows(f"SHOW IMAGES IN IMAGE REPOSITORY {name}")
        ]  # fmt: skip
    columns = tuple(map(Column, ("image", "tag", "digest", "created")))
    invocation.output.table(columns, rows, form, empty="there is no image in the repository yet")


@image.command()
@tag_option
@click.pass_obj
def scan(invocation: Invocation, /, tag: str) -> None:
    """Look for known vulnerabilities with Trivy; high and critical ones fail.

    Examples:
        mlops image scan
    """
    trivy = shutil.which("trivy")
    if trivy is None:
        raise OperatorError(
            "trivy is not on this machine", remedy="install it; the workflow of CI scans too"
        )
    with open_workspace(invocation) as workspace:
        _, tag = commit_and_tag(workspace.root, tag, dirty=True)
        reference = f"{image_name(workspace)}:{tag}"
    command = [trivy, "image", "--severity=HIGH,CRITICAL", "--ignore-unfixed", "--exit-code=1"]
    done = subprocess.run([*command, reference], check=False)  # noqa: S603 -- no shell
    if done.returncode:
        raise OperatorError(f"{reference} is not clean", remedy="what was found stands above")


def image_name(workspace: Workspace, target: str = "") -> str:
    """Return what the image is called on this machine.

    As in the default target; where there is none as in all of them, or else in *target*.

    Raises:
        SettingsError: none is the default or named, and they call it by different names.
    """
    from sf_ml_framework import targets

    settings = workspace.settings
    if settings.default_target or len(settings.targets) < 2:
        return targets.load(settings).image
    names = {targets.load(settings, each).image for each in settings.targets}
    if len(names) == 1:
        return names.pop()
    if target:
        return workspace.chosen(target).image
    raise SettingsError(
        f"the targets call the image by different names: {', '.join(sorted(names))}",
        remedy="say in mlops.yml by default_target which of them builds it",
    )


def commit_and_tag(root: Path, tag: str, *, dirty: bool) -> tuple[str, str]:
    """Return the commit of the project, and *tag* or the one that stands for the commit.

    Raises:
        OperatorError: there is no commit, or files differ from it and that was not asked for.
    """
    from contextlib import closing

    from sf_ml_framework.run.git import GitStatus

    with closing(GitStatus(root)) as git:
        commit, changed = git.read(patient=True)
    if changed and not dirty:
        raise OperatorError(
            "files differ from the commit, and the image's tag would name what it is not",
            remedy="commit them, or add --dirty",
        )
    if tag:
        return commit, tag
    if not commit:
        raise OperatorError(f"{root} is at no commit", remedy="commit, or name a --tag")
    return commit, f"{commit[:12]}{'-dirty' if changed else ''}"


def _repository(opened: OpenedAccount) -> dict[str, Any]:
    from sf_ml_framework.identifiers import quoted
    from sf_ml_framework.plan.names import image_repository

    full = image_repository(opened.target)
    database, schema, name = full.split(".")
    scope = f"{quoted(database)}.{quoted(schema)}"
    for row in opened.account.rows(f"SHOW IMAGE REPOSITORIES IN SCHEMA {scope}"):
        if row["name"] == name:
            return row
    raise OperatorError(
        f"there is no image repository {full}, or this role may not see it",
        remedy="mlops infra apply makes it",
    )


def _sign_in(builder: Builder, opened: OpenedAccount, host: str) -> None:
    """Sign in to the registry of the account.

    Source: Snowflake, "Working with an image registry and repository".
    """
    from sf_ml_framework.connection import arguments, method_of

    settings = opened.settings
    if method_of(settings) == "programmatic token":
        builder.login(host, settings.get("user") or "USER", arguments(settings)["token"])
        return
    snow = shutil.which("snow")
    if snow is None:
        raise OperatorError(
            f"nothing here can sign in to {host}",
            remedy="connect with a programmatic access token, or install Snowflake CLI (snow); the"
            " local Snowflake has no registry: `mlops emulator image add`",
        )
    command = [snow, "spcs", "image-registry", "token", "--format=JSON"]
    if name := settings.name:
        command.append(f"--connection={name}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise OperatorError(
            f"snow gives no token for {host}: {done.stderr.strip()}",
            remedy="try `snow spcs image-registry token` by hand",
        )
    builder.login(host, "0sessiontoken", json.dumps(json.loads(done.stdout)))
