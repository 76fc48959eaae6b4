"""Who may come in from where, how, and for how long idle: the policies of users and the account.

Source: Snowflake, "Controlling network traffic with network policies" (a user's policy goes before
the account's; what is blocked is refused though it is allowed; an allowed list lets nobody else
in), "Authentication policies", "Session policies". 390422 and 390202 are what clients report.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from .catalog import Entry
from .faults import SnowflakeError
from .names import Path

if TYPE_CHECKING:
    from .account import Account

METHODS = {
    "": "PASSWORD",
    "SNOWFLAKE": "PASSWORD",
    "USERNAME_PASSWORD_MFA": "PASSWORD",
    "SNOWFLAKE_JWT": "KEYPAIR",
    "PROGRAMMATIC_ACCESS_TOKEN": "PROGRAMMATIC_ACCESS_TOKEN",
    "OAUTH": "OAUTH",
    "WORKLOAD_IDENTITY": "WORKLOAD_IDENTITY",
}
"""What an authentication policy calls the authenticator of a client."""

POLICIES = ("SESSION POLICY", "AUTHENTICATION POLICY")
"""What is attached to a user with SET … POLICY; a property of the same name keeps its path."""


def account_properties(account: Account) -> dict[str, Any]:
    """Return what ALTER ACCOUNT has set."""
    found = account.catalog.find("ACCOUNT", Path("", "", account.name))
    return found.properties if found else {}


def policy_of(account: Account, user: Entry | None, kind: str) -> Entry | None:
    """Return the policy that holds for *user*: its own, or else the account's."""
    for properties in (user.properties if user else {}, account_properties(account)):
        if kind == "NETWORK POLICY":
            name = properties.get("NETWORK_POLICY")
            path = Path("", "", str(name)) if name else None
        else:
            parts = properties.get(kind)
            path = Path(*parts) if parts else None
        found = account.catalog.find(kind, path) if path else None
        if found is not None:
            return found
    return None


def admit(account: Account, user: Entry, address: str, authenticator: str) -> None:
    """Refuse a login from where, or in a way that, a policy forbids.

    Raises:
        SnowflakeError: 390422 the address, 390202 the way.
    """
    policy = policy_of(account, user, "NETWORK POLICY")
    if policy is not None and not admits(account, policy.properties, address):
        raise SnowflakeError(
            f"Incoming request with IP/Token {address} is not allowed to access Snowflake. "
            "Contact your account administrator.",
            number=390422,
            state="08001",
        )
    policy = policy_of(account, user, "AUTHENTICATION POLICY")
    allowed = set(policy.properties["AUTHENTICATION_METHODS"]) if policy else {"ALL"}
    if not allowed & {"ALL", METHODS.get(authenticator, authenticator)}:
        raise SnowflakeError(
            "Authentication attempt rejected by the current authentication policy.",
            number=390202,
            state="08001",
        )


def admits(account: Account, policy: dict[str, Any], address: str) -> bool:
    """Say whether a network policy lets *address* in."""
    blocked = networks(account, policy, "BLOCKED")
    allowed = networks(account, policy, "ALLOWED")
    came = ipaddress.ip_address(address)
    if any(came in network for network in blocked):
        return False
    return not allowed or any(came in network for network in allowed)


def networks(
    account: Account, policy: dict[str, Any], side: str
) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Return the networks that a policy allows or blocks (*side*)."""
    written = list(policy.get(f"{side}_IP_LIST", ()))
    for path in policy.get(f"{side}_NETWORK_RULE_LIST", ()):
        rule = account.catalog.find("NETWORK RULE", Path(*path))
        if rule is not None and rule.properties["type"] in {"IPV4", "IPV6"}:
            written += rule.properties["values"]
    return [ipaddress.ip_network(one, strict=False) for one in written]


def idle_seconds(account: Account, user: Entry | None) -> int | None:
    """Return after how long without a request a session ends, where a policy says so."""
    policy = policy_of(account, user, "SESSION POLICY")
    return int(policy.properties["SESSION_IDLE_TIMEOUT_MINS"]) * 60 if policy else None


def holders(account: Account, kind: str, path: Path) -> list[str]:
    """Return whom a policy is attached to: users, and the account."""
    wanted = path.name if kind == "NETWORK POLICY" else list(path)
    key = "NETWORK_POLICY" if kind == "NETWORK POLICY" else kind
    found = [
        user.name for user in account.catalog.all("USER") if user.properties.get(key) == wanted
    ]
    return found + ([account.name] if account_properties(account).get(key) == wanted else [])
