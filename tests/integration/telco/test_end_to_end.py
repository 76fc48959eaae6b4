"""The Telco project through the command, as a new user runs it; two hold-outs in place of ten."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

QUICK = ("--params", "measure_holdouts.holdouts=2")
SOURCE = "telco_customer_churn.csv"


def mlops(project: Path, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "sf_ml_framework", command, "--project", str(project), *options]
    # Elsewhere than in the project, so that --project is what finds it.
    return subprocess.run(
        line, cwd=project.parent, capture_output=True, text=True, check=False, timeout=240
    )


def run(project: Path, *options: str) -> dict[str, Any]:
    """Run the project and return what the command says of it as JSON."""
    done = mlops(project, "run", "--format", "json", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["node"]: each for each in document["nodes"]}


def replace_in_source(project: Path, old: str, new: str) -> None:
    file = project / "data" / SOURCE
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_whole_project_runs_and_runs_again_for_nothing(project: Path):
    first = by_name(run(project, *QUICK))

    metrics = {name: node.get("metrics", {}) for name, node in first.items()}
    assert {node["status"] for node in first.values()} == {"succeeded"}
    assert metrics["clean_customers"]["blank_total_charges"] == 11
    assert 0.840 < metrics["evaluate_churn_model"]["auc"] < 0.860
    assert 0.840 < metrics["measure_holdouts"]["mean_auc"] < 0.870
    assert metrics["measure_holdouts"]["holdouts"] == 2

    second = by_name(run(project, *QUICK))

    assert {node["status"] for node in second.values()} == {"skipped"}

    page = (project / "data" / "report.html").read_text(encoding="utf-8")
    for caption in ("Receiver operating characteristic", "Calibration", "11 of 7,043 customers"):
        assert caption in page


def test_each_table_stands_in_a_file_with_all_of_its_rows(project: Path):
    made = by_name(run(project, "--to", "split_customers"))

    rows = {saved["dataset"]: saved["rows"] for node in made.values() for saved in node["outputs"]}
    assert set(made) == {"clean_customers", "make_features", "split_customers"}
    assert (rows["customers"], rows["features"]) == (7043, 7043)
    assert (rows["train_customers"], rows["test_customers"]) == (5634, 1409)
    lines = (project / "data" / "train_customers" / "v1.0.0.csv").read_text().splitlines()
    assert len(lines) == 5635


def test_a_blank_total_of_someone_who_was_billed_stops_the_run_by_name(project: Path):
    """The first customer of the file has been there for a month, and owes 29.85."""
    replace_in_source(project, "29.85,29.85,No", "29.85, ,No")

    done = mlops(project, "run", "--to", "clean_customers")

    assert done.returncode == 3
    assert "total_charges" in done.stdout + done.stderr
    assert not (project / "data" / "customers" / "v1.0.0.csv").exists()


def test_a_contract_that_the_catalog_does_not_know_stops_the_run_by_name(project: Path):
    replace_in_source(project, "Two year", "Three year")

    done = mlops(project, "run", "--to", "clean_customers")

    assert done.returncode == 3
    assert "contract" in done.stderr
    assert "Three year" in done.stderr


def test_a_mistyped_parameter_is_refused_with_the_nearest(project: Path):
    done = mlops(project, "run", "--params", "holdout=2")

    assert done.returncode == 2
    assert "holdouts" in done.stderr


@pytest.mark.parametrize("command", ["list", "validate", "dag"])
def test_looking_at_the_project_runs_nothing(project: Path, command: str):
    done = mlops(project, command)

    assert done.returncode == 0, done.stderr
    assert sorted(each.name for each in (project / "data").iterdir()) == [SOURCE]
