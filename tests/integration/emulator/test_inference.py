"""Models over partitions, as services and in batch jobs.

No postponed annotations here: a custom model is checked by its own.
"""

import pytest

registry_module = pytest.importorskip("snowflake.ml.registry")
pytest.importorskip("sklearn.linear_model")

import pandas as pd
from snowflake.ml.model import custom_model, model_signature


class PerGroup(custom_model.CustomModel):
    """Fits nothing; says how many rows its partition has, and their mean."""

    @custom_model.partitioned_api
    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"ROWS": [len(frame)], "MEAN": [frame["X"].mean()]})


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
