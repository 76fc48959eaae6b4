"""Roles and grants: kept and shown. Enforcing them is the access room's.

Source: Snowflake, "CREATE ROLE", "GRANT <privileges>", "GRANT ROLE", "SHOW GRANTS", "SHOW ROLES".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..catalog import Entry
from ..faults import SnowflakeError, cannot_perform, not_found
from ..names import Path, join
from ..registry import Call, Scope
from ..results import ResultSet, done, status
from ..seed import ROLES
from . import tags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..account import Account

SCHEMA_KINDS: tuple[str, ...] = (
    "DYNAMIC TABLE",
    "IMAGE REPOSITORY",
    "FILE FORMAT",
    "NETWORK RULE",
    "GIT REPOSITORY",
)
SCHEMA_KINDS += (
    "TABLE",
    "VIEW",
    "STAGE",
    "TASK",
    "SECRET",
    "SERVICE",
    "MODEL",
    "SEQUENCE",
    "FUNCTION",
)
SCHEMA_KINDS += ("PROCEDURE", "STREAM", "PIPE", "TAG", "DATASET", "ALERT", "NOTEBOOK")
ACCOUNT_KINDS: tuple[str, ...] = (
    "COMPUTE POOL",
    "DATABASE",
    "WAREHOUSE",
    "INTEGRATION",
    "USER",
    "ROLE",
    "EXTERNAL VOLUME",
)


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("CREATE [OR REPLACE] ROLE [IF NOT EXISTS]", create)
    account.statement("DROP ROLE [IF EXISTS]", drop)
    account.statement("ALTER ROLE [IF EXISTS]", alter)
    account.statement("GRANT ROLE", lambda call: role_grant(call, give=True))
    account.statement("REVOKE ROLE", lambda call: role_grant(call, give=False))
    account.statement("GRANT", lambda call: privileges(call, give=True))
    account.statement("REVOKE", lambda call: privileges(call, give=False))
    columns = ["created_on timestamp_ltz", "name", "is_default", "is_current", "is_inherited"]
    columns += [
        "assigned_to_users fixed",
        "granted_to_roles fixed",
        "granted_roles fixed",
        "owner",
        "comment",
    ]
    account.show("ROLES", columns, show_roles)
    columns = [
        "created_on timestamp_ltz",
        "privilege",
        "granted_on",
        "name",
        "granted_to",
        "grantee_name",
    ]
    account.show("GRANTS", [*columns, "grant_option", "granted_by"], show_grants)


def create(call: Call) -> ResultSet:
    """Create a role."""
    path = Path("", "", call.reader.name()[0])
    found = call.reader.properties()
    made = call.account.catalog.create(
        Entry(
            kind="ROLE",
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
    tags.attach(call.account, call.session, "ROLE", path, found.get("TAG", {}))
    return status(f"Role {path.name} successfully created.")


def drop(call: Call) -> ResultSet:
    """Drop a role; what it owned goes to the role that drops it."""
    path = Path("", "", call.reader.name()[0])
    if path.name in ROLES:
        raise SnowflakeError(
            f"SQL access control error:\nInsufficient privileges to operate on role '{path.name}'",
            number=3001,
            state="42501",
        )
    if not call.account.catalog.drop("ROLE", path):
        if call.if_exists:
            return status(f"Drop statement executed successfully ({path.name} already dropped).")
        raise not_found("ROLE", path.name)
    call.account.catalog.execute(
        "update objects set owner = ? where owner = ?", (call.session.role, path.name)
    )
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
        catalog.rename("ROLE", path, Path("", "", reader.name()[0]))
    elif reader.accept("SET", "COMMENT", "="):
        catalog.update(replace(entry, comment=reader.string()))
    elif reader.accept("UNSET", "COMMENT"):
        catalog.update(replace(entry, comment=""))
    reader.end()
    return done()


def _grantee(call: Call, word: str) -> tuple[str, str]:
    call.reader.expect(word)
    kind = "USER" if call.reader.accept("USER") else "ROLE"
    if kind == "ROLE":
        call.reader.accept("ROLE")
    name = call.reader.name()[-1]
    if call.account.catalog.find(kind, Path("", "", name)) is None:
        raise not_found(kind, name)
    return kind, name


def role_grant(call: Call, *, give: bool) -> ResultSet:
    """Run ``GRANT ROLE r TO ROLE|USER x`` or ``REVOKE ROLE r FROM ..``."""
    role = call.reader.name()[0]
    call.account.catalog.get("ROLE", Path("", "", role))
    kind, name = _grantee(call, "TO" if give else "FROM")
    call.reader.end()
    if give:
        _store(call, "USAGE", "ROLE", role, kind, name)
    else:
        _remove(call, "USAGE", "ROLE", role, kind, name)
    return done()


def _store(  # noqa: PLR0917
    call: Call, privilege: str, kind: str, on: str, to_kind: str, to: str, option: bool = False
) -> None:
    call.account.catalog.execute(
        "insert or replace into grants values (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            call.account.clock.now().isoformat(),
            privilege,
            kind,
            on,
            to_kind,
            to,
            int(option),
            call.session.role,
        ),
    )


def _remove(call: Call, privilege: str, kind: str, on: str, to_kind: str, to: str) -> None:  # noqa: PLR0917
    call.account.catalog.execute(
        "delete from grants where privilege = ? and on_kind = ? and on_name = ? "
        "and to_kind = ? and to_name = ?",
        (privilege, kind, on, to_kind, to),
    )


def privileges(call: Call, *, give: bool) -> ResultSet:
    """Grant or revoke privileges on an object, on all or future objects, or on the account.

    A grant on future objects is kept under the kind ``FUTURE <kind>``, on the schema's or
    database's name.
    """
    reader = call.reader
    if not give and reader.accept("GRANT", "OPTION", "FOR"):
        reader.fail()
    named = _privileges(call)
    for kind, on in _targets(call):
        at = reader.at
        to_kind, to = _grantee(call, "TO" if give else "FROM")
        option = reader.accept("WITH", "GRANT", "OPTION")
        copy = reader.accept("COPY", "CURRENT", "GRANTS") or reader.accept(
            "REVOKE", "CURRENT", "GRANTS"
        )
        reader.accept("CASCADE") or reader.accept("RESTRICT")
        reader.end()
        for privilege in named:
            if give and privilege == "OWNERSHIP" and not kind.startswith("FUTURE"):
                _own(call, kind, on, to, keep=copy)
            elif give:
                _store(call, privilege.removesuffix(" PRIVILEGES"), kind, on, to_kind, to, option)
            elif privilege in {"ALL", "ALL PRIVILEGES"}:
                call.account.catalog.execute(
                    "delete from grants where on_kind = ? and on_name = ? "
                    "and to_kind = ? and to_name = ?",
                    (kind, on, to_kind, to),
                )
            else:
                _remove(call, privilege, kind, on, to_kind, to)
        reader.at = at
    reader.at = len(reader.tokens)
    return status("Statement executed successfully.")


def _privileges(call: Call) -> list[str]:
    """Read the privileges up to ON."""
    words: list[str] = []
    while not call.reader.accept("ON"):
        words.append(call.reader.next().text.upper())
    return [" ".join(part.split()) for part in " ".join(words).split(",")]


def _own(call: Call, kind: str, on: str, to: str, *, keep: bool) -> None:
    from ..names import parts_of

    parts = parts_of(on)
    path = (
        Path(*(("",) * (3 - len(parts))), *parts)
        if kind != "SCHEMA"
        else Path(parts[0], "", parts[1])
    )
    entry = call.account.catalog.find(kind, path)
    if entry is not None:
        call.account.catalog.update(replace(entry, owner=to))
    if not keep:
        call.account.catalog.execute(
            "delete from grants where on_kind = ? and on_name = ?", (kind, on)
        )


def _targets(call: Call) -> list[tuple[str, str]]:
    reader, session, catalog = call.reader, call.session, call.account.catalog
    if reader.accept("ACCOUNT"):
        return [("ACCOUNT", call.account.name)]
    many = reader.peek().word if reader.peek().word in {"ALL", "FUTURE"} else ""
    if many:
        reader.next()
    kind = _kind(call, plural=bool(many))
    if many:
        reader.expect("IN")
        in_schema = reader.accept("SCHEMA")
        if not in_schema:
            reader.expect("DATABASE")
        parts = reader.name()
        where = session.resolve_schema(parts) if in_schema else Path("", "", parts[0])
        if catalog.find("SCHEMA" if in_schema else "DATABASE", where) is None:
            raise not_found("SCHEMA" if in_schema else "DATABASE", str(where))
        if many == "FUTURE":
            return [(f"FUTURE {kind}", str(where))]
        database, schema = (where.database, where.name) if in_schema else (where.name, None)
        if kind == "SCHEMA":
            return [(kind, str(e.path)) for e in catalog.all(kind, database)]
        return [(kind, str(e.path)) for e in catalog.all(kind, database, schema)]
    parts = reader.name()
    if reader.peek().text == "(":
        reader.bracketed()
    path = (
        tags.object_path(session, kind, parts)
        if kind not in ACCOUNT_KINDS
        else Path("", "", parts[-1])
    )
    if kind in {"DATABASE", "SCHEMA", "WAREHOUSE", "ROLE", "USER", "STAGE", "TAG"}:
        catalog.get(kind, path)
    elif kind in {"TABLE", "VIEW"}:
        tags.must_stand(call, kind, path)
    return [(kind, str(path))]


def _kind(call: Call, *, plural: bool) -> str:
    reader = call.reader
    for kind in (*SCHEMA_KINDS, *ACCOUNT_KINDS, "SCHEMA"):
        words = kind.split()
        if plural:
            last = words[-1]
            words = [*words[:-1], last[:-1] + "IES" if last.endswith("Y") else last + "S"]
        if reader.accept(*words):
            return kind
    reader.fail()
    raise AssertionError("unreachable")


def show_roles(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield the roles."""
    from ..login import roles_of

    held = roles_of(call.account, call.session.user)
    pairs = call.account.catalog.execute(
        "select on_name, to_kind, to_name from grants where on_kind = 'ROLE'"
    )
    for entry in call.account.catalog.all("ROLE"):
        name = entry.name
        yield {
            "created_on": entry.created_on,
            "name": name,
            "is_default": "N",
            "is_current": "Y" if name == call.session.role else "N",
            "is_inherited": "Y" if name in held and name != call.session.role else "N",
            "assigned_to_users": sum(
                1 for role, kind, _ in pairs if role == name and kind == "USER"
            ),
            "granted_to_roles": sum(
                1 for role, kind, _ in pairs if role == name and kind == "ROLE"
            ),
            "granted_roles": sum(1 for _, kind, to in pairs if to == name and kind == "ROLE"),
            "owner": entry.owner,
            "comment": entry.comment,
        }


