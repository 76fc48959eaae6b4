"""The churn project's search against scikit-learn's, on the same rows and the same space.

    python benchmarks/search.py [--rounds 3] [--busy] [--own-threads] [--choices]

Each search tries 10 candidates on 3 folds of 80,000 rows x 55 features and refits its winner; its
AUC is taken on 20,000 rows that no search has seen. Every run is a process of its own, the cases
take turns, and each round has another seed. ``--busy`` measures all cases a second time while
another process holds a core. ``--own-threads`` adds scikit-learn's search with XGBoost's own
threads instead of processes, which can take minutes. ``--choices`` measures what was decided
once: bins, kind of matrix, threads.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

TRAIN_ROWS, UNTOUCHED_ROWS = 80_000, 20_000
CANDIDATES, FOLDS, MAX_TREES = 10, 3, 300
TURNS = 7

SKLEARN = "RandomizedSearchCV, n_jobs=-1"
OWN_THREADS = "RandomizedSearchCV, XGBoost's own threads"
OURS, SINGLE = "ours", "ours, one thread"


@dataclass(frozen=True, slots=True)
class Found:
    """What one search reached."""

    seconds: float
    auc: float
    processor_seconds: float = 0.0
    """Of the whole process and its workers, imports included: does not mind a noisy machine."""


def search_sklearn(features: Any, labels: Any, seed: int, n_jobs: int | None) -> Any:
    """Search as one would write it, over the space that ours has."""
    from scipy.stats import loguniform, randint, uniform
    from sklearn.model_selection import RandomizedSearchCV
    from xgboost import XGBClassifier

    from src.modelling.folds import FIXED

    space = {
        "learning_rate": loguniform(0.05, 0.3),
        "max_depth": randint(3, 9),
        "min_child_weight": loguniform(1, 50),
        "subsample": uniform(0.6, 0.4),
        "colsample_bytree": uniform(0.5, 0.5),
        "reg_lambda": loguniform(0.1, 30),
        "n_estimators": randint(100, MAX_TREES + 1),  # ours stops early instead
    }
    search = RandomizedSearchCV(
        XGBClassifier(**FIXED, random_state=seed),
        space,
        n_iter=CANDIDATES,
        cv=FOLDS,
        scoring="roc_auc",
        n_jobs=n_jobs,
        random_state=seed,
    )
    return search.fit(features, labels).best_estimator_


def search_ours(features: Any, labels: Any, seed: int, threads: int) -> Any:
    """Search and refit as ``train_model`` does."""
    from src.modelling.final import fit_final
    from src.modelling.folds import make_folds
    from src.modelling.search import search

    with ThreadPoolExecutor(threads) as pool:
        folds = make_folds(features, labels, folds=FOLDS, seed=seed, pool=pool)
        found = search(folds, n_trials=CANDIDATES, max_trees=MAX_TREES, seed=seed, pool=pool)
    best = found.best
    return fit_final(features, labels, settings=best.settings, trees=best.trees, seed=seed)


def run_one(case: str, data: Path, seed: int) -> Found:
    """Run *case* in this process; imports and reading are not counted."""
    import optuna  # noqa: F401  imported here so that no case pays for it
    import pandas as pd
    import sklearn.model_selection  # noqa: F401
    import xgboost  # noqa: F401

    from src.modelling.columns import features_of, labels_of
    from src.modelling.cores import available_cores
    from src.modelling.scores import auc

    frame = pd.read_parquet(data)
    features, labels = features_of(frame), labels_of(frame)
    seen, unseen = slice(0, TRAIN_ROWS), slice(TRAIN_ROWS, None)
    cases: dict[str, Callable[[Any, Any], Any]] = {
        SKLEARN: lambda x, y: search_sklearn(x, y, seed, n_jobs=-1),
        OWN_THREADS: lambda x, y: search_sklearn(x, y, seed, n_jobs=None),
        OURS: lambda x, y: search_ours(x, y, seed, threads=available_cores()),
        SINGLE: lambda x, y: search_ours(x, y, seed, threads=1),
    }
    start = time.perf_counter()
    model = cases[case](features[seen], labels[seen])
    seconds = time.perf_counter() - start
    return Found(seconds, auc(labels[unseen], model.predict_proba(features[unseen])[:, 1]))


def measure(cases: list[str], data: Path, *, rounds: int, busy: bool) -> dict[str, list[Found]]:
    """Run each case once a round, in turn."""
    found: dict[str, list[Found]] = {case: [] for case in cases}
    for seed in range(1, rounds + 1):
        for case in cases:
            hog = _hog() if busy else None
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            try:
                command = [sys.executable, __file__, "--one", case, str(data), str(seed)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
            finally:
                if hog:
                    hog.kill()
                    hog.wait()
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            found[case].append(
                Found(**json.loads(done.stdout.splitlines()[-1]), processor_seconds=spent)
            )
            print(f"# busy={busy} seed={seed} {case}: {found[case][-1]}", file=sys.stderr)
    return found


def _hog() -> subprocess.Popen[bytes]:
    """Start a process that holds a core until it is killed."""
    return subprocess.Popen([sys.executable, "-c", "while True: pass"])


def print_table(found: dict[str, list[Found]], title: str) -> None:
    """Print medians, ratios and the mean AUC of each case, and how far it is behind the peer's."""
    reference, single = (
        statistics.median(each.seconds for each in found[case]) for case in (SKLEARN, SINGLE)
    )
    theirs = statistics.mean(each.auc for each in found[SKLEARN])
    print(f"\n{title}\n")
    print(
        "| search | seconds | ratio | to one thread | processor seconds | AUC on untouched rows"
        " | AUC behind |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for case, runs in found.items():
        seconds = statistics.median(each.seconds for each in runs)
        spent = statistics.median(each.processor_seconds for each in runs)
        score = statistics.mean(each.auc for each in runs)
        ratio = seconds / reference
        print(
            f"| {case} | {seconds:.1f} | {ratio:.2f} | {seconds / single:.2f} | {spent:.0f}"
            f" | {score:.4f} | {theirs - score:.4f} |"
        )


def print_choices(data: Path) -> None:
    """Measure and print what the project decided once."""
    import pandas as pd

    from src.modelling.columns import features_of, labels_of

    frame = pd.read_parquet(data)
    features, labels = features_of(frame), labels_of(frame)
    print("\nOne fit of 200 trees on 53,333 rows, one thread, in processor seconds (best of 3)\n")
    print("| matrix | bins | seconds to make | seconds to fit | AUC |\n|---|---:|---:|---:|---:|")
    for kind, bins in (("Quantile", 64), ("Quantile", 128), ("Quantile", 256), ("plain", 64)):
        made, fitted, score = min(_one_fit(features, labels, kind, bins) for _ in range(3))
        print(f"| {kind}DMatrix | {bins} | {made:.2f} | {fitted:.2f} | {score:.4f} |")
    print(f"\nTwo fits, in seconds (median of {TURNS} turns)\n")
    print("| threads | idle | another process holds a core |\n|---|---:|---:|")
    idle, busy = _two_fits(features, labels, busy=False), _two_fits(features, labels, busy=True)
    for name in idle:
        print(f"| {name} | {idle[name]:.2f} | {busy[name]:.2f} |")


def _settings(bins: int, threads: int) -> dict[str, Any]:
    from src.modelling.search import FIRST

    return {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_bin": bins,
        "nthread": threads,
        "seed": 1,
        **FIRST,
    }


def _one_fit(features: Any, labels: Any, kind: str, bins: int) -> tuple[float, float, float]:
    import xgboost

    from src.modelling.scores import auc

    rows = TRAIN_ROWS * 2 // 3
    start = time.process_time()
    if kind == "plain":
        matrix = xgboost.DMatrix(features[:rows], labels[:rows], nthread=1)
    else:
        matrix = xgboost.QuantileDMatrix(features[:rows], labels[:rows], max_bin=bins, nthread=1)
    made = time.process_time() - start
    start = time.process_time()
    booster = xgboost.train(_settings(bins, 1), matrix, 200)
    fitted = time.process_time() - start
    unseen = xgboost.DMatrix(features[TRAIN_ROWS:], nthread=1)
    return made, fitted, auc(labels[TRAIN_ROWS:], booster.predict(unseen))


def _two_fits(features: Any, labels: Any, *, busy: bool) -> dict[str, float]:
    """Return the seconds of two fits with each way to use two cores; the ways take turns."""
    import xgboost

    half = TRAIN_ROWS // 2
    parts = [
        xgboost.QuantileDMatrix(
            features[start : start + half], labels[start : start + half], max_bin=64, nthread=1
        )
        for start in (0, half)
    ]
    ways = {
        "side by side, 1 each": (2, 1),
        "one after the other, 2 each": (1, 2),
        "one after the other, 1 each": (1, 1),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    hog = _hog() if busy else None
    try:
        for _ in range(TURNS):
            for name, (fits_at_once, threads) in ways.items():
                settings = _settings(64, threads)
                start = time.perf_counter()
                with ThreadPoolExecutor(fits_at_once) as pool:
                    list(pool.map(lambda part: xgboost.train(settings, part, 200), parts))  # noqa: B023
                spent[name].append(time.perf_counter() - start)
    finally:
        if hog:
            hog.kill()
            hog.wait()
    return {name: statistics.median(seconds) for name, seconds in spent.items()}


def main() -> None:
    """Measure and print tables in Markdown."""
    from benchmarks.churn_frame import churn_frame

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--own-threads", action="store_true")
    parser.add_argument("--choices", action="store_true")
    parser.add_argument("--one", nargs=3, metavar=("CASE", "DATA", "SEED"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        case, data, seed = chosen.one
        found = run_one(case, Path(data), int(seed))
        print(json.dumps({"seconds": found.seconds, "auc": found.auc}))
        return
    cases = [SKLEARN, OURS, SINGLE, *([OWN_THREADS] if chosen.own_threads else [])]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "frame.parquet"
        churn_frame(TRAIN_ROWS + UNTOUCHED_ROWS).to_parquet(data)
        title = f"Search of {CANDIDATES} x {FOLDS} on {TRAIN_ROWS:,} x 55, {chosen.rounds} rounds"
        print_table(measure(cases, data, rounds=chosen.rounds, busy=False), title)
        if chosen.busy:
            found_busy = measure(cases, data, rounds=chosen.rounds, busy=True)
            print_table(found_busy, f"{title}, while another process holds a core")
        if chosen.choices:
            print_choices(data)


if __name__ == "__main__":
    main()
