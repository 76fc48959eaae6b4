from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from src.modelling.columns import feature_names, features_of, labels_of, left_out
from tests.unit.churn_model.customers import FEATURES, customers


def test_key_date_and_target_are_never_features():
    """A key would be learnt by heart, and the target is the answer itself."""
    assert feature_names(customers(10)) == FEATURES


def test_a_text_column_is_left_out_and_named():
    frame = customers(10).assign(contract="monthly")

    assert feature_names(frame) == FEATURES
    assert left_out(frame) == ["contract"]


def test_features_are_float32_whatever_an_engine_returned():
    frame = customers(10)
    other = frame.assign(
        tenure_months=frame["tenure_months"].astype("Int64"),
        is_dormant=frame["is_dormant"].astype("boolean"),
        monthly_spend=frame["monthly_spend"].astype("Float64"),
    )

    found = features_of(other)

    pd.testing.assert_frame_equal(found, features_of(frame))
    assert set(found.dtypes) == {np.dtype("float32")}


def test_a_null_becomes_nan_and_not_zero():
    frame = customers(3).assign(tenure_months=pd.array([1, None, 3], dtype="Int64"))

    assert features_of(frame)["tenure_months"].isna().tolist() == [False, True, False]


def test_features_come_in_the_models_order():
    frame = customers(5)[["noise_a", *FEATURES[:3], "churned"]]

    assert list(features_of(frame, FEATURES[:3])) == FEATURES[:3]


def test_a_missing_feature_is_named():
    with pytest.raises(ValueError, match="spend_trend"):
        features_of(customers(5).drop(columns="spend_trend"), FEATURES)


def test_a_table_without_numbers_cannot_be_learnt_from():
    with pytest.raises(ValueError, match="no numeric column"):
        features_of(customers(5)[["customer_id", "churned"]])


@pytest.mark.parametrize("values", [[0, 0], [1, 1], [0, 2], [0, None]])
def test_a_target_that_is_not_both_zero_and_one_is_refused(values):
    with pytest.raises(ValueError, match="churned"):
        labels_of(pd.DataFrame({"churned": values}))


def test_a_table_without_the_target_is_refused():
    with pytest.raises(ValueError, match="no column 'churned'"):
        labels_of(pd.DataFrame({"customer_id": [1]}))
