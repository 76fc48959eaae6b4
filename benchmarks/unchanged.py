"""The churn project run for the first time, unchanged again, and with one node changed.

    python benchmarks/unchanged.py [--rounds 3]

100,000 customers with the whole search. Says which nodes were executed, and fails if an unchanged
run executes any, or a changed one another than the node and what depends on it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import measure

ROOT = Path(__file__).resolve().parents[1]
FIRST, AGAIN, CHANGED = "first run", "unchanged again", "train_model changed"
LATER = ("train_model", "evaluate_model")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        costs: dict[str, list[measure.Cost]] = {FIRST: [], AGAIN: [], CHANGED: []}
        shutil.copytree(ROOT / "src", copy / "src")
        for name in ("mlops.yml", "main.py"):
            shutil.copy(ROOT / name, copy)
        for _ in range(rounds):
            for name in (".mlops", "data"):
                shutil.rmtree(copy / name, ignore_errors=True)
            costs[FIRST].append(_run(copy))
            for _ in range(3):
                costs[AGAIN].append(_expect(_run(copy), ()))
            # Fewer trees are another model: what another search finds may be the same one.
            costs[CHANGED].append(_expect(_run(copy, "--params", "max_trees=100"), LATER))
    against = {AGAIN: FIRST, CHANGED: FIRST}
    print(measure.table(costs, against))


def _run(copy: Path, *more: str) -> measure.Cost:
    command = [sys.executable, "-m", "sf_ml_framework", "run", "--format", "json", *more]
    return measure.run(command, cwd=copy, env={"PYTHONPATH": str(ROOT)})


def _expect(cost: measure.Cost, nodes: tuple[str, ...]) -> measure.Cost:
    """Return *cost*; raises where other nodes than *nodes* were executed."""
    told = json.loads(cost.output)["nodes"]
    executed = tuple(each["node"] for each in told if each["status"] != "skipped")
    if executed != nodes:
        raise RuntimeError(f"executed {executed}, not {nodes}")
    return cost


if __name__ == "__main__":
    main()
