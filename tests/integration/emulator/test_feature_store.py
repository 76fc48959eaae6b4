"""The official FeatureStore, unmodified: entities, feature views, reads, training sets, datasets.

Feature views that a task refreshes by cron, and what needs tasks to be there, are in
``test_feature_store_tasks.py``.
"""

from __future__ import annotations

import json
from datetime import datetime

import pandas as pd
import pytest

feature_store = pytest.importorskip("snowflake.ml.feature_store")
from snowflake.ml.feature_store import CreationMode, Entity, FeatureView, FeatureViewStatus

pytestmark = pytest.mark.filterwarnings("ignore")

SPEND = [
    # id, from when it was known, spend
    (1, "2024-01-01 00:00:00", 10.0),
    (1, "2024-01-05 12:00:00", 20.0),
    (2, "2024-01-02 00:00:00", 5.0),
    (2, "2024-01-09 00:00:00", 7.5),
]
PLAN = [(1, "2024-01-02 00:00:00", "basic"), (2, "2024-01-03 00:00:00", "pro")]
SPINE = [
    (1, "2023-12-31 23:59:59", 0),
    (1, "2024-01-01 00:00:00", 1),
    (1, "2024-01-05 11:59:59", 0),
    (1, "2024-01-06 00:00:00", 1),
    (2, "2024-01-08 23:59:59", 0),
    (2, "2024-01-09 00:00:00", 1),
    (3, "2024-01-09 00:00:00", 0),
]


def _values(rows):
    return ", ".join(f"({', '.join(repr(value) for value in row)})" for row in rows)


@pytest.fixture
def tables(session):
    session.sql("create table spend (id int, ts timestamp_ntz, spend float)").collect()
    session.sql(f"insert into spend values {_values(SPEND)}").collect()
    session.sql("create table plan (id int, ts timestamp_ntz, plan varchar)").collect()
    session.sql(f"insert into plan values {_values(PLAN)}").collect()
    session.sql("create table spine (id int, ts timestamp_ntz, y int)").collect()
    session.sql(f"insert into spine values {_values(SPINE)}").collect()
    return session.get_current_database().strip('"')


@pytest.fixture
def warehouse(session):
    return session.get_current_warehouse().strip('"')


@pytest.fixture
def store(session, tables, warehouse):
    return feature_store.FeatureStore(
        session,
        tables,
        "FS",
        default_warehouse=warehouse,
        creation_mode=CreationMode.CREATE_IF_NOT_EXIST,
    )


@pytest.fixture
def customer(store):
    return store.register_entity(Entity("CUSTOMER", ["ID"], desc="who buys"))


@pytest.fixture
def frame(session, tables):
    return lambda table="spend": session.sql(f"select * from {tables}.public.{table}")


@pytest.fixture
def view(store, customer, frame):
    """Register a feature view; static unless it has a refresh frequency."""

    def call(name="SPEND_FV", table="spend", version="v1", **options):
        options = {"timestamp_col": "TS", "desc": "what they spend", **options}
        made = FeatureView(name, [customer], frame(table), **options)
        return store.register_feature_view(made, version)

    return call


def _sorted(frame):
    columns = ["ID", "TS"]
    return frame.sort_values(columns).reset_index(drop=True)


# The store and its entities.


def test_a_store_is_made_once_and_opened_again(session, store, tables, warehouse):
    again = feature_store.FeatureStore(session, tables, "FS", default_warehouse=warehouse)

    assert again.list_entities().collect() == []


def test_a_store_that_is_not_there_is_not_opened(session, tables, warehouse):
    with pytest.raises(ValueError, match="does not exist"):
        feature_store.FeatureStore(session, tables, "NO_STORE", default_warehouse=warehouse)


def test_a_store_needs_a_warehouse_that_stands(session, tables):
    with pytest.raises(ValueError, match="warehouse"):
        feature_store.FeatureStore(
            session,
            tables,
            "FS",
            default_warehouse="NO_SUCH",
            creation_mode=CreationMode.CREATE_IF_NOT_EXIST,
        )


def test_entities_are_listed_and_read(store, customer):
    store.register_entity(Entity("PAIR", ["A", '"b"'], desc="it's two"))

    found = {row["NAME"]: row for row in store.list_entities().collect()}
    pair = store.get_entity("PAIR")

    assert set(found) == {"CUSTOMER", "PAIR"}
    assert json.loads(found["PAIR"]["JOIN_KEYS"]) == ["A", "b"]
    assert pair.desc == "it's two"
    assert [str(key) for key in pair.join_keys] == ["A", '"b"']


def test_an_entity_is_described_anew(store, customer):
    store.update_entity("CUSTOMER", desc="new words")

    assert store.get_entity("CUSTOMER").desc == "new words"


def test_an_entity_in_use_cannot_be_deleted(store, view):
    view()

    with pytest.raises(ValueError, match="Cannot delete Entity"):
        store.delete_entity("CUSTOMER")


def test_an_entity_that_is_free_is_deleted(store, customer):
    store.delete_entity("CUSTOMER")

    assert store.list_entities().collect() == []
    with pytest.raises(ValueError, match="CUSTOMER"):
        store.get_entity("CUSTOMER")


# Feature views.


def test_a_static_view_is_registered_and_read_back(store, customer, frame):
    made = FeatureView("F", [customer], frame(), timestamp_col="TS", desc="d'oh")
    made.attach_feature_desc({"SPEND": "money of the month"})
    store.register_feature_view(made, "v1.2.0-rc")

    found = store.get_feature_view("F", "v1.2.0-rc")

    assert found.status == FeatureViewStatus.STATIC
    assert found.refresh_freq is None
    assert found.desc == "d'oh"
    assert {str(k): v for k, v in found.feature_descs.items()}["SPEND"] == "money of the month"
    assert [e.name for e in found.entities] == ["CUSTOMER"]
    assert str(found.timestamp_col).strip('"') == "TS"


