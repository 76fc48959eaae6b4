"""A feature store over tables of its own, an entity, and views of them."""

from __future__ import annotations

import pytest

feature_store = pytest.importorskip("snowflake.ml.feature_store")
from snowflake.ml.feature_store import CreationMode, Entity, FeatureView

from tests.integration.emulator.feature_store.purchases import PLAN, SPEND, SPINE


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
