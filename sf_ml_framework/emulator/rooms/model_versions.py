"""Versions of models: ALTER MODEL, SHOW VERSIONS and SHOW FUNCTIONS IN MODEL.

Source: Snowflake, "ALTER MODEL", "SHOW VERSIONS IN MODEL", "SHOW FUNCTIONS IN MODEL";
snowflake-ml's ``model/_client/sql/model_version.py``.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import cannot_perform, invalid, not_found
from ..lineage.recording import Recorder
from ..models import store
from ..models.store import KIND
from ..names import Path
from ..reader import only
from ..registry import Call
from ..results import SHOW, ResultSet, done, make_column, rows, status
from ..serving.functions import model_of
from . import tags
from .dynamic_tables import moment
from .feature_tables import VersionLists
from .models import rename, set_comment, source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path as FilePath

    from ..account import Account

_VERSIONS = ["created_on timestamp_ltz", "name", "aliases", "comment", "database_name"]
_VERSIONS += ["schema_name", "model_name", "is_default_version", "functions", "metadata"]
_VERSIONS += ["user_data", "model_attributes", "size fixed", "environment", "runnable_in"]
_VERSIONS += ["inference_services", "model_spec"]
_FUNCTIONS = ["created_on timestamp_ltz", "name", "min_num_arguments fixed"]
_FUNCTIONS += ["max_num_arguments fixed", "arguments", "return_type", "description", "language"]


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("ALTER MODEL [IF EXISTS]", alter)
    account.statement("SHOW FUNCTIONS IN MODEL", show_functions, reads=True)
    account.part(VersionLists).kinds["MODEL"] = (_VERSIONS, show_versions)


def alter(call: Call) -> ResultSet:
    """Do one thing to a model or to one of its versions."""
    reader = call.reader
    path = call.session.resolve(reader.name(), "ALTER MODEL")
    entry = call.account.catalog.find(KIND, path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found(KIND, str(path))
    if reader.accept("ADD", "VERSION"):
        return _add(call, entry)
    if tags.altered(call, "MODULE", path):
        return done()
    if reader.accept("DROP", "VERSION"):
        _drop_version(call, entry)
    elif reader.accept("RENAME", "TO"):
        rename(call, entry)
    elif reader.accept("MODIFY", "VERSION"):
        _modify(call, entry)
    elif reader.accept("VERSION"):
        _alias(call, entry)
    elif reader.accept("SET"):
        _set(call, entry)
    else:
        reader.fail()
    reader.end()
    return done()


def _add(call: Call, entry: Entry) -> ResultSet:
    version = call.reader.name()[0]
    files = source(call)
    found = call.reader.properties()
    only(found, {"COMMENT"}, "MODEL VERSION")
    comment = str(found.get("COMMENT", ""))
    entry = store.add(call.account, entry, version, files, comment)
    call.account.catalog.update(entry)
    call.account.part(Recorder).model(call.session, entry.path, version, files)
    return status(f"Version {version} successfully added to model {entry.name}.")


def _drop_version(call: Call, entry: Entry) -> None:
    version = store.resolve(entry, call.reader.name()[0])
    if version == entry.properties["default"]:
        raise invalid(
            f"Version '{version}' of model '{entry.name}' is the default version and cannot be "
            "dropped; set another default first."
        )
    left = {name: found for name, found in store.versions(entry).items() if name != version}
    call.account.catalog.update(entry.with_properties(versions=left))
    shutil.rmtree(store.version_folder(call.account, entry, version), ignore_errors=True)


def _change(call: Call, entry: Entry, version: str, **changes: Any) -> Entry:
    known = store.versions(entry)
    changed = entry.with_properties(versions={**known, version: {**known[version], **changes}})
    call.account.catalog.update(changed)
    return changed


def _modify(call: Call, entry: Entry) -> None:
    version = store.resolve(entry, call.reader.name()[0])
    call.reader.expect("SET")
    found = call.reader.properties()
    only(found, {"METADATA", "COMMENT"}, "MODEL VERSION")
    if "METADATA" in found:
        try:
            json.loads(str(found["METADATA"]))
        except ValueError:
            raise invalid("METADATA is not valid JSON") from None
    _change(call, entry, version, **{key.lower(): str(value) for key, value in found.items()})


def _alias(call: Call, entry: Entry) -> None:
    reader = call.reader
    version = store.resolve(entry, reader.name()[0])
    if reader.accept("UNSET", "ALIAS"):
        _change(call, entry, version, alias="")
        return
    reader.expect("SET", "ALIAS", "=")
    alias = reader.name()[0]
    if alias in store.SYSTEM_ALIASES or alias in store.versions(entry):
        raise invalid(f"'{alias}' cannot be the alias of a version")
    for other, found in store.versions(entry).items():
        if found["alias"] == alias and other != version:
            raise invalid(f"'{alias}' is the alias of version {other}; unset it there first.")
    _change(call, entry, version, alias=alias)


def _set(call: Call, entry: Entry) -> None:
    reader = call.reader
    if reader.accept("DEFAULT_VERSION", "="):
        token = reader.peek()
        name = reader.string() if token.kind in {"STRING", "DOLLAR"} else reader.name()[0]
        call.account.catalog.update(entry.with_properties(default=store.resolve(entry, name)))
        return
    reader.expect("COMMENT", "=")
    set_comment(call, entry, reader.string())


def show_versions(account: Account, path: Path) -> Iterable[dict[str, Any]]:
    """Yield the versions of a model, the oldest first."""
    entry = account.catalog.find(KIND, path)
    if entry is None:
        raise cannot_perform()
    for version, found in store.versions(entry).items():
        files = store.version_folder(account, entry, version)
        spec = files / "model" / "model.yaml"
        sizes = (file.stat().st_size for file in files.rglob("*") if file.is_file())
        yield {
            "created_on": moment(found["created_on"]),
            "name": version,
            "aliases": json.dumps(store.aliases(entry, version)),
            "comment": found["comment"],
            "database_name": path.database,
            "schema_name": path.schema,
            "model_name": path.name,
            "is_default_version": str(version == entry.properties["default"]).lower(),
            "functions": json.dumps(list(store.methods(files))),
            "metadata": found["metadata"],
            "user_data": json.dumps(store.manifest(files).get("user_data", {})),
            "model_attributes": json.dumps(_attributes(spec)),
            "size": sum(sizes),
            "environment": "{}",
            "runnable_in": store.platforms(files),
            "inference_services": json.dumps(_services(account, path, version)),
            "model_spec": spec.read_text() if spec.is_file() else "",
        }


def _attributes(spec: FilePath) -> dict[str, str]:
    """Return what a version's own description says of it, as far as the client asks for it.

    Source: snowflake-ml 2.6, ``model_ops.get_model_task``, ``model_meta.py``.
    """
    import yaml

    found = yaml.safe_load(spec.read_text(encoding="utf-8")) if spec.is_file() else None
    if not isinstance(found, dict):
        return {}
    names = {"model_type": "framework", "task": "task"}
    return {told: str(found[name]) for name, told in names.items() if name in found}


def _services(account: Account, path: Path, version: str) -> list[str]:
    """Return the full names of the services that serve a version."""
    return [
        str(entry.path)
        for entry in account.catalog.all("SERVICE")
        if model_of(entry) == (path, version)
    ]


def show_functions(call: Call) -> ResultSet:
    """Run ``SHOW FUNCTIONS IN MODEL name [VERSION v]``."""
    reader = call.reader
    path = call.session.resolve(reader.name(), "SHOW FUNCTIONS")
    entry = call.account.catalog.find(KIND, path)
    if entry is None:
        raise cannot_perform()
    version = store.resolve(entry, reader.name()[0] if reader.accept("VERSION") else None)
    reader.end()
    files = store.version_folder(call.account, entry, version)
    columns = [make_column(column) for column in _FUNCTIONS]
    return rows(columns, [_function(entry, one) for one in store.methods(files).values()], SHOW)


def _function(entry: Entry, method: store.Method) -> tuple[Any, ...]:
    takes = ", ".join(kind for _, kind in method.inputs)
    if method.is_table:
        gives = f"TABLE ({', '.join(f'{name} {kind}' for name, kind in method.outputs)})"
    else:
        gives = method.outputs[0][1]
    count = len(method.inputs)
    written = f"{method.name}({takes}) RETURN {gives}"
    return (entry.created_on, method.name, count, count, written, gives, "", "PYTHON")
