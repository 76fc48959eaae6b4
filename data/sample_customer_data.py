"""Write a file of made-up customers to look at, or to try the pipeline on.

Works from any folder: python data/sample_customer_data.py --customers 500 --format parquet
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from src.nodes.node_01_generate_data import generate_sample_data

if TYPE_CHECKING:
    import pyarrow

FORMATS = ("csv", "parquet")
FOLDER = Path(__file__).resolve().parent

EXAMPLE = """\
example:
  python data/sample_customer_data.py --customers 500 --seed 7 --output /tmp/customers.parquet
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the sample that *argv* asks for; 0 if it stands, 1 if it could not be written."""
    parser = _parser()
    options = parser.parse_args(argv)
    kind = options.format or _format_of(options.output) or "csv"
    path = options.output or FOLDER / f"sample_customers.{kind}"
    try:
        reader = generate_sample_data(num_customers=options.customers, seed=options.seed)
    except ValueError as error:
        parser.error(str(error))
    try:
        rows = write_sample(reader, path, kind)
    except OSError as error:
        sys.stderr.write(
            f"{path} was not written: {error.strerror or error};"
            " give an --output in a folder that is there and may be written to\n"
        )
        return 1
    sys.stdout.write(
        f"wrote {rows:,} customers, {len(reader.schema.names)} columns,"
        f" {path.stat().st_size:,} bytes of {kind}: {path}\n"
    )
    return 0


def write_sample(reader: pyarrow.RecordBatchReader, path: Path, kind: str) -> int:
    """Write all batches of *reader* to *path* and return how many rows there were.

    Until the whole file is on the disk, what stood at *path* stays.

    Raises:
        OSError: the folder is missing or cannot be written, or the disk is full.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as sink:
            rows = _write(reader, sink, kind)
            sink.flush()
            os.fsync(sink.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


def _write(reader: pyarrow.RecordBatchReader, sink: BinaryIO, kind: str) -> int:
    from pyarrow import csv, parquet  # noqa: PLC0415 -- --help need not wait for it

    opened = csv.CSVWriter if kind == "csv" else parquet.ParquetWriter
    rows = 0
    with opened(sink, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch) if kind == "parquet" else writer.write(batch)
            rows += batch.num_rows
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Write a file of made-up customers, as the pipeline's first node makes them.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--customers", type=int, default=1_000, metavar="N", help="how many (default: 1000)"
    )
    parser.add_argument(
        "--seed", type=int, default=42, metavar="S", help="another seed, other customers (42)"
    )
    parser.add_argument(
        "--output", type=Path, metavar="PATH", help="default: data/sample_customers.csv"
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="default: as the output's name ends, else csv"
    )
    return parser


def _format_of(path: Path | None) -> str | None:
    ending = path.suffix.removeprefix(".").lower() if path else ""
    return ending if ending in FORMATS else None


if __name__ == "__main__":
    raise SystemExit(main())
