"""Targets of mlops.yml: what they say, what they inherit, and what they may not say."""

from __future__ import annotations

import pytest

from sf_ml_framework import settings, targets
from sf_ml_framework.errors import SettingsError, UnknownNameError
from sf_ml_framework.plan import names
from sf_ml_framework.quantities import PoolSize
from tests.unit.plan.projects import manifest, node, target


def load(name: str = "", default: str = "", **found: dict) -> targets.Target:
    given = settings.Settings(project="a:B", targets=found, default_target=default)
    return targets.load(given, name)


def test_a_target_needs_only_a_database():
    found = load(dev={"database": "ml_dev"})

    assert (found.name, found.database, found.schema) == ("dev", "ML_DEV", "ML")
    assert (found.role, found.deploy_role) == ("MLOPS_ROLE", "MLOPS_DEPLOY_ROLE")
    assert found.warehouse == "MLOPS_WH"


def test_the_default_size_has_the_pool_with_the_bare_name():
    """People write MLOPS_COMPUTE_POOL in statements of their own."""
    pools = target().pools

    assert pools[PoolSize.SMALL].name == "MLOPS_COMPUTE_POOL"
    assert pools[PoolSize.LARGE].name == "MLOPS_COMPUTE_POOL_LARGE"
    assert pools[PoolSize.LARGE].family == "CPU_X64_SL"


def test_a_target_is_laid_over_what_it_extends_key_by_key():
    dev = {"database": "d", "pools": {"SMALL": {"max_nodes": 3}}, "env": {"A": "1"}}

    found = load("prod", dev=dev, prod={
        "extends": "dev", "database": "p", "pools": {"SMALL": {"min_nodes": 2}},
    })  # fmt: skip

    assert found.database == "P"
    assert found.env == {"A": "1"}
    small = found.pools[PoolSize.SMALL]
    assert (small.min_nodes, small.max_nodes) == (2, 3)


def test_targets_that_extend_each_other_are_refused():
    with pytest.raises(SettingsError, match="a -> b -> a"):
        load("a", a={"extends": "b"}, b={"extends": "a"})


def test_a_target_that_is_not_there_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError) as error:
        load("prd", prod={"database": "p"}, dev={"database": "d"})

    assert "prod" in error.value.remedy


def test_the_only_target_is_the_default():
    assert load(test={"database": "d"}).name == "test"


def test_of_many_targets_one_must_be_chosen():
    with pytest.raises(SettingsError, match="no target is named"):
        load(a={"database": "d"}, b={"database": "d"})


def test_no_target_at_all_says_so():
    with pytest.raises(SettingsError, match="no target is named"):
        load()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"databse": "x"}, "unknown field `databse`"),
        ({"tasks": {"schedul": "x"}}, "unknown field `schedul`"),
        ({"database": "a-b"}, "database is 'A-B'"),
        ({"role": "select"}, "reserved word"),
        ({"tasks": {"schedule": "daily"}}, "tasks.schedule is 'daily'"),
        ({"tasks": {"schedule": "60 MINUTES'; DROP"}}, "tasks.schedule"),
        ({"tasks": {"auto_retry_attempts": 31}}, "auto_retry_attempts"),
        ({"pools": {"HUGE": {}}}, "HUGE"),
        ({"pools": {"SMALL": {"min_nodes": 3}}}, "fewer max_nodes"),
        ({"pools": {"SMALL": {"name": "p"}, "LARGE": {"name": "p"}}}, "one pool, P, yet differ"),
        ({"image_tag": "a b"}, "image_tag"),
        ({"image": "UPPER"}, "image 'UPPER'"),
        ({"secrets": {"k": "a.b-c"}}, "secrets.k"),
        ({"env": {"A-B": "1"}}, "'A-B'"),
        ({"notifications": {"email_integration": "m"}}, "needs recipients"),
        ({"telemetry": "x'); drop"}, "telemetry is"),
        ({"telemetry": "https://me@collector.example.com"}, "telemetry has a user"),
    ],
)
def test_what_cannot_be_is_named(wrong, message):
    with pytest.raises(SettingsError, match=message):
        target(**wrong)


def test_all_faults_of_a_target_are_told_at_once():
    with pytest.raises(SettingsError) as error:
        target(database="a-b", warehouse="c d")

    assert "database" in str(error.value)
    assert "warehouse" in str(error.value)


@pytest.mark.parametrize(
    "telemetry",
    [
        "off",
        "otlp",
        "event-table",
        "https://collector.example.com:4318/v1",
        "http://[::1]:4318",
        ".mlops/the traces/änd more.jsonl",
        "/mnt/traces.jsonl",
    ],
)
def test_where_traces_go_is_a_word_an_address_or_a_path(telemetry):
    assert target(telemetry=telemetry).telemetry == telemetry


@pytest.mark.parametrize(
    "schedule", ["1 HOUR", "30 SECONDS", "USING CRON 0 9-17 * * SUN America/Los_Angeles"]
)
def test_snowflakes_schedules_are_taken(schedule):
    assert target(tasks={"schedule": schedule}).tasks.schedule == schedule


def test_a_secret_is_the_targets_or_one_of_its_schema():
    found = target(secrets={"key": "vault.keys.shop", "near": "keys.shop"})

    assert names.secret(found, "key") == "VAULT.KEYS.SHOP"
    assert names.secret(found, "near") == "ML_DEV.KEYS.SHOP"
    assert names.secret(found, "other") == "ML_DEV.ML.OTHER"


def test_a_job_file_is_named_for_the_functions_module():
    project = manifest(
        node("generate_sample_data", function="src.nodes.node_01_generate_data:f"),
        node("fit", function="src.training:fit"),
        node("one", function="src.nodes.node_02_same:one"),
        node("two", function="src.nodes.node_02_same:two"),
    )

    assert names.job_files(project) == {
        "generate_sample_data": "job-generate-data.yaml",
        "fit": "job-fit.yaml",
        "one": "job-one.yaml",
        "two": "job-two.yaml",
    }
