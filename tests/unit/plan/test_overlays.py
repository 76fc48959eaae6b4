"""What a target says of nodes, of branches and of the repository of the image."""

from __future__ import annotations

import msgspec
import pytest
import yaml

from sf_ml_framework import settings, targets
from sf_ml_framework.environments import Environment
from sf_ml_framework.errors import SettingsError
from sf_ml_framework.manifest.overlay import overlaid
from sf_ml_framework.plan import images, names
from sf_ml_framework.plan.compile import compile_desired
from sf_ml_framework.plan.objects import Grant, ImageRepository, Pool, Task, part_of_object
from sf_ml_framework.quantities import PoolSize
from tests.unit.plan.projects import manifest, node


def load(name: str, made: tuple[Environment, ...] = (), more: dict | None = None, **found: dict):
    given = settings.Settings(
        project="a:B",
        targets=found,
        made={each.name: each for each in made},
        environments=msgspec.convert(more or {}, settings.EnvironmentSettings),
    )
    return targets.load(given, name)


def changed(**nodes: dict):
    return load("dev", dev={"database": "d", "nodes": nodes})


def fit():
    return msgspec.structs.replace(
        node("fit"), params={"trials": 30, "seed": 1}, param_types={"trials": "integer"}
    )


def test_a_target_changes_size_memory_limit_and_parameters_of_a_node():
    target = changed(fit={
        "compute_pool_size": "large", "memory_request": "8Gi", "cpu_request": 4,
        "timeout_minutes": 120, "retries": 2, "params": {"trials": 3},
    })  # fmt: skip

    found = overlaid(manifest(fit(), node("judge")), target)

    resources = found.node("fit").resources
    assert (resources.pool_size, resources.memory_bytes) == (PoolSize.LARGE, 8 * 2**30)
    assert (resources.cpu_millis, resources.timeout_seconds) == (4000, 7200)
    assert found.node("fit").retries == 2
    assert found.node("fit").params == {"trials": 3, "seed": 1}
    assert found.node("judge") == node("judge")


def test_what_a_target_changes_of_a_node_reaches_its_task_its_pool_and_its_grants():
    target = changed(fit={"compute_pool_size": "LARGE", "memory_request": "8Gi"})

    desired = compile_desired(overlaid(manifest(fit()), target), target)

    (task,) = (each for each in desired.objects if isinstance(each, Task) and "FIT" in each.name)
    assert "MLOPS_COMPUTE_POOL_LARGE" in task.body
    assert "8Gi" in task.body
    assert [each.name for each in desired.objects if isinstance(each, Pool)] == [
        "MLOPS_COMPUTE_POOL_LARGE"
    ]


def test_every_fault_of_the_changes_is_told_at_once():
    target = changed(
        fti={"retries": 1},
        fit={"compute_pool_size": "HUGE", "timeout_minutes": 0, "params": {"trial": 1}},
    )
    with pytest.raises(SettingsError) as error:
        overlaid(manifest(fit()), target)

    said = str(error.value)
    assert "nodes.fti: there is no such node (did you mean 'fit'?)" in said
    assert "nodes.fit.compute_pool_size" in said
    assert "nodes.fit.timeout_minutes is 0" in said
    assert "nodes.fit.params.trial: the node has no such parameter" in said


def test_a_parameter_of_another_type_is_refused():
    with pytest.raises(SettingsError, match="trials is 'many': it asks for integer"):
        overlaid(manifest(fit()), changed(fit={"params": {"trials": "many"}}))


def test_changes_of_nodes_are_laid_over_those_of_the_target_below():
    found = load(
        "prod",
        dev={"database": "d", "nodes": {"fit": {"retries": 1, "params": {"a": 1, "b": 2}}}},
        prod={"extends": "dev", "database": "p", "nodes": {"fit": {"params": {"b": 3}}}},
    )

    assert found.nodes["fit"] == targets.NodeChange(retries=1, params={"a": 1, "b": 3})


@pytest.mark.parametrize("said", ["main", ["main", "release/*"]])
def test_a_target_has_one_branch_or_several(said):
    found = load("prod", prod={"database": "p", "branch": said})

    assert found.branches == ((said,) if isinstance(said, str) else tuple(said))


def test_the_repository_of_another_target_is_used_and_not_made():
    target = load("prod", prod={"database": "p", "image_repository": "shared.ml.images"})

    desired = compile_desired(manifest(fit()), target)
    granted = [each for each in desired.objects if isinstance(each, Grant) and each.of_others]

    assert names.image_path(target, "v1") == "/shared/ml/images/mlops_framework:v1"
    assert not [each for each in desired.objects if isinstance(each, ImageRepository)]
    assert not [each for each in desired.objects if getattr(each, "privilege", "") ==
                "CREATE IMAGE REPOSITORY"]  # fmt: skip
    assert {(each.privilege, each.on, each.to) for each in granted} == {
        (privilege, on, role)
        for role in ("MLOPS_ROLE", "MLOPS_READ_ROLE")
        for privilege, on in (
            ("USAGE", "DATABASE"), ("USAGE", "SCHEMA"), ("READ", "IMAGE REPOSITORY"),
        )
    } | {("WRITE", "IMAGE REPOSITORY", "MLOPS_DEPLOY_ROLE")}  # fmt: skip
    assert {part_of_object(each) for each in granted} == {"admin"}


