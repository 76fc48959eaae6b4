"""A model, and what tells of its versions in the official registry."""

import pandas as pd
import pytest

from sf_ml_framework.manifest.model import DatasetSpec

xgboost = pytest.importorskip("xgboost")

from sf_ml_framework.places.snowflake.model_records import Origin

MODEL = DatasetSpec(name="churn_model", kind="model", description="Who leaves; it's a guess")
CURRENT = MODEL.version
FRAME = pd.DataFrame(
    {
        "age": pd.Series([20, 30, 40, 50] * 10, dtype="int32"),
        "spend": [0.5, 1.5, 2.5, 3.5] * 10,
        "is_new": [True, False] * 20,
    }
)
LABELS = [0, 0, 1, 1] * 10
ORIGIN = Origin(run_id="20260101-000000-aaaa", node="train_model", commit="abc123")


def trees(count=3):
    """A small model that carries its threshold, as the churn project's does."""
    model = xgboost.XGBClassifier(n_estimators=count, max_depth=2, n_jobs=1, random_state=1)
    model.fit(FRAME, LABELS)
    model.get_booster().set_attr(decision_threshold="0.25")
    return model


def versions(account, database):
    rows = account.rows(f"show versions in model {database}.ML.CHURN_MODEL")
    return {row["name"]: row for row in rows}


def default(store):
    return store.official.get_model("CHURN_MODEL").default
