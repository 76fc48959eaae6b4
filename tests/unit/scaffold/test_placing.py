"""A project comes to its place whole, or what stood there is as it was."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sf_ml_framework.errors import OperatorError
from sf_ml_framework.scaffold.placing import place, refuse, staged


def files_of(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_text()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def made(tmp_path):
    """A project of two files, and a folder for what it replaces."""
    folder = tmp_path / "stage" / "made"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("new a")
    (folder / "sub" / "b.txt").write_text("new b")
    (tmp_path / "stage" / "kept").mkdir()
    return folder


def test_files_of_the_same_names_are_replaced_and_others_stay(made, tmp_path):
    goal = tmp_path / "goal"
    goal.mkdir()
    (goal / "a.txt").write_text("old a")
    (goal / "mine.txt").write_text("mine")

    assert place(made, goal, made.parent / "kept") == ["a.txt", "sub/b.txt"]

    assert files_of(goal) == {"a.txt": "new a", "sub/b.txt": "new b", "mine.txt": "mine"}


SHM = Path("/dev/shm")
"""Another file system, which most Linux machines have."""


@pytest.mark.skipif(not SHM.is_dir(), reason="needs a second file system")
def test_where_one_file_cannot_be_written_none_is(made, tmp_path):
    if SHM.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("temporary folders are on /dev/shm themselves")
    goal = tmp_path / "goal"
    (goal / "sub").mkdir(parents=True)
    (goal / "sub" / "b.txt").write_text("old b")

    with TemporaryDirectory(dir=SHM) as elsewhere, pytest.raises(OSError, match=r"b\.txt"):
        # The first file is in its place by then; the second cannot be put aside.
        place(made, goal, Path(elsewhere))

    assert files_of(goal) == {"sub/b.txt": "old b"}


@pytest.mark.parametrize("in_the_way", ["sub", "a.txt/deep"])
def test_a_file_in_the_place_of_a_folder_is_refused_and_the_reverse(made, tmp_path, in_the_way):
    goal = tmp_path / "goal"
    (goal / in_the_way).parent.mkdir(parents=True)
    (goal / in_the_way).write_text("mine")

    with pytest.raises(OperatorError, match="needs something else there"):
        place(made, goal, made.parent / "kept")

    assert files_of(goal) == {in_the_way: "mine"}


def test_a_link_is_replaced_and_what_it_points_to_stays(made, tmp_path):
    goal, elsewhere = tmp_path / "goal", tmp_path / "elsewhere.txt"
    goal.mkdir()
    elsewhere.write_text("elsewhere")
    (goal / "a.txt").symlink_to(elsewhere)

    place(made, goal, made.parent / "kept")

    assert elsewhere.read_text() == "elsewhere"
    assert (goal / "a.txt").read_text() == "new a"


def test_folders_that_were_made_on_the_way_go_when_nothing_came_of_it(tmp_path):
    with pytest.raises(RuntimeError), staged(tmp_path / "a" / "b" / "project") as stage:
        (stage / "half.txt").write_text("half")
        raise RuntimeError

    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_fresh_repository_is_as_good_as_empty(tmp_path):
    (tmp_path / ".git").mkdir()

    refuse(tmp_path, force=False)


@pytest.mark.parametrize("force", [False, True])
def test_a_project_is_never_made_over_a_project(tmp_path, force):
    (tmp_path / "mlops.yml").write_text("project: a:B\n")

    with pytest.raises(OperatorError, match="a project already"):
        refuse(tmp_path, force=force)
