"""The churn pipeline: which nodes run, on which data, and on how large a machine."""

from sf_ml_framework import NodeConfig, Project
from src.nodes.node_01_generate_data import generate_sample_data
from src.nodes.node_02_preprocess_data import preprocess_data
from src.nodes.node_03_feature_engineering import feature_engineering
from src.nodes.node_04_train_test_split import train_test_split
from src.nodes.node_05_train_model import train_model
from src.nodes.node_06_evaluate_model import evaluate_model
from src.utils.data_catalog import CATALOG

PIPELINE = [
    NodeConfig(
        name="generate_sample_data",
        function=generate_sample_data,
        outputs="raw_customers",
        params={"num_customers": 100_000, "seed": 42},
        compute_pool_size="SMALL",
        memory_request="2Gi",
        cpu_request="1",
        timeout_minutes=30,
        tags=["data"],
    ),
    NodeConfig(
        name="preprocess_data",
        function=preprocess_data,
        inputs={"customers": "raw_customers"},
        outputs={
            "customers": "preprocessed_customers",
            "statistics": "preprocess_statistics",
            "split_rule": "split_rule",
            "quality": "data_quality_report",
        },
        params={"cap_quantile": 0.99, "test_fraction": 0.2, "seed": 42},
        compute_pool_size="SMALL",
        memory_request="2Gi",
        cpu_request="1",
        timeout_minutes=45,
        dependencies=["generate_sample_data"],
        tags=["data"],
    ),
    NodeConfig(
        name="feature_engineering",
        function=feature_engineering,
        inputs={"customers": "preprocessed_customers", "split_rule": "split_rule"},
        outputs={"features": "customer_features", "statistics": "feature_statistics"},
        compute_pool_size="MEDIUM",
        memory_request="4Gi",
        cpu_request="2",
        timeout_minutes=60,
        dependencies=["preprocess_data"],
        tags=["data"],
    ),
    NodeConfig(
        name="train_test_split",
        function=train_test_split,
        inputs={"features": "customer_features", "split_rule": "split_rule"},
        outputs={"train": "train_set", "test": "test_set", "quality": "split_report"},
        compute_pool_size="SMALL",
        memory_request="2Gi",
        cpu_request="1",
        timeout_minutes=30,
        dependencies=["feature_engineering"],
        tags=["data"],
    ),
    NodeConfig(
        name="train_model",
        function=train_model,
        inputs={"train": "train_set"},
        outputs={"model": "churn_model", "report": "training_report"},
        params={"n_trials": 10, "folds": 3, "seed": 42},
        compute_pool_size="LARGE",
        memory_request="8Gi",
        cpu_request="4",
        timeout_minutes=120,
        dependencies=["train_test_split"],
        tags=["model"],
    ),
    NodeConfig(
        name="evaluate_model",
        function=evaluate_model,
        inputs={"model": "churn_model", "train": "train_set", "test": "test_set"},
        outputs="evaluation_report",
        params={"bootstrap": 500, "shap_rows": 2000, "seed": 42},
        compute_pool_size="MEDIUM",
        memory_request="4Gi",
        cpu_request="2",
        timeout_minutes=60,
        dependencies=["train_model"],
        tags=["model"],
    ),
]

PROJECT = Project(name="customer_churn", pipeline=PIPELINE, catalog=CATALOG)
