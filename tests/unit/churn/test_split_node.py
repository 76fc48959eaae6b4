"""A split that is not sound stops the run before anything is written."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from src.drift import drift_of
from src.nodes.node_01_generate_data import generate_sample_data
from src.nodes.node_02_preprocess_data import preprocess_data
from src.nodes.node_03_feature_engineering import feature_engineering
from src.nodes.node_04_train_test_split import train_test_split
from src.splitting import SplitError, is_test


def features_of(raw: pd.DataFrame, table_of):
    made = preprocess_data(table_of(raw))
    rule = made["split_rule"]
    features = feature_engineering(table_of(made["customers"].to_pyarrow()), rule)["features"]
    return table_of(features.to_pyarrow()), rule


@pytest.fixture(scope="module")
def split(generated, table_of):
    features, rule = features_of(generated, table_of)
    return features, rule, train_test_split(features, rule)


def test_the_parts_share_no_customer_and_leave_none_out(split):
    features, _, made = split

    train, test = (
        set(made[part].customer_id.to_pyarrow().to_pylist()) for part in ("train", "test")
    )

    assert not train & test
    assert train | test == set(features.customer_id.to_pyarrow().to_pylist())


def test_both_parts_have_the_classes_in_the_same_ratio(split):
    _, rule, made = split

    train, test = (made[part].to_pandas()["churned"] for part in ("train", "test"))

    assert (len(train), len(test)) == (16_000, 4_000)
    assert train.mean() == pytest.approx(test.mean(), abs=1 / 4_000)
    assert test.sum() == next(each.test_rows for each in rule.classes if each.label == 1)


def test_the_parts_keep_columns_types_and_order_of_the_features(split):
    features, _, made = split

    for part in ("train", "test"):
        assert made[part].schema() == features.schema()
        assert made[part].customer_id.to_pandas().is_monotonic_increasing


def test_the_report_shows_classes_and_drift(split):
    report = split[2]["quality"]

    drift = report.tables["Drift between the parts"]
    assert report.metrics["training_rows"] + report.metrics["test_rows"] == 20_000
    assert report.metrics["shared_customers"] == 0
    assert all(line["PSI"] < 0.05 and line["KS"] < 0.04 for line in drift)
    assert len(drift) == 9
    assert len(report.tables["Customers of each class"]) == 2


def test_parts_that_drift_apart_stop_the_run(split):
    features, rule, _ = split
    older = is_test(features, rule).ifelse(features.age + 3, features.age)

    with pytest.raises(SplitError, match="age differs between the parts"):
        train_test_split(features.mutate(age=older), rule)


def test_features_of_other_customers_stop_the_run(split):
    features, rule, _ = split

    with pytest.raises(SplitError, match=r"rows have churned 0, not 14,080 as when the rule"):
        train_test_split(features.filter(features.customer_id > 100), rule)


def test_a_repeated_customer_stops_the_run(split, table_of):
    features, rule, _ = split
    frame = features.to_pandas()
    testing = features.select(yes=is_test(features, rule)).to_pandas()["yes"]
    same = testing & (frame["churned"] == 0)
    one, other = frame.index[same][:2]
    # As many rows of each part and class as before, and a customer less.
    frame.loc[other] = frame.loc[one]

    with pytest.raises(SplitError, match="1 rows repeat a customer_id"):
        train_test_split(table_of(frame), rule)


def test_all_faults_are_named_at_once(split):
    features, rule, _ = split

    with pytest.raises(SplitError) as caught:
        train_test_split(features.union(features.limit(100)), rule)

    assert re.search(r"training rows have churned 0.*testing rows have.*repeat", str(caught.value))


@pytest.mark.parametrize("rows", [30, 50, 200])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_few_customers_differ_by_chance_and_pass(rows, seed, table_of):
    raw = generate_sample_data(num_customers=rows, seed=seed).read_pandas()
    features, rule = features_of(raw, table_of)

    made = train_test_split(features, rule)

    assert made["test"].count().to_pyarrow().as_py() == rule.test_rows


def test_equal_samples_do_not_drift():
    values = np.random.default_rng(1).normal(size=5_000)

    drift = drift_of("x", values, values[::-1])

    assert drift.psi == drift.ks == 0
    assert not drift.too_far


def test_the_greatest_gap_is_that_of_scipy():
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 30, 3_000), rng.integers(0, 33, 1_000)

    assert drift_of("x", one, other).ks == pytest.approx(ks_2samp(one, other).statistic)


@pytest.mark.parametrize("shift", [0.3, -0.3])
def test_a_shift_of_a_third_of_a_deviation_is_too_far(shift):
    rng = np.random.default_rng(1)

    assert drift_of("x", rng.normal(size=8_000), rng.normal(size=2_000) + shift).too_far


def test_a_column_of_one_value_does_not_drift():
    assert not drift_of("x", np.ones(800), np.ones(200)).too_far
