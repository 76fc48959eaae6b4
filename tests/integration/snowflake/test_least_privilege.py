"""With exactly the grants of `mlops grants` everything works; without any one something fails.

Whoever acts here is one of three users, who have one role each. The table says for each grant
which operation needs it: a grant that no operation needs has no place in ``plan/access.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("snowflake.ml.feature_store")
pytest.importorskip("sklearn")

from sf_ml_framework.emulator import Emulator
from sf_ml_framework.plan.objects import Grant
from tests.integration.snowflake.granted import Bazaar, Told
from tests.integration.snowflake.operations import NEEDS, Need, Operations

pytestmark = pytest.mark.filterwarnings("ignore")

REFUSED = re.compile(
    r"may not (run|see|use|be read)|not authorized|[Ii]nsufficient privileges"
    r"|privilege must be granted"
    r"|not granted to this user|cannot be used"
)
"""What is told of a missing privilege, by us or by Snowflake."""

SHAPES = (
    ("take_orders",),
    ("take_orders", "price_orders"),
    ("take_orders", "sum_spend"),
    ("take_orders", "sum_spend", "double_spend"),
    ("take_orders", "price_orders", "fit_prices"),
)
"""Nodes of projects with fewer kinds of datasets."""

QUICK = {"deploy", "exec_orders", "history", "images", "look_after", "plan"}
"""Operations of which one grant each is tried in every run of the tests."""


@pytest.fixture(scope="module")
def bazaar(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Bazaar:
    """The project, founded by an administrator and deployed by the deploy role."""
    made = Bazaar(tmp_path_factory.mktemp("bazaar"), emulator)
    made.prepare()
    made.found()
    done = made.mlops("deploy", "--tag", "v1", "--yes", role=made.roles()[0])
    assert done.code == 0, done.err
    return made


@pytest.fixture(scope="module")
def operations(bazaar: Bazaar) -> Operations:
    """What the users do, after one node has run."""
    found = Operations(bazaar)
    done = found.exec_orders()
    assert done.code == 0, done.err
    return found


@pytest.fixture(scope="module")
def ran(operations: Operations) -> Operations:
    """What the users do, after the graph has run whole: every kind of dataset stands."""
    done = operations.run_graph()
    assert done.code == 0, done.err
    return operations


def grant_of(bazaar: Bazaar, need: Need) -> Grant:
    deploys, runs, reads = bazaar.roles()
    to = {"deploy": deploys, "run": runs, "read": reads}.get(need.to, need.to)
    name = need.name.format(n=bazaar.name)
    return Grant(privilege=need.privilege, on=need.on, name=name, to=to)


def keys(grants: Any) -> set[tuple[str, str, str, str]]:
    return {(grant.to, grant.privilege, grant.on, grant.name) for grant in grants}


def fails_without(operations: Operations, need: Need) -> None:
    """Take the grant away, see its operation refused, give it again and see it done."""
    bazaar, grant = operations.bazaar, grant_of(operations.bazaar, need)
    operate: Callable[[], Told] = getattr(operations, need.operation)
    bazaar.revoke(grant)
    try:
        refused = operate()
    finally:
        bazaar.give(grant)

    assert refused.code != 0, f"{need.operation} needs no {need}"
    assert REFUSED.search(refused.err + refused.out), refused.err
    done = operate()
    assert done.code == 0, done.err


def test_the_table_has_every_grant_of_the_project(bazaar):
    assert keys(grant_of(bazaar, need) for need in NEEDS) == keys(bazaar.grants())


def _sample() -> list[Need]:
    """One grant for each quick operation."""
    found: dict[str, Need] = {}
    for need in NEEDS:
        if need.operation in QUICK:
            found.setdefault(need.operation, need)
    return list(found.values())


@pytest.mark.parametrize("need", _sample(), ids=str)
def test_a_sample_of_grants_is_needed(operations, need):
    fails_without(operations, need)


@pytest.mark.deep
@pytest.mark.parametrize("need", NEEDS, ids=str)
def test_no_grant_can_be_spared(ran, need):
    fails_without(ran, need)


@pytest.mark.deep
@pytest.mark.parametrize("nodes", SHAPES, ids="-".join)
def test_a_part_of_the_project_needs_its_part_of_the_grants(nodes, tmp_path, emulator):
    """What is derived for one kind of dataset does not lean on what another kind brings."""
    bazaar = Bazaar(tmp_path, emulator, nodes=nodes)
    bazaar.prepare()
    bazaar.found()
    runs = bazaar.roles()[1]
    words = ("run", "--mode", "snowflake", "--force")
    creates = [
        grant
        for grant in bazaar.grants()
        if grant.to == runs and re.match(r"CREATE (?!TASK|SERVICE|ALERT)", grant.privilege)
    ]

    for grant in creates:
        bazaar.revoke(grant)
        refused = bazaar.mlops(*words, role=runs)
        bazaar.give(grant)
        assert refused.code != 0, f"{nodes} need no {grant.privilege}"
        assert REFUSED.search(refused.err), refused.err

    done = bazaar.mlops(*words, role=runs)
    assert done.code == 0, done.err


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_a_second_target_is_operated_from_deploy_to_destroy_by_three_users(bazaar):
    """Its tasks wait in a warehouse; beside the first target, and with nothing of that one's."""
    deploys, runs, reads = bazaar.roles("other")
    bazaar.found("other")

    def ok(*words: str, role: str = deploys, ends: int = 0) -> Told:
        done = bazaar.mlops(*words, "--target", "other", role=role)
        assert done.code == ends, (words, done.out, done.err)
        return done

    def looked_at() -> None:
        for words in (("history",), ("report",), ("why", "price_orders"), ("image", "ls")):
            ok(*words, role=reads)
        for words in (("tasks", "status"), ("deployments",), ("state", "pull")):
            ok(*words, "--role", reads, role=reads)

    ok("deploy", "--tag", "v1", "--yes")
    ok("tasks", "run", "--wait")
    looked_at()
    ok("plan", "--tag", "v1", "--detailed-exitcode")
    ok("plan", "--tag", "v1", "--detailed-exitcode", "--role", reads, role=reads)
    days = ("--from", "2026-02-01", "--to", "2026-02-02")
    ok("backfill", "--param", "day", *days)
    ok("run", "--nodes", "price_orders", "--mode", "snowflake", "--force", role=runs)
    broken = "    # prices breaks here\n", '    raise ValueError("broken")\n'
    bazaar.change(*broken)
    bazaar.image("v2", "other")
    ok("deploy", "--tag", "v2", "--yes")
    ok("tasks", "run", "--wait", "--force", ends=1)
    bazaar.change(*reversed(broken))
    bazaar.image("v3", "other")
    ok("deploy", "--tag", "v3", "--yes")
    ok("retry", "last", "--wait")
    ok("exec", "take_orders", "--tag", "v3")
    ok("rollback", "--yes")
    looked_at()
    found = bazaar.mlops("grants", "--check", "--target", "other", role="ACCOUNTADMIN")
    assert (found.code, found.err) == (0, ""), found.out
    ok("destroy", "--yes")
    assert not bazaar.sql(f"show tasks in schema {bazaar.name}_OTHER.ML")


@pytest.mark.deep
def test_a_warehouse_of_the_tasks_takes_the_place_of_serverless_ones(bazaar):
    """What differs between the two targets but for names is one grant each way."""
    name = bazaar.name

    def plain(target: str) -> set[tuple[str, ...]]:
        own = bazaar.target(target).prefix
        found = keys(bazaar.grants(target))
        return {tuple(re.sub(rf"\b{own}(?=[_.]|$)", "N", each) for each in key) for key in found}

    dev, other = plain("dev"), plain("other")

    assert ("N_ROLE", "EXECUTE MANAGED TASK", "ACCOUNT", "") in dev - other
    assert ("N_ROLE", "USAGE", "WAREHOUSE", f"{name}_TASKS_WH") in other - dev
