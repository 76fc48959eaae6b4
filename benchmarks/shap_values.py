r"""SHAP values of 2,000 rows: the booster's own against ``shap.TreeExplainer``.

    python benchmarks/shap_values.py --shap-python /path/to/python [--rounds 5]

The project does not depend on shap. Give it an environment of its own, with the project's XGBoost:

    uv venv shap-env && VIRTUAL_ENV=shap-env uv pip install \
        shap 'xgboost-cpu==3.2.0' 'scikit-learn==1.9.1' 'pandas==2.3.3'
    python benchmarks/shap_values.py --shap-python shap-env/bin/python

Both explain the same pickled model and the same rows, in turn, each in a process of its own;
imports and reading are not counted. Values must agree to 1e-4.
"""

from __future__ import annotations

import argparse
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

ROWS = 2_000
TOLERANCE = 1e-4

THEIRS = """
import json, pickle, sys, time
import numpy, pandas, shap
folder = sys.argv[1]
model = pickle.load(open(folder + "/model.pkl", "rb"))
rows = pandas.DataFrame(pickle.load(open(folder + "/rows.pkl", "rb")))
start = time.perf_counter()
values = shap.TreeExplainer(model).shap_values(rows)
seconds = time.perf_counter() - start
numpy.save(folder + "/theirs.npy", values)
print(json.dumps([seconds, shap.__version__]))
"""

OURS = """
import json, pickle, sys, time
sys.path.insert(0, sys.argv[2])
import joblib, numpy, pandas, xgboost
from src.modelling.explain import explain
folder = sys.argv[1]
model = pickle.load(open(folder + "/model.pkl", "rb"))
rows = pandas.DataFrame(pickle.load(open(folder + "/rows.pkl", "rb")))
start = time.perf_counter()
found = explain(model, rows)
seconds = time.perf_counter() - start
numpy.save(folder + "/ours.npy", found.values)
print(json.dumps([seconds, found.additivity_error]))
"""


def make_model(folder: Path) -> None:
    """Fit a model like the search's winners and leave it and the rows to explain in *folder*."""
    from benchmarks.churn_frame import churn_frame
    from src.modelling.columns import features_of, labels_of
    from src.modelling.final import fit_final

    frame = churn_frame(40_000 + ROWS)
    features, labels = features_of(frame), labels_of(frame)
    settings = {"learning_rate": 0.05, "max_depth": 6, "min_child_weight": 20}
    model = fit_final(features[ROWS:], labels[ROWS:], settings=settings, trees=300, seed=1)
    # As an analyst's model would be, so that their threads are not held back.
    model.set_params(n_jobs=None)
    model.get_booster().set_param({"nthread": 0})
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    columns = {name: features[name].to_numpy()[:ROWS] for name in features}
    (folder / "rows.pkl").write_bytes(pickle.dumps(columns))


def main() -> None:
    """Measure and print a table in Markdown; fails when the values differ."""
    import numpy as np

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shap-python", required=True, help="an interpreter that has shap")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    commands = {
        "shap.TreeExplainer": [chosen.shap_python, "-c", THEIRS],
        "ours": [sys.executable, "-c", OURS],
    }
    spent: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model(folder)
        for _ in range(chosen.rounds):
            for case, command in commands.items():
                done = subprocess.run(
                    [*command, name, str(ROOT)], capture_output=True, text=True, check=True
                )
                spent[case].append(json.loads(done.stdout.splitlines()[-1])[0])
        theirs, ours = np.load(folder / "theirs.npy"), np.load(folder / "ours.npy")
    gap = float(np.abs(theirs - ours).max())
    reference = statistics.median(spent["shap.TreeExplainer"])
    print(f"\nSHAP values of {ROWS:,} rows x {ours.shape[1]} features, 300 trees of depth 6\n")
    print("| by | seconds | ratio |\n|---|---:|---:|")
    for case, seconds in spent.items():
        median = statistics.median(seconds)
        print(f"| {case} | {median:.2f} | {median / reference:.2f} |")
    print(f"\nThe values differ by at most {gap:.1e}.")
    if not gap <= TOLERANCE:
        raise SystemExit(f"the values must agree to {TOLERANCE:g}")


if __name__ == "__main__":
    main()
