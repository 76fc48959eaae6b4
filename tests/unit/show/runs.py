"""A churn pipeline and a run of it, made up, in the size and shape of a real one."""

from __future__ import annotations

from hashlib import sha256

from sf_ml_framework import Report
from sf_ml_framework.manifest.model import (
    FORMAT,
    DatasetSpec,
    InputSpec,
    Manifest,
    NodeSpec,
    OutputSpec,
)
from sf_ml_framework.run.records import NodeRun, Reason, RunRecord, Saved

_NODES = {
    "generate_sample_data": ([], ["raw_customers"]),
    "preprocess_data": (
        ["raw_customers"],
        ["preprocessed_customers", "preprocess_statistics", "data_quality"],
    ),
    "feature_engineering": (
        ["preprocessed_customers", "preprocess_statistics"],
        ["customer_features"],
    ),
    "train_test_split": (["customer_features", "raw_customers"], ["train_data", "test_data"]),
    "train_model": (["train_data"], ["churn_model", "training_report"]),
    "evaluate_model": (["churn_model", "test_data", "holidays"], ["evaluation_report"]),
}
_KINDS = {
    "preprocess_statistics": "document",
    "data_quality": "report",
    "churn_model": "model",
    "training_report": "report",
    "evaluation_report": "report",
}
_ROWS = {"preprocess_statistics": None, "churn_model": None, "train_data": 80000,
         "test_data": 20000, "holidays": 365}  # fmt: skip


def manifest(nodes=None, *, waits=()):
    """Return a manifest; *nodes* maps a name to what it reads and makes."""
    nodes = _NODES if nodes is None else nodes
    makers = {made: name for name, (_, outputs) in nodes.items() for made in outputs}
    specs = []
    for name, (inputs, outputs) in nodes.items():
        before = {makers[each] for each in inputs if each in makers}
        before |= {start for start, end in waits if end == name}
        specs.append(
            NodeSpec(
                name=name,
                function=f"src.nodes:{name}",
                description=f"Do the step {name}.",
                inputs=tuple(InputSpec(argument=each, dataset=each) for each in inputs),
                outputs=tuple(OutputSpec(dataset=each) for each in outputs),
                dependencies=tuple(sorted(before)),
            )
        )
    names = dict.fromkeys(each for pair in nodes.values() for side in pair for each in side)
    return Manifest(
        format=FORMAT,
        project="customer_churn",
        nodes=tuple(specs),
        datasets=tuple(
            DatasetSpec(
                name=name,
                kind=_KINDS.get(name, "table"),
                path="" if name in makers else f"data/{name}.csv",
            )
            for name in names
        ),
    )


def saved(dataset):
    rows = _ROWS.get(dataset, 100000)
    kind = _KINDS.get(dataset, "table")
    return Saved(
        dataset=dataset,
        version="v1.0.0",
        content=sha256(dataset.encode()).hexdigest(),
        bytes=9_482_113 if kind == "table" else 48_120,
        rows=rows if kind == "table" else None,
        location=f"data/{dataset}/v1.0.0." + ("csv" if kind == "table" else "json"),
    )


def node_runs():
    runs = []
    seconds = [0.213, 1.84, 2.4, 0.95, 74.2, 6.31]
    kept = {"generate_sample_data", "preprocess_data"}
    for (name, (inputs, outputs)), took in zip(_NODES.items(), seconds, strict=True):
        if name in kept:
            reason = Reason(kind="unchanged", detail="since run 20261123-140122-7f3a")
        else:
            reason = Reason(
                kind="code_changed",
                detail=f"src.features.ratios:spend_per_product (function that {name} reaches)",
            )
        runs.append(
            NodeRun(
                run_id="20261123-141509-b2c4",
                node=name,
                status="skipped" if name in kept else "succeeded",
                reason=reason,
                started="2026-11-23T14:15:09.120000+00:00",
                seconds=0.004 if name in kept else took,
                inputs=tuple(saved(each) for each in inputs),
                outputs=tuple(saved(each) for each in outputs),
                params={"seed": 42, "cap_quantile": 0.99, "flags": ["high_value", "new"]},
                peak_memory_bytes=0 if name in kept else 412_000_000,
            )
        )
    return runs


def run(status="succeeded", **changes):
    return RunRecord(
        **{
            "run_id": "20261123-141509-b2c4",
            "project": "customer_churn",
            "status": status,
            "started": "2026-11-23T14:15:09.120000+00:00",
            "seconds": 84.7,
            "command": "mlops run --params cap_quantile=0.99 --from feature_engineering",
            "selection": tuple(_NODES),
            "git_commit": "24f18b37a51c9e9d9b0cfc3e8a1f6f2d4c7e0a11",
            "git_dirty": True,
            "python": "3.11.7",
            "framework": "0.1.0",
            "libraries": {"pandas": "2.3.3", "numpy": "2.4.6", "xgboost-cpu": "3.2.0"},
        }
        | changes
    )


PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="420pt" height="280pt" viewBox="0 0 420 280">'
    '<defs><clipPath id="p1"><rect width="420" height="280"/></clipPath></defs>'
    '<rect width="420" height="280" fill="white"/><g clip-path="url(#p1)">'
    '<polyline points="40,240 90,120 180,70 390,40" fill="none" stroke="#3566b8"/></g></svg>'
)


def reports():
    quality = [
        {"rule": "spend is not negative", "before": 100000, "after": 99997, "share": 0.00003},
        {"rule": "age between 18 and 100", "before": 99997, "after": 99997, "share": 0.0},
    ]
    return {
        "evaluation_report": Report(
            title="Evaluation",
            metrics={
                "roc_auc": 0.84792,
                "pr_auc": 0.5123,
                "log_loss": 0.28441,
                "brier_score": 0.0871,
                "rows_explained": 2000,
                "threshold_reason": "the largest F1 on the out-of-fold predictions of training",
            },
            tables={"Against the baseline": [
                {"model": "XGBoost", "roc_auc": 0.84792, "f1": 0.5511},
                {"model": "logistic regression", "roc_auc": 0.8301, "f1": 0.52},
            ]},
            figures={"ROC curve": PICTURE, "Confusion matrix": PICTURE},
            notes=["SHAP values of 2,000 rows, drawn at random with seed 42."],
        ),
        "data_quality": Report(title="Data quality", tables={"Rules": quality}),
        "training_report": Report(title="Training", metrics={"best_iteration": 212}),
    }  # fmt: skip
