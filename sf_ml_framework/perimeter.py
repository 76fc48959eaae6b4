"""Who may come to a target and what may leave it: network and service user of ``mlops.yml``.

Source: Snowflake, "Controlling network traffic with network policies", "CREATE NETWORK RULE",
"CREATE EXTERNAL ACCESS INTEGRATION", "CREATE USER", "CREATE SESSION POLICY", "CREATE AUTHENTICATION
POLICY", "Workload identity federation".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from sf_ml_framework.identifiers import why_not_identifier

SignIn = Literal["KEYPAIR", "WORKLOAD_IDENTITY", "PROGRAMMATIC_ACCESS_TOKEN", "OAUTH"]
"""Ways of a service user to sign in; a password is none."""

MOST_HOSTS = 100
"""Hosts of one integration. Source: "Guidelines and limitations"."""


class Network(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which addresses the service user comes from, and which hosts nodes may reach."""

    allowed: tuple[str, ...] = ()
    """IPv4 addresses or ranges that the service user may come from; empty: as the account says."""
    blocked: tuple[str, ...] = ()
    """Of these the ones that it may not come from."""
    egress: dict[str, tuple[str, ...]] = {}
    """For a name in ``external_access`` of nodes the hosts, as ``HOST`` or ``HOST:PORT``. The
    integration ``<prefix>_<NAME>`` is then made for the nodes that ask for it."""


class WorkloadIdentity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who vouches for the service user: an OIDC provider, such as that of a CI."""

    issuer: str
    """Address of the provider, ``https://…``."""
    subject: str
    """Whom it must vouch for, such as ``repo:OWNER/REPOSITORY:environment:prod``."""
    audiences: tuple[str, ...] = ()
    """Empty: Snowflake's own, ``snowflakecomputing.com``."""


class ServiceUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The user of TYPE = SERVICE that deploys to the target; it never has a password."""

    name: str = ""
    """Empty: there is none."""
    sign_in: tuple[SignIn, ...] = ()
    """How it may sign in; empty: by workload identity where that is given, else by key pair."""
    workload_identity: WorkloadIdentity | None = None
    """Signs it in without a stored secret."""
    session_idle_minutes: Annotated[int, msgspec.Meta(ge=0, le=240)] = 0
    """Minutes after which an idle session ends, 5 to 240; 0: as the account says."""
    rotates_own_keys: bool = False
    """Whether it may change its own keys, as ``mlops keys rotate`` does; else an administrator."""


def filled(network: Network, user: ServiceUser) -> tuple[Network, ServiceUser]:
    """Return both with names as Snowflake keeps them, ports and ways to sign in filled in."""
    egress = {
        name.upper(): tuple(host if ":" in host else f"{host}:443" for host in hosts)
        for name, hosts in network.egress.items()
    }
    usual: tuple[SignIn, ...] = ("WORKLOAD_IDENTITY",) if user.workload_identity else ("KEYPAIR",)
    return (
        msgspec.structs.replace(network, egress=egress),
        msgspec.structs.replace(user, name=user.name.upper(), sign_in=user.sign_in or usual),
    )


def faults(network: Network, user: ServiceUser) -> Iterable[str]:
    """Yield what is wrong with them, each with the setting's name."""
    for field in ("allowed", "blocked"):
        for address in getattr(network, field):
            if not _is_range(address):
                yield f"network.{field} has {address!r}, which is no IPv4 address or range"
    if network.blocked and not network.allowed:
        yield "network.blocked narrows network.allowed, which is empty"
    if network.allowed and not user.name:
        yield "network.allowed says where service_user comes from, and there is none"
    for name, hosts in network.egress.items():
        if why := why_not_identifier(name):
            yield f"network.egress has {name!r}: {why}"
        yield from _host_faults(name, hosts)
    yield from _user_faults(user)


def _user_faults(user: ServiceUser) -> Iterable[str]:
    told = user.session_idle_minutes or user.workload_identity or user.rotates_own_keys
    if not user.name:
        if told:
            yield "service_user has no name"
        return
    if why := why_not_identifier(user.name):
        yield f"service_user.name is {user.name!r}: {why}"
    if 0 < user.session_idle_minutes < 5:
        yield "service_user.session_idle_minutes is from 5 to 240, or 0"
    if "WORKLOAD_IDENTITY" in user.sign_in and user.workload_identity is None:
        yield "service_user.sign_in has WORKLOAD_IDENTITY, and workload_identity is not given"
    identity = user.workload_identity
    if identity and not identity.issuer.startswith("https://"):
        yield "service_user.workload_identity.issuer is an https:// address"
    if identity and not identity.subject:
        yield "service_user.workload_identity.subject is empty"


def _is_range(address: str) -> bool:
    try:
        ipaddress.IPv4Network(address, strict=True)
    except ValueError:
        return False
    return True


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:\*\.)?(?:{_LABEL}\.)+{_LABEL}(:\d{{1,5}})?")


def _host_faults(name: str, hosts: Iterable[str]) -> Iterable[str]:
    hosts = list(hosts)
    if not hosts:
        yield f"network.egress.{name} has no host"
    if len(hosts) > MOST_HOSTS:
        yield f"network.egress.{name} has {len(hosts)} hosts, and an integration takes {MOST_HOSTS}"
    for host in hosts:
        if not _HOST.fullmatch(host):
            yield f"network.egress.{name} has {host!r}, which is no host and no host:port"
