"""``mlops env``: a target's database is cloned, and the clone is a target for every command."""

from __future__ import annotations

import json
import shutil
import uuid

import pytest

from tests.integration.cli.shop import Shop
from tests.integration.snowflake.deployed_chain import NAMES, Chain


@pytest.fixture(scope="module")
def chain(emulator, tmp_path_factory):
    """A graph that is deployed as target dev and has run once; its environments end with it."""
    made = Chain(tmp_path_factory.mktemp("chain") / "project", emulator)
    made.found()
    made.deploy()
    made.ok("tasks", "run", "--wait")
    yield made
    for row in made.sql(f"show databases like '{made.database}_%'"):
        made.sql(f"drop database if exists {row[1]}")


def names(chain, kind, prefix):
    return {row[1 if kind == "roles" else 0] for row in chain.sql(f"show {kind} like '{prefix}_%'")}


def listed(chain, *words):
    found = chain.ok("env", "ls", "--format", "json", "--role", "ACCOUNTADMIN", *words).json
    return {each["name"]: each for each in found}


@pytest.fixture(scope="module")
def made(chain):
    """The environment pr-42 of the chain, with all of its own."""
    chain.ok("env", "create", "pr-42", "--from", "dev", "--expires", "3d", "--yes")
    return f"{chain.database}_PR_42"


def test_an_environment_stands_with_all_that_is_its_own(chain):
    chain.ok("env", "create", "pr-20", "--from", "dev", "--expires", "3d", "--yes")
    made = f"{chain.database}_PR_20"
    found = listed(chain)["pr-20"]

    assert (found["of"], found["state"], found["database"]) == ("dev", "ready", made)
    assert found["expires"] > found["created"]
    assert names(chain, "warehouses", made) == {f"{made}_WH"}
    assert names(chain, "roles", made) == {
        f"{made}_{role}" for role in ("ROLE", "DEPLOY_ROLE", "READ_ROLE")
    }
    owners = {row[1]: row[9] for row in chain.sql(f"show tables in schema {made}.ML")}
    assert owners["MLOPS_RUNS"] == f"{made}_DEPLOY_ROLE"
    assert {owner for name, owner in owners.items() if not name.startswith("MLOPS")} == {
        f"{made}_ROLE"
    }
    assert chain.sql(f"show tasks in database {made}") == []


def test_a_plan_a_deployment_and_a_run_work_at_once_and_skip_what_holds(chain):
    chain.ok("env", "create", "pr-30", "--from", "dev", "--yes")
    planned = chain.ok("plan", "--target", "pr-30", "--tag", "v1", "--format", "json").json
    chain.ok("deploy", "--target", "pr-30", "--tag", "v1", "--yes")
    again = chain.ok("deploy", "--target", "pr-30", "--tag", "v1", "--yes")
    done = chain.ok("tasks", "run", "--target", "pr-30", "--wait", "--format", "json")

    assert planned["target"] == "pr-30"
    assert not any("image" in each["object"] for each in planned["changes"]
                   if each["change"] == "expected")  # fmt: skip
    assert again.stdout == "nothing differs: nothing was changed\n"
    assert set(chain.statuses(done).values()) == {"skipped"}


def test_what_runs_in_an_environment_leaves_the_target_alone(chain, made):
    before = chain.contents()
    chain.ok("deploy", "--target", "pr-42", "--tag", "v1", "--yes")
    done = chain.ok(
        "tasks", "run", "--target", "pr-42", "--param", "count=5", "--wait", "--format", "json"
    )

    assert chain.statuses(done) == dict.fromkeys(NAMES, "succeeded")
    assert chain.contents() == before
    rows = f"select row_count from {made}.ML.MLOPS_DATASETS where dataset = 'priced'"
    assert chain.sql(rows) == [(5,)]


def test_another_machine_finds_the_environment_in_the_account(chain, made):
    """A job of CI has a fresh checkout: nothing of it is written in the project."""
    kept = chain.root / ".mlops" / "environments"
    shutil.rmtree(kept)

    done = chain.ok("plan", "--target", "pr-42", "--tag", "v1", "--format", "json")

    assert done.json["target"] == "pr-42"
    assert json.loads((kept / "pr-42.json").read_text())["of"] == "dev"


