"""Grants by REST, as ``Root(connection).grants`` sends them.

Source: snowflake.core 1.13, ``grant/_grants.py``, ``grant/_generated/api/grant_api.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..faults import invalid
from ..names import parts_of, quoted
from ..registry import Row
from ..resources.granting import Order, kind_of, privileges_of, words
from ..resources.request import DONE, Request, known, name, route, told, truth

if TYPE_CHECKING:
    from ..account import Account

_TO = "/api/v2/grants/{granteeType}/{granteeName}"
_ONE = _TO + "/{securableType}/{securableName}/privileges"
_MANY = _TO + "/{bulkGrantType}/{securableTypePlural}/{scopeType}/{scopeName}/privileges"
_GRANTEES = {"USER", "ROLE", "DATABASE ROLE"}


def install(account: Account) -> None:
    """Register the routes."""
    for method, path, work in (
        ("GET", _TO, listed),
        ("POST", _ONE, give),
        ("POST", _MANY, give),
        ("DELETE", _ONE + "/{privilege}", take),
        ("DELETE", _MANY + "/{privilege}", take),
        ("DELETE", _ONE + "/{privilege}/grant-option", take_option),
        ("DELETE", _MANY + "/{privilege}/grant-option", take_option),
    ):
        account.route(method, path, route(work))


def _grantee(request: Request) -> str:
    written = request.call.written
    kind = kind_of(written["granteeType"])
    if kind not in _GRANTEES:
        raise invalid(f"grants to a {kind.lower()} are not known to this emulator")
    return f"{kind} {name(written['granteeName'])}"


def _order(request: Request, privileges: tuple[str, ...], *, option: bool = False) -> Order:
    written = request.call.written
    if "bulkGrantType" in written:
        many = kind_of(written["bulkGrantType"])
        if many not in {"ALL", "FUTURE"}:
            raise invalid(f"invalid bulk grant '{many}'")
        kind, within = kind_of(written["securableTypePlural"]), kind_of(written["scopeType"])
        where = name(written["scopeName"])
        return Order(kind, where, privileges, option, many=many, within=within)
    kind = kind_of(written["securableType"])
    target = "" if kind == "ACCOUNT" else name(written["securableName"])
    return Order(kind, target, privileges, option)


def give(request: Request) -> Row:
    """Grant a role or privileges."""
    given = request.body
    known(given, "privileges", "grant_option")
    option = bool(given.get("grant_option"))
    order = _order(request, privileges_of(given.get("privileges")), option=option)
    request.run(order.grant(_grantee(request)))
    return DONE


def take(request: Request) -> Row:
    """Revoke one privilege, or a role."""
    return _revoke(request, option_only=False)


def take_option(request: Request) -> Row:
    """Revoke the right to pass one privilege on."""
    return _revoke(request, option_only=True)


def _revoke(request: Request, *, option_only: bool) -> Row:
    order = _order(request, (kind_of(request.call.written["privilege"]),))
    mode = request.call.query.get("deleteMode", "")
    request.run(order.revoke(_grantee(request), mode, option_only=option_only))
    return DONE


def listed(request: Request) -> list[Row]:
    """Return what is granted to a role or user."""
    grantee = _grantee(request)
    found = request.rows(f"SHOW GRANTS TO {grantee}")
    limit = request.call.query.get("showLimit") or ""
    made = [_grant(row, grantee.partition(" ")[0]) for row in found]
    return made[: int(limit)] if limit.isdigit() else made


def _grant(row: Row, kind: str) -> Row:
    if kind == "USER":
        # To a user Snowflake shows roles alone, in other columns.
        on, named, privileges, option = "ROLE", str(row["role"]), [], False
    else:
        on, named = str(row["granted_on"]), str(row["name"])
        privileges, option = [row["privilege"]], truth(row["grant_option"])
    return {
        **told(row, "created_on"),
        "privileges": privileges,
        "grant_option": option,
        "grantee_type": words(str(row["granted_to"])),
        "grantee_name": str(row["grantee_name"]),
        "securable_type": words(on),
        "securable_name": ".".join(quoted(part) for part in parts_of(named)) if named else "",
        "granted_by_role_type": "ROLE",
        "granted_by_name": str(row.get("granted_by") or ""),
    }
