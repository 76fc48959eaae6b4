"""Going back to what was deployed before, and taking it all away."""

from __future__ import annotations

import msgspec
import pytest

from sf_ml_framework.deploy.destroy import remains_of
from sf_ml_framework.deploy.faults import DeployError
from sf_ml_framework.deploy.rollback import state_of
from sf_ml_framework.plan.objects import Grant, Pool, Stage
from tests.integration.snowflake.deploy_graphs import (
    BY,
    PROJECT,
    ROOT,
    resolved,
    root,
    state,
    task,
)

GRAPH = (root(), task("A", ROOT), task("B", "A"), task("FIN", finalizes=ROOT))
EDITED = (root(), task("A", ROOT, body="select 7"), task("B", "A"), task("FIN", finalizes=ROOT))


def test_rolling_back_is_a_plan_to_an_earlier_state(site):
    site.deploy(GRAPH)
    site.deploy((root(), task("B", ROOT), task("NEW", "B")))
    before = site.history.deployment(PROJECT, "previous")

    plan = site.deployer().plan(state_of(before, state(site.place, ())), delete=True)
    site.deployer().apply(plan, msgspec.structs.replace(BY, kind="rollback", note="to it"))

    assert site.tasks() == resolved(GRAPH, {})
    record = site.history.deployment(PROJECT, "last")
    assert (record.kind, record.note) == ("rollback", "to it")


def test_a_state_of_another_place_is_not_rolled_back_to(site):
    site.deploy(GRAPH)
    record = site.history.deployment(PROJECT, "last")

    with pytest.raises(DeployError, match="is of project graphs in"):
        state_of(record, state("OTHER.ML", ()))
    with pytest.raises(DeployError, match="cannot be read"):
        state_of(msgspec.structs.replace(record, desired="{}"), state(site.place, ()))


def test_destroying_takes_tasks_and_pools_and_leaves_what_holds_data(site, database):
    pool = Pool(name=f"P_{database}", family="CPU_X64_S")
    stage = Stage(name=f"{site.place}.FILES")
    site.deploy(GRAPH, pool, stage)

    desired = remains_of(state(site.place, GRAPH, pool, stage))
    site.deployer().apply(site.deployer().plan(desired, delete=True), BY)

    (table,) = site.look().objects
    assert table.name.endswith("MLOPS_DEPLOYMENTS")
    assert len(site.account.rows(f"show stages in schema {site.place}")) == 1
    assert not site.account.rows(f"show tasks in schema {site.place}")
    assert not site.account.rows(f"show compute pools like '{pool.name}'")
    assert site.deploy(GRAPH, pool, stage) is not None
    assert site.tasks() == resolved(GRAPH, {})
    site.deployer().apply(site.deployer().plan(desired, delete=True), BY)


def test_a_pool_that_left_the_code_takes_the_grants_on_it_along(site, database):
    pool = Pool(name=f"P_{database}", family="CPU_X64_S")
    grant = Grant(name=pool.name, privilege="USAGE", on="COMPUTE POOL", to="PUBLIC")
    site.deploy(GRAPH, pool, grant)

    site.deploy(GRAPH)

    assert not site.account.rows(f"show compute pools like '{pool.name}'")
    assert site.plan(GRAPH).is_empty


def test_what_left_the_code_is_remembered_until_it_is_removed(site, database):
    pool = Pool(name=f"P_{database}", family="CPU_X64_S")
    site.deploy(GRAPH, pool)
    site.deploy(EDITED, delete=False)
    site.deploy(GRAPH, delete=False)

    site.deploy(GRAPH, delete=True)

    assert not site.account.rows(f"show compute pools like '{pool.name}'")
