"""The nodes of the Telco project as plain functions, on the published data, without a framework."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

PARAMS = {"max_depth": 3, "learning_rate": 0.1}


@pytest.fixture(scope="module")
def cleaned(telco, source):
    return telco["nodes"].clean_customers(ibis.memtable(source))


@pytest.fixture(scope="module")
def features(telco, cleaned) -> pd.DataFrame:
    return telco["nodes"].make_features(cleaned[0]).to_pandas()


@pytest.fixture(scope="module")
def parts(telco, features):
    return telco["nodes"].split_customers(features)


@pytest.fixture(scope="module")
def trained(telco, parts):
    return telco["training"].train_churn_model(parts[0], **PARAMS)


def test_the_eleven_blank_totals_are_filled_and_reported(cleaned, source):
    customers, report = cleaned
    blank = source.loc[source["TotalCharges"].str.strip() == "", "customerID"]

    filled = customers.to_pandas().set_index("customer_id").loc[blank]

    assert report.metrics["blank_total_charges"] == 11
    assert report.metrics["blank_total_charges_filled"] == 11
    assert filled["total_charges"].tolist() == [0.0] * 11
    assert "11 of 7,043" in report.notes[0]


def test_cleaning_keeps_every_customer_and_leaves_no_null(cleaned, source):
    customers = cleaned[0].to_pandas()

    assert sorted(customers["customer_id"]) == sorted(source["customerID"])
    assert customers.notna().all(axis=None)
    assert cleaned[1].metrics["churn_rate"] == pytest.approx(1869 / 7043)


def test_a_blank_total_of_someone_who_was_billed_is_not_invented(telco, source):
    """The catalog refuses the null, so the run stops and names the column."""
    billed = source[source["tenure"] != "0"].head(3).assign(TotalCharges=["10.5", " ", ""])

    customers, report = telco["nodes"].clean_customers(ibis.memtable(billed))

    assert customers.to_pandas()["total_charges"].isna().tolist() == [False, True, True]
    assert report.metrics["blank_total_charges"] == 2
    assert report.metrics["blank_total_charges_filled"] == 0


def test_no_internet_service_counts_as_no_extra(cleaned):
    customers = cleaned[0].to_pandas()
    offline = customers[customers["internet_service"] == "No"]

    assert len(offline) == 1526
    assert not offline[["online_security", "tech_support", "streaming_tv"]].any(axis=None)


def test_truth_values_made_by_a_reader_of_csv_clean_as_texts_do(telco, source, cleaned):
    """DuckDB's reader turns a column of Yes and No into truth values."""
    read = source.assign(
        Partner=source["Partner"] == "Yes",
        Churn=source["Churn"] == "Yes",
        SeniorCitizen=source["SeniorCitizen"].astype("int64"),
    )

    customers = telco["nodes"].clean_customers(ibis.memtable(read))[0].to_pandas()

    by_text = cleaned[0].to_pandas()
    for name in ("partner", "churned", "senior_citizen"):
        assert customers[name].tolist() == by_text[name].tolist()


def test_features_are_finite_numbers_and_those_of_the_catalog(telco, features):
    catalog, meaning = telco["catalog"], telco["features"]
    numbers = features[[*meaning.PLAIN, *meaning.DERIVED]]

    assert list(features.columns) == [column.name for column in catalog.FEATURE_COLUMNS]
    assert np.isfinite(numbers.to_numpy(dtype="float64")).all()


def test_whoever_has_just_joined_has_an_average_of_the_monthly_bill(features):
    """Dividing by a tenure of 0 would give no number."""
    joined = features[features["tenure_months"] == 0]

    assert len(joined) == 11
    assert (joined["average_charges"] == joined["monthly_charges"]).all()
    assert (joined["charges_rise"] == 0).all()


def test_the_split_shares_no_customer_and_keeps_the_rate_of_churn(parts, features):
    train, test = parts

    assert len(test) == 1409
    assert not set(train["customer_id"]) & set(test["customer_id"])
    assert len(train) + len(test) == len(features)
    assert train["churned"].mean() == pytest.approx(test["churned"].mean(), abs=0.0005)


def test_the_split_does_not_hang_on_the_order_of_rows(telco, features, parts):
    shuffled = features.sample(frac=1.0, random_state=1)

    again = telco["nodes"].split_customers(shuffled)

    for part, other in zip(parts, again, strict=True):
        assert part["customer_id"].tolist() == other["customer_id"].tolist()


def test_the_model_ranks_unseen_customers_well_and_better_than_the_baseline(telco, parts, trained):
    report = telco["evaluation"].evaluate_churn_model(trained[0], *parts)

    assert 0.840 < report.metrics["auc"] < 0.860
    assert 0.001 < report.metrics["auc_gain"] < 0.015
    assert report.metrics["brier_score"] < 0.14
    assert {type(figure).__name__ for figure in report.figures.values()} == {"Figure"}
    assert len(report.tables["Whom to call first"]) == 10


def test_training_twice_gives_the_same_model(telco, parts, trained):
    features, _ = telco["training"].split_target(parts[1])

    again, report = telco["training"].train_churn_model(parts[0], **PARAMS)

    assert report.metrics == trained[1].metrics
    assert np.array_equal(again.predict_proba(features), trained[0].predict_proba(features))


def test_holdouts_are_reported_with_the_interval_of_their_mean(telco, features):
    sample = features.sort_values("customer_id").head(2000)

    report = telco["evaluation"].measure_holdouts(sample, holdouts=2, learning_rate=0.3)

    aucs = [row["model"] for row in report.tables["AUC of each hold-out"]]
    metrics = report.metrics
    assert metrics["mean_auc"] == pytest.approx(sum(aucs) / 2)
    assert aucs[0] != aucs[1]
    assert metrics["mean_auc_low_overlap"] < metrics["mean_auc_low"] < metrics["mean_auc"]


def test_the_interval_is_that_of_students_t(telco):
    """By hand: mean 2, deviation 1, t(2, 0.975) = 4.30265, half width 4.30265 / sqrt(3)."""
    found = telco["evaluation"].interval_of([1.0, 2.0, 3.0])

    assert found == pytest.approx((2.0, 2.0 - 2.48414, 2.0 + 2.48414), abs=1e-4)


def test_one_holdout_has_no_interval(telco):
    with pytest.raises(ValueError, match="two values"):
        telco["evaluation"].interval_of([0.85])
