"""Steps 1 to 4 of the churn project against plain pandas, at a million rows and more.

    python benchmarks/steps_1_to_4.py            1 million rows in CSV, and a tenth for the slope
    python benchmarks/steps_1_to_4.py --large    10 million rows in Parquet (pandas: 11 GiB)

The pandas side is ``projects/pandas_churn/plain.py --until split``: a file after every step, as
here. Prints a table of medians, ratios and peak memory, measured in one run, and
how many times the time ten times the rows take.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import measure

HERE = Path(__file__).parent
ROOT = HERE.parent
PLAIN = HERE / "projects" / "pandas_churn"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args()
    form, rows = ("parquet", 10_000_000) if given.large else ("csv", 1_000_000)
    with tempfile.TemporaryDirectory(
        dir=ROOT / "build" if (ROOT / "build").is_dir() else None
    ) as folder:
        base = Path(folder)
        cases, against = {}, {}
        for count in (rows // 10, rows):
            ours, theirs = f"mlops, {count:,} rows, {form}", f"pandas, {count:,} rows, {form}"
            cases[theirs] = _pandas(base, form, count)
            cases[ours] = _ours(base, form, count)
            against[ours] = theirs
        against[ours] = theirs
        costs = measure.alternate(cases, given.rounds)
        print(measure.table(costs, against))
        slope = measure.median(costs[ours]) / measure.median(
            costs[f"mlops, {rows // 10:,} rows, {form}"]
        )
        print(f"\n| | ten times the rows |\n|---|---:|\n| {form} | {slope:.1f} |")


def _pandas(base: Path, form: str, count: int):
    folder = base / f"pandas-{count}"
    command = [
        sys.executable,
        "plain.py",
        form,
        str(folder),
        "--rows",
        str(count),
        "--until",
        "split",
    ]

    def run() -> measure.Cost:
        cost = measure.run(command, cwd=PLAIN)
        shutil.rmtree(folder)
        return cost

    return run


def _ours(base: Path, form: str, count: int):
    copy = base / f"ours-{count}"
    command = [sys.executable, "main.py", "run", "--to", "train_test_split", "--data-format", form]
    command += ["--params", f"num_customers={count}"]

    def run() -> measure.Cost:
        shutil.copytree(ROOT / "src", copy / "src")
        for name in ("mlops.yml", "main.py"):
            shutil.copy(ROOT / name, copy)
        cost = measure.run(command, cwd=copy)
        shutil.rmtree(copy)
        return cost

    return run


if __name__ == "__main__":
    main()
