"""Which models the official registry takes, and what of them it can run and explain."""

import logging

import pandas as pd
import pytest
from weighing.models import Half, Weighing

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec

pytest.importorskip("snowflake.ml.registry")
pytest.importorskip("xgboost")
pytest.importorskip("sklearn.linear_model")

from tests.integration.snowflake.registered import (
    CURRENT,
    FRAME,
    MODEL,
    default,
    trees,
    versions,
)

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_mapping_with_one_model_is_kept_whole_and_sql_calls_that_model(store):
    model = trees()
    store.save(MODEL, CURRENT, {"model": model, "feature_names": list(FRAME), "cut": 0.3})

    loaded = store.load(MODEL, CURRENT)
    found = default(store).run(FRAME, function_name="predict")

    assert loaded["cut"] == 0.3
    assert found["output_feature_0"].tolist() == model.predict(FRAME).tolist()


def test_a_class_of_the_project_is_wrapped_and_its_code_goes_with_it(store, tmp_path):
    model = Weighing(age=2.0, spend=10.0)
    store.save(MODEL, CURRENT, model)

    loaded = store.load(MODEL, CURRENT)
    found = default(store).run(FRAME[["age", "spend"]].astype("float64"), function_name="predict")
    default(store).export(str(tmp_path))

    assert type(loaded) is Weighing
    assert found["output_feature_0"].tolist() == model.predict(FRAME).tolist()
    code = tmp_path / "model" / "code"
    assert {file.name for file in (code / "weighing").iterdir()} >= {"__init__.py", "models.py"}


def test_a_model_is_shown_by_rows_of_the_table_that_the_node_loaded(store):
    table = pd.DataFrame({"plan": ["monthly", "yearly"], "left": [0, 1]})
    store.note_table(table)

    store.save(MODEL, CURRENT, Half(["plan"]))

    found = default(store).run(table[["plan"]], function_name="predict")
    assert found["output_feature_0"].tolist() == [7, 6]


def test_the_lineage_of_a_model_begins_with_the_dataset_it_was_trained_on(store, account, database):
    from snowflake.ml.dataset import create_from_dataframe

    rows = account.session.create_dataframe(FRAME.rename(columns=str.upper))
    official = create_from_dataframe(account.session, f"{database}.ML.TRAIN_SET", "v1", rows)
    store.note_table(FRAME, lambda: official)

    store.save(MODEL, CURRENT, trees())

    version = default(store)
    before = version.lineage(direction="upstream")
    assert [type(each).__name__ for each in before] == ["Dataset"]
    found = version.run(FRAME, function_name="predict")
    assert found["output_feature_0"].tolist() == trees().predict(FRAME).tolist()


def test_a_model_that_fails_on_its_sample_says_what_to_check(store):
    with pytest.raises(DataError, match="cannot take CHURN_MODEL: AttributeError") as caught:
        store.save(MODEL, CURRENT, Half(["plan"]))

    assert "first rows of the table" in caught.value.remedy


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], {"a": trees, "b": 2}])
def test_what_cannot_predict_is_no_model_of_the_registry(store, value):
    with pytest.raises(DataError, match="without a method `predict`"):
        store.save(MODEL, CURRENT, value)


def test_a_model_of_other_features_than_the_catalog_s_is_refused(store):
    dataset = DatasetSpec(
        name="churn_model", kind="model", columns=(ColumnSpec(name="age", type="int32"),)
    )

    with pytest.raises(DataError, match="with spend, is_new"):
        store.save(dataset, CURRENT, trees())


def test_a_model_is_saved_where_the_role_may_not_use_packages_of_pip_but_not_for_sql(
    store, monkeypatch, caplog, account, database
):
    """An account gives that with a database role of its own."""
    from sf_ml_framework.places.snowflake import registry

    monkeypatch.setattr(registry, "REPOSITORY", "snowflake.snowpark.no_such_repository")

    with caplog.at_level(logging.WARNING):
        store.save(MODEL, CURRENT, trees())

    assert "GRANT DATABASE ROLE SNOWFLAKE.PYPI_REPOSITORY_USER" in caplog.text
    assert versions(account, database)["V1_0_0"]["runnable_in"] == '["SNOWPARK_CONTAINER_SERVICES"]'
