"""What the local place costs beside pandas: writing and reading a table of 55 columns.

    python benchmarks/local_io.py [--rows 1000000] [--large 10000000] [--rounds 3]

Prints ratios of medians; each case runs in a process of its own, the cases of a round in turn.
``--large 0`` leaves out the large table. The step of each case is in ``CASES``.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

CHUNK = 100_000


def rows_of(first: int, count: int) -> pa.RecordBatch:
    """Return rows as feature engineering leaves them: 35 floats, 15 integers, 3 texts, and more."""
    chance = np.random.default_rng(first)
    contract = np.array(["month-to-month", "one year", "two year"])
    columns = {"customer_id": [f"C{number:08d}" for number in range(first, first + count)]}
    columns |= {f"ratio_{n}": chance.normal(size=count) for n in range(20)}
    columns |= {f"amount_{n}": chance.gamma(2, 50, size=count).round(2) for n in range(10)}
    columns |= {
        f"missing_{n}": pa.array(chance.normal(size=count), mask=chance.random(count) < 0.05)
        for n in range(5)
    }
    columns |= {f"count_{n}": chance.integers(0, 1000, count) for n in range(5)}
    columns |= {f"flag_{n}": chance.integers(0, 2, count) for n in range(10)}
    columns["contract"] = contract[chance.integers(0, 3, count)]
    columns["region"] = np.array(["north", "south"])[chance.integers(0, 2, count)]
    days = np.datetime64("2020-01-01") + chance.integers(0, 1500, count)
    columns["since"] = pa.array(days).cast(pa.date32())
    columns["churned"] = chance.random(count) < 0.12
    return pa.RecordBatch.from_pydict({name: pa.array(each) for name, each in columns.items()})


def batches(rows: int):
    """Yield *rows* rows, never all at once."""
    for first in range(0, rows, CHUNK):
        yield rows_of(first, min(CHUNK, rows - first))


def pandas_csv_write(folder: Path, rows: int) -> Cost:
    frame = pa.Table.from_batches(batches(rows)).to_pandas()
    return timed(lambda: frame.to_csv(folder / "pandas.csv", index=False))


def pandas_csv_read(folder: Path, rows: int) -> Cost:
    import pandas as pd

    return timed(lambda: pd.read_csv(folder / "pandas.csv"))


def pandas_parquet_write(folder: Path, rows: int) -> Cost:
    frame = pa.Table.from_batches(batches(rows)).to_pandas()
    return timed(lambda: frame.to_parquet(folder / "pandas.parquet", index=False))


def pandas_parquet_read(folder: Path, rows: int) -> Cost:
    import pandas as pd

    return timed(lambda: pd.read_parquet(folder / "pandas.parquet"))


def write(table_format: str) -> Callable[[Path, int], Cost]:
    """Return the case that saves a pandas frame in a place."""

    def case(folder: Path, rows: int) -> Cost:
        frame = pa.Table.from_batches(batches(rows)).to_pandas()
        place = opened(folder, table_format)
        return timed(lambda: place.save(spec("features"), "v1", frame))

    return case


def read(table_format: str) -> Callable[[Path, int], Cost]:
    """Return the case that loads a pandas frame from a place."""

    def case(folder: Path, rows: int) -> Cost:
        place = opened(folder, table_format)
        return timed(lambda: place.load(spec("features"), "v1", frame="pandas"))

    return case


def handed_over(folder: Path, rows: int) -> Cost:
    frame = pa.Table.from_batches(batches(rows)).to_pandas()
    place = opened(folder, "csv", kept_bytes=2**30)
    place.save(spec("handed"), "v1", frame)
    return timed(lambda: place.load(spec("handed"), "v1", frame="pandas"))


def found(folder: Path, rows: int) -> Cost:
    place = opened(folder, "csv")
    return timed(lambda: place.find(spec("features"), "v1"))


def lazily(table_format: str, name: str = "features", **options) -> Callable[[Path, int], Cost]:
    """Return the case that computes a new table from a lazy one, row by row."""

    def case(folder: Path, rows: int) -> Cost:
        place = opened(folder, table_format, **options)

        def step():
            table = place.load(spec(name), "v1", frame="ibis")
            more = {f"log_{n}": (table[f"amount_{n}"] + 1).ln() for n in range(10)}
            place.save(spec("lazy"), "v1", table.mutate(**more))

        return timed(step)

    return case


def streamed(folder: Path, rows: int) -> Cost:
    place = opened(folder, "parquet")
    return timed(lambda: place.save(spec("large"), "v1", batches(rows)))


def checked(folder: Path, rows: int) -> Cost:
    """Save an Arrow table, every column of which has a check."""
    from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec

    table = pa.Table.from_batches(batches(rows))
    kinds = {"string": "string", "double": "float", "int64": "integer", "bool": "boolean"}
    columns = tuple(
        ColumnSpec(
            name=field.name,
            type=kinds.get(str(field.type), "date"),
            nullable=field.name.startswith("missing"),
            unique=field.name == "customer_id",
            minimum=-1e9 if str(field.type) == "double" else None,
            allowed=(0, 1) if field.name.startswith("flag") else (),
        )
        for field in table.schema
    )
    place = opened(folder, "parquet")
    declared = DatasetSpec(name="checked", kind="table", columns=columns)
    return timed(lambda: place.save(declared, "v1", table))


def unchecked(folder: Path, rows: int) -> Cost:
    """Save the same without declared columns."""
    table = pa.Table.from_batches(batches(rows))
    place = opened(folder, "parquet")
    return timed(lambda: place.save(spec("checked"), "v1", table))


def opened(folder: Path, table_format: str, **options):
    from sf_ml_framework.places.local.place import LocalPlace

    return LocalPlace(folder, format=table_format, **({"kept_bytes": 0} | options))


def spec(name: str):
    from sf_ml_framework.manifest.model import DatasetSpec

    return DatasetSpec(name=name, kind="table")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock, and of all processors together, which a busy machine leaves alone."""

    seconds: float
    processor: float
    megabytes: float = 0.0


