"""The catalog promises what the nodes keep, and costs nothing to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from src.nodes.node_01_generate_data import generate_sample_data
from src.nodes.node_02_preprocess_data import preprocess_data
from src.nodes.node_03_feature_engineering import feature_engineering
from src.nodes.node_04_train_test_split import train_test_split
from src.utils.data_catalog import CATALOG

ROOT = Path(__file__).resolve().parents[3]
DATASETS = {dataset.name: dataset for dataset in CATALOG}
TYPES = {
    "int64": "integer",
    "int32": "int32",
    "double": "float",
    "bool": "boolean",
    "string": "string",
    "date32[day]": "date",
}


@pytest.fixture(scope="module")
def tables(generated, table_of):
    """Return what steps 1 to 4 make, by the name of the dataset."""
    made = preprocess_data(table_of(generated))
    clean = made["customers"].to_pyarrow()
    features = feature_engineering(table_of(clean), made["split_rule"])["features"].to_pyarrow()
    parts = train_test_split(table_of(features), made["split_rule"])
    return {
        "raw_customers": generate_sample_data(num_customers=100).read_all(),
        "preprocessed_customers": clean,
        "customer_features": features,
        "train_set": parts["train"].to_pyarrow(),
        "test_set": parts["test"].to_pyarrow(),
    }


def test_every_dataset_of_the_pipeline_is_there_with_its_kind():
    assert {name: dataset.kind for name, dataset in DATASETS.items()} == {
        "raw_customers": "table",
        "preprocessed_customers": "table",
        "preprocess_statistics": "document",
        "split_rule": "document",
        "data_quality_report": "report",
        "customer_features": "table",
        "feature_statistics": "document",
        "train_set": "table",
        "test_set": "table",
        "split_report": "report",
        "churn_model": "model",
        "training_report": "report",
        "evaluation_report": "report",
    }
    assert all(dataset.description for dataset in CATALOG)


@pytest.mark.parametrize("name", [each.name for each in CATALOG if each.kind == "table"])
def test_a_table_has_the_columns_and_types_of_the_catalog(name, tables):
    schema = tables[name].schema

    promised = [
        (column.name, "string" if column.type == "category" else column.type)
        for column in DATASETS[name].columns
    ]
    assert promised == [(field.name, TYPES[str(field.type)]) for field in schema]


@pytest.mark.parametrize(
    "name", ["preprocessed_customers", "customer_features", "train_set", "test_set"]
)
def test_a_table_keeps_the_promises_of_the_catalog(name, tables):
    frame = tables[name].to_pandas()

    for column in DATASETS[name].columns:
        values = frame[column.name]
        assert not column.nullable
        assert not values.isna().any(), column.name
        assert not column.unique or values.is_unique, column.name
        assert not column.allowed or values.isin(column.allowed).all(), column.name
        assert column.minimum is None or values.min() >= column.minimum, column.name
        assert column.maximum is None or values.max() <= column.maximum, column.name


def test_every_column_is_described():
    for dataset in CATALOG:
        assert all(column.description for column in dataset.columns), dataset.name


def test_reading_the_catalog_loads_no_library_of_tables():
    """``mlops list`` reads it, and must not wait for pandas."""
    code = (
        "import sys, src.utils.data_catalog\n"
        "print([name for name in ('ibis', 'pandas', 'numpy', 'pyarrow', 'duckdb')"
        " if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
