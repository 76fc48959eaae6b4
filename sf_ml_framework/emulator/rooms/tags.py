"""Tags and what carries them.

Source: Snowflake, "CREATE TAG", "Object tagging", "TAG_REFERENCES", "SYSTEM$GET_TAG"; the shape of
ENTITY_DETAIL is read in snowflake-ml's ``feature_store.py``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..access.listing import is_told
from ..catalog import Entry
from ..faults import SnowflakeError, not_found
from ..names import Path, parts_of
from ..registry import Call, Scope
from ..results import ResultSet, done, rows, status
from .showing import gone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..account import Account
    from ..session import Session

MAX_VALUE = 256 * 1024
"""The documented limit is 256 characters, but the Feature Store writes longer JSON into tags."""
ACCOUNT_KINDS = {"DATABASE", "WAREHOUSE", "ROLE", "USER", "COMPUTE POOL", "INTEGRATION"}

_TAGGED: tuple[str, ...] = (
    "COMPUTE POOL",
    "DYNAMIC TABLE",
    "IMAGE REPOSITORY",
    "TABLE",
    "VIEW",
    "WAREHOUSE",
    "ROLE",
)
_TAGGED += (
    "USER",
    "STAGE",
    "TASK",
    "MODEL",
    "SERVICE",
    "FUNCTION",
    "DATASET",
    "SECRET",
    "SEQUENCE",
)


def install(account: Account) -> None:
    """Register the statements and functions."""
    account.statement("CREATE [OR REPLACE] TAG [IF NOT EXISTS]", create)
    account.statement("DROP TAG [IF EXISTS]", drop)
    account.statement("ALTER TAG [IF EXISTS]", alter)
    account.statement("ALTER", alter_object)
    columns = [
        "created_on timestamp_ltz",
        "name",
        "database_name",
        "schema_name",
        "owner",
        "comment",
    ]
    account.show("TAGS", [*columns, "allowed_values", "owner_role_type", "propagate"], show)
    account.function("SYSTEM$GET_TAG", get_tag(account))
    account.function("ENTITY_DETAIL", entity_detail(account))
    account.table_function("TAG_REFERENCES", tag_references(account))


def object_path(session: Session, kind: str, parts: tuple[str, ...]) -> Path:
    """Return the path of an object of *kind* from its written parts."""
    if kind in ACCOUNT_KINDS:
        return Path("", "", parts[-1])
    return session.resolve_schema(parts) if kind == "SCHEMA" else session.resolve(parts)


def attach(  # noqa: PLR0917
    account: Account,
    session: Session,
    kind: str,
    path: Path,
    tagged: Mapping[tuple[str, ...], str],
    column: str = "",
) -> None:
    """Set tags on an object; each tag must stand and allow its value."""
    for name, value in tagged.items():
        tag = account.catalog.get("TAG", session.resolve(name))
        if not account.access.globally(session, "APPLY TAG"):
            account.access.require(session, "APPLY", "TAG", tag.path)
        allowed = tag.properties.get("allowed")
        if allowed and value not in allowed:
            raise SnowflakeError(
                f"Tag value '{value}' is not an allowed value for tag '{tag.name}'.",
                number=391801,
                state="0A000",
            )
        if len(value) > MAX_VALUE:
            raise SnowflakeError("Tag value is too long.", number=391802, state="0A000")
        account.catalog.execute(
            "insert or replace into tag_references values (?, ?, ?, ?, ?)",
            (str(tag.path), kind, str(path), column, value),
        )


def altered(call: Call, kind: str, path: Path, column: str = "") -> bool:
    """Run ``SET TAG ..`` or ``UNSET TAG ..`` if that is what comes next; say whether it was."""
    reader = call.reader
    if reader.accept("SET", "TAG"):
        found = {}
        while not reader.done:
            name = reader.name()
            reader.expect("=")
            found[name] = reader.string()
            if not reader.accept(","):
                break
        reader.end()
        attach(call.account, call.session, kind, path, found, column)
        return True
    if reader.accept("UNSET", "TAG"):
        gone = []
        while not reader.done:
            gone.append(call.session.resolve(reader.name()))
            call.account.catalog.get("TAG", gone[-1])
            if not reader.accept(","):
                break
        reader.end()
        for tag in gone:
            call.account.catalog.execute(
                "delete from tag_references where tag = ? and kind = ? and object = ? "
                "and column_name = ?",
                (str(tag), kind, str(path), column),
            )
        return True
    return False


def alter_object(call: Call) -> ResultSet | None:
    """Set or unset tags on any kind of object that has no handler of its own for it."""
    reader = call.reader
    words = [token.word for token in reader.tokens]
    if not any(pair in {("SET", "TAG"), ("UNSET", "TAG")} for pair in pairwise(words)):
        return None
    for kind in _TAGGED:
        if not reader.accept(*kind.split()):
            continue
        reader.accept("IF", "EXISTS")
        path = object_path(call.session, kind, reader.name())
        column = ""
        if (
            reader.accept("MODIFY", "COLUMN")
            or reader.accept("ALTER", "COLUMN")
            or reader.accept("MODIFY")
        ):
            column = reader.name()[0]
        must_stand(call, kind, path)
        domain = {"VIEW": "TABLE", "DYNAMIC TABLE": "TABLE", "MODEL": "MODULE"}.get(kind, kind)
        return done() if altered(call, domain, path, column) else None
    return None


def must_stand(call: Call, kind: str, path: Path) -> None:
    """Raise 002003 unless the object stands, in the catalogue or as a table of the engine."""
    if call.account.catalog.find(kind, path):
        return
    if kind in {"TABLE", "VIEW", "DYNAMIC TABLE"}:
        found = call.session.connection.raw(
            "select 1 from system.information_schema.tables where table_catalog = ? "
            "and table_schema = ? and table_name = ?",
            list(path),
        )
        if found or ("TABLE", path) in call.session.temporary:
            return
    raise not_found(kind, str(path))


def create(call: Call) -> ResultSet:
    """Create a tag."""
    path = call.session.resolve(call.reader.name(), "CREATE TAG")
    call.account.catalog.get("SCHEMA", Path(path.database, "", path.schema))
    allowed: list[str] = []
    comment = ""
    reader = call.reader
    while not reader.done:
        if reader.accept("ALLOWED_VALUES"):
            allowed.append(reader.string())
            while reader.accept(","):
                allowed.append(reader.string())
        elif reader.accept("COMMENT", "="):
            comment = reader.string()
        elif reader.accept("PROPAGATE", "="):
            reader.next()
        else:
            reader.fail()
    made = call.account.catalog.create(
        Entry(
            kind="TAG",
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=comment,
            properties={"allowed": allowed},
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    return status(f"Tag {path.name} successfully created.")


def drop(call: Call) -> ResultSet:
    """Drop a tag and take it off everything."""
    path = call.session.resolve(call.reader.last_name(), "DROP TAG")
    if not call.account.catalog.drop("TAG", path):
        return gone(call, "TAG", path.name, str(path))
    call.account.catalog.execute("delete from tag_references where tag = ?", (str(path),))
    return status(f"{path.name} successfully dropped.")


def alter(call: Call) -> ResultSet:
    """Rename a tag, or change its allowed values or comment."""
    reader, catalog = call.reader, call.account.catalog
    path = call.session.resolve(reader.name(), "ALTER TAG")
    entry = catalog.find("TAG", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("TAG", str(path))
    allowed = list(entry.properties.get("allowed") or [])
    if reader.accept("RENAME", "TO"):
        new = call.session.resolve(reader.last_name())
        catalog.rename("TAG", path, new)
        catalog.execute("update tag_references set tag = ? where tag = ?", (str(new), str(path)))
    elif reader.accept("SET", "COMMENT", "="):
        catalog.update(replace(entry, comment=reader.string()))
    elif reader.accept("UNSET", "COMMENT"):
        catalog.update(replace(entry, comment=""))
    elif reader.accept("UNSET", "ALLOWED_VALUES"):
        catalog.update(entry.with_properties(allowed=[]))
    elif (add := reader.accept("ADD", "ALLOWED_VALUES")) or reader.accept("DROP", "ALLOWED_VALUES"):
        named = [reader.string()]
        while reader.accept(","):
            named.append(reader.string())
        kept = [v for v in allowed if v not in named]
        catalog.update(entry.with_properties(allowed=[*kept, *named] if add else kept))
    reader.end()
    return done()


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the tags."""
    for entry in call.account.catalog.all("TAG", scope.database, scope.schema):
        allowed = entry.properties.get("allowed")
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "database_name": entry.path.database,
            "schema_name": entry.path.schema,
            "owner": entry.owner,
            "comment": entry.comment,
            "allowed_values": json.dumps(allowed) if allowed else None,
            "owner_role_type": "ROLE",
            "propagate": None,
        }


