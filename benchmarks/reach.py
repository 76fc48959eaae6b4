"""Run what is measured in local mode, and say of each point whether its reach is kept.

    make bench                          everything, with the peers it needs (half an hour)
    python benchmarks/reach.py startup  one benchmark, or several

Each benchmark measures ours and its peer in one run; its tables are shown as they come, and the
last table holds what was to be reached. Exits with 1 where a point is missed: run it with nothing
else on the machine.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEDRO = ["--kedro", str(ROOT / ".venv-kedro" / "bin" / "python")]
SHAP = ["--shap-python", str(ROOT / ".venv-shap" / "bin" / "python")]

Tables = list[dict[str, dict[str, str]]]
"""Tables of a benchmark's output: for each its rows by their first cell, cells by column."""


@dataclass(frozen=True, slots=True)
class Point:
    """One number of a table, and what it may be at most."""

    case: str
    column: str
    most: float
    table: int = 0

    def found(self, tables: Tables) -> float:
        """Return the number; raises where the benchmark did not print it."""
        return float(tables[self.table][self.case][self.column])


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A program of this folder, and what is to be reached in it."""

    command: Sequence[str]
    points: Sequence[Point]


def _small(case: str) -> list[Point]:
    return [Point(case, "ratio", 0.25), Point(case, "peak MiB", 60)]


BENCHMARKS: Mapping[str, Benchmark] = {
    "startup": Benchmark(
        ["startup.py", *KEDRO],
        [*_small("mlops list"), *_small("mlops --help"), *_small("mlops validate")],
    ),
    "orchestration": Benchmark(
        ["orchestration.py", *KEDRO],
        [Point("mlops run, 6 nodes", "ratio", 0.3), Point("mlops run", "milliseconds", 2.0, 1)],
    ),
    "same_functions": Benchmark(
        ["same_functions.py"],
        [
            Point("mlops run, csv", "ratio", 0.5),
            Point("mlops run, parquet", "ratio", 1.05),
        ],
    ),
    "unchanged": Benchmark(
        ["unchanged.py"],
        [Point("unchanged again", "ratio", 0.05), Point("unchanged again", "seconds", 0.6)],
    ),
    "search": Benchmark(
        ["search.py", "--busy"],
        [
            Point("ours", "ratio", 0.65),
            Point("ours", "AUC behind", 0.0),
            Point("ours", "to one thread", 1.0, 1),
        ],
    ),
    "shap_values": Benchmark(["shap_values.py", *SHAP], [Point("ours", "ratio", 1.0)]),
    "steps_1_to_4": Benchmark(
        ["steps_1_to_4.py"],
        [
            Point("mlops, 1,000,000 rows, csv", "ratio", 0.15),
            Point("csv", "ten times the rows", 11, 1),
        ],
    ),
    "steps_1_to_4_large": Benchmark(
        ["steps_1_to_4.py", "--large"],
        [
            Point("mlops, 10,000,000 rows, parquet", "ratio", 0.4),
            Point("mlops, 10,000,000 rows, parquet", "peak MiB", 1536),
            Point("parquet", "ten times the rows", 11, 1),
        ],
    ),
}


def main(names: Sequence[str]) -> int:
    """Run the benchmarks, or those of *names*; return 1 where something was not reached."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark is named {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
        return 2
    lines = ["| benchmark | case | number | measured | at most | |", "|---|---|---|---:|---:|---|"]
    for name in names or BENCHMARKS:
        benchmark = BENCHMARKS[name]
        print(f"\n## {name}\n", flush=True)
        tables = tables_of(_shown(benchmark.command))
        for point in benchmark.points:
            found = point.found(tables)
            kept = "kept" if found <= point.most else "MISSED"
            lines.append(
                f"| {name} | {point.case} | {point.column} | {found:g} | {point.most:g} | {kept} |"
            )
    print("\n## What was to be reached\n")
    print("\n".join(lines))
    return int(any("MISSED" in line for line in lines))


def tables_of(text: str) -> Tables:
    """Return the Markdown tables of *text*."""
    tables: Tables = []
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        columns, _, *rows = ([cell.strip() for cell in line.strip().split("|")[1:-1]]
                             for line in block.splitlines())  # fmt: skip
        tables.append({row[0]: dict(zip(columns, row, strict=False)) for row in rows})
    return tables


def _shown(command: Sequence[str]) -> str:
    """Run a benchmark, show what it prints as it comes, and return it."""
    program = ROOT / "benchmarks" / command[0]
    line = [sys.executable, str(program), *command[1:]]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = []
        for text in process.stdout:
            print(text, end="", flush=True)
            told.append(text)
    if process.returncode:
        raise SystemExit(f"{program.name} ended with {process.returncode}")
    return "".join(told) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
