"""Preprocessing mends what it says it mends, and learns from training rows alone."""

from __future__ import annotations

from datetime import date

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from src.cleaning import RANGES
from src.nodes.node_02_preprocess_data import preprocess_data
from src.preprocess_statistics import PreprocessStatistics, StatisticsError
from src.splitting import SplitRule, is_test

SNAPSHOT = date(2026, 6, 30)
SEED_WITH_FIRST_FOR_TESTING = 3
"""So that the broken value moves no median and no cap."""


def small(**changes: object) -> pd.DataFrame:
    """Return 40 plain customers; *changes* are values of the first, who is customer 1."""
    rows = 40
    frame = pd.DataFrame(
        {
            "customer_id": range(1, rows + 1),
            "snapshot_date": [SNAPSHOT] * rows,
            "age": pd.array([40] * rows, "Int32"),
            "tenure_months": pd.array([24] * rows, "Int32"),
            "contract_type": ["one_year"] * rows,
            "monthly_spend": [50.0] * rows,
            "total_spend": [1200.0] * rows,
            "support_tickets": pd.array([1] * rows, "Int32"),
            "monthly_sessions": pd.array([10] * rows, "Int32"),
            "num_products": pd.array([2] * rows, "Int32"),
            "last_active_on": [date(2026, 6, 25)] * rows,
            "churned": pd.array([0, 1] * (rows // 2), "Int32"),
        }
    )
    for name, value in changes.items():
        frame[name] = frame[name].astype(object)
        frame.loc[0, name] = value
        if name in ("monthly_spend", "total_spend"):
            frame[name] = frame[name].astype(float)
    return frame


def first(made: dict) -> pd.Series:
    frame = made["customers"].to_pandas()
    return frame[frame["customer_id"] == 1].iloc[0]


def counts(made: dict) -> dict[str, tuple[int, int]]:
    """Return before and after of each rule of the report that anything broke."""
    lines = [
        line
        for title, table in made["quality"].tables.items()
        for line in table
        if line["rule"] != "rows"
    ]
    return {line["rule"]: (line["before"], line["after"]) for line in lines if line["before"]}


@pytest.fixture(scope="module")
def preprocessed(generated, table_of):
    return preprocess_data(table_of(generated))


def test_nothing_is_missing_and_all_is_within_its_range(preprocessed, generated):
    frame = preprocessed["customers"].to_pandas()

    assert len(frame) == len(generated)
    assert not frame.isna().any().any()
    for rule in RANGES:
        assert frame[rule.column].between(rule.low, rule.high).all(), rule.column


def test_rows_keep_their_order(generated, table_of):
    shuffled = generated.sample(frac=1, random_state=1)

    frame = preprocess_data(table_of(shuffled))["customers"].to_pandas()

    assert frame["customer_id"].tolist() == shuffled["customer_id"].tolist()


def test_values_that_were_good_stay_as_they_are(preprocessed, generated):
    frame = preprocessed["customers"].to_pandas()

    good = generated["age"].between(16, 110)
    assert (frame.loc[good, "age"] == generated.loc[good, "age"]).all()
    cap = preprocessed["statistics"].caps["monthly_spend"]
    good = generated["monthly_spend"].between(0, cap)
    assert (frame.loc[good, "monthly_spend"] == generated.loc[good, "monthly_spend"]).all()


def test_statistics_are_those_of_the_training_rows(generated, table_of, preprocessed):
    table = table_of(generated)
    rule = preprocessed["split_rule"]
    training = table.filter(~is_test(table, rule)).to_pandas()

    found = preprocessed["statistics"]

    ages = training["age"][training["age"].between(16, 110)]
    spends = training["monthly_spend"][training["monthly_spend"].between(0, 100_000)]
    assert found.rows == len(training) == 16_000
    assert found.medians["age"] == ages.median()
    assert found.medians["monthly_spend"] == pytest.approx(spends.median(), abs=0.01)
    assert found.caps["monthly_spend"] == pytest.approx(spends.quantile(0.99), abs=0.01)
    assert found.high_value_from == pytest.approx(spends.quantile(0.75), abs=0.01)
    assert found.usual_contract == training["contract_type"].mode()[0]


def test_rows_for_testing_cannot_change_what_is_learned(generated, table_of, preprocessed):
    """The law of the whole pipeline: no figure may come from rows that test the model."""
    table = table_of(generated)
    testing = table.select(yes=is_test(table, preprocessed["split_rule"])).to_pandas()["yes"]
    changed = generated.copy()
    changed.loc[testing, ["age", "monthly_spend", "monthly_sessions", "support_tickets"]] = 99
    changed.loc[testing, "contract_type"] = "two_year"
    changed.loc[testing, "last_active_on"] = date(2026, 1, 1)

    again = preprocess_data(table_of(changed))

    assert testing.sum() == 4_000
    assert again["statistics"] == preprocessed["statistics"]
    assert again["split_rule"] == preprocessed["split_rule"]


def test_one_seed_gives_one_result(generated, table_of, preprocessed):
    again = preprocess_data(table_of(generated))

    assert again["statistics"] == preprocessed["statistics"]
    assert again["customers"].to_pyarrow().equals(preprocessed["customers"].to_pyarrow())


@pytest.mark.parametrize(
    ("column", "value", "becomes", "rule"),
    [
        ("age", None, 40, "age is known"),
        ("age", 15, 40, "age is from 16 to 110"),
        ("age", 999, 40, "age is from 16 to 110"),
        ("tenure_months", -1, 24, "tenure_months is from 0 to 600"),
        ("contract_type", None, "one_year", "contract_type is known"),
        ("contract_type", "for life", "one_year", "contract_type is a known contract"),
        ("monthly_spend", -0.01, 50.0, "monthly_spend is from 0 to 100,000"),
        ("monthly_spend", float("inf"), 50.0, "monthly_spend is from 0 to 100,000"),
        ("monthly_spend", 51.0, 50.0, "monthly_spend is at most 50.0"),
        ("total_spend", None, 1200.0, "total_spend is known"),
        ("support_tickets", 7, 1, "support_tickets is at most 1"),
        ("num_products", 0, 2, "num_products is from 1 to 100"),
    ],
)
def test_a_broken_rule_is_counted_and_mended(table_of, column, value, becomes, rule):
    frame = small(**{column: value})

    made = preprocess_data(table_of(frame), test_fraction=0.5, seed=SEED_WITH_FIRST_FOR_TESTING)

    assert first(made)[column] == becomes
    assert counts(made) == {rule: (1, 0)}


def test_the_first_customer_is_for_testing_in_these_tests(table_of):
    made = preprocess_data(table_of(small()), test_fraction=0.5, seed=SEED_WITH_FIRST_FOR_TESTING)
    customers = made["customers"]

    testing = customers.filter(is_test(customers, made["split_rule"])).customer_id

    assert 1 in testing.to_pyarrow().to_pylist()
    assert counts(made) == {}


def test_a_value_that_is_not_a_number_counts_as_impossible(table_of):
    """Arrow and SQL keep NaN apart from null; a median of NaN would be NaN for everybody."""
    table = pa.Table.from_pandas(small(), preserve_index=False)
    spend = pa.array([float("nan")] + [50.0] * 39)
    table = table.set_column(table.schema.get_field_index("monthly_spend"), "monthly_spend", spend)

    made = preprocess_data(table_of(table))

    assert first(made)["monthly_spend"] == 50.0
    assert counts(made) == {"monthly_spend is from 0 to 100,000": (1, 0)}


def test_an_activity_after_the_snapshot_is_impossible(table_of):
    made = preprocess_data(table_of(small(last_active_on=date(2026, 7, 1))))

    assert first(made)["days_since_active"] == 5
    assert counts(made) == {"days_since_active is from 0 to 3,650": (1, 0)}


def test_a_missing_total_is_what_is_paid_now_for_as_long_as_the_customer_stayed(table_of):
    made = preprocess_data(table_of(small(total_spend=None, tenure_months=3)))

    assert first(made)["total_spend"] == 150.0


def test_missing_values_are_counted_for_each_customer(table_of):
    made = preprocess_data(table_of(small(age=None, contract_type="for life", last_active_on=None)))

    frame = made["customers"].to_pandas().set_index("customer_id")
    assert frame.loc[1, "missing_values"] == 3
    assert frame["missing_values"].sum() == 3


def test_of_a_customer_who_comes_twice_the_newest_row_is_kept(table_of):
    newer = small(age=41).head(1).assign(last_active_on=date(2026, 6, 29))
    older = small(age=39, last_active_on=date(2026, 5, 30)).head(1)
    older["snapshot_date"] = date(2026, 5, 31)
    frame = pd.concat([older, small(), newer])

    made = preprocess_data(table_of(frame))

    customers = made["customers"].to_pandas()
    assert customers["customer_id"].tolist() == list(range(1, 41))
    assert first(made)["age"] == 41
    assert counts(made) == {"customer_id is unique": (2, 0)}


@pytest.mark.parametrize(
    ("column", "value"),
    [("customer_id", None), ("snapshot_date", None), ("churned", None), ("churned", 2)],
)
def test_a_row_without_key_day_or_target_is_dropped(table_of, column, value):
    frame = small(**{column: value})
    if column in ("customer_id", "churned"):
        frame[column] = frame[column].astype("Int64")

    made = preprocess_data(table_of(frame))

    assert made["customers"].count().to_pyarrow().as_py() == 39
    assert made["quality"].metrics["rows_after"] == 39
    assert counts(made)["customer_id, snapshot date and a churned of 0 or 1 are there"] == (1, 0)


def test_flags_follow_from_what_was_learned(preprocessed):
    frame = preprocessed["customers"].to_pandas()
    found = preprocessed["statistics"]

    high = frame["monthly_spend"] >= found.high_value_from
    low = frame["monthly_sessions"] <= found.low_engagement_up_to
    assert (frame["is_high_value"] == high).all()
    assert (frame["is_new_customer"] == (frame["tenure_months"] <= 3)).all()
    assert (frame["is_low_engagement"] == low).all()
    for flag in ("is_high_value", "is_new_customer", "is_low_engagement"):
        assert 0.05 < frame[flag].mean() < 0.4


def test_the_report_says_what_was_there_and_that_nothing_is_left(preprocessed, generated):
    metrics = preprocessed["quality"].metrics

    idle_and_others = generated.drop(columns=["customer_id", "snapshot_date", "churned"])
    assert metrics["rows_before"] == metrics["rows_after"] == 20_000
    assert metrics["missing_values"] == idle_and_others.isna().sum().sum()
    assert metrics["impossible_values"] > 0
    assert metrics["outliers"] > 0
    assert metrics["broken_rules_after"] == 0


def test_what_was_learned_survives_json(preprocessed):
    """It is saved as a document, and later read back as the same class."""
    for name, kind in (("statistics", PreprocessStatistics), ("split_rule", SplitRule)):
        text = msgspec.json.encode(preprocessed[name])

        assert msgspec.json.decode(text, type=kind) == preprocessed[name]


def test_a_column_without_any_usable_value_is_named(table_of):
    frame = small().assign(age=pd.array([None] * 40, "Int32"))

    with pytest.raises(StatisticsError, match="usable value in age"):
        preprocess_data(table_of(frame))


@pytest.mark.parametrize("quantile", [0.5, 1.01, -1])
def test_a_cap_below_the_middle_is_refused(table_of, quantile):
    with pytest.raises(ValueError, match=r"give a share above 0\.5"):
        preprocess_data(table_of(small()), cap_quantile=quantile)


def test_a_lower_cap_caps_more(generated, table_of, preprocessed):
    made = preprocess_data(table_of(generated), cap_quantile=0.9)

    before, after = (each["customers"].to_pandas() for each in (preprocessed, made))
    assert made["statistics"].cap_quantile == 0.9
    assert after["monthly_spend"].max() < before["monthly_spend"].max()
    assert np.isclose(after["monthly_spend"].max(), made["statistics"].caps["monthly_spend"])
