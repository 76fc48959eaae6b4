"""A privilege that left the code and that only an administrator takes away stops no deployment."""

from __future__ import annotations

import pytest

from sf_ml_framework.deploy.apply import summary
from sf_ml_framework.deploy.checks import nothing_for_an_administrator
from sf_ml_framework.deploy.destroy import remains_of
from sf_ml_framework.plan import explain
from sf_ml_framework.plan.changes import Plan, Remove
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.diff import make_plan
from sf_ml_framework.plan.objects import Desired, Grant, Observed, Pool, key_of
from sf_ml_framework.plan.to_sql import statements
from tests.unit.plan.projects import RICH_TARGET, rich, target

READ = Grant(privilege="READ", on="SECRET", name="VAULT.KEYS.OLD", to="ML_DEV_ROLE")
REVOKE = "REVOKE READ ON SECRET VAULT.KEYS.OLD FROM ROLE ML_DEV_ROLE"


@pytest.fixture(scope="module")
def desired() -> Desired:
    return compile_desired(rich(), target(**RICH_TARGET))


def standing(desired: Desired, *more: Grant | Pool) -> Observed:
    managed = tuple(key_of(each) for each in (*desired.objects, *more))
    return Observed(objects=(*desired.objects, *more), managed=managed)


def caution(plan: Plan) -> str:
    (found,) = (one for one in plan.warnings if one.code == "left_to_administrator")
    assert "mlops grants --check --format sql" in found.remedy
    return found.message


@pytest.mark.parametrize("delete", [True, False])
def test_its_revoke_is_no_step_and_is_told_word_for_word(desired, delete):
    plan = make_plan(desired, standing(desired, READ), delete=delete)

    assert plan.is_empty
    assert REVOKE in caution(plan)
    assert [one.code for one in plan.warnings] == ["left_to_administrator"]
    assert [change for change in plan.changes if isinstance(change, Remove)]


def test_what_is_told_of_it_promises_no_removal(desired):
    plan = make_plan(desired, standing(desired, READ), delete=True)

    (line,) = (one for one in explain.lines(plan) if one.startswith(f"  - {key_of(READ)}"))

    assert line.endswith("; it stays: an administrator takes it away")
    assert summary(plan) == "order only"


def test_a_project_is_taken_away_though_it_stands(desired):
    plan = make_plan(remains_of(desired), standing(desired, READ), delete=True)

    nothing_for_an_administrator(plan, statements(plan))

    assert not plan.is_empty
    assert REVOKE not in [statement.sql for statement in statements(plan)]
    assert REVOKE in caution(plan)


def test_what_the_deploy_role_granted_it_takes_back(desired):
    old = Pool(name="OLD", family="CPU_X64_S")
    used = Grant(privilege="USAGE", on="COMPUTE POOL", name="OLD", to="ML_DEV_ROLE")

    plan = make_plan(desired, standing(desired, old, used, READ), delete=True)

    assert [statement.sql for statement in statements(plan)] == [
        "REVOKE USAGE ON COMPUTE POOL OLD FROM ROLE ML_DEV_ROLE",
        "DROP COMPUTE POOL IF EXISTS OLD",
    ]
    assert "COMPUTE POOL" not in caution(plan)
