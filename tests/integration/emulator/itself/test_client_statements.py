"""What the official clients send has the shapes of the golden files: an upgrade shows itself here.

``pytest tests/integration/emulator/itself/test_client_statements.py --record`` writes the files
anew; look at their difference, and teach the emulator what is new before committing it. These read
the emulator's own record, so no account can run them.
"""

from __future__ import annotations

import contextlib

import pandas as pd
import pytest
import snowflake.connector

from sf_ml_framework.emulator import Emulator
from tests.integration.emulator.client_shapes import differences, shape, shapes
from tests.waiting import until

pytestmark = pytest.mark.filterwarnings("ignore")
LOOKS = 600
"""So often is looked for what is recorded late, until the difference is told."""


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as started:
        yield started


def forget_what_was_asked(monkeypatch):
    """Take from the clients what they ask once in a process: another test may have been first."""
    packages = pytest.importorskip("snowflake.ml._internal.env_utils")
    platform = pytest.importorskip("snowflake.ml._internal.platform_capabilities")
    monkeypatch.setattr(packages, "_SNOWFLAKE_INFO_SCHEMA_PACKAGE_CACHE", {})
    monkeypatch.setattr(platform.PlatformCapabilities, "_instance", None)


@pytest.fixture
def sent(emulator, request, monkeypatch):
    """Return what a client sent since the test began, compared with its golden file."""
    forget_what_was_asked(monkeypatch)
    emulator.account.record.lines.clear()

    def compare(client):
        record = request.config.getoption("--record", default=False)
        told = []

        def alike():
            lines = list(emulator.account.record.lines)
            unknown = [line for line in lines if line["what"] in {"unknown", "fault"}]
            assert not unknown, unknown
            told.append(differences(client, shapes(lines), record=record))
            return record or not told[-1] or len(told) == LOOKS

        # A statement that runs by itself may be recorded a moment after its result is there.
        until(alike)
        return told[-1]

    return compare


@pytest.fixture
def session(emulator):
    from snowflake.snowpark import Session

    opened = Session.builder.configs(emulator.connection).create()
    opened.sql("create or replace database shapes").collect()
    yield opened
    opened.close()


FRAME = pd.DataFrame({"ID": [1, 2], "NAME": ["a", None], "V": [0.5, 1.5]})


def test_the_connector(emulator, sent, tmp_path):
    from snowflake.connector.pandas_tools import write_pandas

    file = tmp_path / "f.csv"
    file.write_text("1,a\n")
    opened = snowflake.connector.connect(**emulator.connection)
    with contextlib.closing(opened) as connection:
        cursor = connection.cursor()
        cursor.execute("create or replace database shapes")
        write_pandas(connection, FRAME, "T", auto_create_table=True)
        cursor.execute("select * from t").fetch_pandas_all()
        cursor.executemany("insert into t (id) values (%s)", [(3,), (4,)])
        cursor.execute("create stage st")
        cursor.execute(f"put file://{file} @st")
        cursor.execute(f"get @st file://{tmp_path}")
        query = cursor.execute_async("select 1")["queryId"]
        cursor.get_results_from_sfqid(query)

    assert sent("connector") == ""


def test_snowpark(session, sent, tmp_path):
    file = tmp_path / "f.csv"
    file.write_text("1,a\n")
    made = session.create_dataframe([[1, "a"], [2, "b"]], schema=["ID", "NAME"])
    made.write.save_as_table("t")
    session.create_dataframe(FRAME).collect()
    session.write_pandas(FRAME, "P", auto_create_table=True)
    table = session.table("t")
    table.filter(table["ID"] > 1).group_by("NAME").count().to_pandas()
    table.cache_result().collect()
    table.create_or_replace_view("v")
    table.sample(n=1).collect()
    session.sql("create stage st").collect()
    session.file.put(str(file), "@st")
    session.file.get("@st", str(tmp_path))
    session.read.csv("@st")
    table.update({"NAME": "c"}, table["ID"] == 1)
    table.delete(table["ID"] == 1)

    assert sent("snowpark") == ""


