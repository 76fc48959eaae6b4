"""Grants, kept: given, taken, on future objects, and with ownership.

A grant on future objects is kept under the kind ``FUTURE <kind>``, on the schema's or database's
name.

Source: Snowflake, "GRANT <privileges>", "GRANT OWNERSHIP", "REVOKE <privileges>".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..catalog import Entry
from ..faults import SnowflakeError
from ..names import Path, quoted
from .kinds import TABLES

if TYPE_CHECKING:
    from ..account import Account


@dataclass(frozen=True, slots=True)
class Target:
    """What a grant is on: a kind and a written name."""

    kind: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Grantee:
    """Who a grant is to."""

    kind: str
    name: str


class Grants:
    """The grants of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        account.catalog.table("create index if not exists grants_on on grants (on_name, on_kind)")
        account.catalog.created.append(self.follow)

    def give(
        self, privilege: str, on: Target, to: Grantee, *, by: str, option: bool = False
    ) -> None:
        """Keep a grant; a second one of the same may only add the grant option."""
        self._account.catalog.execute(
            "insert into grants values (?, ?, ?, ?, ?, ?, ?, ?) "
            "on conflict do update set grant_option = max(grant_option, excluded.grant_option)",
            (
                self._account.clock.now().isoformat(),
                privilege,
                on.kind,
                on.name,
                to.kind,
                to.name,
                int(option),
                by,
            ),
        )

    def take(self, privilege: str, on: Target, to: Grantee, *, option_only: bool = False) -> None:
        """Forget a grant, or just that it may be passed on."""
        verb = "update grants set grant_option = 0" if option_only else "delete from grants"
        self._account.catalog.execute(
            f"{verb} where privilege = ? and on_kind = ? and on_name = ? and to_kind = ? "
            "and to_name = ?",
            (privilege, on.kind, on.name, to.kind, to.name),
        )

    def passed_on(self, privilege: str, on: Target, by: str) -> list[Grantee]:
        """Return who holds *privilege* by the grace of role *by*."""
        found = self._account.catalog.execute(
            "select to_kind, to_name from grants where privilege = ? and on_kind = ? "
            "and on_name = ? and granted_by = ?",
            (privilege, on.kind, on.name, by),
        )
        return [Grantee(kind, name) for kind, name in found]

    def own(self, on: Target, to: str, *, current: str) -> None:
        """Give an object to a role; *current* is COPY, REVOKE or nothing.

        Raises:
            SnowflakeError: 003036 there are grants on it, and nothing says what becomes of them.
        """
        catalog = self._account.catalog
        found = catalog.execute(
            "select privilege, to_name from grants where on_kind = ? and on_name = ? "
            "and on_kind not in ('ROLE', 'DATABASE ROLE')",
            (on.kind, on.name),
        )
        if found and not current:
            privilege, role = found[0]
            raise SnowflakeError(
                f"SQL execution error: Dependent grant of privilege '{privilege}' on securable "
                f"'{on.name}' to role '{role}' exists.  It must be revoked first.  More than one "
                "dependent grant may exist: use 'SHOW GRANTS' command to view them.  To revoke all "
                "dependent grants while transferring object ownership, use convenience command "
                "'GRANT OWNERSHIP ON <target_objects> TO <target_role> REVOKE CURRENT GRANTS'.",
                number=3036,
                state="23001",
            )
        with catalog.transaction():
            if current == "REVOKE":
                catalog.execute(
                    "delete from grants where on_kind = ? and on_name = ?", (on.kind, on.name)
                )
            elif current == "COPY":
                catalog.execute(
                    "update grants set granted_by = ? where on_kind = ? and on_name = ?",
                    (to, on.kind, on.name),
                )
            for kind in TABLES if on.kind in TABLES else (on.kind,):
                entry = catalog.find(kind, on.path)
                if entry is not None:
                    catalog.update(replace(entry, owner=to))

    def follow(self, entry: Entry) -> None:
        """Give a new object what is granted on future ones; the schema's go before the database's.

        Source: Snowflake, "GRANT <privileges>", future grants.
        """
        path = entry.path
        places = [str(Path(path.database, "", path.schema)), quoted(path.database)]
        if not path.database or entry.properties.get("temporary"):
            return
        if not path.schema:
            places = places[1:]
        on = Target(entry.kind, str(path), path)
        for place in places:
            found = self._account.catalog.execute(
                "select privilege, to_kind, to_name, grant_option, granted_by from grants "
                "where on_kind = ? and on_name = ?",
                (f"FUTURE {entry.kind}", place),
            )
            for privilege, kind, name, option, by in found:
                if privilege == "OWNERSHIP":
                    self._account.catalog.update(replace(entry, owner=name.strip('"')))
                else:
                    self.give(privilege, on, Grantee(kind, name), by=by, option=bool(option))
            if found:
                return
