"""What guards a target, as objects: who may come in, what may go out, and the user that deploys.

Rules and policies stand in the target's schema, where Snowflake keeps them; a network policy, an
integration and a user belong to the account, so that their names begin with the target's prefix.
"""

from __future__ import annotations

from collections.abc import Iterator

from sf_ml_framework.manifest.model import Manifest
from sf_ml_framework.plan import names
from sf_ml_framework.plan.objects import (
    AuthenticationPolicy,
    Integration,
    NetworkPolicy,
    NetworkRule,
    Object,
    ServiceUser,
    SessionPolicy,
)
from sf_ml_framework.targets import Target

ALLOWED = "MLOPS_ALLOWED"
BLOCKED = "MLOPS_BLOCKED"
"""Network rules for the addresses of the service user, in the target's schema."""
SESSIONS = "MLOPS_SESSIONS"
SIGN_IN = "MLOPS_SIGN_IN"
"""Session policy and authentication policy of the service user, in the target's schema."""


def objects(manifest: Manifest, target: Target) -> Iterator[Object]:
    """Yield what guards *target*, in an order in which it can be made.

    Ways out are made only where a node asks for them.
    """
    yield from _ways_in(target)
    yield from _ways_out(manifest, target)
    yield from _user(target)


def _ways_in(target: Target) -> Iterator[Object]:
    network = target.network
    if not network.allowed:
        return
    rules: dict[str, tuple[str, ...]] = {}
    for rule, addresses in ((ALLOWED, network.allowed), (BLOCKED, network.blocked)):
        full = names.within(target, rule)
        rules[rule] = (full,) if addresses else ()
        if addresses:
            yield NetworkRule(
                name=full, mode="INGRESS", type="IPV4", values=tuple(sorted(set(addresses)))
            )
    yield NetworkPolicy(name=network_policy(target), allowed=rules[ALLOWED], blocked=rules[BLOCKED])


def _ways_out(manifest: Manifest, target: Target) -> Iterator[Object]:
    asked = {name.upper() for node in manifest.nodes for name in node.external_access}
    for name, hosts in sorted(target.network.egress.items()):
        if name in asked:
            rule = names.within(target, f"{name}_HOSTS")
            values = tuple(sorted(set(hosts)))
            yield NetworkRule(name=rule, mode="EGRESS", type="HOST_PORT", values=values)
            yield Integration(name=names.integration(target, name), rules=(rule,))


def _user(target: Target) -> Iterator[Object]:
    user = target.service_user
    if not user.name:
        return
    sessions = names.within(target, SESSIONS) if user.session_idle_minutes else ""
    if sessions:
        yield SessionPolicy(name=sessions, idle_minutes=user.session_idle_minutes)
    sign_in = names.within(target, SIGN_IN)
    yield AuthenticationPolicy(name=sign_in, methods=tuple(sorted(set(user.sign_in))))
    identity = user.workload_identity
    yield ServiceUser(
        name=user.name,
        roles=(target.deploy_role,),
        network_policy=network_policy(target) if target.network.allowed else "",
        session_policy=sessions,
        authentication_policy=sign_in,
        issuer=identity.issuer if identity else "",
        subject=identity.subject if identity else "",
        audiences=identity.audiences if identity else (),
        comment=f"deploys to target {target.name}",
    )


def network_policy(target: Target) -> str:
    """Return the name of the target's network policy."""
    return f"{target.prefix}_NETWORK"
