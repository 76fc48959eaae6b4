"""Lineage through the official clients: what was made of what, up and down."""

from __future__ import annotations

import contextlib
import json
import uuid

import pytest

feature_store = pytest.importorskip("snowflake.ml.feature_store")
registry_module = pytest.importorskip("snowflake.ml.registry")
linear = pytest.importorskip("sklearn.linear_model")
from snowflake.ml.dataset import Dataset
from snowflake.ml.feature_store import CreationMode, Entity, FeatureView
from snowflake.ml.lineage import LineageNode
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def session(snowflake_connection):
    """One session for the module, in a database of its own."""
    import snowflake.connector

    name = f"T_{uuid.uuid4().hex[:12]}".upper()
    opened = snowflake.connector.connect(**snowflake_connection)
    with contextlib.closing(opened):
        opened.cursor().execute(f"create database {name}")
        place = {**snowflake_connection, "database": name, "schema": "PUBLIC"}
        made = Session.builder.configs(place).create()
        yield made
        made.close()
        opened.cursor().execute(f"drop database {name}")


@pytest.fixture(scope="module")
def place(session):
    return session.get_current_database().strip('"') + ".PUBLIC"


@pytest.fixture(scope="module")
def views(session, place):
    """A managed and a static feature view, each on a table of its own."""
    session.sql("create table spend (id int, ts timestamp_ntz, spend float)").collect()
    session.sql(
        "insert into spend select seq4(), '2024-01-01', seq4() "
        "from table(generator(rowcount => 20))"
    ).collect()
    session.sql("create table plan as select id, ts, id % 2 as pro from spend").collect()
    store = feature_store.FeatureStore(
        session,
        place.split(".")[0],
        "STORE",
        session.get_current_warehouse().strip('"'),
        creation_mode=CreationMode.CREATE_IF_NOT_EXIST,
    )
    entity = store.register_entity(Entity("CUSTOMER", ["ID"]))
    found = []
    for name, table, lag in (("SPENT", "spend", "1 hour"), ("PLANNED", "plan", None)):
        frame = session.table(f"{place}.{table}")
        view = FeatureView(name, [entity], frame, timestamp_col="TS", refresh_freq=lag)
        found.append(store.register_feature_view(view, "v1"))
    session.use_schema(place)
    return store, found