def show_grants(call: Call, scope: Scope) -> Iterable[dict[str, Any]]:
    """Yield grants ``TO ROLE|USER x``, ``OF ROLE x``, ``ON kind name``, or else the user's own."""
    where, values = "to_kind = 'USER' and to_name = ?", [call.session.user]
    name = scope.path.name
    match scope.kind.split():
        case ["TO", kind]:
            if call.account.catalog.find(kind, Path("", "", name)) is None:
                raise cannot_perform()
            where, values = (
                "to_kind = ? and to_name = ? and on_kind not like 'FUTURE %'",
                [kind, name],
            )
        case ["OF", "ROLE"]:
            where, values = "on_kind = 'ROLE' and privilege = 'USAGE' and on_name = ?", [name]
        case ["ON", *words] if words:
            kind = " ".join(words)
            path = Path("", "", name) if kind in ACCOUNT_KINDS else scope.path
            where, values = "on_kind = ? and on_name = ?", [kind, str(path)]
            if (entry := call.account.catalog.find(kind, path)) is not None:
                yield _owned(entry)
    for row in call.account.catalog.execute(
        f"select * from grants where {where} order by rowid", values
    ):
        created, privilege, on_kind, on_name, to_kind, to_name, option, by = row
        yield {
            "created_on": datetime.fromisoformat(created),
            "privilege": privilege,
            "granted_on": on_kind.replace(" ", "_"),
            "name": on_name,
            "granted_to": to_kind,
            "grantee_name": to_name,
            "grant_option": "true" if option else "false",
            "granted_by": by,
        }


def _owned(entry: Entry) -> dict[str, Any]:
    return {
        "created_on": entry.created_on,
        "privilege": "OWNERSHIP",
        "granted_on": entry.kind.replace(" ", "_"),
        "name": str(entry.path),
        "granted_to": "ROLE",
        "grantee_name": entry.owner,
        "grant_option": "true",
        "granted_by": entry.owner,
    }


__all__ = ["ACCOUNT_KINDS", "SCHEMA_KINDS", "install", "join"]
