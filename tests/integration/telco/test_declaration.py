"""The Telco project as the framework sees it before anything runs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from sf_ml_framework import settings
from sf_ml_framework.manifest.build import build
from sf_ml_framework.manifest.load import load_project
from sf_ml_framework.manifest.model import Manifest

HEAVY = ("pandas", "numpy", "pyarrow", "ibis", "duckdb", "sklearn", "xgboost", "matplotlib")


@pytest.fixture
def manifest(telco, telco_root: Path) -> Manifest:
    entry = settings.load(telco_root, {}).project
    return build(load_project(telco_root, entry), telco_root)


def test_the_source_is_the_published_file_to_the_byte(telco_root: Path):
    data = (telco_root / "data" / "telco_customer_churn.csv").read_bytes()

    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()

    assert digest == "0f9de68e012bd3aed5fa7cdc9fc421af"


def test_the_project_is_accepted_without_a_fault(manifest: Manifest):
    assert manifest.project == "telco_churn"
    assert {node.name for node in manifest.nodes} == {
        "clean_customers",
        "make_features",
        "split_customers",
        "train_churn_model",
        "evaluate_churn_model",
        "measure_holdouts",
    }


def test_dependencies_follow_from_the_datasets_alone(manifest: Manifest):
    before = {node.name: node.dependencies for node in manifest.nodes}

    assert before["clean_customers"] == ()
    assert before["measure_holdouts"] == ("make_features",)
    assert before["evaluate_churn_model"] == ("split_customers", "train_churn_model")


def test_every_table_that_a_node_makes_has_typed_and_described_columns(manifest: Manifest):
    made = [each for each in manifest.datasets if each.kind == "table" and not each.path]

    assert [each.name for each in made] == [
        "customers",
        "features",
        "train_customers",
        "test_customers",
    ]
    for dataset in made:
        assert all(column.description for column in dataset.columns), dataset.name
        assert not any(column.nullable for column in dataset.columns), dataset.name


def test_a_run_judges_the_settings_that_it_trains_with(manifest: Manifest):
    """Otherwise the interval would be that of another model."""
    trained = manifest.node("train_churn_model").params
    measured = manifest.node("measure_holdouts").params

    for name in ("max_depth", "learning_rate"):
        assert trained[name] == measured[name]


def test_declaring_the_project_imports_no_library_of_data(telco_root: Path):
    """Each command reads the declaration; a second of imports would be felt by all of them."""
    code = f"import sys, telco.pipeline; print([m for m in {HEAVY!r} if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=telco_root, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_git_keeps_the_source_and_not_what_a_run_makes(telco_root: Path):
    made = ["data/features/v1.0.0.csv", "data/customers.csv", ".mlops/journal.db"]
    kept = ["data/telco_customer_churn.csv", "data/README.md", "data/.gitignore"]

    done = subprocess.run(
        ["git", "check-ignore", "--no-index", *made, *kept],
        cwd=telco_root,
        capture_output=True,
        text=True,
        check=False,
    )

    if done.returncode == 128:
        pytest.skip("this is no checkout of git")
    assert done.stdout.split() == made
