"""Models: CREATE, DROP, SHOW, rename, tags, and ``snow://model/...``.

Source: Snowflake, "CREATE MODEL", "DROP MODEL", "SHOW MODELS"; snowflake-ml's
``model/_client/sql/model.py``.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, unsupported
from ..lineage.recording import Recorder
from ..models import store
from ..models.store import KIND
from ..reader import only
from ..registry import Call, Scope
from ..results import ResultSet, status
from ..stages import Location
from . import tags
from .datasets import split_url
from .showing import gone, object_name
from .stages import location

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account
    from ..session import Session

_COLUMNS = ["created_on timestamp_ltz", "name", "model_type", "database_name", "schema_name"]
_COLUMNS += ["comment", "owner", "default_version_name", "versions", "aliases"]


def install(account: Account) -> None:
    """Register the statements, the scheme of the URLs and what the client asks beside them."""
    account.statement("CREATE|ALTER|DROP [OR REPLACE] MODEL MONITOR", monitor)
    account.statement("CREATE [OR REPLACE] MODEL [IF NOT EXISTS]", create)
    account.statement("DROP MODEL [IF EXISTS]", drop)
    account.show("MODELS", _COLUMNS, show)
    account.stages.schemes["model"] = lambda session, rest: locate(account, session, rest)
    # None of what newer servers can do beside this: the client asks and then does without.
    account.function("SYSTEM$ML_PLATFORM_CAPABILITIES", lambda session: "{}")


def locate(account: Account, session: Session, rest: str) -> Location:
    """Resolve ``db.schema.model/versions/V1/...``; the version may be an alias."""
    name, inside = split_url(rest)
    account.require(session, "READ", KIND, session.resolve(name))
    entry = store.get(account, session.resolve(name))
    parts = inside.split("/")
    if ".." in parts:
        raise SnowflakeError(f"invalid path '{inside}'", number=1001, state="22023")
    if len(parts) > 1 and parts[0] == "versions" and parts[1]:
        parts[1] = store.resolve(entry, parts[1])
    return Location(store.folder(account, entry), "", "/".join(parts))


def monitor(call: Call) -> ResultSet:
    """Refuse model monitors by name, which would else be read as models called MONITOR."""
    raise unsupported("model monitors are not known to this emulator.")


def source(call: Call) -> FilePath:
    """Read ``FROM @stage/path`` or ``FROM MODEL name [VERSION v]`` and return the files' folder."""
    reader = call.reader
    reader.expect("FROM")
    if reader.accept("MODEL"):
        path = call.session.resolve(reader.name())
        call.account.require(call.session, "READ", KIND, path)
        entry = store.get(call.account, path)
        version = reader.name()[0] if reader.accept("VERSION") else None
        return store.version_folder(call.account, entry, store.resolve(entry, version))
    return call.account.stages.locate(call.session, location(reader)).target


def create(call: Call) -> ResultSet:
    """Create a model with its first version, which is the default."""
    path = object_name(call, KIND)
    catalog = call.account.catalog
    old = catalog.find(KIND, path)
    if old is not None and call.if_not_exists:
        return status(f"{path.name} already exists, statement succeeded.")
    version = ""
    if call.reader.accept("WITH", "VERSION"):
        version = call.reader.name()[0]
    files = source(call)
    found = call.reader.properties()
    only(found, {"COMMENT", "TAG"}, "MODEL")
    entry = Entry(
        kind=KIND,
        path=path,
        owner=call.session.role,
        created_on=call.account.clock.now(),
        comment=str(found.get("COMMENT", "")),
        properties={"id": call.account.stages.new_id(), "versions": {}, "default": ""},
    )
    entry = store.add(call.account, entry, version or "VERSION_1", files, "")
    try:
        catalog.create(entry, replace=call.or_replace)
    except SnowflakeError:
        shutil.rmtree(store.folder(call.account, entry), ignore_errors=True)
        raise
    if old is not None:
        shutil.rmtree(store.folder(call.account, old), ignore_errors=True)
        catalog.forget("MODULE", path)
    tags.attach(call.account, call.session, "MODULE", path, found.get("TAG", {}))
    call.account.part(Recorder).model(call.session, path, entry.properties["default"], files)
    return status(f"Model {path.name} successfully created.")


def drop(call: Call) -> ResultSet:
    """Drop a model with its versions and their files."""
    path = call.session.resolve(call.reader.name(), "DROP MODEL")
    call.reader.end()
    entry = call.account.catalog.find(KIND, path)
    if entry is None:
        return gone(call, KIND, path.name, str(path))
    call.account.catalog.drop(KIND, path)
    call.account.catalog.forget("MODULE", path)
    shutil.rmtree(store.folder(call.account, entry), ignore_errors=True)
    return status(f"{path.name} successfully dropped.")


def rename(call: Call, entry: Entry) -> None:
    """Give a model another name, in any schema."""
    new = call.session.resolve(call.reader.name())
    call.account.catalog.rename(KIND, entry.path, new)
    call.account.catalog.follow("MODULE", entry.path, new)


def set_comment(call: Call, entry: Entry, text: str) -> None:
    """Set a model's comment."""
    call.account.catalog.update(replace(entry, comment=text))


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the models."""
    for entry in call.account.catalog.all(KIND, scope.database, scope.schema):
        named = {
            alias: version
            for version in store.versions(entry)
            for alias in store.aliases(entry, version)
        }
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "model_type": "USER_MODEL",
            "database_name": entry.path.database,
            "schema_name": entry.path.schema,
            "comment": entry.comment,
            "owner": entry.owner,
            "default_version_name": entry.properties["default"],
            "versions": json.dumps(list(store.versions(entry))),
            "aliases": json.dumps(named),
        }
