"""Versions, imports, and what a place is to the runner."""

import subprocess
import sys
import time

import pandas as pd
import pytest

from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec

TABLE = DatasetSpec(name="customers", kind="table", version="v1")
FRAME = pd.DataFrame({"id": [1, 2, 3]})


def test_latest_is_what_was_written_last_and_current_what_the_catalog_says(place):
    with pytest.raises(DataError, match=r"'customers' has no version in data/customers") as caught:
        place.resolve(TABLE, "latest")
    assert "mlops run --from" in caught.value.remedy

    for version in ("v2.0.0", "v10", "v1"):
        place.save(TABLE, version, FRAME)
        assert place.resolve(TABLE, "latest") == version
    place.save(TABLE, "v10", FRAME)

    assert place.resolve(TABLE, "latest") == "v10"
    assert place.resolve(TABLE, "current") == "v1"
    assert place.resolve(TABLE, "v7") == "v7"


@pytest.mark.parametrize("kind", ["model", "document", "report"])
def test_latest_is_known_of_every_kind(place, kind):
    from sf_ml_framework.author.report import Report

    spec = DatasetSpec(name="thing", kind=kind)
    value = Report(title="t") if kind == "report" else {"a": 1}
    for version in ("v2", "v1"):
        place.save(spec, version, value)

    assert place.resolve(spec, "latest") == "v1"


def test_a_file_of_a_persons_own_counts_by_its_time(place, root):
    place.save(TABLE, "v1", FRAME)
    mine = root / "data/customers/v9.csv"
    mine.write_text('"id"\n1\n')
    # A clock that stands still would make the two equal.
    later = time.time_ns() + 10**9
    import os

    os.utime(mine, ns=(later, later))

    assert place.resolve(TABLE, "latest") == "v9"


def test_versions_of_the_other_format_are_not_seen(open_place):
    open_place("csv").save(TABLE, "v1", FRAME)

    other = open_place("parquet")

    assert other.find(TABLE, "v1") is None
    assert other.why_not_found(TABLE, "v1") == "missing"


def test_a_place_on_a_laptop_has_neither_store_nor_registry(place):
    assert place.feature_store is None
    assert place.model_registry is None


def test_asking_what_stands_imports_no_library_of_data_frames(place, root):
    """It is asked in the process that only decides what to run."""
    place.save(TABLE, "v1", FRAME)
    place.save(DatasetSpec(name="m", kind="model"), "v1", {"a": 1})
    (root / "people.csv").write_text("id\n1\n")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from sf_ml_framework.manifest.model import DatasetSpec\n"
        "from sf_ml_framework.places.local.place import LocalPlace\n"
        "place = LocalPlace(Path(sys.argv[1]))\n"
        "table = DatasetSpec(name='customers', kind='table')\n"
        "model = DatasetSpec(name='m', kind='model')\n"
        "source = DatasetSpec(name='people', kind='table', path='people.csv')\n"
        "assert place.find(table, place.resolve(table, 'latest'))\n"
        "assert place.find(model, 'v1')\n"
        "assert place.find(source, 'v1.0.0')\n"
        "assert place.why_not_found(table, 'v9') == 'missing'\n"
        "place.close()\n"
        "heavy = {'pandas', 'numpy', 'pyarrow', 'duckdb', 'ibis', 'pickle', 'polars'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], check=True, capture_output=True, text=True
    )

    assert done.stdout == "[]\n"


def test_what_stays_in_memory_is_bounded(open_place):
    place = open_place(kept_bytes=100_000)
    small, large = pd.DataFrame({"x": range(4_000)}), pd.DataFrame({"x": range(20_000)})
    for version, frame in (("a", small), ("b", small), ("c", small), ("large", large)):
        place.save(TABLE, version, frame)

    kept = place._tables()[1]

    assert [path.stem for path in kept._tables] == ["a", "b", "c"]
    place.save(TABLE, "d", small)
    assert [path.stem for path in kept._tables] == ["b", "c", "d"]
    assert len(place.load(TABLE, "large", frame="pandas")) == 20_000


def test_a_polars_frame_without_polars_is_told(place, monkeypatch):
    """It is no dependency of the house."""
    place.save(TABLE, "v1", FRAME)
    monkeypatch.setitem(sys.modules, "polars", None)

    with pytest.raises(DataError, match="polars is not installed") as caught:
        place.load(TABLE, "v1", frame="polars")

    assert "install polars" in caught.value.remedy
