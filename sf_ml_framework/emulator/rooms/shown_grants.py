"""SHOW GRANTS and SHOW FUTURE GRANTS, in every form that Snowflake has for roles and users.

Source: Snowflake, "SHOW GRANTS".
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..access.kinds import TABLES
from ..access.needs import path_of
from ..catalog import Entry
from ..faults import cannot_perform
from ..names import Path, parts_of, quoted
from ..registry import Call
from ..results import SHOW, ResultSet, rows
from .granting import read_kind, with_types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..account import Account

_PRIVILEGES = ["created_on timestamp_ltz", "privilege", "granted_on", "name", "granted_to"]
_PRIVILEGES += ["grantee_name", "grant_option", "granted_by"]
_ROLES = ["created_on timestamp_ltz", "role", "granted_to", "grantee_name", "granted_by"]
_FUTURE = ["created_on timestamp_ltz", "privilege", "grant_on", "name", "grant_to"]
_FUTURE += ["grantee_name", "grant_option"]


def install(account: Account) -> None:
    """Register the statements."""
    account.statement("SHOW GRANTS", show, reads=True)
    account.statement("SHOW FUTURE GRANTS", future, reads=True)


def _limited(call: Call, columns: Sequence[str], found: list[tuple[Any, ...]]) -> ResultSet:
    if call.reader.accept("LIMIT"):
        found = found[: call.reader.integer()]
    call.reader.end()
    return rows(columns, found, SHOW)


def show(call: Call) -> ResultSet:
    """Run ``SHOW GRANTS [ON ..|TO ..|OF ..]``; alone it shows the user's own roles."""
    reader = call.reader
    if reader.accept("ON"):
        return _on(call)
    if reader.accept("OF"):
        kind, name = _role(call)
        where = "on_kind = ? and privilege = 'USAGE' and on_name = ?"
        return _limited(call, _ROLES, _roles(call.account, where, (kind, name)))
    if not reader.accept("TO"):
        return _user(call, quoted(call.session.user))
    if reader.accept("USER"):
        return _user(call, str(_must(call, "USER", Path("", "", reader.name()[0]))))
    kind, name = _role(call)
    where = "to_kind = ? and to_name = ? and on_kind not like 'FUTURE %'"
    found = _granted(call.account, where, (kind, name))
    if kind == "ROLE":
        found += [_owned(entry) for entry in _all_owned(call.account, parts_of(name)[-1])]
    return _limited(call, _PRIVILEGES, found)


def _role(call: Call) -> tuple[str, str]:
    kind = "DATABASE ROLE" if call.reader.accept("DATABASE") else "ROLE"
    call.reader.expect("ROLE")
    path = _must(call, kind, path_of(call.session, kind, call.reader.name()))
    return kind, str(path)


def _must(call: Call, kind: str, path: Path) -> Path:
    if call.account.catalog.find(kind, path) is None:
        raise cannot_perform()
    return path


def _user(call: Call, name: str) -> ResultSet:
    where = "to_kind = 'USER' and to_name = ? and on_kind = 'ROLE'"
    return _limited(call, _ROLES, _roles(call.account, where, (name,)))


def _roles(account: Account, where: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
    found = account.catalog.execute(
        "select created_on, on_name, to_kind, to_name, granted_by from grants "
        f"where {where} order by rowid",
        values,
    )
    return [(datetime.fromisoformat(row[0]), *row[1:]) for row in found]


def _granted(account: Account, where: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
    found = account.catalog.execute(
        "select created_on, privilege, on_kind, on_name, to_kind, to_name, grant_option, "
        f"granted_by from grants where {where} order by rowid",
        values,
    )
    return [
        (
            datetime.fromisoformat(created),
            privilege,
            kind.replace(" ", "_"),
            name,
            to_kind.replace(" ", "_"),
            to,
            "true" if option else "false",
            by,
        )
        for created, privilege, kind, name, to_kind, to, option, by in found
    ]


def _all_owned(account: Account, role: str) -> list[Entry]:
    kinds = account.catalog.execute("select distinct kind from objects where owner = ?", (role,))
    return [e for (kind,) in kinds for e in account.catalog.all(kind) if e.owner == role]


def _owned(entry: Entry) -> tuple[Any, ...]:
    kind = entry.kind.replace(" ", "_")
    owner = entry.owner
    return (
        entry.created_on,
        "OWNERSHIP",
        kind,
        str(entry.path),
        "ROLE",
        owner,
        "true",
        owner,
    )


def _on(call: Call) -> ResultSet:
    account, reader = call.account, call.reader
    if reader.accept("ACCOUNT"):
        return _limited(call, _PRIVILEGES, _granted(account, "on_kind = 'ACCOUNT'", ()))
    kind = read_kind(call, plurally=False)
    path = with_types(reader, kind, path_of(call.session, kind, reader.name()))
    kinds = TABLES if kind in TABLES else (kind,)
    entry = next((e for one in kinds if (e := account.catalog.find(one, path))), None)
    if entry is None or not account.access.sees(call.session, kind, path):
        raise cannot_perform()
    marks = ", ".join("?" * len(kinds))
    found = _granted(account, f"on_name = ? and on_kind in ({marks})", (str(path), *kinds))
    owner = [_owned(entry)] if entry.owner else []
    return _limited(call, _PRIVILEGES, [*owner, *found])


def future(call: Call) -> ResultSet:
    """Run ``SHOW FUTURE GRANTS IN SCHEMA|DATABASE x`` or ``TO [DATABASE] ROLE r``."""
    reader = call.reader
    if reader.accept("TO"):
        kind, name = _role(call)
        where, values = "to_kind = ? and to_name = ?", [kind, name]
    else:
        reader.expect("IN")
        kind = "SCHEMA" if reader.accept("SCHEMA") else "DATABASE"
        if kind == "DATABASE":
            reader.expect("DATABASE")
        path = _must(call, kind, path_of(call.session, kind, reader.name()))
        where, values = "on_name = ?", [str(path)]
    found = [
        (
            row[0],
            row[1],
            row[2].removeprefix("FUTURE_"),
            f"{row[3]}.<{row[2].removeprefix('FUTURE_')}>",
            *row[4:7],
        )
        for row in _granted(call.account, f"on_kind like 'FUTURE %' and {where}", tuple(values))
    ]
    return _limited(call, _FUTURE, found)
