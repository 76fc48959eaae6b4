"""What guards a target: declared in mlops.yml, compiled to objects and to SQL."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sf_ml_framework import targets
from sf_ml_framework.errors import SettingsError
from sf_ml_framework.plan import names, perimeter_sql
from sf_ml_framework.plan.cautions import cautions
from sf_ml_framework.plan.changes import Alter, Create, Expect, Keep
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.diff import diff, make_plan
from sf_ml_framework.plan.objects import (
    AuthenticationPolicy,
    Grant,
    Integration,
    NetworkPolicy,
    NetworkRule,
    Observed,
    ServiceUser,
    SessionPolicy,
    key_of,
)
from sf_ml_framework.plan.script import statements_of
from tests.unit.plan import projects

DECLARED: dict[str, Any] = {
    "database": "ml_dev",
    "prefix": "shop",
    "network": {
        "allowed": ["203.0.113.0/24", "198.51.100.7"],
        "blocked": ["203.0.113.9"],
        "egress": {"maps": ["maps.example.com"], "never_used": ["other.example.com:8443"]},
    },
    "service_user": {"name": "shop_ci", "session_idle_minutes": 30, "rotates_own_keys": True},
}


def target_of(**changes: Any) -> targets.Target:
    return projects.target(**{**DECLARED, **changes})


def asking(*integrations: str) -> Any:
    return projects.manifest(
        projects.node("load", external_access=integrations), projects.node("train", "load")
    )


def of_kind(desired: Any, kind: type) -> list[Any]:
    return [thing for thing in desired.objects if isinstance(thing, kind)]


@pytest.fixture
def desired() -> Any:
    return compile_desired(asking("maps"), target_of())


def test_everything_that_guards_is_compiled_from_the_target(desired):
    (policy,) = of_kind(desired, NetworkPolicy)
    (user,) = of_kind(desired, ServiceUser)

    assert [(r.name, r.mode, r.values) for r in of_kind(desired, NetworkRule)] == [
        ("ML_DEV.ML.MLOPS_ALLOWED", "INGRESS", ("198.51.100.7", "203.0.113.0/24")),
        ("ML_DEV.ML.MLOPS_BLOCKED", "INGRESS", ("203.0.113.9",)),
        ("ML_DEV.ML.MAPS_HOSTS", "EGRESS", ("maps.example.com:443",)),
    ]
    assert policy.name == user.network_policy == "SHOP_NETWORK"
    assert (policy.allowed, policy.blocked) == (
        ("ML_DEV.ML.MLOPS_ALLOWED",),
        ("ML_DEV.ML.MLOPS_BLOCKED",),
    )
    assert of_kind(desired, SessionPolicy)[0].idle_minutes == 30
    assert of_kind(desired, AuthenticationPolicy)[0].methods == ("KEYPAIR",)
    assert user.roles == ("SHOP_DEPLOY_ROLE",)


def test_a_way_out_is_made_only_where_a_node_asks_for_it():
    without = compile_desired(asking(), target_of())
    with_it = compile_desired(asking("maps"), target_of())

    assert of_kind(without, Integration) == []
    assert [i.name for i in of_kind(with_it, Integration)] == ["SHOP_MAPS"]
    granted = [g.name for g in of_kind(with_it, Grant) if g.on == "INTEGRATION"]
    assert granted == ["SHOP_MAPS"]


def test_the_job_of_that_node_names_the_targets_own_integration_and_others_name_none():
    desired = compile_desired(asking("maps"), target_of())
    bodies = [task.body for task in desired.objects if key_of(task).startswith("task ")]

    assert sum("EXTERNAL_ACCESS_INTEGRATIONS = (SHOP_MAPS)" in body for body in bodies) == 1
    assert sum("EXTERNAL_ACCESS_INTEGRATIONS" in body for body in bodies) == 1


def test_an_integration_that_the_target_does_not_declare_is_somebody_elses():
    desired = compile_desired(asking("weather"), target_of())
    (change,) = [c for c in diff(desired, Observed()) if isinstance(c, Expect) and c.by == "person"]

    assert change.wanted == Integration(name="WEATHER")


def test_a_target_that_declares_nothing_has_no_guards():
    plain = compile_desired(asking(), projects.target())

    kinds = (NetworkRule, NetworkPolicy, SessionPolicy, AuthenticationPolicy, ServiceUser)
    assert not [thing for thing in plain.objects if isinstance(thing, kinds)]


def test_the_administrators_part_makes_each_after_what_it_names_and_sets_it_again(desired):
    lines = statements_of(desired, "admin")
    user = "SHOP_CI"

    def at(start: str) -> int:
        (found,) = [number for number, line in enumerate(lines) if line.startswith(start)]
        return found

    assert (
        at("CREATE SCHEMA")
        < at("CREATE NETWORK RULE IF NOT EXISTS ML_DEV.ML.MLOPS_ALLOWED")
        < at("CREATE NETWORK POLICY IF NOT EXISTS SHOP_NETWORK")
        < at(f"CREATE USER IF NOT EXISTS {user} TYPE = SERVICE")
        < at(f"ALTER USER {user} SET NETWORK_POLICY = SHOP_NETWORK")
        < at(f"GRANT ROLE SHOP_DEPLOY_ROLE TO USER {user}")
    )
    assert at("CREATE EXTERNAL ACCESS INTEGRATION") < at("GRANT USAGE ON INTEGRATION SHOP_MAPS")
    assert at("ALTER NETWORK RULE ML_DEV.ML.MLOPS_ALLOWED SET VALUE_LIST")
    assert at(f"ALTER USER {user} SET SESSION POLICY ML_DEV.ML.MLOPS_SESSIONS FORCE")
    methods = "GRANT MODIFY PROGRAMMATIC AUTHENTICATION METHODS ON USER SHOP_CI TO ROLE"
    assert at(f"{methods} SHOP_DEPLOY_ROLE") > at("CREATE USER")
    assert not any("PASSWORD" in line or "RSA_PUBLIC_KEY" in line for line in lines)


def test_a_user_may_be_vouched_for_by_a_ci_instead_of_a_key():
    identity = {"issuer": "https://token.example.com", "subject": "repo:o/r:environment:dev"}
    desired = compile_desired(
        asking(),
        target_of(network={}, service_user={"name": "ci", "workload_identity": identity}),
    )
    (line,) = [line for line in statements_of(desired, "admin") if "CREATE USER" in line]

    assert of_kind(desired, AuthenticationPolicy)[0].methods == ("WORKLOAD_IDENTITY",)
    assert (
        "WORKLOAD_IDENTITY = (TYPE = OIDC ISSUER = 'https://token.example.com'"
        " SUBJECT = 'repo:o/r:environment:dev')" in line
    )
    assert "NETWORK_POLICY" not in line


def test_what_stands_as_it_should_changes_nothing_and_what_differs_is_set(desired):
    things = tuple(t for t in desired.objects if isinstance(t, perimeter_sql.Guard))
    rule, *rest = things
    changed = msgspec.structs.replace(rule, values=("192.0.2.1",))
    same = {key_of(c.wanted): c for c in diff(desired, Observed(objects=things))}
    other = {key_of(c.wanted): c for c in diff(desired, Observed(objects=(changed, *rest)))}

    assert all(isinstance(same[key_of(thing)], Keep) for thing in things)
    found = other[key_of(rule)]
    assert isinstance(found, Alter)
    assert [(d.field, d.old, d.new) for d in found.differences] == [
        ("values", ("192.0.2.1",), rule.values)
    ]


@pytest.mark.parametrize(
    ("field", "statement"),
    [
        ("network_policy", "ALTER USER SHOP_CI UNSET NETWORK_POLICY"),
        ("session_policy", "ALTER USER SHOP_CI UNSET SESSION POLICY"),
        ("authentication_policy", "ALTER USER SHOP_CI UNSET AUTHENTICATION POLICY"),
    ],
)
def test_a_policy_that_left_the_target_is_taken_from_its_user(desired, field, statement):
    (user,) = of_kind(desired, ServiceUser)

    bare = msgspec.structs.replace(user, **{field: ""})

    assert list(perimeter_sql.altered(bare, [field])) == [statement]


def test_what_a_role_cannot_see_is_left_alone_and_told_once(desired):
    things = [t for t in desired.objects if isinstance(t, perimeter_sql.Guard)]
    hidden = tuple(key_of(t) for t in things if not isinstance(t, Integration))
    observed = Observed(role="SHOP_DEPLOY_ROLE", unknown=hidden)

    plan = make_plan(desired, observed)

    made = {key_of(s.wanted) for s in plan.steps if isinstance(s, Create)}
    assert not made & set(hidden)
    told = [w for w in cautions(desired, observed, plan.changes, plan.steps) if "see" in w.code]
    assert [(w.code, all(key in w.message for key in hidden)) for w in told] == [
        ("guards_not_seen", True)
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"network": {"allowed": ["300.0.0.1"]}}, "no IPv4 address or range"),
        ({"network": {"allowed": ["203.0.113.1/24"]}}, "no IPv4 address or range"),
        ({"network": {"blocked": ["203.0.113.9"]}}, "narrows network.allowed"),
        ({"service_user": {}}, "there is none"),
        ({"service_user": {"name": "1x"}}, "service_user.name"),
        ({"network": {}, "service_user": {"session_idle_minutes": 9}}, "has no name"),
        ({"service_user": {"name": "x", "session_idle_minutes": 4}}, "from 5 to 240"),
        ({"service_user": {"name": "x", "session_idle_minutes": 300}}, "<= 240"),
        ({"service_user": {"name": "x", "sign_in": ["PASSWORD"]}}, "PASSWORD"),
        ({"service_user": {"name": "x", "sign_in": ["WORKLOAD_IDENTITY"]}}, "is not given"),
        (
            {
                "service_user": {
                    "name": "x",
                    "workload_identity": {"issuer": "http://a", "subject": ""},
                }
            },
            "https:// address",
        ),
        ({"network": {"egress": {"a b": ["x.example.com"]}}}, "network.egress has 'A B'"),
        ({"network": {"egress": {"maps": []}}}, "has no host"),
        ({"network": {"egress": {"maps": ["https://x.example.com"]}}}, "no host and no host:port"),
        ({"network": {"egress": {"maps": ["x'); DROP"]}}}, "no host and no host:port"),
        ({"network": {"egress": {"maps": ["h.example.com"] * 101}}}, "101 hosts"),
        ({"network": {"allow": []}}, "unknown field"),
    ],
)
def test_what_cannot_be_is_refused_with_the_settings_name(changes, told):
    with pytest.raises(SettingsError, match="dev") as caught:
        target_of(**changes)

    assert told in str(caught.value)


def test_a_targets_own_integration_has_its_prefix_so_that_two_targets_do_not_share_it():
    assert names.integration(target_of(), "Maps") == "SHOP_MAPS"
    assert names.integration(target_of(prefix="other"), "maps") == "OTHER_MAPS"
    assert names.integration(target_of(), "weather") == "WEATHER"
