"""What roles hold in an account, and how much of that could be seen. Changes nothing.

SHOW GRANTS tells a role what it may see. Of a role that it has it sees all, and of every role it
does where it may manage grants; of any other role what is not listed may be there all the same.

Source: Snowflake, "SHOW GRANTS", "IS_ROLE_IN_SESSION", "Access control privileges" (MANAGE GRANTS).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake import shown
from sf_ml_framework.places.snowflake.standing import named
from sf_ml_framework.plan.audit import Held, Sight
from sf_ml_framework.plan.objects import Grant
from sf_ml_framework.plan.quoting import literal

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_MANAGERS = {"ACCOUNTADMIN", "SECURITYADMIN"}
"""Roles that may manage grants in every account."""


def seen(account: Account, roles: Collection[str]) -> dict[str, Sight]:
    """Return what can be seen of each of *roles*, as the role of *account* sees it."""
    managers = _MANAGERS | _who_manage(account)
    active = _active(account, {*roles, *managers})
    manages = bool(active & managers)
    return {role: _sight(account, role, whole=manages or role in active) for role in roles}


def having(account: Account, role: str, other: str, *, whole: bool) -> Sight:
    """Return of role *other* whether it was granted *role*, and nothing else of it.

    Args:
        account: whose role looks.
        role: the one that is held.
        other: the one that may hold it.
        whole: whether the session sees all of *role*.
    """
    grant = Grant(privilege="USAGE", on="ROLE", name=role, to=other)
    try:
        rows = account.rows(f"SHOW GRANTS OF ROLE {quoted(role)}")
    except OperatorError as error:
        return Sight(role=other, whole=False, why=str(error))
    holders = {shown.unquoted(str(row["grantee_name"])) for row in rows}
    held = (Held(grant=grant, written=role),) if other in holders else ()
    return Sight(role=other, held=held, whole=whole or bool(held))


def _who_manage(account: Account) -> set[str]:
    try:
        rows = account.rows("SHOW GRANTS ON ACCOUNT")
    except OperatorError:
        return set()
    return {str(row["grantee_name"]) for row in rows if row["privilege"] == "MANAGE GRANTS"}


def _active(account: Account, roles: Collection[str]) -> set[str]:
    """Return those of *roles* that act in the session, also through others."""
    ordered = sorted(roles)
    asked = ", ".join(
        f'IS_ROLE_IN_SESSION({literal(role)}) AS "{number}"' for number, role in enumerate(ordered)
    )
    row = account.rows(f"SELECT {asked}")[0]
    return {role for number, role in enumerate(ordered) if row[str(number)]}


def _sight(account: Account, role: str, *, whole: bool) -> Sight:
    if named(account, "ROLES", role) is None:
        why = f"role {role} is not there: `mlops infra apply` makes it"
        return Sight(role=role, why=why, there=False)
    try:
        held = tuple(_held(account, role))
    except OperatorError as error:
        return Sight(role=role, whole=False, why=str(error))
    why = "" if whole else "the session neither has this role nor may it manage grants"
    return Sight(role=role, held=held, whole=whole, why=why)


def _held(account: Account, role: str) -> Iterator[Held]:
    for future, words in ((False, "GRANTS"), (True, "FUTURE GRANTS")):
        for row in account.rows(f"SHOW {words} TO ROLE {quoted(role)}"):
            yield _holding(row, role, future=future)


def _holding(row: dict[str, Any], role: str, *, future: bool) -> Held:
    grant = msgspec.structs.replace(shown.grant(row, future=future), to=role)
    if grant.on.endswith(" INTEGRATION"):
        grant = msgspec.structs.replace(grant, on="INTEGRATION")
    written = str(row["name"])
    return Held(
        grant=grant,
        written="" if grant.on == "ACCOUNT" else written.rpartition(".<")[0] or written,
        passed_on=str(row["grant_option"]).lower() == "true",
    )
