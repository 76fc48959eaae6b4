"""The six functions as a pipeline."""

from churn import functions as step
from sf_ml_framework import DataCatalog, Dataset, NodeConfig, Project

CATALOG = DataCatalog(
    [
        Dataset(name="raw", join_keys=("customer_id",)),
        Dataset(name="clean", join_keys=("customer_id",)),
        Dataset(name="features", join_keys=("customer_id",)),
        Dataset(name="train", join_keys=("customer_id",)),
        Dataset(name="test", join_keys=("customer_id",)),
        Dataset(name="model", kind="model"),
        Dataset(name="scores", kind="document"),
    ]
)
PIPELINE = [
    NodeConfig(name="generate", function=step.generate, outputs="raw"),
    NodeConfig(name="preprocess", function=step.preprocess, inputs={"raw": "raw"}, outputs="clean"),
    NodeConfig(
        name="engineer", function=step.engineer, inputs={"clean": "clean"}, outputs="features"
    ),
    NodeConfig(
        name="split",
        function=step.split,
        inputs={"features": "features"},
        outputs=("train", "test"),
    ),
    NodeConfig(name="fit", function=step.fit, inputs={"train": "train"}, outputs="model"),
    NodeConfig(
        name="evaluate",
        function=step.evaluate,
        inputs={"model": "model", "test": "test"},
        outputs="scores",
    ),
]
PROJECT = Project(name="pandas_churn", pipeline=PIPELINE, catalog=CATALOG)
