"""What the disk refuses is told, with what to do; what stood there before still does."""

import errno
import os
import resource
from pathlib import Path

import pandas as pd
import pytest

from sf_ml_framework.author.report import Report
from sf_ml_framework.errors import DataError
from sf_ml_framework.manifest.model import DatasetSpec
from sf_ml_framework.places.local import writing

TABLE = DatasetSpec(name="customers", kind="table", version="v1")
REPORT = DatasetSpec(name="findings", kind="report", version="v1")
FRAME = pd.DataFrame({"id": [1, 2, 3]})


@pytest.fixture
def saved(open_place):
    return open_place().save(TABLE, "v1", FRAME)


@pytest.fixture
def folder(root):
    return root / "data" / "customers"


@pytest.mark.parametrize("spec", [TABLE, REPORT], ids=["table", "report"])
@pytest.mark.parametrize("refused", range(4))
def test_what_is_refused_at_the_last_steps_leaves_the_old_data(
    spec, refused, open_place, root, monkeypatch
):
    old, new = FRAME, pd.DataFrame({"id": [4]})
    if spec is REPORT:
        old, new = Report(title="old"), Report(title="new")
    place = open_place()
    before = place.save(spec, "v1", old)
    asked = 0

    def refuse(source, target, *, real):
        nonlocal asked
        asked += 1
        if asked == refused + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(source, target)

    with monkeypatch.context() as patch:
        for name in ("replace", "rename"):
            real = getattr(os, name)
            patch.setattr(os, name, lambda a, b, real=real: refuse(a, b, real=real))
        if refused < (3 if spec is REPORT else 2):
            with pytest.raises(DataError, match="no space left"):
                place.save(spec, "v1", new)
        else:
            before = place.save(spec, "v1", new)

    assert open_place().find(spec, "v1") == before


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
def test_a_full_disk_is_told_and_the_old_data_stays(open_place, table_format, root):
    """The limit of a process on the size of its files stands for the end of the disk."""
    place = open_place(table_format)
    before = place.save(TABLE, "v1", FRAME)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = pd.DataFrame({"id": pd.Series(range(400_000)) ** 2})

    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(DataError, match=r"data/customers/v1\.\w+ cannot be written") as caught:
            place.save(TABLE, "v1", large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert caught.value.remedy
    assert open_place(table_format).find(TABLE, "v1") == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_no_space_left_is_told(root, open_place, monkeypatch):
    real = os.fsync

    def fsync(descriptor):
        # A system may notice only now that there is no room.
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")
        return real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(DataError, match="no space left on device") as caught:
        open_place().save(TABLE, "v1", FRAME)

    assert "free some space" in caught.value.remedy
    assert open_place().find(TABLE, "v1") is None


def test_what_the_disk_refuses_half_way_is_told_at_the_end(open_place, monkeypatch):
    """A large file is taken to the disk while it is written, and a disk says no only once."""
    place = open_place("parquet")
    before = place.save(TABLE, "v1", FRAME)
    monkeypatch.setattr(writing, "FLUSHED_AT", 1000)
    real, asked = os.fsync, []

    def fsync(descriptor):
        asked.append(descriptor)
        if len(asked) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(DataError, match="cannot be written"):
            place.save(TABLE, "v1", pd.DataFrame({"id": range(400_000)}))

    assert open_place("parquet").find(TABLE, "v1") == before


def test_a_read_only_folder_is_told_and_can_still_be_read(
    tmp_path, saved, root, folder, open_place
):
    # Who may read nothing of root's can import nothing from there either.
    open_place().load(TABLE, "v1", frame="ibis").count().execute()
    place = open_place()
    folders = (folder, root / "data", root)
    for path in folders:
        path.chmod(0o555)
    if os.getuid() == 0:
        # To root no folder is read-only, and to nobody pytest's are closed.
        for path in (tmp_path, *tmp_path.parents):
            if path.name.startswith(("pytest-", "popen-")) or path == tmp_path:
                path.chmod(0o755)
        os.seteuid(65534)
    try:
        with pytest.raises(DataError, match="cannot be written: permission denied") as caught:
            place.save(TABLE, "v1", pd.DataFrame({"id": [5]}))
        assert place.find(TABLE, "v1") == saved
        assert place.load(TABLE, "v1", frame="pandas")["id"].tolist() == [1, 2, 3]
        assert place.load(TABLE, "v1", frame="ibis").count().execute() == 3
    finally:
        os.seteuid(os.getuid())
        for path in folders:
            path.chmod(0o755)

    assert "mlops.yml" in caught.value.remedy


def test_a_file_where_the_folder_should_be_is_told(root, open_place):
    (root / "data").write_text("in the way")

    with pytest.raises(DataError, match="cannot be written") as caught:
        open_place().save(TABLE, "v1", FRAME)

    assert "stands where a folder should" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("../out", "v1"),
        ("/out", "v1"),
        ("", "v1"),
        (".hidden", "v1"),
        ("customers", ".."),
        ("customers", "."),
        ("customers", ""),
        ("customers", "v1\0"),
        ("customers", "v1.csv.manifest"),
        ("customers", "a\\..\\b"),
    ],
)
def test_a_name_that_would_leave_the_folder_is_refused(open_place, root, name, version):
    place = open_place()
    spec = DatasetSpec(name=name, kind="table")

    with pytest.raises(DataError) as caught:
        place.save(spec, version, FRAME)

    assert caught.value.remedy
    assert place.find(spec, version) is None
    assert [*root.iterdir()] == []


@pytest.mark.parametrize("version", ["../v1", "/tmp/x.csv", "x.csv", "a/b"])
def test_nothing_is_saved_to_a_path(open_place, root, version):
    with pytest.raises(DataError, match="nothing writes it"):
        open_place().save(TABLE, version, FRAME)

    assert [*root.iterdir()] == []


def test_a_file_that_may_not_be_read_is_told(saved, open_place, folder, tmp_path):
    place = open_place()
    folder.chmod(0)
    if os.getuid() == 0:
        for path in (tmp_path, *tmp_path.parents[:2]):
            path.chmod(0o755)
        os.seteuid(65534)
    try:
        assert place.why_not_found(TABLE, "v1") == "damaged"
        with pytest.raises(DataError, match="cannot be read: permission denied"):
            place.load(TABLE, "v1", frame="pandas")
    finally:
        os.seteuid(os.getuid())
        folder.chmod(0o755)


@pytest.mark.parametrize(
    ("spec", "value"),
    [(TABLE, FRAME), (REPORT, Report(title="new", figures={"one": "<svg/>"}))],
    ids=["table", "report"],
)
def test_what_is_put_in_place_is_on_the_disk_before_and_its_name_after(
    spec, value, open_place, folder, root, monkeypatch
):
    """A machine that loses power keeps the old data or the new, and never an empty file."""
    flushed: set[int] = set()
    unflushed: list[str] = []
    real = {name: getattr(os, name) for name in ("fsync", "replace", "rename")}

    def fsync(descriptor):
        real["fsync"](descriptor)
        flushed.add(os.fstat(descriptor).st_ino)

    def rename(source, target, name):
        files = [Path(source), *Path(source).rglob("*")]
        unflushed.extend(str(file) for file in files if file.stat().st_ino not in flushed)
        real[name](source, target)
        flushed.discard(Path(target).parent.stat().st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda a, b: rename(a, b, "replace"))
    monkeypatch.setattr(os, "rename", lambda a, b: rename(a, b, "rename"))
    open_place().save(spec, "v1", value)

    assert unflushed == []
    assert (root / "data" / spec.name).stat().st_ino in flushed
