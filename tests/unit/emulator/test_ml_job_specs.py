"""The two JSON arguments of an ML job, and the specification that is made of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.emulator.faults import SnowflakeError
from sf_ml_framework.emulator.ml_jobs.options import job_options, spec_options
from sf_ml_framework.emulator.ml_jobs.specs import patched, specification
from sf_ml_framework.emulator.services.families import FAMILIES, GIB
from sf_ml_framework.emulator.services.spec import parse

PAYLOAD = {
    "STAGE_PATH": "@D.S.ST/train",
    "ARGS": ["bash", "/mnt/job_stage/system/startup.sh", 3],
    "ENV_VARS": {"DEPTH": 6},
    "ENABLE_METRICS": True,
    "SPEC_OVERRIDES": None,
    "RUNTIME": None,
    "ENABLE_STAGE_MOUNT_V2": True,
    "ARTIFACT_REPOSITORIES": None,
}


def spec(family="CPU_X64_S", overrides=None, **job):
    payload = spec_options(json.dumps({**PAYLOAD, "SPEC_OVERRIDES": overrides}))
    text = specification("TRAIN_1", FAMILIES[family], "/i:1", payload, job_options(json.dumps(job)))
    return parse(text)


def test_an_instance_takes_a_whole_node():
    (container,) = spec().containers

    assert (container.request.cpu, container.request.memory) == (3, 13 * GIB)
    assert container.request == container.limit
    assert spec("GPU_NV_M").containers[0].request.gpus == 4


def test_payload_and_result_are_mounted_from_the_stage():
    found = spec()
    (container,) = found.containers

    assert found.volumes["stage-volume"].stage == "@D.S.ST/train"
    assert found.volumes["result-volume"].stage == "@D.S.ST/train/TRAIN_1"
    assert dict(container.mounts)["stage-volume"] == "/mnt/job_stage"
    assert container.args == ("bash", "/mnt/job_stage/system/startup.sh", "3")
    assert container.env == {
        "DEPTH": "6",
        "MLRS_STAGE_RESULT_PATH": "/mnt/job_result",
        "MLRS_RESULT_PATH": "mljob_result",
    }


def test_several_instances_know_their_ports_and_the_least_number():
    many = spec(TARGET_INSTANCES=3, MIN_INSTANCES=2)

    assert many.containers[0].env["MLRS_MIN_INSTANCES"] == "2"
    assert "ray-dashboard-endpoint" in {one["name"] for one in many.endpoints}
    assert spec().endpoints == ()


def test_overrides_are_joined_to_the_container_by_its_name():
    use = {"snowflakeSecret": "s", "secretKeyRef": "password", "envVarName": "P"}
    overrides = {"spec": {"containers": [{"name": "main", "secrets": [use], "env": {"A": "b"}}]}}
    (container,) = spec(overrides=overrides).containers

    assert container.secrets[0].variable == "P"
    assert (container.env["A"], container.env["DEPTH"]) == ("b", "6")
    assert container.image == "/i:1"


@pytest.mark.parametrize(
    "overrides",
    [
        {"spec": {"volumes": [{"name": "result-volume", "source": "@elsewhere"}]}},
        {"colour": "red"},
        {"spec": {"containers": [{"name": "main", "colour": "red"}]}},
        {"spec": {"containers": "none"}},
    ],
)
def test_overrides_change_neither_the_payload_nor_the_shape(overrides):
    with pytest.raises(SnowflakeError) as refused:
        spec(overrides=overrides)

    assert refused.value.number == 395018


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (spec_options, "{"),
        (spec_options, "[]"),
        (spec_options, "{}"),
        (spec_options, '{"STAGE_PATH": "st"}'),
        (spec_options, '{"STAGE_PATH": "@st", "ARGS": [null]}'),
        (spec_options, '{"STAGE_PATH": "@st", "ENV_VARS": {"A": {}}}'),
        (spec_options, '{"STAGE_PATH": "@st", "ENABLE_METRICS": 1}'),
        (spec_options, '{"STAGE_PATH": "@st", "ARTIFACT_REPOSITORIES": [1]}'),
        (job_options, '{"TARGET_INSTANCES": 0}'),
        (job_options, '{"TARGET_INSTANCES": true}'),
        (job_options, '{"TARGET_INSTANCES": 1, "MIN_INSTANCES": 2}'),
        (job_options, '{"NAME": "x"}'),
    ],
)
def test_options_that_are_not_known_or_not_right_are_refused(read, text):
    with pytest.raises(SnowflakeError, match=r"SYSTEM\$EXECUTE_ML_JOB"):
        read(text)


def test_what_is_not_given_has_the_clients_defaults():
    job = job_options('{"MIN_INSTANCES": null, "TARGET_INSTANCES": 2}')

    assert (job.target, job.least, job.asynchronous, job.suffix) == (2, 2, True, True)


JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@given(JSON)
def test_a_patch_of_nothing_changes_nothing_and_the_same_again_nothing_either(base):
    assert patched(base, base) == base
    if isinstance(base, dict):
        assert patched(base, {}) == base


def test_a_null_in_a_patch_removes():
    assert patched({"a": 1, "b": {"c": 2}}, {"b": {"c": None}}) == {"a": 1, "b": {}}
