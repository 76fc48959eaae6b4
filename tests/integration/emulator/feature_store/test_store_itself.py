"""The official FeatureStore: what is the store's own, and what needs its Online Service."""

from __future__ import annotations

import pytest

feature_store = pytest.importorskip("snowflake.ml.feature_store")
from snowflake.ml.feature_store import FeatureGroup, StreamSource
from snowflake.snowpark import types as T

pytestmark = pytest.mark.filterwarnings("ignore")

CLICKS = T.StructType([T.StructField("ID", T.LongType()), T.StructField("AT", T.TimestampType())])


def test_the_default_warehouse_is_changed_to_one_that_stands(store, view, session, tables):
    other = f"W_{tables}"
    # In a session the new warehouse is the one in use.
    session.sql(f"create warehouse {other}").collect()
    store.update_default_warehouse(other)

    assert view(refresh_freq="1 hour").refresh_freq == "1 hour"
    (made,) = session.sql(f"show dynamic tables in database {tables}").collect()
    assert made["warehouse"] == other
    session.sql(f"drop warehouse {other}").collect()
    with pytest.raises(ValueError, match="Cannot find warehouse"):
        store.update_default_warehouse("NO_SUCH_WAREHOUSE")


def test_stream_sources_are_registered_listed_changed_and_deleted(store):
    store.register_stream_source(StreamSource("CLICKS", CLICKS, desc="who clicked"))
    store.update_stream_source("CLICKS", desc="who clicked, and when")

    found = store.get_stream_source("CLICKS")
    (listed,) = store.list_stream_sources().collect()
    store.delete_stream_source("CLICKS")

    assert [field.name for field in found.schema.fields] == ["ID", "AT"]
    assert found.desc == listed["DESC"] == "who clicked, and when"
    assert store.list_stream_sources().collect() == []
    with pytest.raises(ValueError, match="CLICKS"):
        store.get_stream_source("CLICKS")


def test_a_feature_group_asks_for_views_that_are_online(store, view):
    made = view()

    with pytest.raises(ValueError, match="online=True"):
        store.register_feature_group(FeatureGroup(name="GROUP_1", features=[made]), "v1")

    assert store.list_feature_groups().collect() == []
    with pytest.raises(ValueError, match="is not registered"):
        store.get_feature_group("GROUP_1", "v1")


def test_a_store_is_set_up_by_one_call_and_closed(session, tables, warehouse):
    made = feature_store.setup_feature_store(session, tables, "FS_TWO", warehouse)

    assert made.list_entities().collect() == []
    made.close()
