"""`mlops grants` without an account: every grant beside the line that needs it."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from sf_ml_framework.cli.app import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def grants(capsys):
    """Return what calls the command in the churn project and gives what it printed."""

    def call(*words):
        capsys.readouterr()
        assert main(["grants", "--project", str(ROOT), *words]) == 0
        return capsys.readouterr().out

    return call


def test_a_connection_that_is_not_there_is_no_difference(capsys):
    """2 says with ``--check`` that the account differs."""
    code = main(["grants", "--check", "-c", "typo", "--project", str(ROOT)])

    assert code == 1
    assert "'typo'" in capsys.readouterr().err


def test_each_names_a_line_of_the_code_or_a_setting(grants):
    """The line is the one that declares the node or the dataset."""
    for grant in json.loads(grants("--format", "json")):
        place, _, what = grant["because"].partition(": ")
        if place == "mlops.yml":
            assert re.match(r"targets\.dev\.\w+(\.\w+)?( \(.+\))?$", what), grant
            continue
        file, _, line = place.partition(":")
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        declares = "NodeConfig(" if what.startswith("node ") else "Dataset("
        assert declares in lines[int(line) - 1], grant


def test_a_program_gets_the_same_as_csv_and_as_json(grants):
    rows = list(csv.DictReader(io.StringIO(grants("--format", "csv"))))

    assert rows == json.loads(grants("--format", "json"))
    assert list(rows[0]) == ["role", "privilege", "on", "name", "because", "statement"]


def test_the_statements_are_those_that_infra_runs(grants, capsys):
    told = {line for line in grants("--format", "sql").splitlines() if line[:2] != "--"}

    main(["infra", "sql", "--project", str(ROOT)])

    run = {line for line in capsys.readouterr().out.splitlines() if line.startswith("GRANT ")}
    assert told == run


@pytest.mark.parametrize(
    ("who", "role"),
    [("deploy", "MLOPS_DEPLOY_ROLE"), ("run", "MLOPS_ROLE"), ("read", "MLOPS_READ_ROLE")],
)
def test_one_role_is_shown_alone(grants, who, role):
    assert {row["role"] for row in json.loads(grants("--of", who, "--format", "json"))} == {role}


def test_a_target_has_names_of_its_own(grants):
    told = grants("--target", "prod", "--format", "json")

    assert "ML_PROD" in told
    assert "ML_DEV" not in told


def test_a_node_that_the_target_makes_larger_needs_the_larger_pool_alone(tmp_path, capsys):
    (tmp_path / "pipeline_of_sizes.py").write_text(
        "from sf_ml_framework import DataCatalog, NodeConfig, Project\n"
        "def load() -> None: ...\n"
        'PROJECT = Project(name="sizes", catalog=DataCatalog([]),\n'
        '                  pipeline=[NodeConfig(name="load", function=load)])\n'
    )
    (tmp_path / "mlops.yml").write_text(
        "project: pipeline_of_sizes:PROJECT\ntargets:\n"
        "  dev: {database: D, nodes: {load: {compute_pool_size: LARGE}}}\n"
    )
    capsys.readouterr()

    assert main(["grants", "--project", str(tmp_path), "--of", "run", "--format", "json"]) == 0

    rows = json.loads(capsys.readouterr().out)
    pools = {row["name"] for row in rows if row["on"] == "COMPUTE POOL"}
    assert pools == {"MLOPS_COMPUTE_POOL_LARGE"}