def test_the_feature_store(session, sent):
    feature_store = pytest.importorskip("snowflake.ml.feature_store")
    session.sql("create table spend (id int, ts timestamp_ntz, v float)").collect()
    store = feature_store.FeatureStore(
        session,
        "SHAPES",
        "FS",
        default_warehouse="COMPUTE_WH",
        creation_mode=feature_store.CreationMode.CREATE_IF_NOT_EXIST,
    )
    entity = store.register_entity(feature_store.Entity("C", ["ID"], desc="d"))
    frame = session.sql("select * from shapes.public.spend")
    made = {
        "FIXED": {"refresh_freq": None},
        "MANAGED": {"refresh_freq": "1 hour"},
    }
    views = [
        store.register_feature_view(
            feature_store.FeatureView(name, [entity], frame, timestamp_col="TS", desc="d", **more),
            "v1",
        )
        for name, more in made.items()
    ]
    store.list_entities().collect()
    store.list_feature_views().collect()
    store.get_feature_view("FIXED", "v1")
    store.read_feature_view(views[0]).collect()
    store.suspend_feature_view(views[1])
    store.resume_feature_view(store.get_feature_view("MANAGED", "v1"))
    store.refresh_feature_view(store.get_feature_view("MANAGED", "v1"))
    spine = session.sql("select id, ts from shapes.public.spend")
    store.generate_training_set(spine, [views[0]], spine_timestamp_col="TS").collect()
    store.generate_dataset("ds", spine, [views[0]], version="v1", spine_timestamp_col="TS")
    for name in made:
        store.delete_feature_view(store.get_feature_view(name, "v1"))
    store.delete_entity("C")

    assert sent("feature_store") == ""


def test_task_graphs(session, sent):
    core = pytest.importorskip("snowflake.core")
    from snowflake.core.task.dagv1 import DAG, DAGOperation, DAGTask

    session.sql("use schema shapes.public").collect()
    root = core.Root(session)
    operation = DAGOperation(root.databases["SHAPES"].schemas["PUBLIC"])
    with DAG("GRAPH", schedule=None, warehouse="COMPUTE_WH") as graph:
        first = DAGTask("A", definition="select 1", warehouse="COMPUTE_WH")
        second = DAGTask("B", definition="select 2", warehouse="COMPUTE_WH")
        first >> second
    operation.deploy(graph, mode="orreplace")
    operation.run(graph)
    operation.get_current_dag_runs(graph)
    until(lambda: operation.get_complete_dag_runs(graph, error_only=False), "it did not end")
    list(operation.iter_dags(like="GRAPH"))
    operation.drop(graph)

    assert sent("task_graphs") == ""


def test_the_model_registry(session, sent):
    registry_module = pytest.importorskip("snowflake.ml.registry")
    linear = pytest.importorskip("sklearn.linear_model")
    session.sql("use schema shapes.public").collect()
    frame = pd.DataFrame({"A": [0.0, 1.0, 2.0, 3.0], "B": [1.0, 0.0, 1.0, 0.0]})
    fitted = linear.LogisticRegression().fit(frame, [0, 0, 1, 1])
    registry = registry_module.Registry(session)
    logged = registry.log_model(
        fitted,
        model_name="M",
        version_name="V1",
        sample_input_data=frame,
        metrics={"auc": 0.5},
        comment="c",
        target_platforms=["WAREHOUSE"],
        options={"enable_explainability": False},
    )
    registry.show_models()
    model = registry.get_model("M")
    model.show_versions()
    model.default = "V1"
    logged.set_alias("best")
    logged.set_metric("auc", 0.6)
    logged.show_functions()
    logged.run(frame, function_name="predict")
    registry.delete_model("M")

    assert sent("model_registry") == ""


def test_functions_and_procedures(session, sent):
    from snowflake.snowpark import functions as F
    from snowflake.snowpark import types as T

    session.sql("use schema shapes.public").collect()
    session.sql("create or replace stage functions").collect()
    kept = {"is_permanent": True, "stage_location": "@functions", "replace": True}

    class Twice:
        def process(self, x):
            yield (x,)
            yield (x,)

    plus = session.udf.register(
        lambda x: x + 1, name="plus", return_type=T.LongType(), input_types=[T.LongType()], **kept
    )
    table = session.udtf.register(
        Twice,
        output_schema=T.StructType([T.StructField("y", T.LongType())]),
        input_types=[T.LongType()],
    )
    summed = session.sproc.register(
        lambda session, x: x, name="same", return_type=T.LongType(), input_types=[T.LongType()]
    )
    frame = session.create_dataframe([[1], [2]], schema=["x"])
    frame.select(plus("x")).collect()
    frame.join_table_function(table("x").over(partition_by="x")).collect()
    summed(1)
    session.call("same", 2)
    frame.select(F.call_udf("plus", F.col("x"))).collect()

    assert sent("functions") == ""


