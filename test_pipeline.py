"""Test the churn pipeline from end to end, as a person would: run it, look at what it left, again.

    python test_pipeline.py                      5,000 customers, in a folder of its own
    python test_pipeline.py --customers 100000   the size of `make run`

Your own data/ is left alone. Exits with 1 when something does not hold.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
NODES = (
    "generate_sample_data",
    "preprocess_data",
    "feature_engineering",
    "train_test_split",
    "train_model",
    "evaluate_model",
)
PICTURES = ("ROC", "recall", "onfusion", "alibration", "mportance", "SHAP")


class CheckError(AssertionError):
    """Something about the pipeline does not hold."""


class Copy:
    """The project in a folder of its own; removed at the end."""

    def __init__(self, folder: Path, customers: int, trials: int) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "mlops.yml", folder)
        self.params = ["--params", f"num_customers={customers}", "--params", f"n_trials={trials}"]

    def run(self, *more: str) -> dict[str, Any]:
        """Run the pipeline and return the record of the run."""
        command = [sys.executable, str(ROOT / "main.py"), "--project", str(self.folder), "run"]
        done = subprocess.run(
            [*command, *self.params, *more, "--format", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CheckError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
        record: dict[str, Any] = json.loads(done.stdout)
        return record

    def table(self, name: str) -> Any:
        """Return a table that the pipeline left, as a pandas frame."""
        import pandas as pd

        (file,) = (self.folder / "data" / name).glob("*.csv")
        return pd.read_csv(file)

    def report(self, name: str) -> dict[str, Any]:
        """Return a report that the pipeline left."""
        (file,) = (self.folder / "data" / name).glob("*/report.json")
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return record


def ran(record: dict[str, Any]) -> list[str]:
    """Return the nodes that were executed, not skipped."""
    return [each["node"] for each in record["nodes"] if each["status"] == "succeeded"]


def expect(holds: bool, otherwise: str) -> None:
    """Raise `CheckError` unless something holds."""
    if not holds:
        raise CheckError(otherwise)


def check_first_run(copy: Copy, customers: int) -> Iterator[str]:
    """Every node runs and leaves what it promises."""
    record = copy.run()
    expect(ran(record) == list(NODES), f"these nodes ran: {ran(record)}")
    yield f"six nodes ran in {record['seconds']:.1f} s"
    raw = copy.table("raw_customers")
    share = raw["churned"].mean()
    expect(len(raw) == customers, f"{len(raw)} customers were made, not {customers}")
    expect(0.09 < share < 0.15, f"{share:.1%} of the customers churn")
    yield f"{len(raw):,} customers, of whom {share:.1%} churn"
    features = copy.table("customer_features")
    new = set(features.columns) - set(copy.table("preprocessed_customers").columns)
    expect(len(new) >= 40, f"only {len(new)} features are new")
    expect(not features.isna().any().any(), "a feature is missing")
    yield f"{len(new)} new features, none missing"
    train, test = copy.table("train_set"), copy.table("test_set")
    expect(not set(train.customer_id) & set(test.customer_id), "a customer is in both parts")
    expect(len(train) + len(test) == len(features), "rows were lost between the parts")
    gap = abs(train["churned"].mean() - test["churned"].mean())
    expect(gap < 0.001, f"the parts differ by {gap:.4f} in churn")
    yield f"{len(train):,} rows to train on and {len(test):,} to test, equal in churn"


def check_model(copy: Copy) -> Iterator[str]:
    """The model is stored whole, better than chance, and explained."""
    models = list((copy.folder / "data" / "churn_model").glob("*.pkl"))
    expect(len(models) == 1, f"there are {len(models)} models")
    report = copy.report("evaluation_report")
    area = report["metrics"]["auc"]
    expect(area > 0.7, f"the area under the ROC curve is {area:.3f}")
    yield f"a model with an area under the ROC curve of {area:.3f}"
    captions = " ".join(each["caption"] for each in report["figures"])
    lacking = [name for name in PICTURES if name not in captions]
    expect(not lacking, f"no picture of {', '.join(lacking)} among: {captions}")
    page = copy.folder / "data" / "report.html"
    expect(page.stat().st_size > 50_000, "the report page is all but empty")
    yield f"{len(report['figures'])} pictures, and a report of {page.stat().st_size / 1e6:.1f} MB"


def check_later_runs(copy: Copy) -> Iterator[str]:
    """Only what changed runs again, and what was damaged is made anew."""
    again = copy.run()
    expect(ran(again) == [], f"unchanged, and yet these ran: {ran(again)}")
    yield f"nothing changed, so nothing ran, in {again['seconds']:.2f} s"
    other = ran(copy.run("--params", "shap_rows=200"))
    expect(other == ["evaluate_model"], f"with another number of rows these ran: {other}")
    yield "a parameter of the last node changed, so the last node ran"
    (file,) = (copy.folder / "data" / "test_set").glob("*.csv")
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 2)
    healed = ran(copy.run("--params", "shap_rows=200"))
    expect(healed == ["train_test_split"], f"to heal half a file these ran: {healed}")
    yield "half a file was noticed and made anew, and what depends on it still held"


def main() -> int:
    """Run every check and tell of each as it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--trials", type=int, default=2, help="candidates of the model's search")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="churn-") as folder:
        copy = Copy(Path(folder), given.customers, given.trials)
        checks = (check_first_run(copy, given.customers), check_model(copy), check_later_runs(copy))
        try:
            for check in checks:
                for line in check:
                    print(f"ok   {line}", flush=True)
        except CheckError as failure:
            print(f"FAIL {failure}", flush=True)
            return 1
    print("The pipeline works from end to end.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
