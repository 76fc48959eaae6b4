"""Image repositories and what stands in them.

Source: Snowflake, "CREATE IMAGE REPOSITORY", "SHOW IMAGE REPOSITORIES", "SHOW IMAGES IN IMAGE
REPOSITORY". There is no ``docker push`` here: ``POST /emulator/images`` (not Snowflake's), the
command ``python -m sf_ml_framework.emulator image add`` and ``Emulator.add_image`` take its place.
"""

from __future__ import annotations

import shlex
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..containers.runtime import Containers
from ..faults import SnowflakeError, invalid, not_authorized, not_found
from ..reader import only
from ..registry import Call, RestCall, Scope
from ..results import ResultSet, done, status
from ..services import imaging
from ..services.naming import schema_object
from . import tags
from .showing import gone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account

_REPOSITORIES = ["created_on timestamp_ltz", "name", "database_name", "schema_name"]
_REPOSITORIES += ["repository_url", "owner", "owner_role_type", "comment", "encryption"]
_IMAGES = ["created_on timestamp_ltz", "image_name", "tags", "digest", "image_path"]


def install(account: Account) -> None:
    """Register the statements and the route."""
    account.statement("CREATE [OR REPLACE] IMAGE REPOSITORY [IF NOT EXISTS]", create)
    account.statement("ALTER IMAGE REPOSITORY [IF EXISTS]", alter)
    account.statement("DROP IMAGE REPOSITORY [IF EXISTS]", drop)
    account.show("IMAGE REPOSITORIES", _REPOSITORIES, show)
    account.show("IMAGES", _IMAGES, show_images)
    account.route("POST", "/emulator/images", add)


def create(call: Call) -> ResultSet:
    """Create a repository."""
    path = schema_object(call, "CREATE IMAGE REPOSITORY")
    found = call.reader.properties()
    tagged, comment = found.pop("TAG", {}), str(found.pop("COMMENT", ""))
    encryption = found.pop("ENCRYPTION", {"TYPE": "SNOWFLAKE_SSE"})
    only(found, (), "IMAGE REPOSITORY")
    kind = str(encryption.get("TYPE")) if isinstance(encryption, dict) else str(encryption)
    if kind not in {"SNOWFLAKE_FULL", "SNOWFLAKE_SSE"}:
        raise invalid(f"invalid value '{kind}' for property 'ENCRYPTION'")
    catalog = call.account.catalog
    stood = catalog.find("IMAGE REPOSITORY", path) is not None
    entry = Entry(
        kind="IMAGE REPOSITORY",
        path=path,
        owner=call.session.role,
        created_on=call.account.clock.now(),
        comment=comment,
        properties={"encryption": kind},
    )
    if not catalog.create(entry, replace=call.or_replace, if_absent=call.if_not_exists):
        return status(f"{path.name} already exists, statement succeeded.")
    if stood:
        _forget_images(call, entry)
    tags.attach(call.account, call.session, "IMAGE REPOSITORY", path, tagged)
    return status(f"Image Repository {path.name} successfully created.")


def _forget_images(call: Call, entry: Entry) -> None:
    for image in imaging.images(call.account, entry.path):
        call.account.catalog.drop("IMAGE", image.path)


