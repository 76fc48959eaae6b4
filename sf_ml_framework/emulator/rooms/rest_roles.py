"""Roles and database roles by REST, with what is granted to them.

Source: snowflake.core 1.13, ``role/_generated``, ``database_role/_generated``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..faults import invalid
from ..names import parts_of, quoted
from ..registry import Row
from ..resources.granting import Order, kind_of, privileges_of, words
from ..resources.request import DONE, Request, known, name, name_of, route, text, told, truth
from ..resources.resource import Resource

if TYPE_CHECKING:
    from ..account import Account

_COUNTS: tuple[str, ...] = ("assigned_to_users", "granted_to_roles", "granted_roles")
_COUNTS += ("granted_to_database_roles", "granted_database_roles")
_FLAGS = ("is_default", "is_current", "is_inherited")
_FIELDS = ("securable", "containing_scope", "securable_type", "grant_option", "privileges")


def _role(request: Request, row: Row) -> Row:
    flags: Row = {}
    if not request.call.parts.get("database"):
        # The model of a database role has none of them.
        flags = {flag: truth(row[flag]) for flag in _FLAGS}
    counts = {key: int(row[key]) for key in _COUNTS if row.get(key) not in (None, "")}
    return {**told(row, "created_on", "owner", "comment"), **counts, **flags, "name": name_of(row)}


ROLES = Resource(
    home="/api/v2/roles",
    kind="ROLE",
    plural="ROLES",
    writers={"comment": text},
    shown=("created_on", "owner", *_FLAGS, *_COUNTS),
    model=_role,
)
DATABASE_ROLES = Resource(
    home="/api/v2/databases/{database}/database-roles",
    kind="DATABASE ROLE",
    plural="DATABASE ROLES",
    writers={"comment": text},
    shown=("created_on", "owner", "owner_role_type", *_COUNTS),
    model=_role,
)


def install(account: Account) -> None:
    """Register the routes."""
    for kind in (ROLES, DATABASE_ROLES):
        one = kind.home + "/{name}"
        kind.install(account)
        account.route("POST", kind.home, route(kind.created))
        grants = _Grants(kind)
        for method, path, work in (
            ("GET", "/grants", grants.listed),
            ("POST", "/grants", grants.given),
            ("POST", "/grants:revoke", grants.taken),
            ("GET", "/future-grants", grants.listed_future),
            ("POST", "/future-grants", grants.given_future),
            ("POST", "/future-grants:revoke", grants.taken_future),
        ):
            account.route(method, one + path, route(work))
    account.route("GET", ROLES.home + "/{name}/grants-of", route(grants_of))
    account.route("GET", ROLES.home + "/{name}/grants-on", route(grants_on))


class _Grants:
    """The grants of one kind of role."""

    def __init__(self, kind: Resource) -> None:
        self._kind = kind

    def _to(self, request: Request) -> str:
        return f"{self._kind.kind} {self._kind.written(request)}"

    def given(self, request: Request) -> Row:
        """Grant a role or privileges."""
        request.run(_order(request, "ALL").grant(self._to(request)))
        return DONE

    def taken(self, request: Request) -> Row:
        """Revoke them."""
        mode = request.call.query.get("mode", "")
        request.run(_order(request, "ALL").revoke(self._to(request), mode))
        return DONE

    def given_future(self, request: Request) -> Row:
        """Grant privileges on what will be created."""
        request.run(_order(request, "FUTURE").grant(self._to(request)))
        return DONE

    def taken_future(self, request: Request) -> Row:
        """Revoke those."""
        mode = request.call.query.get("mode", "")
        request.run(_order(request, "FUTURE").revoke(self._to(request), mode))
        return DONE

    def listed(self, request: Request) -> list[Row]:
        """Return what is granted to the role."""
        found = request.rows(f"SHOW GRANTS TO {self._to(request)}{_limit(request)}")
        return [_grant(row, row["granted_on"], row["name"]) for row in found]

    def listed_future(self, request: Request) -> list[Row]:
        """Return what will be granted to the role."""
        found = request.rows(f"SHOW FUTURE GRANTS TO {self._to(request)}{_limit(request)}")
        made = []
        for row in found:
            kind, place = row["grant_on"], str(row["name"]).rpartition(".<")[0]
            parts = parts_of(place)
            scope = dict(zip(("database", "schema"), map(quoted, parts), strict=False))
            kept = _grant(row, kind, "")
            made.append({**kept, "containing_scope": scope})
        return made


def _limit(request: Request) -> str:
    limit = request.call.query.get("showLimit") or ""
    if limit and not limit.isdigit():
        raise invalid(f"invalid showLimit '{limit}'")
    return f" LIMIT {limit}" if limit else ""


def _order(request: Request, many: str) -> Order:
    """Return the grant that a body describes."""
    given = request.body
    known(given, *_FIELDS, "created_on", "granted_by")
    kind = kind_of(str(given.get("securable_type") or ""))
    privileges = privileges_of(given.get("privileges"))
    option = bool(given.get("grant_option"))
    scope, one = given.get("containing_scope"), given.get("securable")
    if isinstance(scope, dict):
        place = [name(scope[part]) for part in ("database", "schema") if scope.get(part)]
        within = "SCHEMA" if len(place) == 2 else "DATABASE"
        return Order(kind, ".".join(place), privileges, option, many=many, within=within)
    if many == "FUTURE":
        raise invalid("'containing_scope' is required")
    return Order(kind, _securable(one), privileges, option)


def _securable(one: Any) -> str:
    if not isinstance(one, dict):
        return ""
    found = [one[part] for part in ("database", "schema", "name") if one.get(part)]
    return ".".join(name(part) for part in found)


def _grant(row: Row, kind: str, named: str) -> Row:
    made: Row = {
        **told(row, "created_on", "granted_by"),
        "securable_type": words(kind),
        "grant_option": truth(row["grant_option"]),
        "privileges": [row["privilege"]],
    }
    if named and kind != "ACCOUNT":
        *above, last = map(quoted, parts_of(named))
        keys = ("database", "schema")
        made["securable"] = {**dict(zip(keys, above, strict=False)), "name": last}
    return made


def grants_of(request: Request) -> list[Row]:
    """Return who holds the role."""
    found = request.rows(f"SHOW GRANTS OF ROLE {ROLES.written(request)}{_limit(request)}")
    fields = ("created_on", "role", "granted_to", "grantee_name", "granted_by")
    return [told(row, *fields) for row in found]


def grants_on(request: Request) -> list[Row]:
    """Return the privileges that others have on the role."""
    found = request.rows(f"SHOW GRANTS ON ROLE {ROLES.written(request)}{_limit(request)}")
    fields = ("created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name")
    return [told(row, *fields, "grant_option", "granted_by") for row in found]
