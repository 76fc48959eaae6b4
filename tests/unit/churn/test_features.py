"""Features are finite, described, and made of one row and of training statistics alone."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.cleaning import RANGES
from src.customers import CONTRACT_TYPES, KEY, SNAPSHOT, TARGET
from src.features.engineer import FEATURES, KEPT, engineer
from src.features.fitted import FeatureStatistics
from src.nodes.node_02_preprocess_data import preprocess_data
from src.nodes.node_03_feature_engineering import feature_engineering
from src.splitting import is_test

KNOWN = FeatureStatistics(
    rows=100,
    quartiles={
        "monthly_spend": (20.0, 30.0, 50.0),
        "monthly_sessions": (5.0, 10.0, 20.0),
        "support_tickets": (0.0, 1.0, 2.0),
        "tenure_months": (6.0, 16.0, 36.0),
    },
    contract_shares={"month_to_month": 0.5, "one_year": 0.3, "two_year": 0.2},
    contract_spend={"month_to_month": 40.0, "one_year": 32.0, "two_year": 25.0},
)
NOTHING = FeatureStatistics(
    rows=1,
    quartiles=dict.fromkeys(KNOWN.quartiles, (0.0, 0.0, 0.0)),
    contract_shares=dict.fromkeys(CONTRACT_TYPES, 0.0),
    contract_spend=dict.fromkeys(CONTRACT_TYPES, 1.0),
)
"""What a single customer who never paid or came would teach."""


def customer(**values: object) -> dict[str, object]:
    plain: dict[str, object] = {
        KEY: 1,
        SNAPSHOT: pd.Timestamp("2026-06-30").date(),
        "age": 46,
        "tenure_months": 24,
        "contract_type": "month_to_month",
        "monthly_spend": 60.0,
        "total_spend": 1200.0,
        "support_tickets": 3,
        "monthly_sessions": 4,
        "num_products": 2,
        "days_since_active": 45,
        "missing_values": 0,
        "is_high_value": True,
        "is_new_customer": False,
        "is_low_engagement": True,
        TARGET: 0,
    }
    return plain | values


def frame_of(*customers: dict[str, object]) -> pd.DataFrame:
    frame = pd.DataFrame(customers)
    whole = [name for name in frame if frame[name].dtype == "int64" and name != KEY]
    return frame.astype(dict.fromkeys(whole, "int32"))


@pytest.fixture(scope="module")
def preprocessed(generated, table_of):
    made = preprocess_data(table_of(generated))
    return table_of(made["customers"].to_pyarrow()), made["split_rule"]


@pytest.fixture(scope="module")
def engineered(preprocessed):
    return feature_engineering(*preprocessed)


def test_there_are_more_than_forty_new_features_each_described_once():
    names = [feature.name for feature in FEATURES]

    assert len(names) > 40
    assert len(set(names)) == len(names)
    assert not set(names) & set(KEPT)
    assert all(len(feature.description) > 10 for feature in FEATURES)
    assert len({feature.description for feature in FEATURES}) == len(names)


def test_columns_are_key_day_features_and_target(engineered):
    table = engineered["features"]

    assert list(table.columns) == [KEY, SNAPSHOT, *KEPT, *(f.name for f in FEATURES), TARGET]


def test_each_feature_has_the_type_that_it_declares(engineered):
    schema = engineered["features"].schema()

    kinds = {"float": "float64", "int32": "int32", "boolean": "boolean"}
    assert {f.name: str(schema[f.name]) for f in FEATURES} == {
        f.name: kinds[f.type] for f in FEATURES
    }


def test_no_value_is_missing_or_infinite_or_out_of_bounds(engineered):
    frame = engineered["features"].to_pandas()

    assert not frame.isna().any().any()
    for feature in FEATURES:
        values = frame[feature.name].astype(float)
        assert np.isfinite(values).all(), feature.name
        assert feature.minimum is None or values.min() >= feature.minimum, feature.name
        assert feature.maximum is None or values.max() <= feature.maximum, feature.name
        assert values.nunique() > 1, feature.name


def test_rows_stay_as_many_and_in_their_order(preprocessed, engineered):
    customers, _ = preprocessed

    keys = engineered["features"].customer_id.to_pyarrow()

    assert keys.equals(customers.customer_id.to_pyarrow())


extremes = st.fixed_dictionaries(
    {
        rule.column: st.sampled_from([rule.low, rule.low + 1, rule.high])
        if rule.column not in ("monthly_spend", "total_spend")
        else st.sampled_from([rule.low, 0.01, rule.high])
        for rule in RANGES
    }
    | {
        "contract_type": st.sampled_from(CONTRACT_TYPES),
        "is_high_value": st.booleans(),
        "is_new_customer": st.booleans(),
        "is_low_engagement": st.booleans(),
    }
)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(st.lists(extremes, min_size=50, max_size=50))
@pytest.mark.parametrize("statistics", [KNOWN, NOTHING])
def test_the_strangest_customer_still_has_finite_features(table_of, statistics, values):
    frame = frame_of(*(customer(**each) for each in values))

    made = engineer(table_of(frame), statistics).to_pandas()

    for feature in FEATURES:
        found = made[feature.name].astype(float)
        assert np.isfinite(found).all(), feature.name
        assert feature.minimum is None or found.min() >= feature.minimum, feature.name
        assert feature.maximum is None or found.max() <= feature.maximum, feature.name


EXPECTED = {
    "recency_score": math.exp(-45 / 30),
    "is_dormant": True,
    "inactive_share": 45 / (25 * 30),
    "recency_band": 3,
    "tenure_years": 2.0,
    "revenue_per_product": 30.0,
    "session_intensity": 2.0,
    "spend_per_session": 12.0,
    "average_monthly_spend": 50.0,
    "spend_trend": 1.2,
    "tickets_per_product": 1.5,
    "tickets_per_session": 0.6,
    "tickets_per_tenure_year": 1.0,
    "products_per_tenure_year": 2 / 3,
    "spend_per_year_of_age": 60 / 46,
    "tenure_share_of_life": 24 / (30 * 12),
    "log_monthly_spend": math.log(61),
    "log_total_spend": math.log(1201),
    "log_tenure": math.log(25),
    "monthly_spend_scaled": 1.0,
    "monthly_sessions_scaled": -0.4,
    "support_tickets_scaled": 1.0,
    "tenure_scaled": 8 / 30,
    "contract_is_monthly": True,
    "contract_is_one_year": False,
    "contract_is_two_year": False,
    "contract_label": 0,
    "contract_frequency": 0.5,
    "spend_vs_contract": 1.5,
    "age_band": 1,
    "age_is_under_30": False,
    "age_is_30_to_49": True,
    "age_is_50_to_64": False,
    "age_is_65_plus": False,
    "tenure_band": 2,
    "spend_quartile": 3,
    "sessions_quartile": 0,
    "monthly_contract_tickets": 3,
    "new_customer_tickets": 0,
    "disengaged_tickets": 3,
    "tenure_by_contract": 0,
    "products_by_sessions": 8,
    "spend_by_recency": 60 * math.exp(-45 / 30),
    "is_dormant_high_value": True,
    "is_disengaged_monthly": True,
    "recency_risk": 0.5,
    "support_risk": 0.6,
    "contract_risk": 1.0,
    "engagement_risk": 0.8,
    "risk_score": 0.35 + 0.125 + 0.12 + 0.16,
    "loyalty_score": (0 + 24 / 60 + math.exp(-45 / 30)) / 3,
    "risk_band": 3,
    "value_at_risk": 60 * 0.755,
}


def test_features_are_what_their_descriptions_say(table_of):
    made = engineer(table_of(frame_of(customer())), KNOWN).to_pandas().iloc[0]

    assert set(EXPECTED) == {feature.name for feature in FEATURES}
    for name, value in EXPECTED.items():
        # Each is rounded to four decimals; one that is made of another sees it rounded.
        assert made[name] == pytest.approx(value, abs=0.004), name


def test_the_target_is_in_no_feature(preprocessed, engineered):
    """Whoever leaves is known only afterwards: the same customers, all of them leaving."""
    customers, _ = preprocessed
    leaving = customers.mutate(churned=(1 - customers.churned).cast("int32"))

    before, after = (
        engineer(table, engineered["statistics"]).drop(TARGET).to_pyarrow()
        for table in (customers, leaving)
    )

    assert before.equals(after)


def test_a_customer_s_features_do_not_depend_on_the_others(preprocessed, engineered):
    customers, _ = preprocessed
    few = customers.filter(customers.customer_id % 97 == 0)

    alone = engineer(few, engineered["statistics"]).to_pyarrow()

    together = engineered["features"]
    assert alone.equals(together.filter(together.customer_id % 97 == 0).to_pyarrow())


def test_rows_for_testing_cannot_change_what_is_learned(preprocessed, engineered):
    customers, rule = preprocessed
    testing = is_test(customers, rule)
    changed = customers.mutate(
        monthly_spend=testing.ifelse(9_999.0, customers.monthly_spend),
        monthly_sessions=testing.ifelse(99_999, customers.monthly_sessions).cast("int32"),
        support_tickets=testing.ifelse(999, customers.support_tickets).cast("int32"),
        tenure_months=testing.ifelse(600, customers.tenure_months).cast("int32"),
        contract_type=testing.ifelse("two_year", customers.contract_type),
    )

    again = feature_engineering(changed, rule)

    assert again["statistics"] == engineered["statistics"]


def test_statistics_are_those_of_the_training_rows(preprocessed, engineered):
    customers, rule = preprocessed
    training = customers.filter(~is_test(customers, rule)).to_pandas()

    found = engineered["statistics"]

    assert found.rows == len(training)
    for name, quartiles in found.quartiles.items():
        assert quartiles == pytest.approx(training[name].quantile([0.25, 0.5, 0.75]).tolist())
    shares = training["contract_type"].value_counts(normalize=True)
    medians = training.groupby("contract_type")["monthly_spend"].median()
    assert found.contract_shares == pytest.approx(shares.to_dict(), abs=1e-6)
    assert found.contract_spend == pytest.approx(medians.to_dict(), abs=1e-6)


def test_statistics_survive_json(engineered):
    text = msgspec.json.encode(engineered["statistics"])

    assert msgspec.json.decode(text, type=FeatureStatistics) == engineered["statistics"]
