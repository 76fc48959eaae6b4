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