def test_an_environment_that_nobody_made_is_answered_with_what_there_is(chain):
    done = chain.call("plan", "--target", "pr-7")

    assert done.returncode == 2
    assert "no target is named 'pr-7'" in done.stderr


def test_one_that_stands_is_left_but_for_its_time(chain, made):
    before = listed(chain)["pr-42"]
    done = chain.ok("env", "create", "pr-42", "--from", "dev", "--expires", "9d", "--yes")

    assert "stands already" in done.stdout
    after = listed(chain)["pr-42"]
    assert after["expires"] > before["expires"]
    assert after["created"] == before["created"]


def test_a_dry_run_shows_the_statements_and_makes_nothing(chain):
    done = chain.ok("env", "create", "pr-1", "--from", "dev", "--dry-run")

    assert f"CLONE {chain.database} INCLUDE INTERNAL STAGES" in done.stderr
    assert chain.sql(f"show databases like '{chain.database}_PR_1'") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "dev", "--from", "dev"), "is a target of mlops.yml"),
        (("create", "a/b", "--from", "dev"), "is no environment's name"),
        (("create", "pr-1", "--from", "dev", "--expires", "soon"), "is no time"),
        (("create", "pr-1"), "nothing says what the environment is made from"),
        (("destroy", "dev", "--yes"), "is a target of mlops.yml"),
        (("destroy", "pr-1", "--yes"), "no environment is named 'pr-1'"),
        (("destroy", "--yes"), "name an environment"),
    ],
)
def test_what_cannot_be_is_refused_with_words(chain, words, said):
    done = chain.call("env", *words, env={"SNOWFLAKE_ROLE": "ACCOUNTADMIN"})

    assert done.returncode == 2
    assert said in done.stderr


def test_a_database_of_somebody_else_is_neither_taken_over_nor_taken_away(chain):
    chain.sql(f"create database {chain.database}_PR_9")
    made = chain.call("env", "create", "pr-9", "--from", "dev", "--yes")
    gone = chain.call("env", "destroy", "pr-9", "--yes")

    assert made.returncode == 3
    assert "is of somebody else" in made.stderr
    assert gone.returncode == 2
    assert len(chain.sql(f"show databases like '{chain.database}_PR_9'")) == 1


def test_one_that_was_left_half_made_is_finished_by_the_same_command(chain, emulator):
    """The mark comes with the clone, so it is found whatever failed after it."""
    chain.sql(
        f"create database {chain.database}_PR_5 clone {chain.database} include internal stages"
        " comment = 'mlops environment "
        '{"name":"pr-5","of":"dev","project":"chain","state":"creating"}\''
    )
    half = listed(chain)["pr-5"]["state"]
    chain.ok("env", "create", "pr-5", "--from", "dev", "--yes")
    done = chain.ok("plan", "--target", "pr-5", "--tag", "v1", "--format", "json")

    assert half == "creating"
    assert listed(chain)["pr-5"]["state"] == "ready"
    assert done.json["target"] == "pr-5"


def test_a_shared_environment_needs_no_administrator_and_makes_nothing_around_it(chain):
    role = f"{chain.database}_DEPLOY_ROLE"
    chain.sql(f"grant create database on account to role {role}")
    words = ("env", "create", "pr-6", "--from", "dev", "--shared", "--role", role, "--yes")
    chain.ok(*words)
    chain.ok("deploy", "--target", "pr-6", "--tag", "v1", "--yes")
    done = chain.ok("tasks", "run", "--target", "pr-6", "--wait", "--format", "json")
    chain.ok("destroy", "--target", "pr-6", "--yes")
    pools = chain.sql(f"show compute pools like '{chain.database}_COMPUTE_POOL'")
    chain.ok("env", "destroy", "pr-6", "--role", role, "--yes")

    assert set(chain.statuses(done).values()) == {"skipped"}
    assert len(pools) == 1
    assert names(chain, "roles", f"{chain.database}_PR_6") == set()
    assert chain.sql(f"show databases like '{chain.database}_PR_6'") == []
    assert len(chain.sql(f"show warehouses like '{chain.database}_WH'")) == 1


