"""How a model goes into the registry: as what, with which sample and which packages."""

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from weighing.models import Weighing

from sf_ml_framework.errors import DataError
from sf_ml_framework.places.snowflake.model_logging import (
    SeenTable,
    first_rows,
    is_native,
    predictor_of,
    requirements,
    sample_of,
)

xgboost = pytest.importorskip("xgboost")
linear = pytest.importorskip("sklearn.linear_model")

FRAME = pd.DataFrame({"age": [1.0, 2.0, 3.0], "spend": [1, 2, 3], "left": [0, 1, 1]})


def test_packages_are_pinned_under_the_names_that_the_registry_asks_for():
    found = requirements(
        {"xgboost-cpu": "3.2.0", "numpy": "2.1", "sf-ml-framework": "1.0"}, explained=True
    )

    assert found == ("numpy==2.1", "shap>=0.50", "xgboost==3.2.0")


def test_an_older_xgboost_is_explained_by_an_older_shap():
    assert requirements({"xgboost": "2.1.4"}, explained=True) == ("shap>=0.46", "xgboost==2.1.4")
    assert requirements({"xgboost": "2.1.4"}, explained=False) == ("xgboost==2.1.4",)


def test_what_predicts_is_the_value_itself_or_the_one_such_in_a_mapping():
    model = Weighing(age=1.0)

    assert predictor_of(model) is model
    assert predictor_of({"model": model, "cut": 0.5}) is model
    assert predictor_of({"a": model, "b": model}) is None
    assert predictor_of({"cut": 0.5}) is None
    assert predictor_of(7) is None


def test_a_class_of_the_author_s_is_not_its_library_s():
    class Mine(linear.LogisticRegression):
        pass

    assert is_native(xgboost.XGBClassifier())
    assert is_native(linear.LogisticRegression())
    assert not is_native(Mine())
    assert not is_native(Weighing(age=1.0))


@pytest.mark.parametrize("make", [pd.DataFrame, pa.Table.from_pandas, ibis.memtable])
def test_the_sample_is_rows_of_the_last_table_that_has_every_column(make):
    tables = [
        SeenTable(rows=first_rows(make(each)))
        for each in (FRAME[["age"]], FRAME, FRAME.assign(age=0.0))
    ]

    sample = sample_of(Weighing(), ("spend", "age"), tables, "m")

    assert list(sample.columns) == ["spend", "age"]
    assert sample["age"].tolist() == [1.0, 2.0, 3.0]


def test_first_rows_keep_nothing_of_a_large_table():
    large = pd.DataFrame({"age": np.arange(10_000.0)})

    rows = first_rows(large)

    assert len(rows) == 100
    assert not np.shares_memory(rows["age"].to_numpy(), large["age"].to_numpy())


@pytest.mark.parametrize("value", [None, {"a": 1}, "text", pd.Series([1]), iter([1])])
def test_what_is_no_table_gives_no_sample(value):
    assert first_rows(value) is None


def test_without_a_table_the_sample_has_the_types_that_trees_were_fitted_on():
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, 1.5], "flag": [True, False]})
    model = xgboost.XGBClassifier(n_estimators=1).fit(frame, [0, 1])

    sample = sample_of(model, tuple(frame), [], "m")

    assert sample.dtypes.astype(str).to_dict() == {"n": "int64", "x": "float64", "flag": "bool"}


def test_a_model_of_arrays_has_an_array_for_sample():
    model = linear.LogisticRegression().fit(np.zeros((2, 3)), [0, 1])

    assert sample_of(model, (), [], "m").shape == (1, 3)


def test_a_model_that_says_nothing_of_its_columns_is_refused():
    with pytest.raises(DataError, match="does not say which columns") as caught:
        sample_of(object(), (), [], "churn_model@v1")

    assert "feature_names_in_" in caught.value.remedy
