"""What guards a target, as it stands: rules, policies, integrations, the service user.

Most of it only an administrator sees. What another role is not shown may stand or not: it is named
as unknown, and a plan leaves it alone.

Source: Snowflake, "SHOW NETWORK RULES", "DESCRIBE NETWORK RULE", "DESCRIBE NETWORK POLICY",
"DESCRIBE SESSION POLICY", "DESCRIBE AUTHENTICATION POLICY", "SHOW GRANTS", "POLICY_REFERENCES".
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.identifiers import quoted
from sf_ml_framework.places.snowflake.roles import sees_everything
from sf_ml_framework.places.snowflake.shown import text, unquoted
from sf_ml_framework.places.snowflake.standing import named, qualified
from sf_ml_framework.plan.objects import (
    AuthenticationPolicy,
    Desired,
    Integration,
    NetworkPolicy,
    NetworkRule,
    Object,
    ServiceUser,
    SessionPolicy,
    key_of,
)
from sf_ml_framework.plan.quoting import literal

if TYPE_CHECKING:
    from sf_ml_framework.places.snowflake.session import Account

_LOGGER = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Guards:
    """What one look at the guards of a target found."""

    found: list[Object] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unseen: dict[str, tuple[str, ...]] = field(default_factory=dict)


def integrations(account: Account, wanted: Iterable[Integration]) -> Iterator[Integration]:
    """Yield the integrations that are wanted and stand; what they let out by, where that matters.

    One whose rules the role may not see is taken to have the wanted ones.
    """
    rows = {str(row["name"]) for row in account.rows("SHOW INTEGRATIONS")}
    for one in wanted:
        if one.name not in rows:
            continue
        if not one.rules:
            yield one
            continue
        try:
            told = account.rows(f"DESCRIBE INTEGRATION {quoted(one.name)}")
        except OperatorError as error:
            _LOGGER.info("the rules of integration %s are not seen: %s", one.name, error)
            yield one
            continue
        values = {str(row["property"]).upper(): text(row["property_value"]) for row in told}
        yield msgspec.structs.replace(one, rules=_names(values.get("ALLOWED_NETWORK_RULES", "")))


def look(account: Account, desired: Desired) -> Guards:
    """Return what stands of what guards *desired*'s target; asks nothing where nothing does."""
    guards = Guards()
    for thing in desired.objects:
        kind = type(thing)
        if kind not in _LOOKS:
            continue
        try:
            found = _LOOKS[kind](account, thing, guards)
        except OperatorError as error:
            _LOGGER.info("%s is not seen: %s", key_of(thing), error)
            found = None
        if found is not None:
            guards.found.append(found)
        elif not sees_everything(account.role):
            guards.unknown.append(key_of(thing))
    return guards


def _rule(account: Account, wanted: NetworkRule, _: Guards) -> Object | None:
    row = _in_schema(account, "NETWORK RULES", wanted.name)
    if row is None:
        return None
    told = account.rows(f"DESCRIBE NETWORK RULE {qualified(wanted.name)}")[0]
    values = [each.strip() for each in text(told["value_list"]).split(",") if each.strip()]
    return msgspec.structs.replace(wanted, values=tuple(sorted(values)))


def _network_policy(account: Account, wanted: NetworkPolicy, _: Guards) -> Object | None:
    if named(account, "NETWORK POLICIES", wanted.name) is None:
        return None
    rows = account.rows(f"DESCRIBE NETWORK POLICY {quoted(wanted.name)}")
    told = {str(row["name"]).upper(): text(row["value"]) for row in rows}

    def rules(which: str) -> tuple[str, ...]:
        listed = json.loads(told.get(f"{which}_NETWORK_RULE_LIST") or "[]")
        return tuple(sorted(unquoted(each["fullyQualifiedRuleName"]) for each in listed))

    return msgspec.structs.replace(wanted, allowed=rules("ALLOWED"), blocked=rules("BLOCKED"))


def _session_policy(account: Account, wanted: SessionPolicy, _: Guards) -> Object | None:
    if _in_schema(account, "SESSION POLICIES", wanted.name) is None:
        return None
    row = account.rows(f"DESCRIBE SESSION POLICY {qualified(wanted.name)}")[0]
    # Snowflake spells this heading in two ways.
    told = {key.lower().replace("_", ""): value for key, value in row.items()}
    return msgspec.structs.replace(wanted, idle_minutes=int(told["sessionidletimeoutmins"]))


def _authentication(account: Account, wanted: AuthenticationPolicy, _: Guards) -> Object | None:
    if _in_schema(account, "AUTHENTICATION POLICIES", wanted.name) is None:
        return None
    rows = account.rows(f"DESCRIBE AUTHENTICATION POLICY {qualified(wanted.name)}")
    told = {str(row["property"]).upper(): text(row["value"]) for row in rows}
    methods = re.findall(r"[A-Z_]+", told.get("AUTHENTICATION_METHODS", "").upper())
    return msgspec.structs.replace(wanted, methods=tuple(sorted(methods)))


def _user(account: Account, wanted: ServiceUser, guards: Guards) -> Object | None:
    if named(account, "USERS", wanted.name) is None:
        return None
    user = quoted(wanted.name)
    unseen: list[str] = []

    def asked(sql: str, *fields: str) -> list[dict[str, Any]]:
        try:
            return account.rows(sql)
        except OperatorError as error:
            _LOGGER.info("of user %s not seen: %s", wanted.name, error)
            unseen.extend(fields)
            return []

    held = {str(row["role"]) for row in asked(f"SHOW GRANTS TO USER {user}", "roles")}
    network = asked(f"SHOW PARAMETERS LIKE 'NETWORK_POLICY' IN USER {user}", "network_policy")
    database = quoted(wanted.authentication_policy.partition(".")[0])
    attached = asked(
        "SELECT policy_kind, policy_db || '.' || policy_schema || '.' || policy_name AS name FROM"
        f" TABLE({database}.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_DOMAIN => 'USER',"
        f" REF_ENTITY_NAME => {literal(user)}))",
        "session_policy",
        "authentication_policy",
    )
    policies = {str(row["policy_kind"]): str(row["name"]) for row in attached}
    guards.unseen[key_of(wanted)] = tuple(unseen)
    return msgspec.structs.replace(
        wanted,
        # More roles than the wanted are not this project's to take away.
        roles=tuple(role for role in wanted.roles if role in held),
        network_policy=text(network[0]["value"]) if network else "",
        session_policy=policies.get("SESSION_POLICY", ""),
        authentication_policy=policies.get("AUTHENTICATION_POLICY", ""),
    )


_LOOKS: dict[type, Any] = {
    NetworkRule: _rule,
    NetworkPolicy: _network_policy,
    SessionPolicy: _session_policy,
    AuthenticationPolicy: _authentication,
    ServiceUser: _user,
}


def _in_schema(account: Account, kinds: str, name: str) -> dict[str, Any] | None:
    schema, _, bare = name.rpartition(".")
    return named(account, kinds, bare, f"IN SCHEMA {qualified(schema)}")


def _names(listed: str) -> tuple[str, ...]:
    """Return the qualified names of a list, as DESCRIBE INTEGRATION writes one."""
    parts = (part.strip(" []'") for part in listed.split(","))
    return tuple(sorted(unquoted(part) for part in parts if part))
