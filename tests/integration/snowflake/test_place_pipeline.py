"""The churn project's nodes, unchanged, give the same in an account as on a laptop.

Steps 2 to 4 are computed by the account: what leaves it are counts and statistics alone.
"""

from __future__ import annotations

import math
import os
import uuid
from pathlib import Path

import pytest

pytest.importorskip("snowflake.ml.feature_store")

from sf_ml_framework import connection
from sf_ml_framework.author.report import Report
from sf_ml_framework.manifest.build import build
from sf_ml_framework.places.local.place import LocalPlace
from sf_ml_framework.places.snowflake.model_records import Origin
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.place import SnowflakePlace
from sf_ml_framework.places.snowflake.session import Account
from sf_ml_framework.run.bindings import bind, resolve
from sf_ml_framework.run.execute import execute
from sf_ml_framework.run.overrides import Overrides
from src.utils.pipeline import PROJECT
from tests.integration.snowflake.framework_tables import make_tables

pytestmark = pytest.mark.filterwarnings("ignore")

CUSTOMERS = 2_000
ROOT = Path(__file__).parents[3]
STEPS = ("generate_sample_data", "preprocess_data", "feature_engineering", "train_test_split")
TABLES = (
    "raw_customers",
    "preprocessed_customers",
    "customer_features",
    "train_set",
    "test_set",
)
DOCUMENTS = ("preprocess_statistics", "split_rule", "feature_statistics")


@pytest.fixture(scope="module")
def manifest():
    return build(PROJECT, ROOT)


@pytest.fixture(scope="module")
def account(connection_flags):
    """An account with a database of this module's own."""
    environ = os.environ if "connection" in connection_flags else {}
    name = f"T_{uuid.uuid4().hex[:12]}".upper()
    settings = connection.resolve(None, connection_flags, environ)
    opened = Account(settings)
    opened.execute(f"create database {name}")
    opened.execute(f"create schema {name}.ML")
    opened.execute(f"use schema {name}.ML")
    make_tables(opened, name)
    opened.execute(f"create stage {name}.ML.MLOPS_ARTIFACTS")
    opened.name_of_database = name
    yield opened
    opened.execute(f"drop database {name}")
    opened.close()


def run(manifest, place, steps, **inputs):
    """Run *steps* on *place* and return what each saved."""
    if "generate_sample_data" in steps:
        inputs["num_customers"] = CUSTOMERS
    bound = bind(manifest, steps, Overrides(inputs=inputs))
    datasets = {each.name: each for each in manifest.datasets}
    return {
        name: execute(
            manifest.node(name), resolve(bound[name], datasets, place), datasets, place
        ).outputs
        for name in steps
    }


@pytest.fixture(scope="module")
def here(manifest, tmp_path_factory):
    """A laptop on which the first four nodes have run."""
    place = LocalPlace(tmp_path_factory.mktemp("laptop"))
    run(manifest, place, STEPS)
    yield place
    place.close()


def files_put(account):
    """Return the statements that put rows into a stage in this session."""
    return account.rows(
        "select query_text from table(information_schema.query_history_by_session("
        "result_limit => 10000)) where query_text ilike 'put %part-%'"
    )


@pytest.fixture(scope="module")
def ran(manifest, account):
    """A place in which the first four nodes have run, and the rows that were put for that."""
    names = Names(database=account.name_of_database, schema="ML")
    place = SnowflakePlace(account, names, manifest, origin=Origin(run_id="20260101-000000-test"))
    run(manifest, place, STEPS)
    return place, files_put(account)


@pytest.fixture(scope="module")
def there(ran):
    """An account in which the first four nodes have run."""
    return ran[0]


