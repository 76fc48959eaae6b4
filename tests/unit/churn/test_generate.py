"""Customers are random, yet always the same ones; and they are like customers."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from src.nodes.node_01_generate_data import generate_sample_data
from src.population import BLOCK


@pytest.mark.parametrize("batch_size", [1_000, 7_777, 20_000, 65_536, 1_000_000])
def test_any_batch_size_gives_the_same_rows(batch_size):
    expected = generate_sample_data(num_customers=45_000, seed=3).read_all()

    made = generate_sample_data(num_customers=45_000, seed=3, batch_size=batch_size)
    batches = list(made)

    assert pa.Table.from_batches(batches).equals(expected)
    assert {batch.num_rows for batch in batches[:-1]} <= {batch_size}
    assert 0 < batches[-1].num_rows <= batch_size


@pytest.mark.parametrize("rows", [1, 50, 1_000, BLOCK - 1, BLOCK, BLOCK + 1])
def test_the_first_customers_are_the_same_however_many_follow(rows):
    many = generate_sample_data(num_customers=2 * BLOCK, seed=5).read_all()

    few = generate_sample_data(num_customers=rows, seed=5).read_all()

    assert few.equals(many.slice(0, rows))


def test_another_seed_makes_other_customers():
    one, other = (generate_sample_data(num_customers=500, seed=seed).read_all() for seed in (1, 2))

    assert not one.drop_columns(["customer_id", "snapshot_date"]).equals(
        other.drop_columns(["customer_id", "snapshot_date"])
    )


def test_rows_are_made_while_they_are_read():
    """Ten thousand million customers would fit nowhere."""
    reader = generate_sample_data(num_customers=10_000_000_000)

    assert reader.read_next_batch().num_rows == 65_536


@pytest.mark.parametrize("seed", [0, 42, 99])
def test_twelve_percent_leave(seed):
    made = generate_sample_data(num_customers=100_000, seed=seed).read_pandas()

    assert made["churned"].mean() == pytest.approx(0.12, abs=0.003)
    assert made["churned"].isin((0, 1)).all()


def test_a_customer_has_nine_features_beside_key_date_and_target(generated):
    others = {"customer_id", "snapshot_date", "churned"}

    assert len(set(generated.columns) - others) == 9
    assert generated["customer_id"].tolist() == list(range(1, 20_001))
    assert generated["snapshot_date"].nunique() == 1


def test_some_values_are_missing_and_never_the_key_or_the_target(generated):
    missing = generated.isna().mean()

    assert missing[["customer_id", "snapshot_date", "churned"]].eq(0).all()
    assert missing[["age", "total_spend", "monthly_sessions", "last_active_on"]].gt(0.005).all()
    assert missing.max() < 0.05


def test_some_values_are_far_off_and_some_impossible(generated):
    spend = generated["monthly_spend"]

    assert (spend > 10 * spend.median()).sum() > 5
    assert (spend < 0).any()
    assert (generated["age"] > 120).any()
    assert (generated["num_products"] == 0).any()
    assert (pd.to_datetime(generated["last_active_on"]) > pd.Timestamp("2026-06-30")).any()


def test_who_leaves_depends_on_what_one_would_expect(generated):
    idle = (
        pd.to_datetime(generated["snapshot_date"]) - pd.to_datetime(generated["last_active_on"])
    ).dt.days

    def rate(condition: pd.Series) -> float:
        return float(generated.loc[condition, "churned"].mean())

    contract, tickets = generated["contract_type"], generated["support_tickets"]
    assert rate(contract == "month_to_month") > 3 * rate(contract == "two_year")
    assert rate(tickets >= 3) > 2 * rate(tickets == 0)
    assert rate(generated["tenure_months"] < 6) > 2 * rate(generated["tenure_months"] > 48)
    assert rate(generated["monthly_sessions"] < 5) > 2 * rate(generated["monthly_sessions"] > 20)
    assert rate(idle > 30) > 2 * rate(idle < 7)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"num_customers": 0}, "num_customers is 0; give at least 1"),
        ({"batch_size": 0}, "batch_size is 0; give at least 1"),
        ({"seed": -1}, "seed is -1; give at least 0"),
    ],
)
def test_a_number_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        generate_sample_data(**wrong)
