"""Who holds which privilege on what.

Source: Snowflake, "Overview of access control" (role hierarchy, primary and secondary roles,
enforcement), "Access control privileges", and the notes of the SHOW pages (MANAGE GRANTS sees all).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..faults import SnowflakeError, no_warehouse, not_authorized, not_found
from ..names import Path, parts_of, quoted
from .kinds import ACCOUNT_KINDS, TABLES

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

Holder = tuple[str, str]
"""A kind (ROLE, DATABASE ROLE or USER) and a written name."""


class Rights:
    """Answers what a session may do, from the grants that the catalogue keeps."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._version = -1
        self._parents: dict[Holder, set[Holder]] = {}
        self._closures: dict[tuple[Holder, ...], frozenset[Holder]] = {}

    def roles_of(self, user: str) -> set[str]:
        """Return every account role that *user* holds, directly or through others, and PUBLIC."""
        held = self._closure([("USER", quoted(user)), ("ROLE", "PUBLIC")])
        return {parts_of(name)[-1] for kind, name in held if kind == "ROLE"}

    def active(self, session: Session, *, primary: bool = False) -> frozenset[Holder]:
        """Return the roles that act in *session*; *primary* leaves the secondary ones out.

        CREATE is authorized by the primary role alone. Source: Snowflake, "USE SECONDARY ROLES".
        """
        first: list[Holder] = [("ROLE", quoted(session.role)), ("ROLE", "PUBLIC")]
        if not primary and session.secondary_roles != "NONE":
            held = self.roles_of(session.user)
            wanted = held
            if session.secondary_roles != "ALL":
                wanted = {part.strip() for part in session.secondary_roles.split(",")} & held
            first += [("ROLE", quoted(role)) for role in sorted(wanted)]
        return self._closure(first)

    def of_role(self, role: str) -> frozenset[Holder]:
        """Return *role* and all that it inherits."""
        return self._closure([("ROLE", quoted(role)), ("ROLE", "PUBLIC")])

    def _closure(self, first: Iterable[Holder]) -> frozenset[Holder]:
        key = tuple(first)
        with self._lock:
            version = self._account.catalog.version
            if version != self._version:
                self._version = version
                self._closures.clear()
                self._parents = self._read()
            found = self._closures.get(key)
            if found is None:
                held, waiting = set(key), list(key)
                while waiting:
                    for more in self._parents.get(waiting.pop(), set()) - held:
                        held.add(more)
                        waiting.append(more)
                found = self._closures[key] = frozenset(held)
            return found

    def _read(self) -> dict[Holder, set[Holder]]:
        parents: dict[Holder, set[Holder]] = {}
        for kind, role, to_kind, to in self._account.catalog.read(
            "select on_kind, on_name, to_kind, to_name from grants "
            "where on_kind in ('ROLE', 'DATABASE ROLE') and privilege = 'USAGE'"
        ):
            parents.setdefault((to_kind, to), set()).add((kind, role))
        return parents

    def privileges(self, holders: frozenset[Holder], kind: str, path: Path) -> set[str]:
        """Return the privileges of *holders* on an object, OWNERSHIP among them."""
        catalog = self._account.catalog
        name = self._account.name if kind == "ACCOUNT" else str(path)
        kinds = TABLES if kind in TABLES else (kind,)
        found = {
            privilege
            for privilege, to_kind, to in catalog.read(
                "select privilege, to_kind, to_name from grants where on_name = ? "
                f"and on_kind in ({', '.join('?' * len(kinds))})",
                (name, *kinds),
            )
            if (to_kind, to) in holders
        }
        owner = self.owner(kind, path) if kind != "ACCOUNT" else None
        if owner and ("ROLE", quoted(owner)) in holders:
            found.add("OWNERSHIP")
        return found

    def owner(self, kind: str, path: Path) -> str | None:
        """Return the role that owns an object, or None when there is no such object."""
        for one in TABLES if kind in TABLES else (kind,):
            entry = self._account.catalog.find(one, path)
            if entry is not None:
                return entry.owner
        return None

    def holds(self, session: Session, privilege: str, kind: str, path: Path) -> bool:
        """Say whether *session* has ``privilege`` (or ``A|B``) on an object, or owns it."""
        wanted = set(privilege.split("|"))
        only_primary = all(one.startswith("CREATE ") for one in wanted)
        found = self.privileges(self.active(session, primary=only_primary), kind, path)
        return bool(found & (wanted | {"OWNERSHIP"}))

    def globally(self, session: Session, privilege: str) -> bool:
        """Say whether *session* has an account-level privilege."""
        return self.holds(session, privilege, "ACCOUNT", Path("", "", ""))

    def sees(self, session: Session, kind: str, path: Path) -> bool:
        """Say whether SHOW lists an object: any privilege on it, or MANAGE GRANTS."""
        if self.globally(session, "MANAGE GRANTS"):
            return True
        return bool(self.privileges(self.active(session), kind, path))

    def require(self, session: Session, privilege: str, kind: str, path: Path) -> None:
        """Refuse unless *session* has ``privilege`` (or ``A|B``) on an object, and on its places.

        Raises:
            SnowflakeError: 003001 the role sees the object but lacks the privilege; 002003 the
                role may not see it, or its database or schema.
        """
        if kind == "ACCOUNT":
            if not self.globally(session, privilege):
                raise not_authorized(f"account '{self._account.name}'")
            return
        self.require_places(session, kind, path)
        if self.owner(kind, path) is None or (kind, path) in session.temporary:
            return  # what does not stand is the statement's own error
        if self.holds(session, privilege, kind, path):
            return
        if kind == "WAREHOUSE" and self.globally(session, "MANAGE WAREHOUSES"):
            return
        if not self.sees(session, kind, path):
            raise not_found(kind, str(path))
        raise not_authorized(f"{kind.lower()} '{path.name}'")

    def require_places(self, session: Session, kind: str, path: Path) -> None:
        """Refuse unless the database and schema of an object may be used."""
        catalog = self._account.catalog
        if kind in ACCOUNT_KINDS or not path.database:
            return
        database = Path("", "", path.database)
        if catalog.find("DATABASE", database) and not self.uses(session, "DATABASE", database):
            raise not_found("DATABASE", quoted(path.database))
        schema = Path(path.database, "", path.schema)
        stands = bool(path.schema) and catalog.find("SCHEMA", schema) is not None
        if stands and not self.uses(session, "SCHEMA", schema):
            raise not_found("SCHEMA", str(schema))

    def uses(self, session: Session, kind: str, path: Path) -> bool:
        """Say whether *session* may make a database, schema or warehouse its current one."""
        if path.name == "SNOWFLAKE" or path.database == "SNOWFLAKE":
            return True  # every role may; its views ask for more
        if path.name == "INFORMATION_SCHEMA":
            return True
        return self.holds(session, "USAGE", kind, path)

    def warehouse(self, session: Session) -> str:
        """Return the warehouse that *session* may use now, or raise 000606."""
        name = session.require_warehouse()
        if session.facts.get("serverless"):
            return name  # Snowflake's own machines, which a task without a warehouse runs on
        path = Path("", "", name)
        if not self.uses(session, "WAREHOUSE", path) or self._rests(path):
            raise no_warehouse()
        return name

    def _rests(self, warehouse: Path) -> bool:
        """Say whether it waits for ALTER WAREHOUSE .. RESUME. Source: "CREATE WAREHOUSE"."""
        entry = self._account.catalog.find("WAREHOUSE", warehouse)
        if entry is None or entry.properties.get("AUTO_RESUME", True):
            return False
        return entry.properties.get("STATE") == "SUSPENDED"


def denied_role(name: str) -> SnowflakeError:
    """Return 003001 for a role that may not be changed or dropped."""
    return not_authorized(f"role '{name}'")
