"""The churn project's last two nodes, unchanged: the model goes through the Model Registry."""

from __future__ import annotations

import os
import pickle
import uuid
from pathlib import Path

import pytest

pytest.importorskip("snowflake.ml.registry")
pytest.importorskip("xgboost")

from sf_ml_framework import connection
from sf_ml_framework.manifest.build import build
from sf_ml_framework.places.local.place import LocalPlace
from sf_ml_framework.places.snowflake.names import Names
from sf_ml_framework.places.snowflake.place import SnowflakePlace
from sf_ml_framework.places.snowflake.session import Account
from sf_ml_framework.run.bindings import bind, resolve
from sf_ml_framework.run.execute import execute
from sf_ml_framework.run.overrides import Overrides
from src.utils.pipeline import PROJECT
from tests.integration.snowflake.framework_tables import make_tables

pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).parents[3]
GIVEN = Overrides(
    inputs={"num_customers": 1_000, "n_trials": 2, "folds": 2, "bootstrap": 50, "shap_rows": 50}
)
RUN = "20260101-000000-aaaa"


def run(manifest, place, name):
    """Run one node on *place* and return its outcome."""
    bound = bind(manifest, [each.name for each in manifest.nodes], GIVEN)[name]
    datasets = {each.name: each for each in manifest.datasets}
    return execute(manifest.node(name), resolve(bound, datasets, place), datasets, place)


@pytest.fixture(scope="module")
def manifest():
    return build(PROJECT, ROOT)


@pytest.fixture(scope="module")
def here(manifest, tmp_path_factory):
    """A laptop on which every node has run."""
    place = LocalPlace(tmp_path_factory.mktemp("laptop"))
    for node in manifest.nodes:
        run(manifest, place, node.name)
    yield place
    place.close()


@pytest.fixture(scope="module")
def there(manifest, here, connection_flags):
    """An account with the laptop's train and test rows, in which the last two nodes have run."""
    environ = os.environ if "connection" in connection_flags else {}
    account = Account(connection.resolve(None, connection_flags, environ))
    name = f"T_{uuid.uuid4().hex[:12]}".upper()
    for statement in (
        f"create database {name}",
        f"create schema {name}.ML",
        f"use schema {name}.ML",
        f"create stage {name}.ML.MLOPS_ARTIFACTS",
    ):
        account.execute(statement)
    make_tables(account, name)
    place = SnowflakePlace(account, Names(database=name, schema="ML"), manifest, alias="dev")
    for table in ("train_set", "test_set"):
        dataset = manifest.dataset(table)
        place.save(dataset, dataset.version, here.load(dataset, dataset.version, frame="arrow"))
    for node in ("train_model", "evaluate_model"):
        run(manifest, place.for_node(run_id=RUN, node=node, commit="abc123"), node)
    yield place
    account.execute(f"drop database {name}")
    account.close()


def current(there):
    return there.model_registry.get_model("CHURN_MODEL").version("DEV")


def test_the_model_in_the_registry_is_the_laptop_s_to_the_byte(manifest, here, there):
    dataset = manifest.dataset("churn_model")

    laptop = here.load(dataset, dataset.version, frame="model")
    account = there.load(dataset, dataset.version, frame="model")

    assert pickle.dumps(account) == pickle.dumps(laptop)


def test_the_evaluation_of_the_model_from_the_registry_is_the_laptop_s(manifest, here, there):
    dataset = manifest.dataset("evaluation_report")

    laptop = here.load(dataset, dataset.version, frame="any")
    account = there.load(dataset, dataset.version, frame="any")

    assert account.metrics == pytest.approx(laptop.metrics, rel=1e-6)


def test_training_and_evaluation_are_metrics_of_the_version(there):
    metrics = current(there).show_metrics()

    assert {"cv_auc", "threshold", "trees"} <= set(metrics)
    assert {"auc", "f1", "recall"} <= set(metrics)


def test_the_version_tells_its_commit_and_run(there):
    version = current(there)

    assert (version.version_name, version.model_name) == ("V1_0_0", "CHURN_MODEL")
    assert f"node train_model, run {RUN}, commit abc123" in version.comment


def test_sql_scores_the_account_s_own_test_rows(manifest, here, there):
    dataset, rows = manifest.dataset("churn_model"), manifest.dataset("test_set")
    model = here.load(dataset, dataset.version, frame="model")
    frame = here.load(rows, rows.version, frame="pandas")
    names = model.get_booster().feature_names

    found = current(there).run(frame[names], function_name="predict_proba")

    wanted = model.predict_proba(frame[names])[:, 1].tolist()
    assert found["output_feature_1"].tolist() == pytest.approx(wanted, abs=1e-6)


def test_training_again_with_the_same_seed_makes_no_new_version(manifest, there):
    again = there.for_node(run_id="another", node="train_model", commit="abc123")

    run(manifest, again, "train_model")

    versions = there.model_registry.get_model("CHURN_MODEL").versions()
    assert [version.version_name for version in versions] == ["V1_0_0"]
