"""Files of a person's own: as a dataset's path, or given in the place of a version."""

import datetime as dt
import gzip
import os

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sf_ml_framework.errors import DataError, ModelError
from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec
from tests.unit.local.tables import declare

TYPES = {"id": "string", "age": "integer", "since": "date"}
SOURCE = declare(TYPES, name="people", path="data/people.csv")
GOOD = 'id,age,since\n007,41,2026-01-31\n"",,\n'


@pytest.fixture
def write(root):
    def write_(text, path="data/people.csv"):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write_


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.removesuffix("\n"),
        GOOD + "\n\n",
        '"since","age","id"\n2026-01-31,"41",007\n,,""\n',
    ],
    ids=["plain", "Windows", "byte order mark", "no last line end", "empty lines", "other order"],
)
@pytest.mark.parametrize("frame", ["pandas", "arrow", "ibis", "arrow_batches", "polars"])
@pytest.mark.parametrize("kept_bytes", [0, 2**20])
def test_a_csv_is_read_with_the_types_of_the_catalog(open_place, write, text, frame, kept_bytes):
    write(text)
    place = open_place(kept_bytes=kept_bytes)

    loaded = place.load(SOURCE, "v1.0.0", frame=frame)

    expected = {"id": ["007", ""], "age": [41, None], "since": [dt.date(2026, 1, 31), None]}
    match frame:
        case "pandas":
            rows = loaded.astype(object).where(loaded.notna(), None).to_dict(orient="list")
            assert rows == expected
        case "polars":
            assert loaded.to_dict(as_series=False) == expected
        case "ibis":
            assert loaded.to_pyarrow().to_pydict() == expected
        case "arrow":
            assert loaded.to_pydict() == expected
        case "arrow_batches":
            assert loaded.read_all().to_pydict() == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (GOOD.replace("41", "x"), r"line 2, column 'age': to int64: invalid value 'x'"),
        (GOOD.replace("41", "4.5"), r"line 2, column 'age'"),
        (GOOD.replace("41", " "), r"line 2, column 'age'"),
        (GOOD.replace("2026-01-31", "31.1.2026"), r"line 2, column 'since'"),
        (GOOD + "008,1\n", r"line 4: Expected 3 columns, got 2"),
        (GOOD + "008,1,,\n", r"line 4: Expected 3 columns, got 4"),
        (GOOD[:18], r"line 2: Expected 3 columns, got 2"),
        (GOOD.replace("id,", "key,"), r"column 'id' is missing; the catalog has no column 'key'"),
        (GOOD.replace("age", "aeg"), r"column 'age' is missing"),
        (GOOD.replace("age", "id"), r"stand there twice"),
        (GOOD.replace(",", ";"), r"no commas"),
        ("", r"column"),
        (b"\xff\xfe\x00" + GOOD.encode(), r"cannot be read"),
        (GOOD.encode() + b"\xff,1,\n", r"line 4, column 'id': .*UTF8"),
        (gzip.compress(GOOD.encode(), mtime=0), r"cannot be read"),
    ],
)
@pytest.mark.parametrize("frame", ["pandas", "ibis", "arrow_batches"])
@pytest.mark.parametrize("kept_bytes", [0, 2**20])
def test_a_csv_with_other_columns_or_values_is_told_by_line(
    open_place, write, text, fault, frame, kept_bytes
):
    write(text)

    with pytest.raises(DataError, match=f"people@v1.0.0.*data/people.csv.*{fault}") as caught:
        open_place(kept_bytes=kept_bytes).load(SOURCE, "v1.0.0", frame=frame)

    assert caught.value.remedy


def test_a_line_of_a_large_file_is_still_named(open_place, write):
    """Many threads read it, and none of them knows where it is."""
    rows = [f"{number},{number},2026-01-31\n" for number in range(300_000)]
    rows[250_000] = "250000,many,2026-01-31\n"
    write("id,age,since\n" + "".join(rows))

    for kept_bytes in (0, 2**30):
        with pytest.raises(DataError, match=r"line 250002, column 'age'"):
            open_place(kept_bytes=kept_bytes).load(SOURCE, "v1.0.0", frame="ibis")


