"""The statement of a job of one node, and the lines of a container that is looked at again."""

from __future__ import annotations

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.deploy.graph_jobs import is_run_of_one_node, job_name, since, statement
from sf_ml_framework.errors import OperatorError, SettingsError
from tests.unit.plan.projects import rich, target

RUN = "20260131-093000-4f2a"


def made(**changes):
    given_ = {"inputs": {}, "outputs": {}, **changes}
    return statement(rich().node("train"), target(), RUN, **given_)


def specification(sql):
    return yaml.safe_load(sql.partition("$$")[2].rpartition("$$")[0])


def test_a_job_is_asynchronous_and_named_after_its_run():
    sql = made()

    head = sql.partition("FROM SPECIFICATION")[0]
    assert f"NAME = {job_name(target(), RUN)}" in head
    assert job_name(target(), RUN).endswith(".MLOPS_20260131_093000_4f2a".upper())
    assert "ASYNC = TRUE" in head


def test_its_container_is_told_the_run_and_no_task():
    (container,) = specification(made())["spec"]["containers"]

    assert container["env"]["MLOPS_RUN_ID"] == RUN
    assert "MLOPS_TASK" not in container["env"]
    assert container["args"] == ["--node", "train"]


def test_changes_are_arguments_that_any_reader_of_yaml_reads_back():
    changes = {"n": 3, "text": 'it\'s: "a" # test\n', "data": "raw@v1"}

    (container,) = specification(made(inputs=changes, outputs={"model": "m@v2"}))["spec"][
        "containers"
    ]

    options = dict(zip(container["args"][::2], container["args"][1::2], strict=True))
    assert msgspec.json.decode(options["--inputs"]) == changes
    assert msgspec.json.decode(options["--outputs"]) == {"model": "m@v2"}


def test_a_value_that_would_end_the_specification_is_refused():
    with pytest.raises(SettingsError, match=r"\$\$"):
        made(inputs={"text": "$$; DROP TABLE t; $$"})


def test_a_node_of_several_instances_is_no_job_of_one_container():
    node = rich().node("train")
    several = msgspec.structs.replace(
        node, resources=msgspec.structs.replace(node.resources, target_instances=2)
    )

    with pytest.raises(OperatorError, match="2 instances"):
        statement(several, target(), RUN, inputs={}, outputs={})


def test_the_id_of_a_graphs_run_is_not_that_of_one_node():
    assert is_run_of_one_node(RUN)
    assert not is_run_of_one_node("0ce13a77-4c6c-4b34-9a3e-6f1f6f1b1c11")
    assert not is_run_of_one_node("2026")


@given(st.lists(st.text("ab", max_size=2), max_size=12), st.integers(0, 12), st.integers(1, 12))
def test_what_was_printed_since_completes_what_was_seen(lines, seen, window):
    """Numbered, so that no two lines are alike: then nothing is told twice and nothing is lost."""
    whole = [f"{number} {line}" for number, line in enumerate(lines)]
    before = whole[:seen][-window:]
    now = whole[-window:]

    fresh = since(before, now)

    lost = max(0, len(whole) - window - len(whole[:seen]))
    assert fresh == whole[len(whole[:seen]) + lost :]