def _differences(one, other, where=""):
    """Return where two plain values differ; floats may by a thousand-millionth."""
    if isinstance(one, float) and isinstance(other, float):
        same = (math.isnan(one) and math.isnan(other)) or math.isclose(
            one, other, rel_tol=1e-9, abs_tol=1e-12
        )
        return [] if same else [(where, one, other)]
    if isinstance(one, dict) and isinstance(other, dict) and list(one) == list(other):
        return [d for key in one for d in _differences(one[key], other[key], f"{where}.{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [d for at, (a, b) in pairs for d in _differences(a, b, f"{where}[{at}]")]
    return [] if one == other and type(one) is type(other) else [(where, one, other)]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_the_same_cell_by_cell(manifest, here, there, name):
    dataset = manifest.dataset(name)

    laptop = here.load(dataset, dataset.version, frame="arrow")
    account = there.load(dataset, dataset.version, frame="arrow")

    assert account.schema == laptop.schema
    assert account.num_rows == laptop.num_rows > 300
    assert _differences(laptop.to_pylist(), account.to_pylist())[:5] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_was_fitted_is_the_same(manifest, here, there, name):
    dataset = manifest.dataset(name)

    laptop = here.load(dataset, dataset.version, frame="document")
    account = there.load(dataset, dataset.version, frame="document")

    assert _differences(laptop, account) == []


@pytest.mark.parametrize("name", ["data_quality_report", "split_report"])
def test_what_was_reported_is_the_same(manifest, here, there, name):
    dataset = manifest.dataset(name)

    laptop = here.load(dataset, dataset.version, frame="any")
    account = there.load(dataset, dataset.version, frame="any")

    assert isinstance(account, Report)
    assert list(account.metrics) == list(laptop.metrics)
    assert _differences(dict(laptop.tables), dict(account.tables)) == []
    assert [pytest.approx(each, rel=1e-9) for each in laptop.metrics.values()] == list(
        account.metrics.values()
    )


def test_each_table_is_a_feature_view_with_the_words_of_the_catalog(manifest, there):
    store = there.feature_store
    found = {row["NAME"]: row for row in store.list_feature_views().collect()}

    assert set(found) == {name.upper() for name in TABLES}
    view = store.get_feature_view("customer_features", "v1.0.0")
    described = {str(name).strip('"'): text for name, text in view.feature_descs.items()}
    catalog = {each.name.upper(): each for each in manifest.dataset("customer_features").columns}
    assert described["SPEND_VS_CONTRACT"] == catalog["SPEND_VS_CONTRACT"].description
    assert [each.name for each in view.entities] == ["CUSTOMER"]
    assert str(view.timestamp_col).strip('"') == "SNAPSHOT_DATE"


def test_the_rows_of_lazy_steps_never_left_the_account(ran):
    """What is put into a stage is what node 1 made, and small files."""
    _, sent = ran

    assert len(sent) == 1


def test_a_second_run_has_the_same_content_and_is_found(manifest, account, there):
    again = SnowflakePlace(account, Names(database=account.name_of_database, schema="ML"), manifest)
    datasets = {each.name: each for each in manifest.datasets}
    before = {name: there.find(datasets[name], "v1.0.0") for name in TABLES}

    saved = {each.dataset: each for made in run(manifest, again, STEPS).values() for each in made}

    assert all(before.values())
    assert {name: saved[name].content for name in TABLES} == {
        name: each.content for name, each in before.items()
    }
    assert {name: again.find(datasets[name], "v1.0.0") for name in TABLES} == {
        name: saved[name] for name in TABLES
    }


def test_the_training_set_is_a_dataset(manifest, there):
    kept = there.training_set(manifest.dataset("train_set"), "v1.0.0")

    assert kept.selected_version is not None
    assert there.training_set(manifest.dataset("raw_customers"), "v1.0.0") is None


def test_metrics_are_rows_of_a_table(account, there):
    rows = account.rows(
        f"select node, metric, value_number from {account.name_of_database}.ML.MLOPS_METRICS"
        " where run_id = ? and metric in ('rows_before', 'training_rows') order by 1, 2",
        ("20260101-000000-test",),
    )

    assert [(row["node"], row["metric"]) for row in rows] == [
        ("preprocess_data", "rows_before"),
        ("preprocess_data", "training_rows"),
        ("train_test_split", "training_rows"),
    ]
    assert rows[0]["value_number"] == CUSTOMERS


@pytest.mark.slow
def test_the_model_and_its_figures_are_the_same(manifest, here, there):
    """Rows come in the order of their keys, so the same trees grow of them."""
    few = {"n_trials": 2, "folds": 2}
    for place in (here, there):
        run(manifest, place, ("train_model",), **few)
        run(manifest, place, ("evaluate_model",), bootstrap=50, shap_rows=200)

    for name in ("training_report", "evaluation_report"):
        laptop, account = (
            place.load(manifest.dataset(name), "v1.0.0", frame="any").metrics
            for place in (here, there)
        )
        plain = {
            key: value
            for key, value in laptop.items()
            if "seconds" not in key and "time" not in key
        }
        assert _differences(plain, {key: account[key] for key in plain}) == []

    model = there.model_registry.get_model("churn_model").default
    (trained_on,) = model.lineage(direction="upstream")
    assert trained_on._lineage_node_name.endswith(".ML.TRAIN_SET")
    made_of = trained_on.lineage(direction="upstream")
    assert [(str(each.name), each.version) for each in made_of] == [("TRAIN_SET", "v1.0.0")]
