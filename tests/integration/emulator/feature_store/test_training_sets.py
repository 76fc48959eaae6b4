"""The official FeatureStore: training sets as of a moment, feature values, slices, datasets."""

from __future__ import annotations

import json
from datetime import datetime

import pandas as pd
import pytest

pytest.importorskip("snowflake.ml.feature_store")
from snowflake.ml.feature_store import Feature, FeatureView

from tests.integration.emulator.feature_store.purchases import SPEND, SPINE

pytestmark = pytest.mark.filterwarnings("ignore")


def _expected_spend():
    """The newest spend known at or before each moment of the spine, by hand."""
    found = []
    for key, moment, _ in SPINE:
        known = [(ts, spend) for one, ts, spend in SPEND if one == key and ts <= moment]
        found.append(max(known)[1] if known else None)
    return found


def _cells(frame, column):
    found = {}
    for row in frame.to_dict("records"):
        value = row[column]
        key = (int(row["ID"]), pd.Timestamp(row["TS"]).to_pydatetime())
        found[key] = None if pd.isna(value) else value
    return found


def _wanted(values):
    keys = [(key, datetime.fromisoformat(moment)) for key, moment, _ in SPINE]
    return dict(zip(keys, values, strict=True))


@pytest.mark.parametrize("refresh_freq", [None, "1 hour"])
def test_a_training_set_has_what_was_known_at_the_time(store, view, frame, refresh_freq):
    made = view(refresh_freq=refresh_freq)

    found = store.generate_training_set(
        frame("spine"), [made], spine_timestamp_col="TS", spine_label_cols=["Y"]
    ).to_pandas()

    assert _expected_spend() == [None, 10.0, 10.0, 20.0, 5.0, 7.5, None]
    assert _cells(found, "SPEND") == _wanted(_expected_spend())
    assert _cells(found, "Y") == _wanted([label for _, _, label in SPINE])


def test_a_training_set_joins_several_views(store, view, frame):
    views = [view(), view("PLAN_FV", "plan", refresh_freq="1 day")]

    found = store.generate_training_set(
        frame("spine"), views, spine_timestamp_col="TS", auto_prefix=True
    ).to_pandas()

    assert _cells(found, "SPEND_FV_v1_SPEND") == _wanted(_expected_spend())
    plans = [None, None, "basic", "basic", "pro", "pro", None]
    assert _cells(found, "PLAN_FV_v1_PLAN") == _wanted(plans)


def test_a_training_set_is_saved_as_a_table(store, view, frame, session, tables):
    saved = store.generate_training_set(
        frame("spine"), [view()], save_as="TRAIN", spine_timestamp_col="TS", spine_label_cols=["Y"]
    )

    kept = session.table(f"{tables}.FS.TRAIN").to_pandas()
    assert _cells(saved.to_pandas(), "SPEND") == _wanted(_expected_spend())
    assert _cells(kept, "SPEND") == _wanted(_expected_spend())


def test_tiles_are_added_up_over_the_windows_before_each_moment(store, customer, frame):
    """Feature views with aggregations keep a row for each day, and add them up when joined."""
    made = FeatureView(
        "TILED",
        [customer],
        frame(),
        timestamp_col="TS",
        refresh_freq="1 day",
        feature_granularity="1d",
        features=[
            Feature.sum("SPEND", "7d").alias("WEEK"),
            Feature.count("SPEND", "30d").alias("TIMES"),
            Feature.last_n("SPEND", "30d", n=2).alias("LAST"),
        ],
    )
    made = store.register_feature_view(made, "v1")

    found = store.generate_training_set(
        frame("spine"), [made], spine_timestamp_col="TS", join_method="cte"
    ).to_pandas()

    # Only days that have ended count: the spend of 2024-01-01 from the day after.
    assert _cells(found, "WEEK") == _wanted([0, 0, 10.0, 30.0, 5.0, 5.0, 0])
    assert _cells(found, "TIMES") == _wanted([0, 0, 1, 2, 1, 1, 0])
    last = {key: value and json.loads(value) for key, value in _cells(found, "LAST").items()}
    assert last == _wanted([None, None, [10.0], [10.0, 20.0], [5.0], [5.0], None])


def test_without_timestamps_the_join_is_by_key_alone(store, customer, session, tables):
    query = session.sql(f"select id, plan from {tables}.public.plan")
    made = store.register_feature_view(FeatureView("PLAIN", [customer], query), "v1")

    found = store.generate_training_set(
        session.sql(f"select distinct id from {tables}.public.spine"), [made]
    ).to_pandas()

    assert dict(zip(found["ID"], found["PLAN"], strict=True)) == {1: "basic", 2: "pro", 3: None}


def test_feature_values_are_retrieved_for_new_rows(store, view, session):
    made = view()
    spine = session.create_dataframe(
        [[1, datetime(2024, 1, 3)], [2, datetime(2024, 1, 3)]], schema=["ID", "TS"]
    )

    found = store.retrieve_feature_values(spine, [made], spine_timestamp_col="TS").to_pandas()

    assert dict(zip(found["ID"], found["SPEND"], strict=True)) == {1: 10.0, 2: 5.0}


def test_a_slice_gives_only_its_features(store, view, frame):
    made = view()

    found = store.generate_training_set(
        frame("spine"), [made.slice(["SPEND"])], spine_timestamp_col="TS", exclude_columns=["Y"]
    )

    assert sorted(found.columns) == ["ID", "SPEND", "TS"]


def test_a_dataset_keeps_the_training_set_and_its_views(store, view, frame):
    made = view(refresh_freq="1 hour")

    kept = store.generate_dataset(
        "TRAINING",
        frame("spine"),
        [made],
        version="v1",
        spine_timestamp_col="TS",
        spine_label_cols=["Y"],
        desc="for the model",
    )

    found = kept.read.to_pandas()
    assert _cells(found, "SPEND") == _wanted(_expected_spend())
    assert kept.selected_version.label_cols == ["Y"]
    views = store.load_feature_views_from_dataset(kept)
    assert [(str(one.name), one.version) for one in views] == [("SPEND_FV", "v1")]


def test_a_dataset_of_the_same_version_is_refused(store, view, frame):
    made = view()
    given = {"version": "v1", "spine_timestamp_col": "TS"}
    store.generate_dataset("TRAINING", frame("spine"), [made], **given)

    with pytest.raises(Exception, match="already exists"):
        store.generate_dataset("TRAINING", frame("spine"), [made], **given)
