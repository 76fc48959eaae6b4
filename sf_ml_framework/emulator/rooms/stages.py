"""Stages: create, list, remove, copy files, presigned URLs.

Source: Snowflake, "CREATE STAGE", "LIST", "REMOVE", "COPY FILES", "GET_PRESIGNED_URL", "SHOW
STAGES".
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, not_found, unexpected
from ..names import Path, parts_of
from ..reader import Reader, Word, only
from ..registry import Call, Scope
from ..results import ResultSet, done, rows, status
from . import tags
from .file_options import matcher, of_stage
from .showing import gone, object_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session


def install(account: Account) -> None:
    """Register the statements; temporary stages of a server that died are dropped."""
    for kind in ("STAGE", "FILE FORMAT"):
        for entry in account.catalog.all(kind):
            if entry.properties.get("temporary"):
                account.catalog.drop(kind, entry.path)
    account.statement("CREATE [OR REPLACE] [TEMPORARY|TEMP] STAGE [IF NOT EXISTS]", create)
    account.statement("DROP STAGE [IF EXISTS]", drop)
    account.statement("ALTER STAGE [IF EXISTS]", alter)
    account.statement("LIST|LS", list_files, reads=True)
    account.statement("REMOVE|RM", remove)
    account.statement("COPY FILES INTO", copy_files)
    columns = [
        "created_on timestamp_ltz",
        "name",
        "database_name",
        "schema_name",
        "url",
        "has_credentials",
    ]
    columns += [
        "has_encryption_key",
        "owner",
        "comment",
        "region",
        "type",
        "cloud",
        "notification_channel",
    ]
    columns += ["storage_integration", "endpoint", "owner_role_type", "directory_enabled"]
    account.show("STAGES", columns, show)
    described = [
        "parent_property",
        "property",
        "property_type",
        "property_value",
        "property_default",
    ]
    account.describe("STAGE", described, describe)
    account.function("GET_PRESIGNED_URL", lambda s, *args: presigned(account, s, *args))


def plain(value: Any) -> Any:
    """Return a property's value as JSON can hold it."""
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def create(call: Call) -> ResultSet:
    """Create an internal stage."""
    path = object_name(call, "STAGE")
    found = call.reader.properties()
    if "URL" in found:
        raise SnowflakeError(
            "Unsupported feature: external stages are not known to this emulator.",
            number=2,
            state="0A000",
        )
    of_stage(plain(found))
    tagged = found.pop("TAG", {})
    comment = str(found.pop("COMMENT", ""))
    temporary = bool(call.flags & {"TEMPORARY", "TEMP"})
    old = call.account.catalog.find("STAGE", path)
    made = call.account.catalog.create(
        Entry(
            kind="STAGE",
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=comment,
            properties={**plain(found), "id": call.account.stages.new_id(), "temporary": temporary},
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    if old is not None:
        call.account.stages.drop(str(old.properties["id"]))
    if temporary:
        call.session.temporary[("STAGE", path)] = ""
    tags.attach(call.account, call.session, "STAGE", path, tagged)
    return status(f"Stage area {path.name} successfully created.")


def drop(call: Call) -> ResultSet:
    """Drop a stage and its files."""
    path = call.session.resolve(call.reader.last_name(), "DROP STAGE")
    entry = call.account.catalog.find("STAGE", path)
    if entry is None:
        return gone(call, "STAGE", path.name, str(path))
    call.account.catalog.drop("STAGE", path)
    call.session.temporary.pop(("STAGE", path), None)
    call.account.stages.drop(str(entry.properties["id"]))
    return status(f"{path.name} successfully dropped.")


def alter(call: Call) -> ResultSet:
    """Set or unset properties, rename, tag, or refresh the directory."""
    path = call.session.resolve(call.reader.name(), "ALTER STAGE")
    entry = call.account.catalog.find("STAGE", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("STAGE", str(path))
    if tags.altered(call, "STAGE", path):
        return done()
    if call.reader.accept("REFRESH"):
        only(call.reader.properties(), {"SUBPATH"}, "STAGE")
        return done()
    if call.reader.accept("RENAME", "TO"):
        call.account.catalog.rename("STAGE", path, call.session.resolve(call.reader.last_name()))
        return done()
    call.reader.expect("SET")
    found = plain(call.reader.properties())
    of_stage(found)
    comment = str(found.pop("COMMENT", entry.comment))
    changed = replace(entry, comment=comment, properties={**entry.properties, **found})
    call.account.catalog.update(changed)
    return done()


def location(reader: Reader) -> str:
    """Read ``@stage/path``, ``'@stage/path'`` or ``snow://..`` and return it as written."""
    token = reader.next()
    text = token.value if token.kind in {"STRING", "DOLLAR"} else token.text
    if token.kind == "OP" or not (text.startswith("@") or text.lower().startswith("snow://")):
        raise unexpected(token.text, token.start)
    return text


def _options(call: Call) -> re.Pattern[str] | None:
    found = call.reader.properties()
    only(found, {"PATTERN"}, "STAGE")
    return matcher(found["PATTERN"]) if found.get("PATTERN") else None


def list_files(call: Call) -> ResultSet:
    """List the files of a stage."""
    where = call.account.stages.locate(call.session, location(call.reader))
    pattern = _options(call)
    found = [
        (f.name, f.size, f.md5, f.modified.strftime("%a, %d %b %Y %H:%M:%S GMT"))
        for f in call.account.stages.files(where)
        if pattern is None or pattern.fullmatch(f.name)
    ]
    return rows(["name", "size fixed", "md5", "last_modified"], found)


def remove(call: Call) -> ResultSet:
    """Remove files from a stage."""
    where = call.account.stages.locate(call.session, location(call.reader))
    pattern = _options(call)
    gone = []
    for file in call.account.stages.files(where):
        if pattern is None or pattern.fullmatch(file.name):
            file.path.unlink()
            gone.append((file.name, "removed"))
    return rows(["name", "result"], gone)


def copy_files(call: Call) -> ResultSet:
    """Copy files from stage to stage."""
    reader, stages = call.reader, call.account.stages
    target = stages.locate(call.session, location(reader))
    reader.expect("FROM")
    source = stages.locate(call.session, location(reader))
    found = reader.properties()
    only(found, {"FILES", "PATTERN", "DETAILED_OUTPUT"}, "COPY FILES")
    wanted = found.get("FILES")
    copied = []
    for file in stages.files(source):
        inside = (
            file.path.relative_to(source.folder).as_posix().removeprefix(source.inside).lstrip("/")
        )
        # A path that names one file keeps that file's name.
        inside = inside or file.path.name
        if wanted and inside not in wanted:
            continue
        if found.get("PATTERN") and not matcher(found["PATTERN"]).fullmatch(file.name):
            continue
        goal = target.target / inside
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, goal)
        copied.append((inside,))
    return rows(["file"], copied)


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the stages."""
    for entry in call.account.catalog.all("STAGE", scope.database, scope.schema):
        directory = entry.properties.get("DIRECTORY") or {}
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "database_name": entry.path.database,
            "schema_name": entry.path.schema,
            "url": "",
            "has_credentials": "N",
            "has_encryption_key": "N",
            "owner": entry.owner,
            "comment": entry.comment,
            "type": "INTERNAL NO CSE" if entry.properties.get("ENCRYPTION") else "INTERNAL",
            "owner_role_type": "ROLE",
            "directory_enabled": "Y" if directory.get("ENABLE") else "N",
        }


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield a stage's properties."""
    entry = call.account.catalog.get("STAGE", call.session.resolve(parts))
    groups = {
        "STAGE_FILE_FORMAT": entry.properties.get("FILE_FORMAT") or {"TYPE": "CSV"},
        "STAGE_LOCATION": {"URL": ""},
        "DIRECTORY": entry.properties.get("DIRECTORY") or {"ENABLE": False},
    }
    for parent, values in groups.items():
        for name, value in values.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            kind = "Boolean" if isinstance(value, bool) else "String"
            yield {
                "parent_property": parent,
                "property": name,
                "property_type": kind,
                "property_value": text,
            }


def presigned(
    account: Account, session: Session, stage: str, path: str, seconds: Any = 3600
) -> str:
    """Return a URL for one file.

    Source: Snowflake, "GET_PRESIGNED_URL": READ on an internal stage.
    """
    require_stage(account, session, str(stage), "READ")
    where = account.stages.locate(session, str(stage))
    inside = str(path).strip("/")
    # Without the slash in front, which would make it a path of this machine.
    if not inside or ".." in inside.split("/") or "\0" in inside:
        raise SnowflakeError(f"invalid path '{path}'", number=1001, state="22023")
    return account.stages.sign(where.target / inside, float(seconds))


def require_stage(account: Account, session: Session, written: str, privilege: str) -> None:
    """Refuse a stage that *session* may not read or write; ``@~`` is everyone's own."""
    name = written[1:].split("/", maxsplit=1)[0]
    if not written.startswith("@") or name.startswith("~"):
        return
    try:
        path = session.resolve(parts_of(name.replace("%", "", 1)))
    except SnowflakeError:
        return
    if "%" in name:
        account.access.require(session, "OWNERSHIP", "TABLE", path)
    else:
        account.access.require(session, privilege, "STAGE", path)


__all__ = ["Path", "install", "location", "plain"]
