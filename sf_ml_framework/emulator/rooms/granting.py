"""GRANT and REVOKE: of roles, of privileges, of ownership; on one, all, or future objects.

Source: Snowflake, "GRANT <privileges> ... TO ROLE", "GRANT OWNERSHIP", "GRANT ROLE", "GRANT
DATABASE ROLE", "REVOKE <privileges>", "REVOKE ROLE". The numbers 003102 and 003036 are those that
users of the Terraform provider and SnowDDL report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..access.grants import Grantee, Target
from ..access.kinds import (
    ACCOUNT_KINDS,
    DATABASE_KINDS,
    PRIVILEGES,
    SCHEMA_KINDS,
    TABLES,
    plural,
    privileges_of,
)
from ..access.needs import path_of
from ..authored.kinds import read_all as read_types
from ..authored.routine import stored_path
from ..faults import SnowflakeError, invalid, not_authorized, not_found, unexpected
from ..names import Path, parts_of
from ..reader import Reader
from ..registry import Call
from ..results import ResultSet, done, status
from ..seed import SHARED

if TYPE_CHECKING:
    from ..account import Account

_KINDS = tuple(
    sorted((*SCHEMA_KINDS, *ACCOUNT_KINDS, *DATABASE_KINDS), key=lambda kind: -len(kind.split()))
)


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("GRANT ROLE", lambda call: role(call, "ROLE", give=True))
    account.statement("REVOKE ROLE", lambda call: role(call, "ROLE", give=False))
    account.statement("GRANT DATABASE ROLE", lambda call: role(call, "DATABASE ROLE", give=True))
    account.statement("REVOKE DATABASE ROLE", lambda call: role(call, "DATABASE ROLE", give=False))
    account.statement("GRANT", grant)
    account.statement("REVOKE", revoke)


def role(call: Call, kind: str, *, give: bool) -> ResultSet:
    """Run ``GRANT [DATABASE] ROLE r TO ROLE|USER x`` or ``REVOKE .. FROM ..``."""
    account, rights = call.account, call.account.access
    path = path_of(call.session, kind, call.reader.name())
    if account.catalog.find(kind, path) is None:
        raise not_found(kind, str(path))
    to = _grantee(call, "TO" if give else "FROM", bare=False)
    call.reader.end()
    held = rights.privileges(rights.active(call.session), kind, path)
    shared = path.database == SHARED and call.session.role == "ACCOUNTADMIN"
    managed = rights.globally(call.session, "MANAGE GRANTS")
    if not managed and "OWNERSHIP" not in held and not shared:
        raise not_authorized(f"{kind.lower()} '{path.name}'")
    on = Target(kind, str(path), path)
    if give:
        if to.kind == kind and (to.name == on.name or _inherits(account, on.name, to.name)):
            raise invalid(f"{kind.lower()} '{on.name}' cannot be granted to '{to.name}': a cycle.")
        account.grants.give("USAGE", on, to, by=call.session.role)
    else:
        account.grants.take("USAGE", on, to)
    return done()


def _inherits(account: Account, role_name: str, other: str) -> bool:
    return ("ROLE", other) in account.access.of_role(parts_of(role_name)[-1])


def _grantee(call: Call, word: str, *, bare: bool = True) -> Grantee:
    reader = call.reader
    reader.expect(word)
    kind = "ROLE"
    if reader.accept("DATABASE", "ROLE"):
        kind = "DATABASE ROLE"
    elif reader.accept("USER"):
        kind = "USER"
    elif not reader.accept("ROLE") and not bare:
        reader.fail()
    path = path_of(call.session, kind, reader.name())
    if call.account.catalog.find(kind, path) is None:
        raise not_found(kind, str(path))
    return Grantee(kind, str(path))


@dataclass(frozen=True, slots=True)
class _Order:
    """A GRANT or REVOKE of privileges, read."""

    privileges: list[str]
    targets: list[Target]
    many: str
    to: Grantee
    option: bool = False
    current: str = ""
    cascade: bool = False


def _read(call: Call, word: str) -> _Order:
    reader = call.reader
    privileges = _privileges(call)
    many, targets = _targets(call)
    to = _grantee(call, word)
    option = word == "TO" and reader.accept("WITH", "GRANT", "OPTION")
    current = ""
    for one in ("COPY", "REVOKE"):
        if word == "TO" and reader.accept(one, "CURRENT", "GRANTS"):
            current = one
    cascade = word == "FROM" and reader.accept("CASCADE")
    if word == "FROM" and not cascade:
        reader.accept("RESTRICT")
    reader.end()
    return _Order(privileges, targets, many, to, option, current, cascade)


def _privileges(call: Call) -> list[str]:
    """Read the privileges up to ON."""
    words: list[str] = []
    while not call.reader.accept("ON"):
        words.append(call.reader.next().text.upper())
    return [" ".join(part.split()) for part in " ".join(words).split(",")]


def _expanded(order: _Order, kind: str) -> list[str]:
    """Return the privileges that *kind* has; ALL stands for all but OWNERSHIP."""
    plain = kind.removeprefix("FUTURE ")
    found: list[str] = []
    for privilege in order.privileges:
        if privilege in {"ALL", "ALL PRIVILEGES"}:
            found += sorted(privileges_of(plain) - {"IMPORTED PRIVILEGES"})
        elif privilege == "OWNERSHIP" or plain not in PRIVILEGES or privilege in PRIVILEGES[plain]:
            found.append(privilege)
        else:
            raise unexpected(privilege)
    return found


def grant(call: Call) -> ResultSet:
    """Grant privileges, or ownership."""
    order = _read(call, "TO")
    for on in order.targets:
        for privilege in _expanded(order, on.kind):
            _must_manage(call, privilege, on, "Grant")
            if privilege == "OWNERSHIP" and not order.many.startswith("FUTURE"):
                _own(call, order, on)
            else:
                call.account.grants.give(
                    privilege, on, order.to, by=call.session.role, option=order.option
                )
    return status("Statement executed successfully.")


def _own(call: Call, order: _Order, on: Target) -> None:
    if order.to.kind == "USER":
        raise invalid("OWNERSHIP can be granted to a role only.")
    if on.kind == "SERVICE":
        # Source: Snowflake, "EXECUTE JOB SERVICE", "GRANT OWNERSHIP".
        raise invalid("the ownership of a service cannot be transferred")
    if call.account.catalog.find(on.kind, on.path) is None and on.kind not in TABLES:
        raise not_found(on.kind, on.name)
    call.account.grants.own(on, parts_of(order.to.name)[-1], current=order.current)


def revoke(call: Call) -> ResultSet:
    """Revoke privileges, or just the right to pass them on."""
    only = call.reader.accept("GRANT", "OPTION", "FOR")
    order = _read(call, "FROM")
    if "OWNERSHIP" in order.privileges and not order.many.startswith("FUTURE"):
        raise SnowflakeError(
            "SQL execution error: OWNERSHIP can only be transferred.", number=3937, state="23001"
        )
    for on in order.targets:
        for privilege in _expanded(order, on.kind):
            _must_manage(call, privilege, on, "Revoke")
            call.account.grants.take(privilege, on, order.to, option_only=only)
            if order.cascade:
                _cascade(call, privilege, on, order.to)
    return status("Statement executed successfully.")


def _cascade(call: Call, privilege: str, on: Target, of: Grantee) -> None:
    for to in call.account.grants.passed_on(privilege, on, parts_of(of.name)[-1]):
        call.account.grants.take(privilege, on, to)
        _cascade(call, privilege, on, to)


def _must_manage(call: Call, privilege: str, on: Target, verb: str) -> None:
    """Refuse unless the session owns the object, may pass the privilege on, or MANAGE GRANTS."""
    account, session = call.account, call.session
    rights = account.access
    if rights.globally(session, "MANAGE GRANTS"):
        return
    if on.kind.startswith("FUTURE"):
        schema = account.catalog.find("SCHEMA", on.path)
        owned = "OWNERSHIP" in rights.privileges(rights.active(session), "SCHEMA", on.path)
        if schema and schema.properties.get("managed") and owned:
            return
        word = "schema" if schema else "database"
        raise not_authorized(f"{word} '{on.path.name}'")
    holders = rights.active(session)
    managed = _managed(account, on)
    if managed is not None:
        if "OWNERSHIP" in rights.privileges(holders, "SCHEMA", managed):
            return
    elif "OWNERSHIP" in rights.privileges(holders, on.kind, on.path):
        return
    found = account.catalog.execute(
        "select to_kind, to_name from grants where privilege = ? and on_kind = ? and on_name = ? "
        "and grant_option = 1",
        (privilege, on.kind, on.name),
    )
    if any((kind, name) in holders for kind, name in found):
        return
    if on.kind != "ACCOUNT" and not rights.sees(session, on.kind, on.path):
        raise not_found(on.kind, on.name)
    raise SnowflakeError(
        f"{verb} not executed: Insufficient privileges.", number=3102, state="42501"
    )


def _managed(account: Account, on: Target) -> Path | None:
    """Return the managed access schema that an object is in, if it is in one."""
    path = Path(on.path.database, "", on.path.schema)
    entry = account.catalog.find("SCHEMA", path) if on.path.schema else None
    return path if entry and entry.properties.get("managed") else None


def _targets(call: Call) -> tuple[str, list[Target]]:
    reader, account = call.reader, call.account
    if reader.accept("ACCOUNT"):
        return "", [Target("ACCOUNT", account.name, Path("", "", account.name))]
    many = reader.peek().word if reader.peek().word in {"ALL", "FUTURE"} else ""
    if many:
        reader.next()
        kind = read_kind(call, plurally=True)
        return _in_place(call, many, kind)
    kind = read_kind(call, plurally=False)
    parts = reader.name()
    path = with_types(reader, kind, path_of(call.session, kind, parts))
    found = next(
        (k for k in (kind, *(TABLES if kind in TABLES else ())) if account.catalog.find(k, path)),
        None,
    )
    account.access.require_places(call.session, kind, path)
    if found is None:
        raise not_found(kind, str(path))
    stored = found if kind in TABLES and found else kind
    return "", [Target(stored, str(path), path)]


def with_types(reader: Reader, kind: str, path: Path) -> Path:
    """Return where the catalogue has an object: overloads are told apart by their types."""
    if kind not in {"FUNCTION", "PROCEDURE"}:
        return path
    return stored_path(path, read_types(reader))


def _in_place(call: Call, many: str, kind: str) -> tuple[str, list[Target]]:
    reader, catalog = call.reader, call.account.catalog
    reader.expect("IN")
    in_schema = reader.accept("SCHEMA")
    if not in_schema:
        reader.expect("DATABASE")
    parts = reader.name()
    where = call.session.resolve_schema(parts) if in_schema else Path("", "", parts[0])
    place = "SCHEMA" if in_schema else "DATABASE"
    if catalog.find(place, where) is None:
        raise not_found(place, str(where))
    if not call.account.access.sees(call.session, place, where):
        raise not_found(place, str(where))
    if many == "FUTURE":
        return f"FUTURE {kind}", [Target(f"FUTURE {kind}", str(where), where)]
    database, schema = (where.database, where.name) if in_schema else (where.name, None)
    if kind == "SCHEMA":
        schema = None
    entries = catalog.all(kind, database, schema)
    return many, [Target(kind, str(e.path), e.path) for e in entries]


def read_kind(call: Call, *, plurally: bool) -> str:
    """Read the kind of an object, such as ``IMAGE REPOSITORY`` or, *plurally*, ``TABLES``."""
    reader = call.reader
    for kind in _KINDS:
        if reader.accept(*(plural(kind) if plurally else kind).split()):
            return kind
    if reader.accept("NOTIFICATION", "INTEGRATION") or reader.accept("EXTERNAL", "ACCESS"):
        return "INTEGRATION"
    reader.fail()
    raise AssertionError("unreachable")  # pragma: no cover