def test_a_managed_view_is_registered_and_read_back(store, view, warehouse):
    view(refresh_freq="1 hour", cluster_by=["ID"])

    found = store.get_feature_view("SPEND_FV", "v1")

    assert found.status == FeatureViewStatus.ACTIVE
    assert found.refresh_freq == "1 hour"
    assert found.refresh_mode == "INCREMENTAL"
    assert str(found.warehouse) == warehouse
    assert [str(c) for c in found.cluster_by] == ["ID"]


def test_a_view_that_cannot_refresh_incrementally_warns_and_is_full(
    store, customer, session, tables
):
    now = "current_timestamp()::timestamp_ntz"
    query = session.sql(f"select id, ts, spend, {now} as seen from {tables}.public.spend")
    made = FeatureView("F", [customer], query, timestamp_col="TS", refresh_freq="1 hour")

    with pytest.warns(UserWarning, match="won't be incrementally refreshed"):
        store.register_feature_view(made, "v1")

    assert store.get_feature_view("F", "v1").refresh_mode == "FULL"


def test_views_are_listed(store, view):
    view()
    view("PLAN_FV", "plan", refresh_freq="1 day", desc="which plan")

    found = {row["NAME"]: row for row in store.list_feature_views().collect()}
    named = store.list_feature_views(feature_view_name="PLAN_FV").collect()
    of_customer = store.list_feature_views(entity_name="CUSTOMER").collect()

    assert set(found) == {"SPEND_FV", "PLAN_FV"}
    assert found["PLAN_FV"]["REFRESH_FREQ"] == "1 day"
    assert found["PLAN_FV"]["SCHEDULING_STATE"] == "ACTIVE"
    assert found["SPEND_FV"]["REFRESH_FREQ"] is None
    assert json.loads(found["SPEND_FV"]["ENTITIES"]) == ["CUSTOMER"]
    assert [row["NAME"] for row in named] == ["PLAN_FV"]
    assert len(of_customer) == 2


def test_a_table_that_is_no_feature_view_is_not_listed(store, view, session, tables):
    view()
    session.sql(f"create view {tables}.fs.other as select 1 as x").collect()

    assert len(store.list_feature_views().collect()) == 1


def test_registering_twice_gives_the_first(store, view):
    first = view()

    with pytest.warns(UserWarning, match="already exists"):
        second = view(desc="other words")

    assert second.desc == first.desc


def test_versions_stand_beside_each_other(store, view):
    view(version="v1")
    view(version="v2", refresh_freq="1 hour")

    found = {row["VERSION"] for row in store.list_feature_views().collect()}

    assert found == {"v1", "v2"}


def test_a_view_over_what_does_not_stand_is_refused(store, customer, session):
    with pytest.raises(Exception, match="does not exist"):
        made = FeatureView("F", [customer], session.sql("select * from nothing"))
        store.register_feature_view(made, "v1")


def test_a_view_is_read(store, view):
    for made in (view(), view("MANAGED", refresh_freq="1 hour")):
        found = _sorted(store.read_feature_view(made).to_pandas())

        assert found["SPEND"].tolist() == [10.0, 20.0, 5.0, 7.5]


def test_some_features_of_some_keys_are_read(store, view):
    made = view()

    found = store.read_feature_view(made, keys=[["2"]], feature_names=["SPEND"]).to_pandas()

    assert sorted(found["SPEND"]) == [5.0, 7.5]


def test_a_static_view_shows_new_rows_and_a_managed_one_waits(store, view, session, tables):
    static, managed = view(), view("MANAGED", refresh_freq="1 hour")
    session.sql(f"insert into {tables}.public.spend values (9, '2024-02-01', 1.0)").collect()
    before = [store.read_feature_view(one).count() for one in (static, managed)]

    store.refresh_feature_view(managed)

    assert before == [5, 4]
    assert store.read_feature_view(managed).count() == 5


def test_the_history_of_refreshes_is_told(store, view):
    made = view(refresh_freq="1 hour")
    store.refresh_feature_view(made)

    found = store.get_refresh_history(made).order_by("REFRESH_START_TIME").collect()
    verbose = store.get_refresh_history("SPEND_FV", "v1", verbose=True).collect()

    assert [(row["STATE"], row["REFRESH_ACTION"]) for row in found] == [
        ("SUCCEEDED", "INCREMENTAL"),
        ("SUCCEEDED", "NO_DATA"),
    ]
    assert {row["REFRESH_TRIGGER"] for row in verbose} == {"CREATION", "MANUAL"}


def test_a_managed_view_is_updated(store, view):
    made = view(refresh_freq="1 hour")

    store.update_feature_view(made.name, "v1", refresh_freq="3 hours", desc="other words")

    found = store.get_feature_view("SPEND_FV", "v1")
    assert (found.refresh_freq, found.desc) == ("3 hours", "other words")


def test_a_static_view_is_described_anew(store, view):
    view()

    store.update_feature_view("SPEND_FV", "v1", desc="it's other")

    assert store.get_feature_view("SPEND_FV", "v1").desc == "it's other"


# Joins.


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
            feature_store.Feature.sum("SPEND", "7d").alias("WEEK"),
            feature_store.Feature.count("SPEND", "30d").alias("TIMES"),
            feature_store.Feature.last_n("SPEND", "30d", n=2).alias("LAST"),
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


def test_the_stores_other_lists_are_empty(store):
    assert store.list_stream_sources().collect() == []
    assert store.list_feature_views().collect() == []