def test_the_own_repository_written_whole_is_the_own_one():
    short = load("prod", prod={"database": "p", "image_repository": "images"})
    whole = load("prod", prod={"database": "p", "image_repository": "P.ML.images"})

    assert names.image_repository(short) == names.image_repository(whole)
    assert list(images.grants(short, "")) == list(images.grants(whole, ""))


TEST = {
    "database": "ml_test", "prefix": "mlops_test", "branch": "develop", "approval": "required",
    "pools": {"SMALL": {"max_nodes": 4, "name": "house_pool"}},
    "tasks": {"schedule": "60 MINUTES", "overlap_policy": "ALLOW_ALL_OVERLAP"},
    "notifications": {"error_integration": "queue"},
}  # fmt: skip


def test_an_environment_is_the_target_it_is_made_of_under_other_names():
    found = load("pr-42", (Environment(name="pr-42", of="test"),), test=TEST)

    assert (found.name, found.database, found.schema) == ("pr-42", "ML_TEST_PR_42", "ML")
    assert found.prefix == "MLOPS_TEST_PR_42"
    assert (found.role, found.warehouse) == ("MLOPS_TEST_PR_42_ROLE", "MLOPS_TEST_PR_42_WH")
    small = found.pools[PoolSize.SMALL]
    assert (small.name, small.max_nodes) == ("MLOPS_TEST_PR_42_COMPUTE_POOL", 4)
    assert found.image_repository == "ML_TEST.ML.MLOPS_IMAGES"
    assert found.alias == "pr_42"


def test_an_environment_runs_when_asked_tells_nobody_and_waits_for_nobody():
    found = load("pr-42", (Environment(name="pr-42", of="test"),), test=TEST)

    assert (found.tasks.schedule, found.tasks.state) == ("", "kept")
    assert found.tasks.overlap_policy == "ALLOW_ALL_OVERLAP"
    assert found.notifications == targets.Notifications()
    assert (found.branches, found.approval) == ((), "")


def test_a_shared_environment_uses_what_stands_around_the_target_and_makes_no_pool():
    found = load("pr-42", (Environment(name="pr-42", of="test", shared=True),), test=TEST)

    desired = compile_desired(manifest(fit()), found)

    assert (found.database, found.role) == ("ML_TEST_PR_42", "MLOPS_TEST_ROLE")
    assert found.warehouse == "MLOPS_TEST_WH"
    assert found.pools[PoolSize.SMALL].name == "HOUSE_POOL"
    assert not [each for each in desired.objects if isinstance(each, Pool)]


def test_what_a_project_says_of_all_environments_is_laid_over_each():
    made = (Environment(name="pr-42", of="test"),)
    more = {"target": {"warehouse_size": "SMALL", "nodes": {"fit": {"params": {"trials": 2}}}}}

    found = load("pr-42", made, more, test=TEST)

    assert found.warehouse_size == "SMALL"
    assert found.nodes["fit"].params == {"trials": 2}


def test_the_container_of_an_environment_is_told_which_it_is(tmp_path):
    target = load("pr-42", (Environment(name="pr-42", of="test", expires="x"),), test=TEST)
    desired = compile_desired(manifest(fit()), target)
    (task,) = (each for each in desired.objects if isinstance(each, Task) and "FIT" in each.name)
    told = msgspec.json.encode({"name": "pr-42", "of": "test"}).decode()
    (tmp_path / "mlops.yml").write_text("project: a:B\ntargets: {test: {database: ml_test}}\n")

    there = settings.load(tmp_path, {"MLOPS_ENVIRONMENT": told})

    (container,) = yaml.safe_load(task.body.split("$$")[1])["spec"]["containers"]
    assert container["env"]["MLOPS_ENVIRONMENT"] == told
    assert targets.load(there, "pr-42").database == "ML_TEST_PR_42"


def test_a_declared_target_comes_before_an_environment_of_its_name():
    found = load("test", (Environment(name="test", of="dev"),), test=TEST, dev={"database": "d"})

    assert found.environment is None


def test_nobody_writes_in_mlops_yml_what_commands_keep(tmp_path):
    with pytest.raises(SettingsError, match="environment"):
        load("a", a={"database": "d", "environment": {"name": "a", "of": "b"}})
    (tmp_path / "mlops.yml").write_text("project: a:B\nmade: {}\n")
    with pytest.raises(SettingsError, match="made"):
        settings.load(tmp_path, {})
