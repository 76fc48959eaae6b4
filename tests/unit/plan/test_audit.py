"""Laws of comparing what roles hold with what they should."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework import settings, targets
from sf_ml_framework.manifest.load import compiled
from sf_ml_framework.plan import access
from sf_ml_framework.plan.audit import Held, Sight, audit
from sf_ml_framework.plan.objects import Grant

ROOT = Path(__file__).parents[3]
TARGET = targets.load(settings.load(ROOT), "dev")
WANTED = access.grants(compiled(ROOT, "src.utils.pipeline:PROJECT"), TARGET)
ROLES = sorted({grant.to for grant in WANTED})


def held(grant: Grant, **more: bool) -> Held:
    return Held(grant=grant, written=grant.name, **more)


def sights(*grants: Held, dark: str = "") -> dict[str, Sight]:
    """What is seen of each role that holds *grants*; of *dark* not all."""
    return {
        role: Sight(
            role=role,
            held=tuple(one for one in grants if one.grant.to == role),
            whole=role != dark,
        )
        for role in ROLES
    }


def exact() -> list[Held]:
    return [held(grant) for grant in WANTED]


def test_what_is_asked_for_and_no_more_differs_in_nothing():
    assert audit(WANTED, sights(*exact()), TARGET) == ()


@given(st.sampled_from(WANTED))
def test_one_that_is_taken_away_is_the_one_that_is_missing(grant):
    rest = [one for one in exact() if one.grant != grant]

    (found,) = audit(WANTED, sights(*rest), TARGET)

    assert (found.state, found.grant, found.because) == ("missing", grant, grant.why)
    assert found.statement.startswith("GRANT ")


@given(st.sampled_from(WANTED))
def test_of_a_role_that_is_not_wholly_seen_nothing_is_missing(grant):
    rest = [one for one in exact() if one.grant != grant]

    (found,) = audit(WANTED, sights(*rest, dark=grant.to), TARGET)

    assert (found.state, found.grant, found.statement) == ("unseen", grant, "")


@given(
    st.sampled_from([TARGET.deploy_role, TARGET.role, TARGET.read_role]),
    st.sampled_from(
        [
            ("SELECT", "TABLE", "OTHER.S.T"),
            ("USAGE", "ROLE", "ACCOUNTADMIN"),
            ("USAGE", "DATABASE ROLE", "SNOWFLAKE.SECURITY_VIEWER"),
            ("MANAGE GRANTS", "ACCOUNT", ""),
            ("MODIFY", "WAREHOUSE", "MLOPS_WH"),
            ("INSERT", "FUTURE TABLES", "ML_DEV.ML"),
            ("OWNERSHIP", "DATABASE", "ML_DEV"),
            ("OWNERSHIP", "TABLE", "OTHER.S.T"),
            ("OWNERSHIP", "PROCEDURE", "ML_DEV.ML.P():VARCHAR"),
        ]
    ),
)
def test_one_that_nobody_asked_for_is_the_one_that_is_too_much(role, what):
    privilege, on, name = what
    more = held(Grant(privilege=privilege, on=on, name=name, to=role))

    (found,) = audit(WANTED, sights(*exact(), more), TARGET)

    assert (found.state, found.grant) == ("excess", more.grant)
    assert found.because
    # SHOW names a procedure with its types, as no statement does.
    assert bool(found.statement) == (on != "PROCEDURE")


def test_what_a_role_made_is_its_own_and_needs_no_grant():
    """The deploy role grants the rest; what it owns it may use."""
    owned = [
        Grant(privilege="OWNERSHIP", on="COMPUTE POOL", name="MLOPS_COMPUTE_POOL", to=role)
        for role in (TARGET.deploy_role,)
    ] + [
        Grant(privilege="OWNERSHIP", on=kind, name=f"ML_DEV.ML.{name}", to=TARGET.role)
        for kind, name in (("TASK", "TASK_X"), ("TABLE", "PRICES$v1.0.0"), ("MODEL", "CHURN"))
    ]

    assert audit(WANTED, sights(*exact(), *map(held, owned)), TARGET) == ()


@pytest.mark.parametrize(
    ("on", "name"),
    [("TABLE", "PRICES$v1.0.0"), ("VIEW", "SPEND$v1.0.0"), ("DYNAMIC TABLE", "DOUBLED")],
)
def test_what_a_grant_on_future_objects_gave_is_in_order(on, name):
    given = Grant(privilege="SELECT", on=on, name=f"ML_DEV.ML.{name}", to=TARGET.read_role)
    elsewhere = msgspec.structs.replace(given, name=f"ML_DEV.OTHER.{name}")

    found = audit(WANTED, sights(*exact(), held(given), held(elsewhere)), TARGET)

    assert [one.grant for one in found] == [elsewhere]


def test_the_right_to_pass_a_privilege_on_is_too_much():
    first, *rest = exact()
    passed_on = msgspec.structs.replace(first, passed_on=True)
    ours = next(one for one in rest if one.grant.to == TARGET.role)
    rest[rest.index(ours)] = msgspec.structs.replace(ours, passed_on=True)

    # SYSADMIN is no role of ours: whom it grants what is not looked at.
    (found,) = audit(WANTED, sights(passed_on, *rest), TARGET)

    assert found.because == "it may be passed on to others"
    assert (
        found.statement == "REVOKE GRANT OPTION FOR EXECUTE TASK ON ACCOUNT FROM ROLE MLOPS_ROLE;"
    )


def test_a_role_of_a_project_is_not_asked_for_what_the_role_below_it_has():
    """The deploy role has the run role's privileges by having the run role."""
    asked = {(grant.privilege, grant.on, grant.name) for grant in WANTED if grant.to == TARGET.role}
    deploys = [grant for grant in WANTED if grant.to == TARGET.deploy_role]

    assert deploys
    assert not [one for one in deploys if (one.privilege, one.on, one.name) in asked]


@pytest.mark.parametrize("on", ["TABLE", "VIEW", "DYNAMIC TABLE"])
def test_a_source_is_read_by_a_grant_or_as_its_owner_whatever_it_is(on):
    """Whoever puts it there chooses; the run role reads it by its name."""
    manifest = compiled(ROOT, "src.utils.pipeline:PROJECT")
    source = msgspec.structs.replace(manifest.datasets[0], path="data/raw.csv")
    manifest = msgspec.structs.replace(manifest, datasets=(source, *manifest.datasets[1:]))
    (reads,) = access.of_sources(manifest, TARGET)
    wanted = (*WANTED, reads)
    given = msgspec.structs.replace(reads, on=on)

    assert reads.name == f"ML_DEV.ML.{source.name.upper()}"
    assert audit(wanted, sights(*exact(), held(given)), TARGET) == ()
    owned = msgspec.structs.replace(given, privilege="OWNERSHIP")
    assert audit(wanted, sights(*exact(), held(owned)), TARGET) == ()
    (missing,) = audit(wanted, sights(*exact()), TARGET)
    assert missing.statement == f"GRANT SELECT ON TABLE {reads.name} TO ROLE {TARGET.role};"