def timed(action: Callable[[], object]) -> Cost:
    clock, processor = time.perf_counter(), time.process_time()
    action()
    return Cost(time.perf_counter() - clock, time.process_time() - processor)


def warm_up(name: str) -> None:
    """Do everything once on a few rows: importing is not what is measured here."""
    with tempfile.TemporaryDirectory() as folder:
        for case in dict.fromkeys(("pandas to_parquet", "place parquet save", _BEFORE.get(name))):
            if case:
                CASES[case](Path(folder), 10)
        {**CASES, **LARGE}[name](Path(folder), 10)


CASES: dict[str, Callable[[Path, int], Cost]] = {
    "pandas to_csv": pandas_csv_write,
    "pandas read_csv": pandas_csv_read,
    "place csv save": write("csv"),
    "place csv load": read("csv"),
    "place csv load, handed over": handed_over,
    "place csv find": found,
    "place csv lazy step": lazily("csv"),
    "pandas to_parquet": pandas_parquet_write,
    "pandas read_parquet": pandas_parquet_read,
    "place parquet save": write("parquet"),
    "place parquet load": read("parquet"),
    "place parquet lazy step": lazily("parquet"),
    "place parquet save, no checks": unchecked,
    "place parquet save, all checks": checked,
}
LARGE: dict[str, Callable[[Path, int], Cost]] = {
    "large parquet streamed": streamed,
    "large parquet lazy step": lazily("parquet", "large", memory_limit="700MB"),
}
AGAINST = {
    "place csv save": "pandas to_csv",
    "place csv load": "pandas read_csv",
    "place parquet save": "pandas to_parquet",
    "place parquet load": "pandas read_parquet",
    "place parquet save, all checks": "place parquet save, no checks",
}


_BEFORE = {
    "pandas read_csv": "pandas to_csv",
    "place csv load": "place csv save",
    "place csv find": "place csv save",
    "place csv lazy step": "place csv save",
}


def run_case(name: str, folder: Path, rows: int) -> Cost:
    """Return what one case costs in a process of its own."""
    command = [sys.executable, __file__, "--case", name, "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--rows", str(rows)], check=True, capture_output=True, text=True
    )
    return Cost(*json.loads(done.stdout))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        if given.case not in LARGE:
            warm_up(given.case)
        cost = {**CASES, **LARGE}[given.case](given.folder, given.rows)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps([cost.seconds, cost.processor, peak]))
        return
    folder = Path(tempfile.mkdtemp(prefix="local-io-"))
    try:
        measured: dict[str, list[Cost]] = {name: [] for name in CASES}
        for _ in range(given.rounds):
            for name, runs in measured.items():
                runs.append(run_case(name, folder, given.rows))
        for name in LARGE if given.large else ():
            measured[name] = [run_case(name, folder, given.large)]
        report(measured, given.rows, given.large)
    finally:
        shutil.rmtree(folder)


def report(measured: dict[str, list[Cost]], rows: int, large: int) -> None:
    """Print the table."""
    clock, processor = (
        {
            name: statistics.median(getattr(each, what) for each in runs)
            for name, runs in measured.items()
        }
        for what in ("seconds", "processor")
    )
    print(f"{rows:,} rows of 55 columns; large: {large:,} rows.\n")
    print("| case | seconds | processor | peak MiB | ratio | to |")
    print("|---|---:|---:|---:|---:|---|")
    for name, runs in measured.items():
        other = AGAINST.get(name, "")
        ratio = f"{clock[name] / clock[other]:.3f}" if other else ""
        peak = max(each.megabytes for each in runs)
        print(
            f"| {name} | {clock[name]:.3f} | {processor[name]:.3f} | {peak:.0f} |"
            f" {ratio} | {other} |"
        )
    for kind in ("csv", "parquet"):
        names = (f"place {kind} save", f"place {kind} load")
        others = (f"pandas to_{kind}", f"pandas read_{kind}")
        factors = [
            sum(each[name] for name in others) / sum(each[name] for name in names)
            for each in (clock, processor)
        ]
        print(
            f"\nWritten and read as {kind}: {factors[0]:.1f} times as fast as pandas,"
            f" with {1 / factors[1]:.2f} times the processor time."
        )


if __name__ == "__main__":
    main()
