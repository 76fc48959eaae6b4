"""The script writes a whole file or none, and says what it wrote."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "data" / "sample_customer_data.py"


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "options", "read"),
    [
        ("some.csv", (), pd.read_csv),
        ("some.parquet", (), pd.read_parquet),
        ("some", ("--format", "parquet"), pd.read_parquet),
        ("some.txt", (), pd.read_csv),
    ],
)
def test_it_writes_what_was_asked_for_and_says_so(tmp_path, name, options, read):
    done = run(tmp_path, "--customers", "120", "--seed", "5", "--output", name, *options)

    assert done.returncode == 0, done.stderr
    assert "wrote 120 customers, 12 columns" in done.stdout
    assert name in done.stdout
    frame = read(tmp_path / name)
    assert frame["customer_id"].tolist() == list(range(1, 121))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for name in ("one.csv", "two.csv"):
        run(tmp_path, "--customers", "50", "--output", name)

    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    done = run(tmp_path, "--output", "nowhere/some.csv")

    assert done.returncode == 1
    assert "nowhere/some.csv was not written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path):
    """A disk that is full, here a limit on the size of files."""
    old = tmp_path / "some.csv"
    old.write_text("old")

    done = subprocess.run(
        [
            "sh",
            "-c",
            'ulimit -f 64; exec "$0" "$@"',
            sys.executable,
            str(SCRIPT),
            "--customers",
            "20000",
            "--output",
            "some.csv",
        ],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode != 0
    assert "some.csv was not written" in done.stderr
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("customers", ["0", "-5", "many"])
def test_a_number_of_customers_that_is_none_is_refused(tmp_path, customers):
    done = run(tmp_path, "--customers", customers)

    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert not list(tmp_path.iterdir())


def test_help_shows_an_example(tmp_path):
    done = run(tmp_path, "--help")

    assert done.returncode == 0
    assert "python data/sample_customer_data.py --customers 500" in done.stdout