def test_a_row_longer_than_a_block_is_read(open_place, write):
    write(f'id,age,since\n"{"x" * 5_000_000}",1,\n')

    loaded = open_place().load(SOURCE, "v1.0.0", frame="pandas")

    assert len(loaded["id"][0]) == 5_000_000


def test_the_near_name_of_a_column_is_told(open_place, write):
    write(GOOD.replace("age", "aeg"))

    with pytest.raises(DataError) as caught:
        open_place().load(SOURCE, "v1.0.0", frame="pandas")

    assert "'aeg' for 'age'" in caught.value.remedy


def test_types_that_nobody_said_are_guessed_and_leading_zeros_stay(open_place, write):
    write("code,n,share,on,ok,none\n007,1,0.5,2026-01-31,true,\n10,-2,-0.25,2026-02-01,false,\n")
    free = DatasetSpec(name="people", kind="table", path="data/people.csv")

    for kept_bytes in (0, 2**20):
        loaded = open_place(kept_bytes=kept_bytes).load(free, "v1.0.0", frame="arrow_batches")
        assert loaded.read_all().to_pydict() == {
            "code": ["007", "10"],
            "n": [1, -2],
            "share": [0.5, -0.25],
            "on": [dt.date(2026, 1, 31), dt.date(2026, 2, 1)],
            "ok": [True, False],
            "none": [None, None],
        }


@pytest.mark.parametrize("frame", ["pandas", "ibis", "arrow", "arrow_batches"])
def test_a_parquet_file_is_cast_to_the_catalog(open_place, root, frame):
    (root / "data").mkdir()
    table = pa.table(
        {
            "since": pa.array([dt.datetime(2026, 1, 31), None], pa.timestamp("ns")),
            "age": pa.array([41, None], pa.int16()),
            "id": pa.array(["007", ""]).dictionary_encode(),
        }
    )
    pq.write_table(table, root / "data/people.parquet")
    source = declare(TYPES, name="people", path="data/people.parquet")

    loaded = open_place().load(source, "v1.0.0", frame=frame)

    if frame == "pandas":
        assert loaded["since"].tolist() == [dt.date(2026, 1, 31), None]
        assert loaded["age"].dtype == "Int64"
    else:
        whole = {"ibis": "to_pyarrow", "arrow_batches": "read_all", "arrow": "combine_chunks"}
        arrow = getattr(loaded, whole[frame])()
        assert arrow.column_names == ["id", "age", "since"]
        assert arrow.schema.types == [pa.string(), pa.int64(), pa.date32()]
        assert arrow["since"].to_pylist() == [dt.date(2026, 1, 31), None]


def test_a_parquet_file_that_does_not_fit_is_told(open_place, root, write):
    source = declare(TYPES, name="people", path="data/people.parquet")
    write(b"PAR1 and no more", "data/people.parquet")
    with pytest.raises(DataError, match="no whole Parquet file"):
        open_place().load(source, "v1.0.0", frame="pandas")

    table = pa.table({"id": ["x"], "age": [1.5], "since": [dt.date(2026, 1, 1)]})
    pq.write_table(table, root / "data/people.parquet")
    for frame in ("pandas", "ibis", "arrow"):
        with pytest.raises(DataError, match="column 'age' is integer, and a value of it is not"):
            open_place().load(source, "v1.0.0", frame=frame)

    pq.write_table(table.drop_columns("age"), root / "data/people.parquet")
    with pytest.raises(DataError, match="column 'age' is missing"):
        open_place().load(source, "v1.0.0", frame="ibis")


def test_checks_of_a_source_are_asked_once_for_each_content(open_place, write):
    column = ColumnSpec(name="age", type="integer", minimum=0)
    source = DatasetSpec(name="ages", kind="table", path="ages.csv", columns=(column,))
    file = write("age\n11\n", "ages.csv")
    os.utime(file, (1e9, 1e9))
    for frame in ("pandas", "ibis", "arrow_batches", "arrow"):
        open_place(kept_bytes=0).load(source, "v1.0.0", frame=frame)

    # By size and time it is what passed before, so that nobody looks into it again.
    file.write_text("age\n-1\n")
    os.utime(file, (1e9, 1e9))
    assert open_place(kept_bytes=0).load(source, "v1.0.0", frame="pandas")["age"].tolist() == [-1]
    os.utime(file)

    for kept_bytes in (0, 2**20):
        for frame in ("pandas", "ibis", "arrow_batches", "arrow"):
            with pytest.raises(DataError, match="1 value below 0, as -1") as caught:
                open_place(kept_bytes=kept_bytes).load(source, "v1.0.0", frame=frame)
    assert "mend the file" in caught.value.remedy


