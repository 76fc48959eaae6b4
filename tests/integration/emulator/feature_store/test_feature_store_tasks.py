"""The official FeatureStore where tasks are asked for: cron, suspend, overwrite, delete."""

from __future__ import annotations

import pytest

from tests.waiting import until

feature_store = pytest.importorskip("snowflake.ml.feature_store")
from snowflake.ml.feature_store import CreationMode, Entity, FeatureView, FeatureViewStatus

pytestmark = pytest.mark.filterwarnings("ignore")

NIGHTLY = "0 3 * * * UTC"


@pytest.fixture
def tables(session):
    session.sql("create table spend (id int, ts timestamp_ntz, spend float)").collect()
    session.sql(
        "insert into spend values (1, '2024-01-01', 10.0), (2, '2024-01-02', 5.0)"
    ).collect()
    return session.get_current_database().strip('"')


@pytest.fixture
def store(session, tables):
    return feature_store.FeatureStore(
        session,
        tables,
        "FS",
        default_warehouse=session.get_current_warehouse().strip('"'),
        creation_mode=CreationMode.CREATE_IF_NOT_EXIST,
    )


@pytest.fixture
def register(store, session, tables):
    customer = store.register_entity(Entity("CUSTOMER", ["ID"]))

    def call(refresh_freq=None, *, overwrite=False, name="SPEND_FV", version="v1", **options):
        frame = session.sql(f"select id, ts, spend from {tables}.public.spend")
        made = FeatureView(
            name, [customer], frame, timestamp_col="TS", refresh_freq=refresh_freq, **options
        )
        return store.register_feature_view(made, version, overwrite=overwrite)

    return call


def _tasks(session, tables):
    return {row["name"]: row for row in session.sql(f"show tasks in schema {tables}.fs").collect()}


def test_a_cron_view_gets_a_task_that_is_started(register, store, session, tables):
    register(NIGHTLY)

    task = _tasks(session, tables)["SPEND_FV$v1"]
    assert task["state"] == "started"
    assert task["schedule"] == f"USING CRON {NIGHTLY}"
    found = store.get_feature_view("SPEND_FV", "v1")
    assert (found.refresh_freq, found.status) == (NIGHTLY, FeatureViewStatus.ACTIVE)
    assert store.list_feature_views().collect()[0]["REFRESH_FREQ"] == NIGHTLY


def test_the_task_of_a_cron_view_refreshes_it(register, store, session, tables):
    made = register(NIGHTLY)
    session.sql(f"insert into {tables}.public.spend values (3, '2024-01-03', 1.0)").collect()

    session.sql(f'execute task {tables}.fs."SPEND_FV$v1"').collect()

    until(lambda: store.read_feature_view(made).count() == 3, "the task did not refresh the view")


def test_suspending_a_cron_view_suspends_its_task(register, store, session, tables):
    made = register(NIGHTLY)

    suspended = store.suspend_feature_view(made)
    state = _tasks(session, tables)["SPEND_FV$v1"]["state"]
    resumed = store.resume_feature_view("SPEND_FV", "v1")

    assert (suspended.status, state) == (FeatureViewStatus.SUSPENDED, "suspended")
    assert resumed.status == FeatureViewStatus.ACTIVE
    assert _tasks(session, tables)["SPEND_FV$v1"]["state"] == "started"


def test_a_managed_view_is_suspended_and_resumed(register, store):
    made = register("1 hour")

    assert store.suspend_feature_view(made).status == FeatureViewStatus.SUSPENDED
    assert store.get_feature_view("SPEND_FV", "v1").status == FeatureViewStatus.SUSPENDED
    assert store.resume_feature_view(made).status == FeatureViewStatus.ACTIVE


def test_a_view_changes_between_cron_and_duration(register, store, session, tables):
    register(NIGHTLY)

    store.update_feature_view("SPEND_FV", "v1", refresh_freq="2 hours")
    tasks = _tasks(session, tables)
    store.update_feature_view("SPEND_FV", "v1", refresh_freq="0 4 * * * UTC")

    assert tasks == {}
    assert store.get_feature_view("SPEND_FV", "v1").refresh_freq == "0 4 * * * UTC"
    assert _tasks(session, tables)["SPEND_FV$v1"]["schedule"] == "USING CRON 0 4 * * * UTC"


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("1 hour", "3 hours", FeatureViewStatus.ACTIVE),
        ("1 hour", None, FeatureViewStatus.STATIC),
        (None, "3 hours", FeatureViewStatus.ACTIVE),
        (NIGHTLY, "3 hours", FeatureViewStatus.ACTIVE),
        (None, None, FeatureViewStatus.STATIC),
    ],
)
def test_a_view_is_overwritten_by_another_kind(
    register, store, session, tables, before, after, status
):
    register(before, desc="old")

    register(after, overwrite=True, desc="new")

    found = store.get_feature_view("SPEND_FV", "v1")
    assert (found.desc, found.refresh_freq, found.status) == ("new", after, status)
    assert store.read_feature_view(found).count() == 2
    assert len(store.list_feature_views().collect()) == 1
    assert _tasks(session, tables) == {}


@pytest.mark.parametrize("refresh_freq", [None, "1 hour", NIGHTLY])
def test_a_view_is_deleted_with_all_that_belongs_to_it(
    register, store, session, tables, refresh_freq
):
    made = register(refresh_freq)

    store.delete_feature_view(made)

    assert store.list_feature_views().collect() == []
    assert _tasks(session, tables) == {}
    for kind in ("views", "dynamic tables"):
        assert session.sql(f"show {kind} like 'SPEND_FV%' in schema {tables}.fs").collect() == []
    store.delete_entity("CUSTOMER")


def test_one_version_is_deleted_and_the_other_stays(register, store):
    register(version="v1")
    register("1 hour", version="v2")

    store.delete_feature_view("SPEND_FV", "v1")

    assert [row["VERSION"] for row in store.list_feature_views().collect()] == ["v2"]
    with pytest.raises(ValueError, match="v1"):
        store.get_feature_view("SPEND_FV", "v1")


def test_an_append_only_view_keeps_a_snapshot_of_each_run(register, session, tables):
    register(NIGHTLY, append_only=True, refresh_mode="FULL")
    snapshots = f'select count(*) from {tables}.fs."SPEND_FV$v1$SNAPSHOTS"'
    before = session.sql(snapshots).collect()[0][0]

    session.sql(f'execute task {tables}.fs."SPEND_FV$v1"').collect()

    until(lambda: session.sql(snapshots).collect()[0][0] == before + 2, "no snapshot was kept")
