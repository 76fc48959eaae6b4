"""Models over partitions, as services and in batch jobs.

No postponed annotations here: a custom model is checked by its own.
"""

import contextlib

import pytest

from tests.waiting import until

registry_module = pytest.importorskip("snowflake.ml.registry")
pytest.importorskip("sklearn.linear_model")

import pandas as pd
from snowflake.connector.errors import ProgrammingError
from snowflake.ml.model import custom_model, model_signature


class PerGroup(custom_model.CustomModel):
    """Fits nothing; says how many rows its partition has, and their mean."""

    @custom_model.partitioned_api
    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"ROWS": [len(frame)], "MEAN": [frame["X"].mean()]})


@pytest.fixture(autouse=True)
def logs(tmp_path, monkeypatch):
    """The client writes the logs of a deployment into the user's home."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def registry(session):
    return registry_module.Registry(session)


SIGNATURE = model_signature.ModelSignature(
    inputs=[model_signature.FeatureSpec("X", model_signature.DataType.DOUBLE)],
    outputs=[
        model_signature.FeatureSpec("ROWS", model_signature.DataType.INT64),
        model_signature.FeatureSpec("MEAN", model_signature.DataType.DOUBLE),
    ],
)


def test_a_partitioned_method_gets_one_partition_at_a_time(session, registry):
    version = registry.log_model(
        PerGroup(custom_model.ModelContext()),
        model_name="per_group",
        version_name="v1",
        signatures={"predict": SIGNATURE},
        conda_dependencies=["pandas"],
        options={
            "enable_explainability": False,
            "method_options": {"predict": {"function_type": "TABLE_FUNCTION"}},
        },
    )
    frame = session.create_dataframe([["a", 1.0], ["a", 2.0], ["b", 5.0]], schema=["K", "X"])

    made = version.run(frame, function_name="predict", partition_column="K")

    found = [tuple(row) for row in made.select("K", "ROWS", "MEAN").sort("K").collect()]
    assert found == [("a", 2, 1.5), ("b", 1, 5.0)]
    local = version.run(
        pd.DataFrame({"K": ["a", "a", "b"], "X": [1.0, 2.0, 5.0]}),
        function_name="predict",
        partition_column="K",
    )
    assert sorted(local["MEAN"]) == [1.5, 5.0]


def test_sql_runs_a_table_method_over_partitions(session, registry, run):
    registry.log_model(
        PerGroup(custom_model.ModelContext()),
        model_name="per_group",
        version_name="v1",
        signatures={"predict": SIGNATURE},
        conda_dependencies=["pandas"],
        options={
            "enable_explainability": False,
            "method_options": {"predict": {"function_type": "TABLE_FUNCTION"}},
        },
    )
    run("create table t as select 'a' as k, 1.0::float as x union all select 'b', 4.0")

    made = run(
        "select t.k, p.mean from t, table(model(per_group, v1)!predict(t.x) "
        "over (partition by t.k)) p order by t.k"
    )

    assert made == [("a", 1.0), ("b", 4.0)]


def test_a_method_is_called_in_sql_by_version_alias_and_default(session, registry, run):
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame({"A": [0.0, 1.0, 2.0]})
    for times in (1, 2, 3):
        made = registry.log_model(
            LinearRegression().fit(frame, frame["A"] * times),
            model_name="times",
            version_name=f"v{times}",
            sample_input_data=frame,
            target_platforms=["WAREHOUSE"],
            options={"enable_explainability": False},
        )
    made.set_alias("champion")

    found = run(
        "select model(times, v2)!predict(10.0):output_feature_0::int, "
        "model(times, champion)!predict(10.0):output_feature_0::int, "
        "times!predict(10.0):output_feature_0::int"
    )

    assert found == [(20, 30, 10)]


@pytest.fixture
def linear(registry):
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame({"A": [0.0, 1.0, 2.0, 3.0], "B": [1.0, 0.0, 1.0, 0.0]})
    model = LinearRegression().fit(frame, 2 * frame["A"] + 3 * frame["B"])
    return registry.log_model(
        model,
        model_name="linear",
        version_name="v1",
        sample_input_data=frame,
        conda_dependencies=["scikit-learn"],
        options={"enable_explainability": False},
    )


FRAME = pd.DataFrame({"A": [1.0, 2.0], "B": [1.0, 2.0]})


def test_a_model_is_a_service(linear, session, pool, run, database):
    linear.create_service(
        service_name="scorer", service_compute_pool=pool, ingress_enabled=True, block=True
    )

    made = linear.run(FRAME, function_name="predict", service_name="scorer")
    assert made.iloc[:, 0].round(6).tolist() == [5.0, 10.0]
    listed = linear.list_services()
    assert listed["name"].tolist() == [f"{database}.PUBLIC.SCORER"]
    assert listed["status"].tolist() == ["RUNNING"]
    assert listed["internal_endpoint"][0].endswith(":5000")
    assert run("show endpoints in service scorer")[0][:2] == ("inference", 5000)
    [(text,)] = run("select scorer!predict(1::float, 0::float)['output_feature_0']::float")
    assert round(text, 6) == 2.0
    with pytest.raises(Exception, match="already exists"):
        linear.create_service(service_name="scorer", service_compute_pool=pool, block=True)

    run("alter service scorer suspend")
    with pytest.raises(Exception, match="no instance that is ready"):
        run("select scorer!predict(1::float, 0::float)")
    run("alter service scorer resume")

    def scored():
        with contextlib.suppress(ProgrammingError):
            return run("select scorer!predict(1::float, 0::float)['output_feature_0']::float")

    [(again,)] = until(scored, "the service did not come back")
    assert round(again, 6) == 2.0
    with pytest.raises(ProgrammingError, match="does not exist"):
        run("select scorer!explain(1::float, 0::float)")
    linear.delete_service("scorer")
    assert linear.list_services().empty


def test_a_batch_job_writes_results_to_a_stage(linear, session, pool, run):
    from snowflake.ml.model.batch_inference import OutputSpec, SaveMode

    run("create stage results")
    frame = session.create_dataframe(FRAME)

    job = linear.run_batch(
        frame,
        compute_pool=pool,
        output_spec=OutputSpec(stage_location="@results/out/"),
        function_name="predict",
        job_name="scored",
    )
    job.wait()

    assert job.status == "DONE"
    made = session.read.parquet("@results/out/SCORED/").to_pandas().sort_values("A")
    assert made["output_feature_0"].round(6).tolist() == [5.0, 10.0]
    assert not [row for row in run("list @results") if "_snowflake_temporary" in row[0]]
    with pytest.raises(Exception, match="is not empty"):
        linear.run_batch(
            frame,
            compute_pool=pool,
            output_spec=OutputSpec(stage_location="@results/out/"),
            function_name="predict",
        )
    again = linear.run_batch(
        session.create_dataframe(FRAME.head(1)),
        compute_pool=pool,
        output_spec=OutputSpec(stage_location="@results/out/", mode=SaveMode.OVERWRITE),
        function_name="predict",
        job_name="again",
    )
    assert again.wait() == "DONE"
    made = session.read.parquet("@results/out/AGAIN/").to_pandas()
    assert len(made) == 1


def test_a_task_scores_the_rows_of_a_query(linear, session, pool, run, database):
    run("create stage results")
    run("create table t as select 1.0::float as a, 1.0::float as b")
    specification = "output: {stage_location: '@results/task/', mode: overwrite}"
    run(
        f"create task score schedule = '60 minutes' as execute inference job service in compute "
        f"pool {pool} with specification '{specification.replace(chr(39), chr(39) * 2)}' "
        f"from (select * from t) model = {database}.public.linear version = v1 "
        "function = 'predict' async = false replicas = 2"
    )
    run("execute task score")
    ended = (
        "select state, return_value, error_message from "
        "table(information_schema.task_history(task_name => 'SCORE')) "
        "where scheduled_from = 'EXECUTE_TASK' and state in ('SUCCEEDED', 'FAILED')"
    )
    found = until(lambda: run(ended), "the task did not end")

    assert found[0][0] == "SUCCEEDED", found
    made = session.read.parquet(found[0][1]).to_pandas()
    assert made["output_feature_0"].round(6).tolist() == [5.0]


def test_what_cannot_be_deployed_is_refused(linear, session, pool, run, database):
    with pytest.raises(ProgrammingError, match="unknown option 'colour'"):
        run(
            f"call system$deploy_model('models: [{{name: linear, version: V1}}]\\n"
            f"service: {{name: s, compute_pool: {pool}, colour: red}}')"
        )
    with pytest.raises(ProgrammingError, match="does not exist"):
        run(
            "call system$deploy_model('models: [{name: linear, version: V1}]\\n"
            "service: {name: s, compute_pool: nowhere}')"
        )
    with pytest.raises(ProgrammingError, match="does not exist"):
        run(
            f"call system$deploy_model('models: [{{name: linear, version: V9}}]\\n"
            f"service: {{name: s, compute_pool: {pool}}}')"
        )


def test_who_deploys_needs_each_grant(linear, session, pool, run, database):
    role = f"R_{database}"
    run(f"create role {role}")
    run(f"grant role {role} to role accountadmin")
    for right in (f"database {database}", f"schema {database}.public"):
        run(f"grant usage on {right} to role {role}")
    needed = (
        f"create service on schema {database}.public",
        f"usage on compute pool {pool}",
        f"usage on model {database}.public.linear",
    )
    for right in needed:
        run(f"grant {right} to role {role}")
    run("use secondary roles none")
    deploy = (
        f"call system$deploy_model('models: [{{name: linear, version: V1}}]\\n"
        f"service: {{name: s, compute_pool: {pool}}}')"
    )

    for right in needed:
        run(f"revoke {right} from role {role}")
        run(f"use role {role}")
        with pytest.raises(ProgrammingError) as refused:
            run(deploy)
        assert refused.value.errno in {2003, 3001}, right
        run("use role accountadmin")
        run(f"grant {right} to role {role}")
    run(f"use role {role}")
    run(deploy)
    run("use role accountadmin")
    assert [row[5] for row in run("show services like 'S'")]
    run("drop service s")
    run(f"drop role {role}")


def test_a_model_for_warehouses_alone_is_no_service(registry, session, pool, run):
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame({"A": [0.0, 1.0]})
    registry.log_model(
        LinearRegression().fit(frame, frame["A"]),
        model_name="inside",
        version_name="v1",
        sample_input_data=frame,
        conda_dependencies=["scikit-learn"],
        target_platforms=["WAREHOUSE"],
        options={"enable_explainability": False},
    )

    with pytest.raises(ProgrammingError, match="cannot run in Snowpark Container Services"):
        run(
            f"call system$deploy_model('models: [{{name: inside, version: V1}}]\\n"
            f"service: {{name: s, compute_pool: {pool}}}')"
        )
