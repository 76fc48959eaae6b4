"""The way of somebody new: a project, an edit, a run, a plan, a deployment, a run of the graph."""

import json
import os
import subprocess
import sys

import pytest

from tests.integration.init.conftest import commit, edit, make

pytest.importorskip("fakesnow")


@pytest.fixture
def project(tmp_path):
    """A project; the local Snowflake that is started in it ends with the test."""
    mlops(tmp_path, "init", "leavers")
    folder = tmp_path / "leavers"
    commit(folder, init=True)
    yield folder
    mlops(folder, "emulator", "stop")


def mlops(folder, *words):
    """Call the program as somebody does who followed `make trial`, and return what it printed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLOPS_", "SNOWFLAKE_"))}
    there = {"SNOWFLAKE_HOME": ".mlops", "SNOWFLAKE_DEFAULT_CONNECTION_NAME": "emulator"}
    done = subprocess.run(
        [sys.executable, "-m", "sf_ml_framework", *words],
        cwd=folder, env={**kept, **there}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def ended(folder):
    """Return how each node of the newest run ended in the account."""
    run = json.loads(mlops(folder, "show", "last", "--mode", "snowflake", "--format", "json"))
    return {node["node"]: node["status"] for node in run["nodes"]}


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_from_nothing_to_a_graph_that_runs(project):
    done = make(project, "run")
    assert done.returncode == 0, done.stderr

    done = make(project, "trial")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(ended(project).values()) == {"succeeded"}

    # The first edit: a step of one's own, which reads what another makes.
    nodes, pipeline = project / "leavers" / "nodes.py", project / "leavers" / "pipeline.py"
    edit(nodes, "def train_model", '''def count_late(features: ibis.Table) -> ibis.Table:
    """Return one row for each hour of rush or not: how many deliveries were late."""
    return features.group_by("rush").agg(late=features.late.cast("int64").sum())


def train_model''')  # fmt: skip
    edit(pipeline, '    NodeConfig(\n        name="train_model"', '''    NodeConfig(
        name="count_late",
        function=nodes.count_late,
        inputs={"features": "features"},
        outputs="late_counts",
    ),
    NodeConfig(
        name="train_model"''')  # fmt: skip
    edit(project / "leavers" / "catalog.py", '        Dataset(name="late_model"',
         '        Dataset(name="late_counts", join_keys=("rush",)),\n'
         '        Dataset(name="late_model"')  # fmt: skip
    done = make(project, "run")
    assert "1 succeeded" in done.stdout + done.stderr

    plan = json.loads(mlops(project, "plan", "--format", "json"))
    assert "TASK_COUNT_LATE" in json.dumps(plan)
    mlops(project, "deploy", "--yes")
    mlops(project, "tasks", "run", "--wait")

    statuses = ended(project)
    assert statuses["count_late"] == "succeeded"
    assert statuses["train_model"] == "skipped"
    assert set(statuses.values()) == {"succeeded", "skipped"}
