"""Datasets: versions of rows kept as Parquet files, read at ``snow://dataset/...``.

Source: Snowflake, "CREATE DATASET", "ALTER DATASET", "SHOW DATASETS", "SHOW VERSIONS IN DATASET";
the columns and error numbers that snowflake-ml's ``dataset.py`` and ``dataset_errors.py`` expect.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..catalog import Entry
from ..faults import SnowflakeError, cannot_perform, invalid, not_found
from ..lineage.recording import Recorder
from ..names import Path, parts_of
from ..reader import only
from ..registry import Call, Scope
from ..results import ResultSet, status
from ..stages import Location
from . import tags
from .showing import gone, object_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from ..account import Account
    from ..session import Session

_COLUMNS = ["created_on timestamp_ltz", "name", "database_name", "schema_name", "owner", "comment"]
_COLUMNS += ["owner_role_type"]
VERSIONS = ["created_on timestamp_ltz", "version", "comment", "metadata"]
_URL = re.compile(r'(?P<name>(?:(?:"(?:[^"]|"")*"|[^./"]+)\.?)+)/?(?P<inside>.*)', re.DOTALL)


def install(account: Account) -> None:
    """Register the statements and the scheme of the URLs."""
    account.statement("CREATE [OR REPLACE] DATASET [IF NOT EXISTS]", create)
    account.statement("ALTER DATASET [IF EXISTS]", alter)
    account.statement("DROP DATASET [IF EXISTS]", drop)
    account.show("DATASETS", [*_COLUMNS], show)
    account.stages.schemes["dataset"] = lambda session, rest: locate(account, session, rest)


def folder(account: Account, entry: Entry) -> FilePath:
    """Return where the files of a dataset are."""
    return account.files / "stages" / f"dataset-{entry.properties['id']}"


def split_url(rest: str) -> tuple[tuple[str, ...], str]:
    """Return the name and the path of what follows ``snow://kind/``."""
    match = _URL.fullmatch(rest)
    if match is None:
        raise not_found("STAGE", rest)
    return parts_of(match["name"]), match["inside"]


def locate(account: Account, session: Session, rest: str) -> Location:
    """Resolve ``db.schema.name/versions/v/...``."""
    name, inside = split_url(rest)
    path = session.resolve(name)
    account.require(session, "READ|USAGE", "DATASET", path)
    entry = account.catalog.get("DATASET", path)
    if ".." in inside.split("/"):
        raise SnowflakeError(f"invalid path '{inside}'", number=1001, state="22023")
    return Location(folder(account, entry), "", inside.lstrip("/"))


