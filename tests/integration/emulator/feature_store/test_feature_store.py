"""The official FeatureStore, unmodified: entities, feature views, reads, training sets, datasets.

Feature views that a task refreshes by cron, and what needs tasks to be there, are in
``test_feature_store_tasks.py``.
"""

from __future__ import annotations

import json

import pytest

feature_store = pytest.importorskip("snowflake.ml.feature_store")
from snowflake.ml.feature_store import CreationMode, Entity, FeatureView, FeatureViewStatus

pytestmark = pytest.mark.filterwarnings("ignore")


def _sorted(frame):
    columns = ["ID", "TS"]
    return frame.sort_values(columns).reset_index(drop=True)


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


def test_the_stores_other_lists_are_empty(store):
    assert store.list_stream_sources().collect() == []
    assert store.list_feature_views().collect() == []