@pytest.fixture(scope="module")
def made(session, place, views):
    """A pipeline: the feature views, a dataset of them, a model of the dataset."""
    store, registered = views
    session.sql("create table spine as select id, ts, id % 3 = 0 as y from spend").collect()
    dataset = store.generate_dataset(
        name=f"{place}.TRAIN",
        spine_df=session.table(f"{place}.spine"),
        features=registered,
        version="v1",
        spine_timestamp_col="TS",
        spine_label_cols=["Y"],
    )
    session.use_schema(place)
    rows = dataset.read.to_snowpark_dataframe().select("SPEND", "PRO")
    frame = rows.to_pandas()
    model = linear.LogisticRegression().fit(frame, [True, False] * (len(frame) // 2))
    version = registry_module.Registry(session).log_model(
        model,
        model_name="CHURN",
        version_name="V1",
        sample_input_data=rows,
        options={"enable_explainability": False},
    )
    return {"views": registered, "dataset": dataset, "model": version}


def nodes(found):
    """Return what is told of each node, whatever class it was loaded as."""
    return sorted(
        (node._lineage_node_domain, node._lineage_node_name.split(".")[-1]) for node in found
    )


def trace(session, name, domain, direction, distance=1, **rest):
    rows = session.lineage.trace(name, domain, direction=direction, distance=distance, **rest)
    end = "TARGET_OBJECT" if direction == "downstream" else "SOURCE_OBJECT"
    found = []
    for row in rows.collect():
        one = json.loads(row[end])
        name = one["name"].split(".")[-1]
        found.append((row["DISTANCE"], one["domain"], name, one["status"]))
    return sorted(found)


def test_a_model_leads_up_to_its_dataset(made):
    (dataset,) = made["model"].lineage(direction="upstream")

    assert isinstance(dataset, Dataset)
    assert dataset.fully_qualified_name == made["dataset"].fully_qualified_name
    assert dataset.selected_version.name == "v1"
    assert made["model"].lineage(direction="downstream") == []


def test_a_dataset_leads_up_to_feature_views_and_down_to_models(made):
    up = made["dataset"].lineage(direction="upstream")
    (model,) = made["dataset"].lineage(direction="downstream")

    assert nodes(up) == [("feature_view", "PLANNED"), ("feature_view", "SPENT"), ("table", "SPINE")]
    views = [node for node in up if isinstance(node, FeatureView)]
    assert {str(view.version) for view in views} == {"v1"}
    assert (model.model_name, model.version_name) == ("CHURN", "V1")


def test_a_domain_filter_leaves_the_others_out(made):
    kept = made["dataset"].lineage(direction="upstream", domain_filter={"table"})

    assert nodes(kept) == [("table", "SPINE")]


@pytest.mark.parametrize(("at", "table"), [(0, "SPEND"), (1, "PLAN")])
def test_a_feature_view_leads_up_to_its_table_and_down_to_the_dataset(made, at, table):
    view = made["views"][at]

    assert nodes(view.lineage(direction="upstream")) == [("table", table)]
    assert nodes(view.lineage(direction="downstream")) == [("dataset", "TRAIN")]


def test_from_a_table_all_the_way_to_the_model(made, session, place):
    found = trace(session, f"{place}.SPEND", "table", "downstream", distance=4)

    assert (1, "FEATURE_VIEW", "SPENT", "ACTIVE") in found
    assert (1, "TABLE", "PLAN", "ACTIVE") in found
    assert (2, "DATASET", "TRAIN", "ACTIVE") in found
    assert (3, "MODEL", "CHURN", "ACTIVE") in found


def test_get_lineage_tells_it_by_sql(made, session, place):
    def told(*arguments):
        text = ", ".join(repr(one) for one in arguments)
        return session.sql(
            "select source_object_name, target_object_domain, target_object_name, "
            "target_object_version, target_status, distance "
            f"from table(snowflake.core.get_lineage({text})) order by distance, 1, 3"
        ).collect()

    down = told(f"{place}.SPEND", "TABLE", "DOWNSTREAM")
    up = told(f"{place}.CHURN", "MODULE", "UPSTREAM", 1, "V1")

    assert ("SPEND", "TABLE", "SPENT$v1", None, "ACTIVE", 1) in [tuple(row) for row in down]
    assert ("SPENT$v1", "DATASET", "TRAIN", "v1", "ACTIVE", 2) in [tuple(row) for row in down]
    assert ("TRAIN", "MODULE", "CHURN", "V1", "ACTIVE", 3) in [tuple(row) for row in down]
    assert [tuple(row) for row in up] == [("TRAIN", "MODULE", "CHURN", "V1", "ACTIVE", 1)]
    assert told(f"{place}.CHURN", "MODULE", "UPSTREAM", 1) == up
    for wrong in (
        (f"{place}.SPEND", "TABLE", "SIDEWAYS"),
        (f"{place}.SPEND", "TABLE", "UPSTREAM", 6),
        (f"{place}.SPEND", "PIPE", "UPSTREAM"),
        (f"{place}.NONE", "TABLE", "UPSTREAM"),
    ):
        with pytest.raises(SnowparkSQLException):
            told(*wrong)


def test_tables_and_views_that_statements_fill_and_define(session, place):
    for sql in (
        "create table base (x int)",
        "create view above as select * from base",
        "create table copied as select x from above",
        "create table filled (x int)",
        "insert into filled with b as (select * from base) select * from b",
        "create table merged (x int)",
        "merge into merged using copied on merged.x = copied.x "
        "when not matched then insert (x) values (copied.x)",
        "create table cloned clone base",
        "create or replace temporary table passing as select * from base",
        "insert into base values (1)",
        "create table if not exists base as select * from merged",
    ):
        session.sql(sql).collect()

    below = trace(session, f"{place}.BASE", "table", "downstream", distance=3)

    assert below == [
        (1, "TABLE", "CLONED", "ACTIVE"),
        (1, "TABLE", "FILLED", "ACTIVE"),
        (1, "VIEW", "ABOVE", "ACTIVE"),
        (2, "TABLE", "COPIED", "ACTIVE"),
        (3, "TABLE", "MERGED", "ACTIVE"),
    ]
    assert trace(session, f"{place}.BASE", "table", "upstream") == []
    assert trace(session, f"{place}.ABOVE", "view", "upstream") == [(1, "TABLE", "BASE", "ACTIVE")]


def test_a_renamed_object_keeps_its_lineage_and_a_dropped_one_is_told(session, place):
    for sql in (
        "create table first (x int)",
        "create table second as select * from first",
        "create table third as select * from second",
        "alter table second rename to middle",
        "drop table third",
    ):
        session.sql(sql).collect()

    up = trace(session, f"{place}.MIDDLE", "table", "upstream")
    down = trace(session, f"{place}.MIDDLE", "table", "downstream")

    assert (up, down) == (
        [(1, "TABLE", "FIRST", "ACTIVE")],
        [(1, "TABLE", "THIRD", "DELETED")],
    )


def test_names_that_need_quotes(session, place):
    session.sql('create table "a b" (x int)').collect()
    session.sql('create table "c\\d" as select * from "a b"').collect()
    node = LineageNode(session, f'{place}."a b"', "table")

    (found,) = node.lineage(direction="downstream")

    assert found._lineage_node_name == f'{place}."c\\d"'
    assert found.lineage(direction="upstream") != []


def test_a_model_logged_with_a_query_leads_up_to_the_tables(session, place):
    session.sql(
        "create table small as select seq4() as a from table(generator(rowcount => 8))"
    ).collect()
    rows = session.table("small")
    model = linear.LinearRegression().fit(rows.to_pandas(), range(8))
    version = registry_module.Registry(session).log_model(
        model,
        model_name="LINE",
        sample_input_data=rows,
        options={"enable_explainability": False},
    )

    assert nodes(version.lineage(direction="upstream")) == [("table", "SMALL")]


def test_a_copy_of_a_model_leads_up_to_its_version(made, session, place):
    session.sql(f"create model {place}.COPIED with version W from model CHURN version V1").collect()
    copy = registry_module.Registry(session).get_model("COPIED").version("W")
    (model,) = copy.lineage(direction="upstream", domain_filter={"model"})

    assert (model.model_name, model.version_name) == ("CHURN", "V1")
    assert nodes(copy.lineage(direction="upstream", domain_filter={"dataset"})) == [
        ("dataset", "TRAIN")
    ]


def test_what_a_role_may_not_see_is_masked(session, place, snowflake_connection):
    role = f"R_{uuid.uuid4().hex[:8]}".upper()
    (user,) = session.sql("select current_user()").collect()[0]
    for sql in (
        "create table hidden (x int)",
        "create table shown as select * from hidden",
        f"create role {role}",
        f"grant role {role} to user {user}",
        f"grant usage on database {place.split('.')[0]} to role {role}",
        f"grant usage on schema {place} to role {role}",
        f"grant select on table shown to role {role}",
        f"grant usage on warehouse {session.get_current_warehouse()} to role {role}",
    ):
        session.sql(sql).collect()
    with Session.builder.configs({**snowflake_connection, "role": role}).create() as other:
        (masked,) = LineageNode(other, f"{place}.SHOWN", "table").lineage("upstream")
        with pytest.raises(SnowparkSQLException, match="does not exist or not authorized"):
            LineageNode(other, f"{place}.HIDDEN", "table").lineage()
        session.sql("revoke view lineage on account from role public").collect()
        try:
            with pytest.raises(SnowparkSQLException, match="VIEW LINEAGE"):
                LineageNode(other, f"{place}.SHOWN", "table").lineage()
        finally:
            session.sql("grant view lineage on account to role public").collect()
    session.sql(f"drop role {role}").collect()

    assert masked._lineage_node_status == "MASKED"
    assert "HIDDEN" not in masked._lineage_node_name


def test_what_is_not_there_or_not_known_is_refused(session, place):
    session.sql(f"create table {place}.here (x int)").collect()

    for asked, words in (
        ("nonsense", "nonsense"),
        (f'{{V(domain: TABLE, name:"{place}.NO_SUCH") {{}}}}', "NO_SUCH"),
        (f'{{V(domain: PIPE, name:"{place}.HERE") {{}}}}', "PIPE"),
        (f'{{V(domain: TABLE, name:"{place}.HERE") {{sideways: E()}}}}', "sideways"),
    ):
        text = f"select system$dgql('{asked}')"
        with pytest.raises(SnowparkSQLException, match=words):
            session.sql(text).collect()
