"""What guards a target, as SQL.

Source: Snowflake, "CREATE NETWORK RULE", "CREATE NETWORK POLICY", "CREATE EXTERNAL ACCESS
INTEGRATION", "CREATE SESSION POLICY", "CREATE AUTHENTICATION POLICY", "CREATE USER", "ALTER USER".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from sf_ml_framework.plan.objects import (
    AuthenticationPolicy,
    Integration,
    NetworkPolicy,
    NetworkRule,
    ServiceUser,
    SessionPolicy,
)
from sf_ml_framework.plan.quoting import literal, name, names, word

Guard = (
    Integration | NetworkRule | NetworkPolicy | SessionPolicy | AuthenticationPolicy | ServiceUser
)

SETTABLE: dict[type, tuple[str, ...]] = {
    Integration: ("rules",),
    NetworkRule: ("values",),
    NetworkPolicy: ("allowed", "blocked"),
    SessionPolicy: ("idle_minutes",),
    AuthenticationPolicy: ("methods",),
    ServiceUser: ("network_policy", "session_policy", "authentication_policy", "roles"),
}
"""What can be changed of each, and is set again where a script is run twice."""


def created(guard: Guard) -> str:
    """Return the statement that makes *guard* where it is missing."""
    match guard:
        case Integration():
            return (
                f"CREATE EXTERNAL ACCESS INTEGRATION IF NOT EXISTS {name(guard.name)}"
                f" ALLOWED_NETWORK_RULES = ({names(guard.rules)}) ENABLED = TRUE"
            )
        case NetworkRule():
            return (
                f"CREATE NETWORK RULE IF NOT EXISTS {name(guard.name)} MODE = {word(guard.mode)}"
                f" TYPE = {guard.type} VALUE_LIST = {_listed(guard.values)}"
            )
        case NetworkPolicy():
            blocked = f" BLOCKED_NETWORK_RULE_LIST = {_listed(guard.blocked)}" * bool(guard.blocked)
            return (
                f"CREATE NETWORK POLICY IF NOT EXISTS {name(guard.name)}"
                f" ALLOWED_NETWORK_RULE_LIST = {_listed(guard.allowed)}{blocked}"
            )
        case SessionPolicy():
            return (
                f"CREATE SESSION POLICY IF NOT EXISTS {name(guard.name)}"
                f" SESSION_IDLE_TIMEOUT_MINS = {guard.idle_minutes:d}"
            )
        case AuthenticationPolicy():
            return (
                f"CREATE AUTHENTICATION POLICY IF NOT EXISTS {name(guard.name)}"
                f" AUTHENTICATION_METHODS = {_listed(guard.methods)}"
            )
        case ServiceUser():
            return _user(guard)
        case _:
            assert_never(guard)


def altered(guard: Guard, fields: Sequence[str]) -> Iterator[str]:
    """Yield the statements that change *fields* of *guard* to what is wanted."""
    match guard:
        case Integration():
            yield (
                f"ALTER EXTERNAL ACCESS INTEGRATION {name(guard.name)}"
                f" SET ALLOWED_NETWORK_RULES = ({names(guard.rules)})"
            )
        case NetworkRule():
            yield f"ALTER NETWORK RULE {name(guard.name)} SET VALUE_LIST = {_listed(guard.values)}"
        case NetworkPolicy():
            yield (
                f"ALTER NETWORK POLICY {name(guard.name)}"
                f" SET ALLOWED_NETWORK_RULE_LIST = {_listed(guard.allowed)}"
                f" BLOCKED_NETWORK_RULE_LIST = {_listed(guard.blocked)}"
            )
        case SessionPolicy():
            yield (
                f"ALTER SESSION POLICY {name(guard.name)}"
                f" SET SESSION_IDLE_TIMEOUT_MINS = {guard.idle_minutes:d}"
            )
        case AuthenticationPolicy():
            yield (
                f"ALTER AUTHENTICATION POLICY {name(guard.name)}"
                f" SET AUTHENTICATION_METHODS = {_listed(guard.methods)}"
            )
        case ServiceUser():
            for field in fields:
                yield from _set(guard, field)
        case _:
            assert_never(guard)


def _user(user: ServiceUser) -> str:
    """Return the statement that makes a user; without a password, and without a key."""
    made = (
        f"CREATE USER IF NOT EXISTS {name(user.name)} TYPE = SERVICE"
        f" DEFAULT_ROLE = {name(user.roles[0])} DEFAULT_SECONDARY_ROLES = ()"
    )
    if user.issuer:
        audiences = f" OIDC_AUDIENCE_LIST = {_listed(user.audiences)}" if user.audiences else ""
        made += (
            f" WORKLOAD_IDENTITY = (TYPE = OIDC ISSUER = {literal(user.issuer)}"
            f" SUBJECT = {literal(user.subject)}{audiences})"
        )
    return made + (f" COMMENT = {literal(user.comment)}" if user.comment else "")


def _set(user: ServiceUser, field: str) -> Iterator[str]:
    head = f"ALTER USER {name(user.name)}"
    match field:
        case "roles":
            for role in user.roles:
                yield f"GRANT ROLE {name(role)} TO USER {name(user.name)}"
        case "network_policy":
            policy = user.network_policy
            yield (
                f"{head} SET NETWORK_POLICY = {name(policy)}"
                if policy
                else (f"{head} UNSET NETWORK_POLICY")
            )
        case "session_policy" | "authentication_policy":
            kind = field.replace("_", " ").upper()
            policy = getattr(user, field)
            # FORCE: another one may be there, and this one too.
            yield f"{head} SET {kind} {name(policy)} FORCE" if policy else f"{head} UNSET {kind}"
        case _:
            raise ValueError(f"{field} of a user cannot be changed")


def _listed(values: Iterable[str]) -> str:
    return f"({', '.join(map(literal, values))})"