def create(call: Call) -> ResultSet:
    """Create a dataset without versions."""
    path = object_name(call, "DATASET")
    found = call.reader.properties()
    only(found, {"COMMENT", "TAG"}, "DATASET")
    old = call.account.catalog.find("DATASET", path)
    made = call.account.catalog.create(
        Entry(
            kind="DATASET",
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=str(found.get("COMMENT", "")),
            properties={"id": call.account.stages.new_id(), "versions": {}},
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    if old is not None:
        shutil.rmtree(folder(call.account, old), ignore_errors=True)
    tags.attach(call.account, call.session, "DATASET", path, found.get("TAG", {}))
    return status(f"Dataset {path.name} successfully created.")


def drop(call: Call) -> ResultSet:
    """Drop a dataset with its versions."""
    path = call.session.resolve(call.reader.name(), "DROP DATASET")
    call.reader.end()
    entry = call.account.catalog.find("DATASET", path)
    if entry is None:
        return gone(call, "DATASET", path.name, str(path))
    call.account.catalog.drop("DATASET", path)
    shutil.rmtree(folder(call.account, entry), ignore_errors=True)
    return status(f"{path.name} successfully dropped.")


def alter(call: Call) -> ResultSet:
    """Add or drop a version, or set a comment or tags."""
    reader = call.reader
    path = call.session.resolve(reader.name(), "ALTER DATASET")
    entry = call.account.catalog.find("DATASET", path)
    if entry is None:
        raise SnowflakeError(
            f"SQL compilation error:\nDataset '{path}' does not exist or not authorized.",
            number=399019,
            state="02000",
        )
    if reader.accept("ADD", "VERSION"):
        return _add(call, entry)
    if reader.accept("DROP", "VERSION"):
        return _drop_version(call, entry)
    if tags.altered(call, "DATASET", path):
        return status("Statement executed successfully.")
    reader.expect("SET", "COMMENT", "=")
    call.account.catalog.update(replace(entry, comment=reader.string()))
    return status("Statement executed successfully.")


def _version_name(call: Call) -> str:
    token = call.reader.peek()
    return call.reader.string() if token.kind in {"STRING", "DOLLAR"} else call.reader.name()[0]


def _add(call: Call, entry: Entry) -> ResultSet:
    reader = call.reader
    version = _version_name(call)
    if not version or "/" in version or version in {".", ".."}:
        raise invalid(f"invalid version name '{version}'")
    if version in entry.properties["versions"]:
        raise SnowflakeError(
            f"Dataset version '{version}' already exists.", number=399020, state="42710"
        )
    reader.expect("FROM")
    query = reader.bracketed()
    by = ""
    if reader.accept("PARTITION", "BY"):
        start = reader.peek().start
        while not reader.done and reader.peek().word not in {"COMMENT", "METADATA", "TAG"}:
            reader.next()
        by = reader.sql[start : reader.tokens[reader.at - 1].end]
    found = reader.properties()
    only(found, {"COMMENT", "METADATA", "TAG"}, "DATASET VERSION")
    target = folder(call.account, entry) / "versions" / version
    _write(call, query, by, target)
    versions = {
        **entry.properties["versions"],
        version: {
            "created_on": call.account.clock.now().isoformat(),
            "comment": str(found.get("COMMENT", "")),
            "metadata": found.get("METADATA"),
        },
    }
    call.account.catalog.update(entry.with_properties(versions=versions))
    call.account.part(Recorder).dataset(call.session, entry.path, version, query)
    return status(f"Version {version} successfully added to dataset {entry.name}.")


def _write(call: Call, query: str, by: str, target: FilePath) -> None:
    """Write the rows of the query, one folder for each value of *by*."""
    call.session.require_warehouse()
    text = f'SELECT *, ({by}) AS "_PARTITION" FROM ({query})' if by else query
    run = call.account.router
    table = run.execute(call.session, run.parse(text)).table
    shutil.rmtree(target, ignore_errors=True)
    if not by:
        _file(table, target)
        return
    values = table.column("_PARTITION")
    rest = table.drop_columns(["_PARTITION"])
    for value in values.unique():
        import pyarrow.compute as pc

        chosen = pc.equal(values, value) if value.is_valid else pc.is_null(values)
        _file(rest.filter(chosen), target / quote(str(value.as_py()), safe=""))


def _file(table: pa.Table, target: FilePath) -> None:
    import pyarrow.parquet as pq

    target.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, target / "data_0_0_0.snappy.parquet", compression="snappy")


def _drop_version(call: Call, entry: Entry) -> ResultSet:
    version = _version_name(call)
    call.reader.end()
    versions = dict(entry.properties["versions"])
    if versions.pop(version, None) is None:
        raise SnowflakeError(
            f"Dataset version '{version}' does not exist.", number=399012, state="02000"
        )
    call.account.catalog.update(entry.with_properties(versions=versions))
    shutil.rmtree(folder(call.account, entry) / "versions" / version, ignore_errors=True)
    return status(f"Version {version} successfully dropped.")


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the datasets."""
    for entry in call.account.catalog.all("DATASET", scope.database, scope.schema):
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "database_name": entry.path.database,
            "schema_name": entry.path.schema,
            "owner": entry.owner,
            "comment": entry.comment,
            "owner_role_type": "ROLE",
        }


def versions(account: Account, path: Path) -> Iterable[dict[str, Any]]:
    """Yield the versions of a dataset."""
    from .dynamic_tables import moment

    entry = account.catalog.find("DATASET", path)
    if entry is None:
        raise cannot_perform()
    for version, found in entry.properties["versions"].items():
        yield {
            "created_on": moment(found["created_on"]),
            "name": version,
            "version": version,
            "comment": found["comment"],
            "metadata": found["metadata"],
        }
