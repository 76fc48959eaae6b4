"""The pipeline: which function makes which dataset of which."""

from __future__ import annotations

from sf_ml_framework import NodeConfig, Project
from telco.catalog import CATALOG
from telco.evaluation import evaluate_churn_model, measure_holdouts
from telco.nodes import clean_customers, make_features, split_customers
from telco.training import train_churn_model

# Shallow and slow, as is usual for few rows; one setting for the model and for what measures it.
SETTINGS = {"max_depth": 3, "learning_rate": 0.1}
TEST_SHARE = 0.2

PIPELINE = [
    NodeConfig(
        name="clean_customers",
        function=clean_customers,
        inputs={"raw": "raw_customers"},
        outputs=("customers", "cleaning_report"),
        compute_pool_size="XSMALL",
        memory_request="1Gi",
        timeout_minutes=10,
    ),
    NodeConfig(
        name="make_features",
        function=make_features,
        inputs={"customers": "customers"},
        outputs="features",
        compute_pool_size="XSMALL",
        memory_request="1Gi",
        timeout_minutes=10,
    ),
    NodeConfig(
        name="split_customers",
        function=split_customers,
        inputs={"features": "features"},
        outputs=("train_customers", "test_customers"),
        params={"test_share": TEST_SHARE, "seed": 42},
        compute_pool_size="XSMALL",
        memory_request="1Gi",
        timeout_minutes=10,
    ),
    NodeConfig(
        name="train_churn_model",
        function=train_churn_model,
        inputs={"train": "train_customers"},
        outputs=("churn_model", "training_report"),
        params={**SETTINGS, "seed": 42},
        timeout_minutes=15,
    ),
    NodeConfig(
        name="evaluate_churn_model",
        function=evaluate_churn_model,
        inputs={"model": "churn_model", "train": "train_customers", "test": "test_customers"},
        outputs="evaluation_report",
        timeout_minutes=15,
    ),
    NodeConfig(
        name="measure_holdouts",
        function=measure_holdouts,
        inputs={"features": "features"},
        outputs="holdout_report",
        params={**SETTINGS, "holdouts": 10, "test_share": TEST_SHARE},
        timeout_minutes=30,
    ),
]

PROJECT = Project(name="telco_churn", pipeline=PIPELINE, catalog=CATALOG)
