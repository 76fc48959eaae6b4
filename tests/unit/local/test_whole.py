"""What stands in the folder is whole, or is told to be damaged; nothing is half-written."""

import contextlib
import json
import os
import subprocess
import sys
import textwrap

import pandas as pd
import pytest

from sf_ml_framework.author.report import Report
from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec
from sf_ml_framework.places.local import writing

TABLE = DatasetSpec(name="customers", kind="table", version="v1")
REPORT = DatasetSpec(name="findings", kind="report", version="v1")
FRAME = pd.DataFrame({"id": [1, 2, 3]})


def file_of(root, spec=TABLE, version="v1", suffix=".csv"):
    return root / "data" / spec.name / f"{version}{suffix}"


def damaged(place, spec=TABLE, version="v1"):
    return place.find(spec, version) is None and place.why_not_found(spec, version) == "damaged"


@pytest.fixture
def saved(open_place, root):
    """Save a table, and give its file a past in which nothing else happened."""
    place = open_place()
    found = place.save(TABLE, "v1", FRAME)
    settle(file_of(root))
    return found


def settle(file):
    """Make *file* as old as one that was written a while before its sidecar."""
    sidecar = file.with_name(file.name + ".manifest.json")
    known = json.loads(sidecar.read_bytes())
    for each in known["files"]:
        each["mtime_ns"] -= 10**9 + 1
        os.utime(file.parent / each["name"], ns=(each["mtime_ns"],) * 2)
    sidecar.write_text(json.dumps(known))


def test_what_was_saved_is_found_by_a_new_process(saved, open_place, root):
    place = open_place()

    assert place.find(TABLE, "v1") == saved
    assert place.why_not_found(TABLE, "v1") == ""
    assert saved.location == "data/customers/v1.csv"
    assert (saved.rows, saved.bytes) == (3, file_of(root).stat().st_size)
    assert place.find(TABLE, "v2") is None
    assert place.why_not_found(TABLE, "v2") == "missing"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"3", b"4"),
        lambda data: data + b"4\n",
        lambda data: b"",
    ],
    ids=["half", "one byte", "longer", "empty"],
)
def test_other_bytes_are_damage_and_are_not_loaded(saved, open_place, root, damage):
    file_of(root).write_bytes(damage(file_of(root).read_bytes()))
    place = open_place()

    assert damaged(place)
    with pytest.raises(DataError, match=r"customers@v1.*data/customers/v1.csv.*not what") as caught:
        place.load(TABLE, "v1", frame="pandas")
    assert "mlops run --from" in caught.value.remedy
    assert "v1.csv.manifest.json" in caught.value.remedy


def test_a_change_right_after_saving_is_noticed_though_size_and_time_are_the_same(open_place, root):
    place = open_place()
    place.save(TABLE, "v1", FRAME)
    file, stat = file_of(root), file_of(root).stat()

    file.write_bytes(file.read_bytes().replace(b"3", b"4"))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert damaged(open_place())


def test_a_whole_file_of_another_time_is_whole(saved, open_place, root):
    """A copy of the project has other times."""
    os.utime(file_of(root))

    assert open_place().find(TABLE, "v1") == saved


def test_size_and_time_are_trusted_once_the_file_is_old(saved, open_place, root):
    """Else every look at a large file would read it: the hash is not taken again."""
    file, stat = file_of(root), file_of(root).stat()
    file.write_bytes(file.read_bytes().replace(b"3", b"4"))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert open_place().find(TABLE, "v1") == saved


def test_a_file_without_a_sidecar_is_accepted_as_the_persons_own(saved, open_place, root):
    file_of(root).write_text('"id"\n7\n')
    file_of(root, suffix=".csv.manifest.json").unlink()
    place = open_place()

    assert place.find(TABLE, "v1").content != saved.content
    assert place.load(TABLE, "v1", frame="pandas")["id"].tolist() == [7]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', "\udcff"])
def test_a_damaged_sidecar_is_damage(saved, open_place, root, text):
    sidecar = file_of(root, suffix=".csv.manifest.json")
    sidecar.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert damaged(open_place())


def test_a_sidecar_without_its_file_is_a_missing_file(saved, open_place, root):
    file_of(root).unlink()
    place = open_place()

    assert place.why_not_found(TABLE, "v1") == "missing"
    with pytest.raises(DataError, match=r"customers@v1.*is missing") as caught:
        place.load(TABLE, "v1", frame="pandas")
    assert "mlops run --from" in caught.value.remedy


def test_the_remedy_names_the_node_that_makes_the_dataset(open_place):
    place = open_place(producers={"customers": "generate"})

    with pytest.raises(DataError) as caught:
        place.load(TABLE, "v1", frame="pandas")

    assert caught.value.remedy == "make it again: mlops run --from generate"