def test_a_source_is_found_by_its_content(open_place, write, root):
    place = open_place()
    assert place.find(SOURCE, "v1.0.0") is None
    assert place.why_not_found(SOURCE, "v1.0.0") == "missing"
    file = write(GOOD)

    first = place.find(SOURCE, place.resolve(SOURCE, "latest"))
    os.utime(file, (1, 1))
    again = open_place().find(SOURCE, "v1.0.0")
    file.write_text(GOOD.replace("41", "42"))
    changed = place.find(SOURCE, "v1.0.0")

    assert first == again
    assert first.location == "data/people.csv"
    assert changed.content != first.content
    assert place.find(declare({"id": "string"}, name="people", path="data/people.csv"), "v1.0.0")


def test_the_memory_of_sources_may_be_lost_or_damaged(open_place, write, root):
    file = write(GOOD)
    os.utime(file, (1, 1))
    first = open_place().find(SOURCE, "v1.0.0")
    memory = root / ".mlops" / "sources.json"

    memory.write_text("{")
    assert open_place().find(SOURCE, "v1.0.0") == first

    memory.unlink()
    memory.mkdir()
    assert open_place().find(SOURCE, "v1.0.0") == first


def test_a_source_written_just_now_is_hashed_again(open_place, write):
    """Two changes within a tick of the clock look alike."""
    place = open_place()
    file = write(GOOD)
    first, stat = place.find(SOURCE, "v1.0.0"), file.stat()

    file.write_text(GOOD.replace("41", "42"))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert place.find(SOURCE, "v1.0.0").content != first.content


def test_a_path_stands_in_the_place_of_a_version(open_place, write, tmp_path):
    spec = declare(TYPES, name="people")
    place = open_place()
    write(GOOD, "mine/people.csv")
    (tmp_path / "outside.csv").write_text(GOOD)

    for version in ("mine/people.csv", str(tmp_path / "outside.csv"), "../outside.csv"):
        assert place.resolve(spec, version) == version
        assert place.find(spec, version) is not None
        assert place.load(spec, version, frame="pandas")["id"].tolist() == ["007", ""]

    assert place.find(spec, "mine/none.csv") is None
    with pytest.raises(DataError, match=r"mine/none.csv") as caught:
        place.load(spec, "mine/none.csv", frame="pandas")
    assert "put a whole file" in caught.value.remedy


def test_a_path_to_what_a_place_wrote_has_its_types(open_place):
    free = DatasetSpec(name="people", kind="table")
    place = open_place()
    place.save(free, "v1", pd.DataFrame({"code": ["007"]}))

    loaded = place.load(free, "data/people/v1.csv", frame="pandas")

    assert loaded["code"].tolist() == ["007"]


@pytest.mark.parametrize(
    ("kind", "version"),
    [("table", "x.json"), ("document", "x.csv"), ("report", "x.html"), ("model", "x.csv")],
)
def test_a_path_of_another_kind_is_refused(open_place, write, kind, version):
    write("{}", version)
    spec = DatasetSpec(name="thing", kind=kind)

    assert open_place().find(spec, version) is None
    with pytest.raises((DataError, ModelError), match=f"cannot be a {kind}"):
        open_place().load(spec, version, frame="any")


def test_a_source_is_never_written(open_place, write):
    file = write(GOOD)

    with pytest.raises(DataError, match="nothing writes it"):
        open_place().save(SOURCE, "v1.0.0", pd.DataFrame())

    assert file.read_text() == GOOD


def test_a_document_can_be_a_source(open_place, write):
    write('{"cap": 3}', "caps.json")
    spec = DatasetSpec(name="caps", kind="document", path="caps.json")

    assert open_place().load(spec, "v1.0.0", frame="document") == {"cap": 3}

    write("{", "caps.json")
    with pytest.raises(DataError, match="no JSON"):
        open_place().load(spec, "v1.0.0", frame="document")
