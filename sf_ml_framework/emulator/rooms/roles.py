"""Account roles and database roles.

Source: Snowflake, "CREATE ROLE", "DROP ROLE", "ALTER ROLE", "CREATE DATABASE ROLE", "SHOW ROLES",
"SHOW DATABASE ROLES". What they are granted is in :mod:`.granting`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..access.kinds import ACCOUNT_KINDS, SCHEMA_KINDS
from ..access.rights import denied_role
from ..catalog import Entry
from ..faults import not_found
from ..names import Path, quoted
from ..reader import only
from ..registry import Call, Scope
from ..results import ResultSet, done, status
from ..seed import ROLES
from . import tags
from .showing import gone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account

_SHOWN = ["created_on timestamp_ltz", "name", "is_default", "is_current", "is_inherited"]
_COUNTS = ["assigned_to_users fixed", "granted_to_roles fixed", "granted_roles fixed"]


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("CREATE [OR REPLACE] ROLE [IF NOT EXISTS]", create)
    account.statement("DROP ROLE [IF EXISTS]", drop)
    account.statement("ALTER ROLE [IF EXISTS]", alter)
    account.show("ROLES", [*_SHOWN, *_COUNTS, "owner", "comment"], show_roles)
    account.statement("CREATE [OR REPLACE] DATABASE ROLE [IF NOT EXISTS]", create)
    account.statement("DROP DATABASE ROLE [IF EXISTS]", drop)
    shown = [_SHOWN[0], "name", *_SHOWN[2:], "granted_to_roles fixed", "granted_to_database_roles"]
    account.show(
        "DATABASE ROLES", [*shown, "granted_database_roles", "owner", "comment"], show_database
    )


def _named(call: Call) -> tuple[str, Path]:
    parts = call.reader.name()
    if "DATABASE" in call.text.upper().split("ROLE")[0]:
        return "DATABASE ROLE", call.session.resolve_schema(parts)
    return "ROLE", Path("", "", parts[0])


def create(call: Call) -> ResultSet:
    """Create a role."""
    kind, path = _named(call)
    if kind == "DATABASE ROLE":
        call.account.catalog.get("DATABASE", Path("", "", path.database))
    elif path.name in ROLES and call.or_replace:
        raise denied_role(path.name)
    found = call.reader.properties()
    only(found, {"COMMENT", "TAG"}, kind)
    made = call.account.catalog.create(
        Entry(
            kind=kind,
            path=path,
            owner=call.session.role,
            created_on=call.account.clock.now(),
            comment=str(found.get("COMMENT", "")),
        ),
        replace=call.or_replace,
        if_absent=call.if_not_exists,
    )
    if not made:
        return status(f"{path.name} already exists, statement succeeded.")
    tags.attach(call.account, call.session, kind, path, found.get("TAG", {}))
    label = "Role" if kind == "ROLE" else "Database role"
    return status(f"{label} {path.name} successfully created.")


def drop(call: Call) -> ResultSet:
    """Drop a role; what it owned goes to the role that drops it."""
    kind, path = _named(call)
    call.reader.end()
    if kind == "ROLE" and path.name in ROLES:
        raise denied_role(path.name)
    if not call.account.catalog.drop(kind, path):
        return gone(call, kind, path.name, str(path))
    if kind == "ROLE":
        call.account.catalog.execute(
            "update objects set owner = ? where owner = ?", (call.session.role, path.name)
        )
        for session in call.account.sessions.values():
            if session.role == path.name:
                session.role = "PUBLIC"
    return status(f"{path.name} successfully dropped.")


def alter(call: Call) -> ResultSet:
    """Rename, comment or tag a role."""
    reader, catalog = call.reader, call.account.catalog
    path = Path("", "", reader.name()[0])
    entry = catalog.find("ROLE", path)
    if entry is None:
        if call.if_exists:
            return done()
        raise not_found("ROLE", path.name)
    if tags.altered(call, "ROLE", path):
        return done()
    if reader.accept("RENAME", "TO"):
        if path.name in ROLES:
            raise denied_role(path.name)
        new = Path("", "", reader.name()[0])
        catalog.rename("ROLE", path, new)
        catalog.execute("update objects set owner = ? where owner = ?", (new.name, path.name))
    elif reader.accept("SET", "COMMENT", "="):
        catalog.update(replace(entry, comment=reader.string()))
    elif reader.accept("UNSET", "COMMENT"):
        catalog.update(replace(entry, comment=""))
    reader.end()
    return done()


def show_roles(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the roles; every role may see them all."""
    held = call.account.access.roles_of(call.session.user)
    pairs = call.account.catalog.execute(
        "select on_name, to_kind, to_name from grants where on_kind = 'ROLE'"
    )
    user = call.account.catalog.find("USER", Path("", "", call.session.user))
    default = str(user.properties.get("DEFAULT_ROLE") or "") if user else ""
    for entry in call.account.catalog.all("ROLE"):
        name, written = entry.name, quoted(entry.name)
        yield {
            "created_on": entry.created_on,
            "name": name,
            "is_default": "Y" if name == default else "N",
            "is_current": "Y" if name == call.session.role else "N",
            "is_inherited": "Y" if name in held and name != call.session.role else "N",
            "assigned_to_users": sum(r == written and k == "USER" for r, k, _ in pairs),
            "granted_to_roles": sum(r == written and k == "ROLE" for r, k, _ in pairs),
            "granted_roles": sum(k == "ROLE" and to == written for _, k, to in pairs),
            "owner": entry.owner,
            "comment": entry.comment,
        }


def show_database(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the database roles of a database."""
    for entry in call.account.catalog.all("DATABASE ROLE", scope.database):
        granted = call.account.catalog.execute(
            "select count(*) from grants where on_kind = 'DATABASE ROLE' and on_name = ?",
            (str(entry.path),),
        )
        yield {
            "created_on": entry.created_on,
            "name": entry.name,
            "is_default": "N",
            "is_current": "N",
            "is_inherited": "N",
            "granted_to_roles": granted[0][0],
            "owner": entry.owner,
            "comment": entry.comment,
        }


__all__ = ["ACCOUNT_KINDS", "SCHEMA_KINDS", "install"]