def test_batch_inference(emulator, session, sent):
    registry_module = pytest.importorskip("snowflake.ml.registry")
    linear = pytest.importorskip("sklearn.linear_model")
    batch = pytest.importorskip("snowflake.ml.model.batch_inference")
    session.sql("use schema shapes.public").collect()
    session.sql("create or replace stage scored").collect()
    session.sql(
        "create compute pool batch_pool min_nodes = 1 max_nodes = 1 instance_family = CPU_X64_XS"
    ).collect()
    frame = pd.DataFrame({"A": [0.0, 1.0, 0.2, 0.8]})
    logged = registry_module.Registry(session).log_model(
        linear.LinearRegression().fit(frame, frame["A"]),
        model_name="BATCHED",
        version_name="V1",
        sample_input_data=frame,
        options={"enable_explainability": False},
    )
    # What the Registry sends has a file of its own, and part of it is sent once in a process.
    emulator.account.record.lines.clear()
    job = logged.run_batch(
        session.create_dataframe(frame),
        compute_pool="BATCH_POOL",
        output_spec=batch.OutputSpec(stage_location="@scored/out/"),
        function_name="predict",
        job_name="SHAPED_BATCH",
    )
    job.wait()
    session.sql("drop compute pool batch_pool").collect()

    assert sent("batch_inference") == ""


def test_ml_jobs(session, sent, tmp_path):
    jobs = pytest.importorskip("snowflake.ml.jobs")
    session.sql("use schema shapes.public").collect()
    file = tmp_path / "payload.py"
    file.write_text("__return__ = 1\n")
    session.sql(
        "create compute pool shapes_pool min_nodes = 1 max_nodes = 2 instance_family = CPU_X64_XS"
    ).collect()
    options = {"stage_name": "payload", "session": session}
    job = jobs.submit_file(
        str(file), "SHAPES_POOL", **options, name="SHAPED", target_instances=2, parallel=True
    )
    job.distributed_result()
    job.get_logs(instance_id=0)
    job.cancel()
    session.sql("create stage code").collect()
    session.file.put(str(file), "@code/src", auto_compress=False)
    plain = jobs.submit_from_stage(
        "@code/src", "SHAPES_POOL", **options, entrypoint="@code/src/payload.py", name="SHAPED"
    )
    plain.result()
    plain.show_logs()
    jobs.get_job(plain.id, session=session)
    jobs.list_jobs(session=session)
    jobs.delete_job(plain, session=session)
    session.sql("drop compute pool shapes_pool").collect()

    assert sent("ml_jobs") == ""


def test_lineage(session, sent):
    session.sql("use schema shapes.public").collect()
    session.sql("create table base (x int)").collect()
    session.sql("create view above as select * from base").collect()
    session.lineage.trace("SHAPES.PUBLIC.BASE", "table", direction="downstream").collect()
    session.lineage.trace("SHAPES.PUBLIC.ABOVE", "view", direction="upstream").collect()

    assert sent("lineage") == ""


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select  'a''b',\n 3.5e2", "select ?, #"),
        (
            'put file:///tmp/x @"SNOWPARK_TEMP_STAGE_AB12CD34EF"',
            'put file://~ @"SNOWPARK_TEMP_STAGE_~"',
        ),
        (
            "with M_INFERENCE_INPUT_ZJXYDTHKUU as (select TMP_RESULT_QWERTYUIOP)",
            "with M_INFERENCE_INPUT_~ as (select TMP_RESULT_~)",
        ),
        ("drop table SNOWPARK_TEMP_TABLE_ABCDEFGHIJ", "drop table SNOWPARK_TEMP_TABLE_~"),
        ("insert into t values (?, 1), (?, 2), (?, 3)", "insert into t values (?, #), .."),
        ("call f($$ {} $$, v1)", "call f(?, v1)"),
    ],
)
def test_a_shape_has_neither_values_nor_random_names(sql, expected):
    assert shape(sql) == expected
