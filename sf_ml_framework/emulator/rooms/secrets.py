"""Secrets: kept, given to containers and procedures, never shown.

Source: Snowflake, "CREATE SECRET", "ALTER SECRET", "SHOW SECRETS", "DESCRIBE SECRET". Of the types
GENERIC_STRING and PASSWORD are there; others are refused by name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import invalid, not_found, unsupported
from ..reader import only
from ..registry import Call, Scope
from ..results import ResultSet, done, status
from . import tags
from .showing import gone, object_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account

_FIELDS = {"GENERIC_STRING": ("SECRET_STRING",), "PASSWORD": ("USERNAME", "PASSWORD")}
_OTHERS = {"OAUTH2", "CLOUD_PROVIDER_TOKEN", "SYMMETRIC_KEY"}
_COLUMNS = ["created_on timestamp_ltz", "name", "schema_name", "database_name", "owner"]
_COLUMNS += ["comment", "secret_type", "oauth_scopes", "owner_role_type"]


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("CREATE [OR REPLACE] SECRET [IF NOT EXISTS]", create)
    account.statement("ALTER SECRET [IF EXISTS]", alter)
    account.statement("DROP SECRET [IF EXISTS]", drop)
    account.show("SECRETS", _COLUMNS, show)
    described = ["created_on timestamp_ltz", "name", "schema_name", "database_name", "owner"]
    described += ["comment", "secret_type", "username", "oauth_access_token_expiry_time"]
    account.describe("SECRET", described, describe)


def create(call: Call) -> ResultSet:
    """Create a secret."""
    path = object_name(call, "SECRET")
    found = call.reader.properties()
    tagged, comment = found.pop("TAG", {}), str(found.pop("COMMENT", ""))
    kind = str(found.pop("TYPE", "")).upper()
    if kind in _OTHERS:
        raise unsupported(f"secrets of TYPE = {kind} are not known to this emulator.")
    if kind not in _FIELDS:
        raise invalid(f"invalid value '{kind}' for property 'TYPE'")
    if set(found) != set(_FIELDS[kind]):
        odd = min(set(found) ^ set(_FIELDS[kind]))
        raise invalid(f"property '{odd}' is missing or not allowed for a secret of type {kind}")
    made = call.account.catalog.create(
        Entry(
            kind="SECRET",
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=comment,
            properties={"type": kind, **{k.lower(): str(v) for k, v in found.items()}},
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    tags.attach(call.account, call.session, "SECRET", path, tagged)
    return status(f"Secret {path.name} successfully created.")


def alter(call: Call) -> ResultSet:
    """Change a secret's values or comment."""
    path = call.session.resolve(call.reader.name(), "ALTER SECRET")
    entry = call.account.catalog.find("SECRET", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("SECRET", str(path))
    if tags.altered(call, "SECRET", path):
        return done()
    if call.reader.accept("UNSET", "COMMENT"):
        call.reader.end()
        call.account.catalog.update(replace(entry, comment=""))
        return done()
    call.reader.expect("SET")
    found = call.reader.properties()
    comment = str(found.pop("COMMENT", entry.comment))
    only(found, _FIELDS[entry.properties["type"]], "SECRET")
    values = {key.lower(): str(value) for key, value in found.items()}
    changed = replace(entry, comment=comment, properties={**entry.properties, **values})
    call.account.catalog.update(changed)
    return done()


def drop(call: Call) -> ResultSet:
    """Drop a secret."""
    path = call.session.resolve(call.reader.name(), "DROP SECRET")
    call.reader.end()
    if not call.account.catalog.drop("SECRET", path):
        return gone(call, "SECRET", path.name, str(path))
    return status(f"{path.name} successfully dropped.")


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "created_on": entry.created_on,
        "name": entry.name,
        "schema_name": entry.path.schema,
        "database_name": entry.path.database,
        "owner": entry.owner,
        "comment": entry.comment,
        "secret_type": entry.properties["type"],
        "username": entry.properties.get("username"),
        "owner_role_type": "ROLE",
    }


def show(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the secrets without what they hold."""
    for entry in call.account.catalog.all("SECRET", scope.database, scope.schema):
        yield _row(entry)


def describe(call: Call, parts: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    """Yield a secret's row; the user name is told, the rest is not."""
    yield _row(call.account.catalog.get("SECRET", call.session.resolve(parts)))