def test_what_has_expired_is_taken_away_whole_and_nothing_else(chain, made):
    chain.ok("env", "create", "pr-8", "--from", "dev", "--yes")
    gone = f"{chain.database}_PR_8"
    comment = chain.sql(f"show databases like '{gone}'")[0][6].replace(
        '"state":"ready"', '"expires":"2020-01-01T00:00:00Z"'
    )
    if "expires" not in comment:
        comment = comment[:-1] + ',"expires":"2020-01-01T00:00:00Z"}'
    chain.sql(f"alter database {gone} set comment = '{comment}'")
    chain.ok("deploy", "--target", "pr-8", "--tag", "v1", "--yes")
    state = listed(chain)["pr-8"]["state"]
    asked = chain.call("env", "destroy", "--expired")
    done = chain.ok("env", "destroy", "--expired", "--yes")

    assert state == "expired"
    assert asked.returncode == 3
    assert "pr-8 is gone" in done.stdout
    assert "pr-42" not in done.stdout
    for kind in ("roles", "warehouses", "compute pools"):
        assert names(chain, kind, gone) == set()
    assert chain.sql(f"show databases like '{gone}'") == []
    assert not (chain.root / ".mlops" / "environments" / "pr-8.json").exists()


COURIER = """
import ibis
import pandas
from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project


def trips() -> pandas.DataFrame:
    '''Make trips.'''
    return pandas.DataFrame({"courier_id": [1, 2, 3, 4], "distance": [1.0, 2.0, 3.0, 4.0]})


def doubled(trips: ibis.Table) -> ibis.Table:
    '''Double them.'''
    return trips.mutate(twice=trips.distance * 2)


def fit(trips: pandas.DataFrame) -> "object":
    '''Fit a model.'''
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(trips[["distance"]], [0, 0, 1, 1])


KEYS = {"entity": "courier", "join_keys": ["courier_id"]}
PROJECT = Project(
    name="courier",
    catalog=DataCatalog([
        Dataset(name="trips", kind="table", description="it's trips", **KEYS),
        Dataset(name="doubled", kind="table", refresh_freq="1 day", **KEYS),
        Dataset(name="late", kind="model", description="who is late"),
    ]),
    pipeline=[
        NodeConfig(name="make_trips", function=trips, outputs="trips"),
        NodeConfig(name="double", function=doubled, inputs={"trips": "trips"}, outputs="doubled"),
        NodeConfig(name="fit", function=fit, inputs={"trips": "trips"}, outputs="late"),
    ],
)
"""


def test_feature_views_and_models_stand_in_an_environment_and_are_its_own(
    tmp_path, emulator, connection_flags, make_account
):
    """A clone keeps the text of views, which names the other database, and leaves models behind."""
    pytest.importorskip("sklearn")
    name = f"T_{uuid.uuid4().hex[:10]}".upper()
    given = {**connection_flags, "role": "", "warehouse": ""}
    environ = {f"SNOWFLAKE_{key.upper()}": value for key, value in given.items() if value}
    environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"
    shop = Shop(tmp_path / "courier", "courier")
    shop.write("courier/pipeline.py", COURIER)
    shop.write(
        "mlops.yml",
        "project: courier.pipeline:PROJECT\ndefault_target: test\n"
        f"targets: {{test: {{database: {name}, prefix: {name}}}}}\n"
        "environments: {from: test}\n",
    )
    shop.ok("infra", "apply", "--yes", env=environ)
    shop.ok("run", env=environ)
    shop.ok("env", "create", "pr-1", "--yes", env=environ)
    admin = make_account(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
    clone = f"{name}_PR_1"
    admin.execute(f'delete from {name}.ML."TRIPS$v1.0.0$DATA"')
    again = shop.ok("run", "--target", "pr-1", env=environ)

    assert "3 nodes: 3 skipped" in again.stdout + again.stderr
    assert len(admin.rows(f'select * from {clone}.ML."TRIPS$v1.0.0"')) == 4
    (table,) = admin.rows(f"show dynamic tables in schema {clone}.ML")
    assert table["scheduling_state"] == "SUSPENDED"
    assert (table["warehouse"], table["owner"]) == (f"{clone}_WH", f"{clone}_ROLE")
    (model,) = admin.rows(f"show versions in model {clone}.ML.LATE")
    assert "node fit" in model["comment"]
    shop.ok("env", "destroy", "pr-1", "--yes", env=environ)
    assert admin.rows(f"show databases like '{clone}'") == []
    admin.execute(f"drop database {name}")
