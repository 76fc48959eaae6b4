"""``mlops pools``: the pools of a deployed project, changed by the program in the emulator."""

from __future__ import annotations

import msgspec
import pytest

from sf_ml_framework.deploy.pools import PoolState, refuse_to_shrink
from sf_ml_framework.errors import OperatorError
from tests.integration.cli.shop import until
from tests.integration.snowflake.deployed_chain import Chain

CRON = "schedule: USING CRON 0 3 1 1 * UTC, state: kept"


@pytest.fixture(scope="module")
def chain(emulator, tmp_path_factory):
    made = Chain(tmp_path_factory.mktemp("pools") / "project", emulator, settings=CRON)
    made.found()
    made.deploy()
    return made


@pytest.fixture
def pool(chain):
    """The chain's one pool, as mlops.yml says it, asleep and with nothing in it afterwards."""
    name = f"{chain.database}_COMPUTE_POOL"
    yield name
    chain.sql(f"alter compute pool {name} stop all", f"alter compute pool {name} suspend",
              f"alter compute pool {name} set min_nodes = 1 max_nodes = 1")  # fmt: skip
    until(lambda: state_of(chain)["state"] == "SUSPENDED")


@pytest.fixture
def job(chain, pool):
    """A job that runs in the pool until it is stopped."""
    chain.image("sleeps")
    chain.sql(
        f"use schema {chain.database}.ml",
        f"execute job service in compute pool {pool} name = long_one async = true"
        " from specification $$\nspec:\n  containers:\n  - name: main\n"
        f"    image: /{chain.database.lower()}/ml/mlops_images/mlops_framework:sleeps\n"
        '    command: ["python", "-c", "import time; time.sleep(600)"]\n$$',
    )
    until(lambda: state_of(chain)["jobs"] == 1)
    yield "LONG_ONE"
    chain.sql(f"drop service if exists {chain.database}.ml.long_one force")


def state_of(chain):
    (found,) = chain.ok("pools", "ls", "--format", "json").json
    return found


def test_the_list_tells_state_nodes_and_cost_and_keeps_its_shape(chain, pool):
    found = state_of(chain)

    assert found | {"state": "", "idle_nodes": 0} == {
        "pool": pool, "sizes": ["SMALL"], "state": "", "family": "CPU_X64_S", "min_nodes": 1,
        "max_nodes": 1, "active_nodes": 0, "idle_nodes": 0, "jobs": 0, "services": 0,
        "auto_suspend_seconds": 300, "at_limit": False, "credits_per_hour": 0.11,
        "declared_min_nodes": 1, "declared_max_nodes": 1,
    }  # fmt: skip
    table = chain.ok("pools", "ls").stdout
    assert pool in table
    assert "0.11" in table
    csv = chain.ok("pools", "ls", "--format", "csv").stdout.splitlines()
    assert csv[0].startswith("pool,state,family,min_nodes,max_nodes,")


def test_more_nodes_are_asked_for_with_what_they_cost_and_the_setting_that_lasts(chain, pool):
    refused = chain.call("pools", "scale", "SMALL", "--max", "20")
    done = chain.ok("pools", "scale", "small", "--max", "20", "--yes")
    shown = chain.ok("plan", "--tag", "v1")

    assert refused.returncode == 3
    assert "up to 2.09 credits an hour more" in refused.stderr
    assert "nobody is here to be asked" in refused.stderr
    assert f"{pool}: 1 to 1 nodes -> 1 to 20" in done.stdout
    assert "put into mlops.yml: targets.dev.pools.SMALL: {min_nodes: 1, max_nodes: 20}" in (
        done.stderr
    )
    assert "max_nodes: 20 -> 1" in shown.stdout + shown.stderr


def test_what_is_not_put_into_the_settings_stops_the_next_deployment_as_it_was_told(chain, pool):
    done = chain.ok("pools", "scale", "SMALL", "--max", "4", "--yes")
    assert "refuses to write over it without --overwrite-drift, which makes it 1 to 1 again" in (
        done.stderr
    )

    refused = chain.call("deploy", "--tag", "v1", "--yes")
    still = state_of(chain)["max_nodes"]
    chain.ok("deploy", "--tag", "v1", "--yes", "--overwrite-drift")

    assert refused.returncode == 3
    assert "somebody changed by hand what this plan would write over" in refused.stderr
    assert f"compute pool {pool}: max_nodes was 1 and is 4" in refused.stderr
    assert (still, state_of(chain)["max_nodes"]) == (4, 1)


def test_fewer_nodes_are_not_asked_for(chain, pool):
    chain.ok("pools", "scale", pool, "--max", "4", "--min", "2", "--yes")

    found = chain.ok("pools", "scale", pool, "--max", "1", "--format", "json").json

    assert (found["before"]["max_nodes"], found["after"]["max_nodes"]) == (4, 1)
    assert found["after"]["min_nodes"] == 1
    assert found["drifts"] is False


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("scale", "SMALL"), 2, "nothing to change"),
        (("scale", "SMALL", "--min", "5", "--max", "2"), 2, "raise --max too"),
        (("scale", "HUGE", "--max", "2"), 2, "HUGE"),
        (("scale", "LARGE", "--max", "2"), 3, "does not stand"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(chain, words, code, told):
    done = chain.call("pools", *words)

    assert done.returncode == code
    assert told in done.stderr


def test_what_runs_goes_on_when_its_pool_is_suspended_and_ends_when_it_is_forced(chain, pool, job):
    gently = chain.ok("pools", "suspend", pool)
    still = state_of(chain)
    chain.ok("pools", "suspend", pool, "--force", "--yes", "--wait")

    assert "1 jobs of" in gently.stderr or "1 job of" in gently.stderr
    assert (still["state"], still["jobs"]) == ("STOPPING", 1)
    assert (state_of(chain)["state"], state_of(chain)["jobs"]) == ("SUSPENDED", 0)


def test_nodes_that_are_at_work_are_not_taken_away():
    busy = PoolState(
        name="P", state="ACTIVE", family="CPU_X64_S", min_nodes=1, max_nodes=3, active_nodes=3,
        idle_nodes=0, jobs=3, services=0, auto_suspend_seconds=300,
    )  # fmt: skip

    with pytest.raises(OperatorError, match=r"3 nodes of .* are at work"):
        refuse_to_shrink(busy, msgspec.structs.replace(busy, max_nodes=2))
    refuse_to_shrink(busy, msgspec.structs.replace(busy, max_nodes=3))


def test_a_pool_is_woken_and_its_cost_told(chain, pool):
    refused = chain.call("pools", "resume", pool)
    done = chain.ok("pools", "resume", pool, "--yes", "--wait", "--format", "json").json

    assert refused.returncode == 3
    assert "0.11 credits an hour, until it has been idle for 300 s" in refused.stderr
    assert done["after"]["state"] in ("IDLE", "ACTIVE")