def alter(call: Call) -> ResultSet:
    """Set the comment, or tags."""
    from dataclasses import replace

    path = schema_object(call, "ALTER IMAGE REPOSITORY")
    entry = call.account.catalog.find("IMAGE REPOSITORY", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("Image repository", str(path))
    if tags.altered(call, "IMAGE REPOSITORY", path):
        return done()
    if call.reader.accept("UNSET", "COMMENT"):
        comment = ""
    else:
        call.reader.expect("SET", "COMMENT", "=")
        comment = call.reader.string()
    call.reader.end()
    call.account.catalog.update(replace(entry, comment=comment))
    return done()


def drop(call: Call) -> ResultSet:
    """Drop a repository with its images."""
    path = schema_object(call, "DROP IMAGE REPOSITORY")
    call.reader.end()
    entry = call.account.catalog.find("IMAGE REPOSITORY", path)
    if entry is None:
        return gone(call, "Image repository", path.name, str(path))
    _forget_images(call, entry)
    call.account.catalog.drop("IMAGE REPOSITORY", path)
    return status(f"{path.name} successfully dropped.")


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the repositories."""
    for entry in call.account.catalog.all("IMAGE REPOSITORY", scope.database, scope.schema):
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "database_name": entry.path.database,
            "schema_name": entry.path.schema,
            "repository_url": imaging.repository_url(call.account, entry.path),
            "owner": entry.owner,
            "owner_role_type": "ROLE",
            "comment": entry.comment,
            "encryption": entry.properties.get("encryption"),
        }


def show_images(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the images of ``IN IMAGE REPOSITORY``."""
    if scope.kind != "IMAGE REPOSITORY":
        call.reader.fail()
    repository = call.account.catalog.get("IMAGE REPOSITORY", scope.path)
    for entry in imaging.images(call.account, repository.path):
        image, _, tag = entry.name.removeprefix(repository.name + "/").rpartition(":")
        base = "/".join(part.lower() for part in repository.path)
        yield {
            "created_on": entry.created_on,
            "name": image,
            "image_name": image,
            "tags": tag,
            "digest": entry.properties["digest"],
            "image_path": f"{base}/{image}:{tag}",
        }


def add(call: RestCall) -> dict[str, Any]:
    """Put an image into a repository: ``{"reference", "project", "python", ...}``."""
    if call.session.role != "ACCOUNTADMIN":
        raise not_authorized("the images of the emulator")
    body = call.body if isinstance(call.body, dict) else {}
    known = {"reference", "project", "python", "entrypoint", "workdir", "env", "archive", "image"}
    if unknown := set(body) - known:
        raise invalid(f"unknown field '{min(unknown)}'")
    sources = [one for one in ("project", "archive", "image") if body.get(one)]
    if not body.get("reference") or len(sources) != 1:
        raise invalid("'reference' and one of 'project', 'archive', 'image' are required")
    if sources != ["project"]:
        made = add_built(
            call.account,
            str(body["reference"]),
            archive=str(body.get("archive") or ""),
            image=str(body.get("image") or ""),
            role=call.session.role,
        )
        return {"image": made.reference, "digest": made.digest}
    entrypoint, env = body.get("entrypoint") or [], body.get("env") or {}
    if not isinstance(env, dict):
        raise SnowflakeError("'env' must be an object", number=390400, state="08001")
    runner = imaging.Runner(
        project=str(body["project"]),
        python=str(body.get("python") or ""),
        entrypoint=tuple(shlex.split(entrypoint) if isinstance(entrypoint, str) else entrypoint),
        workdir=str(body.get("workdir") or ""),
        env={str(key): str(value) for key, value in env.items()},
    )
    image = imaging.add(call.account, str(body["reference"]), runner, role=call.session.role)
    return {"image": image.reference, "digest": image.digest}


def add_built(
    account: Account, written: str, *, archive: str, image: str, role: str = "ACCOUNTADMIN"
) -> imaging.Image:
    """Put an image that was built into a repository: of an archive, or of the local store.

    Raises:
        SnowflakeError: there is no runtime for it, no such image, or no such repository.
    """
    runtime = account.part(Containers).runtime
    # Before a large archive is read in vain.
    account.catalog.get("IMAGE REPOSITORY", imaging.parse(account, written).repository)
    found = runtime.load(FilePath(archive)) if archive else runtime.find(image)
    runner = imaging.Runner(
        project="",
        entrypoint=found.entrypoint,
        command=found.command,
        workdir=found.workdir,
        env=dict(found.env),
        image=found.id,
        user=found.user,
    )
    return imaging.add(account, written, runner, role=role, digest=found.digest)
