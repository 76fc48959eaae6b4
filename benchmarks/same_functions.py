"""The same six pandas functions as a plain script and under the runner, with files between.

    python benchmarks/same_functions.py [--rounds 5]

Prints a table of medians and of ratios measured in one run; also an unchanged second run.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import measure

HERE = Path(__file__).parent
PROJECT = HERE / "projects" / "pandas_churn"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        cases, against = {}, {}
        for form in ("csv", "parquet"):
            copy = base / f"ours-{form}"
            shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns("data", ".mlops"))
            cases[f"plain script, {form}"] = _plain(base, form)
            cases[f"mlops run, {form}"] = _ours(copy, form, "--force")
            cases[f"mlops run again, {form}"] = _ours(copy, form)
            against[f"mlops run, {form}"] = f"plain script, {form}"
            against[f"mlops run again, {form}"] = f"mlops run, {form}"
        print(measure.table(measure.alternate(cases, rounds), against))


def _plain(base: Path, form: str):
    command = [sys.executable, "plain.py", form, str(base / f"plain-{form}")]
    return lambda: measure.run(command, cwd=PROJECT)


def _ours(copy: Path, form: str, *more: str):
    command = [sys.executable, "-m", "sf_ml_framework", "run", "--data-format", form, *more]
    return lambda: measure.run(command, cwd=copy)


if __name__ == "__main__":
    main()
