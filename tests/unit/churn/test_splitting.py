"""The split is exact, and follows from key, target and seed alone."""

from __future__ import annotations

from hashlib import md5

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.splitting import SplitError, fit_split, is_test, sample_of_both, training_rows


def customers(zeros: int, ones: int) -> pd.DataFrame:
    rows = zeros + ones
    churned = pd.Series([0] * zeros + [1] * ones, dtype="int32")
    return pd.DataFrame({"customer_id": range(1, rows + 1), "churned": churned})


def digest(seed: int, key: int) -> str:
    return md5(f"{seed}:{key}".encode(), usedforsecurity=False).hexdigest()


def for_testing(frame: pd.DataFrame, fraction: float, seed: int) -> set[int]:
    """The definition, written down once more: the first of each class by digest."""
    found: set[int] = set()
    for _, part in frame.groupby("churned"):
        keys = sorted(part["customer_id"], key=lambda key: digest(seed, key))
        found |= set(keys[: min(max(int(len(keys) * fraction + 0.5), 1), len(keys) - 1)])
    return found


def put_aside(table: ibis.Table, rule) -> set[int]:
    return set(table.filter(is_test(table, rule)).customer_id.to_pyarrow().to_pylist())


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    zeros=st.integers(2, 400),
    ones=st.integers(2, 60),
    fraction=st.floats(0.001, 0.999),
    seed=st.integers(0, 10_000),
)
def test_the_first_of_each_class_by_digest_are_for_testing(table_of, zeros, ones, fraction, seed):
    frame = customers(zeros, ones)
    table = table_of(frame)

    rule = fit_split(table, test_fraction=fraction, seed=seed)

    assert put_aside(table, rule) == for_testing(frame, fraction, seed)
    assert rule.rows == zeros + ones
    assert rule.test_rows == len(for_testing(frame, fraction, seed))


def test_a_large_split_is_exact_in_each_class(table_of):
    """Here only digests near the last one are fetched; before, all were."""
    frame = customers(52_800, 7_200)
    table = table_of(frame)

    rule = fit_split(table, test_fraction=0.2, seed=42)

    assert [(each.label, each.test_rows) for each in rule.classes] == [(0, 10_560), (1, 1_440)]
    assert put_aside(table, rule) == for_testing(frame, 0.2, 42)


def test_a_last_digest_that_lies_far_off_is_still_found(table_of):
    """Keys whose digests all begin alike: bad luck of a kind that chance would never have."""
    keys = [key for key in range(1, 40_001) if digest(42, key) < "1"]
    frame = pd.DataFrame({"customer_id": keys, "churned": [key % 2 for key in keys]})
    table = table_of(frame)

    rule = fit_split(table, test_fraction=0.5, seed=42)

    assert put_aside(table, rule) == for_testing(frame, 0.5, 42)


def test_the_order_of_rows_and_the_other_columns_do_not_matter(table_of):
    frame = customers(300, 40)
    shuffled = frame.sample(frac=1, random_state=1).assign(age=30)

    rules = [fit_split(table_of(each), test_fraction=0.2, seed=1) for each in (frame, shuffled)]

    assert rules[0] == rules[1]


def test_another_seed_puts_others_aside(table_of):
    table = table_of(customers(300, 40))

    one, other = (
        put_aside(table, fit_split(table, test_fraction=0.2, seed=seed)) for seed in (1, 2)
    )

    assert len(one) == len(other) == 68
    assert one != other


def test_rows_for_training_are_all_that_are_not_for_testing(table_of):
    frame = customers(300, 40)
    table = table_of(frame)
    rule = fit_split(table, test_fraction=0.2, seed=1)

    found = set(training_rows(table, rule).customer_id.to_pyarrow().to_pylist())

    assert found == set(frame["customer_id"]) - put_aside(table, rule)


@pytest.mark.parametrize("at_most", [10, 500, 3_000, 4_000, 9_999])
def test_a_sample_of_training_rows_holds_none_for_testing(table_of, at_most):
    table = table_of(customers(4_400, 600))
    rule = fit_split(table, test_fraction=0.2, seed=1)

    found = training_rows(table, rule, at_most=at_most).customer_id.to_pyarrow().to_pylist()

    assert not set(found) & put_aside(table, rule)
    assert abs(len(found) - min(at_most, 4_000)) <= 5 * at_most**0.5


@pytest.mark.parametrize("at_most", [100, 999, 1_000, 2_500, 4_000, 9_999])
def test_a_sample_of_both_parts_keeps_them_apart(table_of, at_most):
    table = table_of(customers(4_400, 600))
    rule = fit_split(table, test_fraction=0.2, seed=1)

    found = sample_of_both(table, rule, at_most=at_most).to_pandas()

    testing = found["for_testing"]
    aside = put_aside(table, rule)
    assert set(found.loc[testing, "customer_id"]) <= aside
    assert not set(found.loc[~testing, "customer_id"]) & aside
    assert abs(testing.sum() - min(at_most, 1_000)) <= 5 * at_most**0.5
    assert abs((~testing).sum() - min(at_most, 4_000)) <= 5 * at_most**0.5
    if at_most >= 4_000:
        assert len(found) == 5_000


def test_a_class_of_one_customer_cannot_be_split(table_of):
    with pytest.raises(SplitError, match="churned is 1 for 1 customer alone"):
        fit_split(table_of(customers(10, 1)), test_fraction=0.2, seed=1)


def test_nobody_cannot_be_split(table_of):
    with pytest.raises(SplitError, match="no customer to split"):
        fit_split(table_of(customers(2, 2).head(0)), test_fraction=0.2, seed=1)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 20])
def test_a_fraction_that_is_none_is_refused(table_of, fraction):
    with pytest.raises(SplitError, match="give a share between 0 and 1"):
        fit_split(table_of(customers(10, 10)), test_fraction=fraction, seed=1)


def test_a_repeated_key_is_refused_where_it_would_shift_the_ranks(table_of):
    frame = pd.DataFrame({"customer_id": [1, 1, 1, 1], "churned": [0, 0, 0, 0]})

    with pytest.raises(SplitError, match="occurs more than once"):
        fit_split(table_of(frame), test_fraction=0.5, seed=1)