def test_columns_that_the_catalog_has_no_more_are_damage(saved, open_place):
    place = open_place()
    for columns, why in (
        ([ColumnSpec(name="id", type="string")], "'id' is integer and not string"),
        ([ColumnSpec(name="key", type="integer")], "column 'key' is missing"),
    ):
        spec = DatasetSpec(name="customers", kind="table", columns=tuple(columns))

        assert damaged(place, spec)
        with pytest.raises(DataError, match=why):
            place.load(spec, "v1", frame="pandas")


def test_a_table_that_changed_on_disk_is_not_taken_from_memory(open_place, root):
    place = open_place()
    place.save(TABLE, "v1", FRAME)

    open_place().save(TABLE, "v1", pd.DataFrame({"id": [9]}))

    assert place.load(TABLE, "v1", frame="pandas")["id"].tolist() == [9]


def test_a_save_that_fails_leaves_the_old_data_and_no_temporary(saved, open_place, root):
    def batches():
        import pyarrow as pa

        yield pa.RecordBatch.from_pydict({"id": [1]})
        raise RuntimeError("the author's own")

    with pytest.raises(RuntimeError, match="the author's own"):
        open_place().save(TABLE, "v1", batches())

    assert open_place().find(TABLE, "v1") == saved
    assert sorted(path.name for path in file_of(root).parent.iterdir()) == [
        "v1.csv",
        "v1.csv.manifest.json",
    ]


class Stop(BaseException):
    """Stands for the power going."""


@pytest.mark.parametrize("spec", [TABLE, REPORT], ids=["table", "report"])
@pytest.mark.parametrize("before", [True, False], ids=["over an old one", "for the first time"])
def test_a_crash_between_any_two_steps_never_leaves_a_wrong_whole(
    spec, before, open_place, root, monkeypatch
):
    """Each step that changes a name is the last one once; what is found is old, new or damaged."""
    old, new = FRAME, pd.DataFrame({"id": [4]})
    if spec is REPORT:
        old, new = Report(title="old"), Report(title="new")
    steps = {"replace": os.replace, "rename": os.rename}
    ends = set()
    for last in range(6):
        place = open_place()
        contents = {place.save(spec, "other", value).content for value in (old, new)}
        if before:
            place.save(spec, "v1", old)
        taken = 0

        def step(source, target, *, real, stop=last):
            nonlocal taken
            if taken == stop:
                raise Stop
            taken += 1
            return real(source, target)

        with monkeypatch.context() as patch:
            # The system's own calls, not ours: a crash happens in between them.
            for name, real in steps.items():
                patch.setattr(os, name, lambda a, b, real=real, step=step: step(a, b, real=real))
            with contextlib.suppress(Stop):
                place.save(spec, "v1", new)
        found = open_place().find(spec, "v1")
        ends.add(found.content if found else open_place().why_not_found(spec, "v1"))
    assert ends <= contents | {"missing", "damaged"}
    assert contents & ends


def test_a_killed_process_leaves_the_old_data_and_its_leftovers_are_removed(saved, root):
    code = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        import pyarrow as pa
        from sf_ml_framework.manifest.model import DatasetSpec
        from sf_ml_framework.places.local.place import LocalPlace

        def batches():
            for _ in range(100):
                yield pa.RecordBatch.from_pydict({"id": list(range(50_000))})
            os.kill(os.getpid(), 9)

        spec = DatasetSpec(name="customers", kind="table")
        LocalPlace(Path(sys.argv[1])).save(spec, "v1", batches())
        """
    )
    killed = subprocess.run([sys.executable, "-c", code, str(root)], check=False)
    from sf_ml_framework.places.local.place import LocalPlace

    folder = file_of(root).parent
    assert killed.returncode == -9
    assert LocalPlace(root).find(TABLE, "v1") == saved
    assert any(path.suffix == ".tmp" for path in folder.iterdir())

    LocalPlace(root).save(TABLE, "v2", FRAME)

    assert not any(path.suffix == ".tmp" for path in folder.iterdir())


def test_the_temporary_of_a_living_process_stays(root, open_place):
    folder = root / "data" / "customers"
    folder.mkdir(parents=True)
    ours, theirs = folder / f".v9.csv.{os.getpid()}-0a1b.tmp", folder / ".v9.csv.4194399-0a1b.tmp"
    ours.touch()
    theirs.touch()
    assert not writing.lives(4194399)

    open_place().save(TABLE, "v1", FRAME)

    assert ours.exists()
    assert not theirs.exists()