def get_tag(account: Account) -> Any:
    """Return the function ``SYSTEM$GET_TAG(tag, object, domain)``."""

    def call(session: Session, tag: str, name: str, domain: str) -> str | None:
        path = session.resolve(parts_of(tag))
        account.catalog.get("TAG", path)
        kind = domain.upper()
        column = ""
        parts = parts_of(name)
        if kind == "COLUMN":
            kind, column, parts = "TABLE", parts[-1], parts[:-1]
        target = object_path(session, kind, parts)
        if not _is_told(account, session, kind, target):
            raise not_found(kind, str(target))
        found = account.catalog.execute(
            "select value from tag_references where tag = ? and kind = ? and object = ? "
            "and column_name = ?",
            (str(path), kind, str(target), column),
        )
        return str(found[0][0]) if found else None

    return call


def references(account: Account, where: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Return tag references as dicts with the names that TAG_REFERENCES shows."""
    found = account.catalog.execute(
        "select tag, kind, object, column_name, value from tag_references "
        f"where {where} order by 1, 3",
        values,
    )
    made = []
    for tag, kind, name, column, value in found:
        tag_parts, parts = parts_of(tag), parts_of(name)
        made.append(
            {
                "TAG_DATABASE": tag_parts[0],
                "TAG_SCHEMA": tag_parts[1],
                "TAG_NAME": tag_parts[2],
                "TAG_VALUE": value,
                "APPLY_METHOD": "MANUAL",
                "LEVEL": "COLUMN" if column else kind,
                "OBJECT_DATABASE": parts[0] if len(parts) > 1 else None,
                "OBJECT_SCHEMA": parts[1] if len(parts) == 3 else None,
                "OBJECT_NAME": parts[-1],
                "DOMAIN": "COLUMN" if column else kind,
                "COLUMN_NAME": column or None,
            }
        )
    return made


def tag_references(account: Account) -> Any:
    """Return the table function ``TAG_REFERENCES(object, domain)``."""

    def call(session: Session, args: list[Any], named: dict[str, Any]) -> ResultSet:
        name, domain = (*args, named.get("OBJECT_NAME"), named.get("OBJECT_DOMAIN"))[:2]
        kind = str(domain).upper()
        path = object_path(session, kind, parts_of(str(name)))
        found = references(account, "kind = ? and object = ?", (kind, str(path)))
        found = found if _is_told(account, session, kind, path) else []
        columns = ["TAG_DATABASE", "TAG_SCHEMA", "TAG_NAME", "TAG_VALUE", "APPLY_METHOD", "LEVEL"]
        columns += ["OBJECT_DATABASE", "OBJECT_SCHEMA", "OBJECT_NAME", "DOMAIN", "COLUMN_NAME"]
        return rows(columns, [[row[c] for c in columns] for row in found])

    return call


def entity_detail(account: Account) -> Any:
    """Return the function ``ENTITY_DETAIL(domain, name, '["TAG_REFERENCES.."]')``."""

    def call(session: Session, domain: str, name: str, wanted: str) -> str:
        kind = domain.upper()
        path = object_path(session, kind, parts_of(name))
        if kind == "TAG":
            account.catalog.get("TAG", path)
            found = [
                row
                for row in references(account, "tag = ?", (str(path),))
                if _is_told(account, session, row["LEVEL"], _path(row))
            ]
            return json.dumps(
                {"referencedEntities": {"tagReferenceList": [_detail(r) for r in found]}}
            )
        found = references(account, "kind = ? and object = ?", (kind, str(path)))
        found = found if _is_told(account, session, kind, path) else []
        return json.dumps({"tagReferencesInfo": {"tagReferenceList": [_detail(r) for r in found]}})

    return call


def _is_told(account: Account, session: Session, kind: str, path: Path) -> bool:
    """Say whether the role has any privilege on what is tagged, as the page asks."""
    kind = {"COLUMN": "TABLE", "MODULE": "MODEL"}.get(kind, kind)
    return is_told(account, session, kind, path)


def _path(row: dict[str, Any]) -> Path:
    database, schema = row["OBJECT_DATABASE"] or "", row["OBJECT_SCHEMA"] or ""
    return Path(database, schema, row["OBJECT_NAME"])


def _detail(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "tagDatabase": row["TAG_DATABASE"],
        "tagSchema": row["TAG_SCHEMA"],
        "tagName": row["TAG_NAME"],
        "tagValue": row["TAG_VALUE"],
        "entityDatabase": row["OBJECT_DATABASE"],
        "entitySchema": row["OBJECT_SCHEMA"],
        "entityName": row["OBJECT_NAME"],
        "domain": row["DOMAIN"],
        "columnName": row["COLUMN_NAME"],
        "level": row["LEVEL"],
    }
